// All that the page knows: the model, the picture, what is asked, what came, and how it is shown.

import { untrack } from 'svelte'
import type {
  Backend, Channel, Channels, Class, Fault, Layer, LayerMap, Method, Model, Packet, Picture, Progress, Question,
} from './backend/types'
import { plane, strongest, type Plane } from './lib/draw'
import { fault } from './lib/packet'
import { PALETTES, type Palette } from './lib/palettes'
import { region, sureness } from './lib/words'

export type View = 'image' | 'compare' | 'live'
export const MODES = ['overlay', 'side', 'swipe', 'map'] as const
export type Mode = (typeof MODES)[number]

export class Session {
  readonly backend: Backend
  model = $state.raw<Model | null>(null)
  picture = $state.raw<Picture | null>(null)
  bitmap = $state.raw<ImageBitmap | null>(null)
  recent = $state.raw<Picture[]>([])
  packet = $state.raw<Packet | null>(null)
  channels = $state.raw<Channels | null>(null)
  channel = $state.raw<Channel | null>(null)
  progress = $state.raw<Progress | null>(null)
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

  private running: AbortController | null = null
  private paging: AbortController | null = null
  private known = new Map<string, Packet>()
  private files = new Map<string, { blob: Blob; name: string }>() // sent again where a server forgot them
  private bitmaps = new Map<string, Promise<ImageBitmap>>()

