// What the page knows and how it is shown, and what follows from that: nothing here asks anybody.

import type {
  Backend, Channel, Channels, Class, Fault, Layer, LayerMap, Method, Model, Packet, Picture, Progress,
} from './backend/types'
import { plane, type Plane } from './lib/draw'
import { addressOf } from './lib/link'
import type { Palette } from './lib/palettes'

export type View = 'image' | 'compare' | 'live'
export const MODES = ['overlay', 'side', 'swipe', 'map'] as const
export type Mode = (typeof MODES)[number]

export class State {
  readonly backend: Backend
  model = $state.raw<Model | null>(null)
  picture = $state.raw<Picture | null>(null)
  bitmap = $state.raw<ImageBitmap | null>(null)
  recent = $state.raw<Picture[]>([])
  packet = $state.raw<Packet | null>(null)
  channels = $state.raw<Channels | null>(null)
  channel = $state.raw<Channel | null>(null)
  progress = $state.raw<Progress | null>(null)
  partial = $state.raw<LayerMap | null>(null) // the map of a dear method as it stands
  arriving = $state.raw<Progress | null>(null) // of what the page itself still waits for
  failure = $state.raw<Fault | null>(null)
  there = $state(true)
  busy = $state(false)
  stale = $state(false)
  said = $state('')

  view = $state<View>('image')
  method = $state('')
  options = $state.raw<Record<string, unknown>>({})
  target = $state('')
  against = $state('')
  layer = $state('')
  slice = $state(0)

  mode = $state<Mode>('overlay')
  palette = $state<Palette>('inferno')
  opacity = $state(0.85)
  cells = $state(false)
  outlined = $state(true)
  peek = $state(false)
  swipe = $state(0.5)
  zoom = $state(1)
  helping = $state(false)
  choosing = $state(false)

  constructor(backend: Backend) {
    this.backend = backend
  }

  readonly how: Method | null = $derived(this.model?.methods.find((m) => m.name === this.method) ?? null)
  readonly place: Layer | null = $derived(this.model?.layers.find((l) => l.name === this.layer) ?? null)
  /** The class that is explained, without the one it is set against. */
  readonly explained: Class | null = $derived.by(() => {
    const own = this.packet?.target
    const all = this.packet?.predictions ?? []
    if (!own || own.index !== null || !this.against) return own ?? null
    return all.find((c) => [String(c.index), c.label].includes(this.target)) ?? (this.target ? own : (all[0] ?? own))
  })
  readonly other: string = $derived(
    this.packet?.predictions.find((c) => String(c.index) === this.against)?.label ??
      this.model?.labels?.[Number(this.against)] ?? this.against,
  )
  /** What is explained, in words. */
  readonly named: string = $derived(
    this.against ? `${this.explained?.label} rather than ${this.other}` : (this.packet?.target.label ?? this.packet?.target.words ?? ''),
  )
  /** The method of what is shown, which is not the chosen one until its maps are there. */
  readonly made: Method | null = $derived(
    this.packet ? (this.model?.methods.find((m) => m.name === this.packet!.method) ?? null) : this.how,
  )
  readonly pixels: boolean = $derived(this.made?.at === 'pixels')
  readonly slices: number = $derived(this.picture?.slices ?? 1)

  /** The map on the stage: of the layer, of the pixels, of one channel, or what there is of it. */
  readonly map: LayerMap | null = $derived.by(() => {
    if (this.partial) return this.partial
    const maps = this.packet?.maps ?? []
    const own = maps.find((m) => m.layer === this.layer && !m.error)
    const shown = own ?? (this.pixels ? maps.find((m) => !m.error) : undefined) ?? null
    if (!this.channel || !this.channels || this.channels.layer !== this.layer) return shown
    const { index, lo, hi, bytes } = this.channel
    return {
      layer: this.layer, shape: this.channels.shape, lo, hi, signed: lo < 0 && hi > 0, bytes, notes: [],
      box: shown?.box ?? [0, 0, this.picture?.width ?? 1, this.picture?.height ?? 1],
      verdict: { kind: 'channel', words: `Activation of channel ${index}, not a map of evidence.`, level: 'note' },
    }
  })

  readonly plane: Plane | null = $derived(this.map ? plane(this.map, this.slice, this.slices) : null)

  /** Why there is no map at this layer, in words. */
  readonly missing: string = $derived.by(() => {
    if (!this.packet || this.map) return ''
    const own = this.packet.maps.find((m) => m.layer === this.layer)
    if (own?.error) return own.error.message
    return this.place?.explainable === false ? (this.place.reason ?? 'This layer has no grid of places.') : ''
  })

  /** What stands in the address behind the #. */
  readonly address: string = $derived.by(() => addressOf(this))
}
