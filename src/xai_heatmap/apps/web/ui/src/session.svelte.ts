// What is asked, of whom, and what becomes of the answers: the state, and all that changes it.

import { untrack } from 'svelte'
import type { Backend, Packet, Picture, Progress, Question } from './backend/types'
import { Bitmaps } from './lib/bitmaps'
import { readInto } from './lib/link'
import { fault } from './lib/packet'
import { sentence } from './lib/sentence'
import { State } from './state.svelte'

export { MODES, type Mode, type View } from './state.svelte'

/** Layers with a map, beyond which a new picture's first map is asked for ahead of the others. */
const MANY = 40

export class Session extends State {
  private running: AbortController | null = null
  private paging: AbortController | null = null
  private known = new Map<string, Packet>()
  private files = new Map<string, { blob: Blob; name: string }>() // sent again where a server forgot them
  private bitmaps: Bitmaps

  constructor(backend: Backend) {
    super(backend)
    this.bitmaps = new Bitmaps(backend)
    backend.watch((there) => {
      this.there = there
      if (there && this.failure?.code === 'lost') this.failure = null
      if (there) void this.restart()
    })
  }

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
      const reading = { done: 0, total: 0, words: `reading ${name}` }
      if (!this.busy) [this.busy, this.progress] = [true, reading] // a job that goes on shows its own
      const told = this.progress
      const picture = await this.backend.add(blob, name).finally(() => {
        if (told === reading && this.progress === reading) [this.busy, this.progress] = [false, null]
      })
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
    const bitmap = this.bitmaps.of(picture, picture.kind === 'volume' ? this.slice : undefined)
    this.stale = true
    if (picture.id !== this.picture?.id) this.channel = this.channels = null
    const drawn = picture.kind === 'signal' ? null : await bitmap
    if (turn !== this.turn) return
    this.bitmap = drawn
    this.picture = picture
    this.slice = Math.min(this.slice, (picture.slices ?? 1) - 1)
    await this.compute()
  }

  async cut(slice: number) {
    this.slice = Math.max(0, Math.min(this.slices - 1, slice))
    if (this.picture?.kind !== 'volume') return
    const wanted = this.slice
    const bitmap = await this.bitmaps.of(this.picture, wanted)
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
    this.failure = this.partial = null
    if (known) return this.show(known)
    this.busy = this.stale = true
    try {
      const ask = () => dear
        ? this.backend.job(question, (p) => own === this.running && this.advance(p), own.signal)
        : this.backend.maps(question, own.signal)
      if (!dear) await this.ahead(own)
      if (own !== this.running) return
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
        this.progress = this.partial = null
      }
    }
  }

  /** Of a picture that is new: the map of the layer that is looked at, while those of many others are made. */
  private async ahead(own: AbortController) {
    const many = this.model!.layers.filter((l) => l.explainable).length > MANY
    if (!many || !this.backend.can.sends || this.how!.at !== 'layer' || !this.place?.explainable || this.packet?.picture === this.picture!.id) return
    try {
      const first = await this.unforgotten(() => this.backend.maps(this.question(this.layer), own.signal))
      if (own !== this.running) return
      this.show(first)
      this.busy = true
    } catch (error) {
      if ((error as Error).name === 'AbortError') throw error
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

  private advance(progress: Progress) {
    this.progress = progress
    if (!progress.map) return
    const of = progress.total ? ` of ${progress.total}` : ''
    const verdict = { kind: 'partial', words: `So far, after ${progress.done}${of} pictures; the map is not done.`, level: 'note' } as const
    this.partial = { ...progress.map, layer: this.layer, notes: [], verdict }
    this.stale = false
  }

  private show(packet: Packet) {
    this.partial = null
    this.packet = packet
    this.busy = this.stale = false
    this.progress = null
    this.announce()
    if (this.channels && this.channels.layer !== this.layer) this.channels = null
  }

  cancel() {
    this.turn++ // a picture that is on its way is not opened
    this.running?.abort()
    this.running = null
    this.busy = this.stale = false
    this.progress = this.partial = null
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

  read(asked: URLSearchParams) {
    readInto(this, asked)
  }

  sentence(): string {
    return sentence(this)
  }

  announce() {
    untrack(() => (this.said = this.sentence()))
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