  constructor(backend: Backend) {
    this.backend = backend
    backend.watch((there) => {
      this.there = there
      if (there && this.failure?.code === 'lost') this.failure = null
      if (there) void this.restart()
    })
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

  /** The map on the stage: of the layer, of the pixels, or of one channel. */
  readonly map: LayerMap | null = $derived.by(() => {
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

  async start() {
    try {
      const asked = new URLSearchParams(location.hash.slice(1))
      this.backend.loading?.((progress) => (this.arriving = progress)).catch((error) => this.fail(error))
      this.model = await this.backend.model(asked.get('model') ?? '')
      this.read(asked)
      document.title = `${this.model.name} · xai-heatmap`
      const turn = ++this.turn
      const wanted = asked.get('img')
      const first = this.model.samples[0]?.id
      if (wanted) {
        try {
          await this.open(await this.backend.find(wanted), turn)
        } catch (error) {
          if (fault(error).code !== 'XH201') throw error
          if (first) await this.sample(first)
          this.said = 'The picture of this link is not kept any more.'
        }
      } else if (first) await this.sample(first)
    } catch (error) {
      this.fail(error)
    }
  }

  /** What the URL says; what it does not say is as the model has it. */
  read(asked: URLSearchParams) {
    const model = this.model!
    const one = <T extends string>(name: string, among: readonly T[], usual: T) =>
      among.includes(asked.get(name) as T) ? (asked.get(name) as T) : usual
    const methods = model.methods.map((m) => m.name)
    this.method = one('method', methods, model.defaults.method || methods[0])
    this.layer = one('layer', model.layers.map((l) => l.name), this.usualLayer(model))
    this.target = asked.get('class') ?? ''
    const { can } = this.backend
    this.against = can.contrast ? (asked.get('vs') ?? '') : ''
    const views = (['image', 'compare', 'live'] as const).filter((view) => view === 'image' || can[view])
    this.view = one<View>('view', views, 'image')
    this.mode = one('mode', MODES, 'overlay')
    this.palette = one('palette', PALETTES, 'inferno')
    this.opacity = Number(asked.get('opacity') ?? 85) / 100
    this.cells = asked.get('cells') === '1'
    this.outlined = asked.get('outline') !== '0'
    this.slice = Number(asked.get('slice') ?? 0)
    try {
      this.options = JSON.parse(asked.get('options') ?? '{}')
    } catch {
      this.options = {}
    }
  }

  readonly address: string = $derived.by(() => {
    const model = this.model
    const said: Record<string, string | false | undefined> = {
      img: this.picture?.id,
      model: model && model.models.length > 1 && model.id,
      layer: this.layer,
      class: this.target,
      vs: this.against,
      method: this.method,
      options: Object.keys(this.options).length > 0 && JSON.stringify(this.options),
      view: this.view !== 'image' && this.view,
      mode: this.mode !== 'overlay' && this.mode,
      palette: this.palette !== 'inferno' && this.palette,
      opacity: this.opacity !== 0.85 && String(Math.round(100 * this.opacity)),
      cells: this.cells && '1',
      outline: !this.outlined && '0',
      slice: this.slice > 0 && String(this.slice),
    } as Record<string, string | false | undefined>
    const kept = Object.entries(said).filter(([, value]) => value) as [string, string][]
    return new URLSearchParams(kept).toString()
  })

  private usualLayer(model: Model): string {
    return model.defaults.layer || (model.layers.findLast((l) => l.explainable)?.name ?? '')
  }

  async choose(id: string) {
    await this.trying(async () => {
      this.model = await this.backend.model(id)
      this.read(new URLSearchParams({ view: this.view, palette: this.palette, mode: this.mode }))
      document.title = `${this.model.name} · xai-heatmap`
      this.clear()
      const first = this.model.samples[0]?.id
      if (first && this.model.samples.every((s) => s.id !== this.picture?.id)) await this.sample(first)
      else await this.compute()
    })
  }

  async sample(id: string) {
    const turn = ++this.turn
    await this.trying(async () => {
      const picture = this.recent.find((p) => p.id === id) ?? (await this.backend.find(id))
      await this.open(picture, turn)
    })
  }

  async add(blob: Blob, name: string) {
    const turn = ++this.turn
    await this.trying(async () => {
      this.said = `Reading ${name}.`
      const picture = await this.backend.add(blob, name)
      this.files.set(picture.id, { blob, name })
      this.recent = [picture, ...this.recent.filter((p) => p.id !== picture.id)].slice(0, 40)
      this.target = this.against = ''
      await this.open(picture, turn)
    })
  }

  private turn = 0 // what is opened last is shown, whatever comes in later

  async open(picture: Picture, turn: number) {
    if (turn !== this.turn) return
    if (picture.kind === 'volume' && picture.id !== this.picture?.id && !this.slice) this.slice = (picture.slices ?? 1) >> 1
    if (this.backend.can.pictures && ![...this.model!.samples, ...this.recent].some((p) => p.id === picture.id)) this.recent = [picture, ...this.recent]
    const bitmap = this.pixelsOf(picture, picture.kind === 'volume' ? this.slice : undefined)
    this.stale = true
    if (picture.id !== this.picture?.id) this.channel = this.channels = null
    const drawn = picture.kind === 'signal' ? null : await bitmap
    if (turn !== this.turn) return
    this.bitmap = drawn
    this.picture = picture
    this.slice = Math.min(this.slice, (picture.slices ?? 1) - 1)
    await this.compute()
  }

  pixelsOf(picture: Picture, slice?: number): Promise<ImageBitmap> {
    const source = this.backend.source(picture.id, slice)
    let known = this.bitmaps.get(source)
    if (!known) {
      if (this.bitmaps.size > 24) this.bitmaps.delete(this.bitmaps.keys().next().value!)
      known = picture.kind === 'signal' ? Promise.reject(new Error('')) : load(source)
      known.catch(() => this.bitmaps.delete(source))
      this.bitmaps.set(source, known)
    }
    return known
  }

  async cut(slice: number) {
    this.slice = Math.max(0, Math.min(this.slices - 1, slice))
    if (this.picture?.kind !== 'volume') return
    const wanted = this.slice
    const bitmap = await this.pixelsOf(this.picture, wanted)
    if (this.slice === wanted) this.bitmap = bitmap
  }

  question(layers: string): Question {
    const { method, target, against, options } = this
    return { picture: this.picture!.id, model: this.model!.id, method, target, against, layers, options }
  }

  /** Ask for the maps of all layers; of a dear method, of this layer, with progress. */
  async compute() {
    if (!this.picture || !this.model || !this.how) return
    this.running?.abort()
    const own = (this.running = new AbortController())
    const dear = this.how.dear
    const question = this.question(dear && this.how.at === 'layer' ? this.layer : 'all')
    const key = JSON.stringify(question)
    const known = this.known.get(key)
    this.failure = null
    if (known) return this.show(known)
    this.busy = this.stale = true
    try {
      const ask = () => dear
        ? this.backend.job(question, (p) => own === this.running && (this.progress = p), own.signal)
        : this.backend.maps(question, own.signal)
      const packet = await this.unforgotten(ask)
      if (this.known.size > 60) this.known.delete(this.known.keys().next().value!)
      this.known.set(key, packet)
      if (own === this.running) this.show(packet)
    } catch (error) {
      if (own !== this.running || (error as Error).name === 'AbortError') return
      this.packet = null
      this.fail(error)
    } finally {
      if (own === this.running) {
        this.busy = this.stale = false
        this.progress = null
      }
    }
  }

  /** An answer; where the server forgot the picture, it is sent again first. */
  private async unforgotten<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      const file = this.picture && this.files.get(this.picture.id)
      if (fault(error).code !== 'XH201' || !file) throw error
      await this.backend.add(file.blob, file.name)
      return ask()
    }
  }

  private show(packet: Packet) {
    this.packet = packet
    this.busy = this.stale = false
    this.progress = null
    this.announce()
    if (this.channels && this.channels.layer !== this.layer) this.channels = null
  }

  cancel() {
    this.running?.abort()
    this.running = null
    this.busy = this.stale = false
    this.progress = null
    this.said = 'Cancelled.'
  }

  scrub(name: string) {
    if (name === this.layer) return
    this.layer = name
    this.channel = null
    this.channels = null
    this.announce()
  }

  step(by: number) {
    const layers = this.model?.layers.filter((l) => l.explainable) ?? []
    const at = layers.findIndex((l) => l.name === this.layer)
    const next = layers[Math.max(0, Math.min(layers.length - 1, at + by))]
    if (next) this.scrub(next.name)
  }

  ask(target: string) {
    this.target = target
    if (this.against === target) this.against = ''
    this.channel = null
    void this.compute()
  }

  contrast(against: string) {
    if (!this.backend.can.contrast) return
    this.against = this.against === against ? '' : against
    void this.compute()
  }

  use(method: string, options: Record<string, unknown> = {}) {
    this.method = method
    this.options = options
    this.channel = null
    this.choosing = false
    void this.compute()
  }

  async page(page: number, size = 64) {
    if (!this.picture || !this.backend.can.channels || !this.place?.explainable) return
    this.paging?.abort()
    const own = (this.paging = new AbortController())
    try {
      const got = await this.backend.channels(this.question(this.layer), page, size, own.signal)
      if (own === this.paging) this.channels = got
    } catch (error) {
      if ((error as Error).name !== 'AbortError') this.said = fault(error).message
    }
  }

  announce() {
    untrack(() => (this.said = this.sentence()))
  }

  /** What is to be seen, in one sentence: the line for screen readers, and the picture's alt text. */
  sentence(): string {
    const { packet, map, plane } = this
    if (!packet) return ''
    const label = this.named
    const sure = sureness(packet.target)
    if (!map || !plane) return `${label}, ${sure}. ${this.missing}`
    if (map.hi <= 0 && map.lo >= 0) return `${label}, ${sure}. ${map.verdict.words}`
    const { row, column } = strongest(map, plane)
    const where = region(row, column, plane.rows, plane.columns)
    const layer = this.pixels ? 'of the pixels' : `at ${this.place?.name ?? map.layer}`
    return `${label}, ${sure}, ${this.made?.title ?? ''} ${layer}: strongest in the ${where}.`
  }

  fail(error: unknown) {
    if ((error as Error)?.name === 'AbortError') return
    this.failure = fault(error)
    this.said = this.failure.message
  }

  clear() {
    this.known.clear()
    this.packet = this.channels = this.channel = null
  }

  private async trying(what: () => Promise<void>) {
    try {
      this.failure = null
      await what()
    } catch (error) {
      this.fail(error)
    } finally {
      if (!this.busy) this.stale = false
    }
  }

  /** The backend came back: what was on the page is asked for again. */
  private async restart() {
    if (!this.model) return this.start()
    this.known.clear()
    await this.trying(async () => {
      this.model = await this.backend.model(this.model!.id)
      if (this.picture) await this.compute()
    })
  }
}

async function load(source: string): Promise<ImageBitmap> {
  const image = new Image()
  image.src = source
  await image.decode()
  return createImageBitmap(image)
}
