// The backend that is a worker of the page itself: a network with its maps in one file.

import { Failure } from '../lib/packet'
import type { How, Seen } from '../local/prepare'
import type { Answer, Asked, Network, Opening } from '../local/worker'
import type {
  Abilities, Backend, Channels, Class, Curve, Layer, LayerMap, LiveEars, LiveLink, LiveQuestion, Matrix, Method, Model, Packet,
  Picture, Progress, Question, Target,
} from './types'

export interface Facts {
  version: string
  title: string
  model: Pick<Model, 'name' | 'backend' | 'task'>
  layers: (Layer & { extent: Extent | null })[]
  method: Method & { signed: boolean }
  labels: string[] | null
  classes: number
  answers: 'logits' | 'softmax' | 'sigmoid' | 'log-softmax' // what the graph's scores are
  network: Network
  how: How
}

type Extent = [[number, number], [number, number]] // start and stop of the cells on the input, rows and columns
type Rectangle = [number, number, number, number]

const TOP = 5
const LEVELS = 255

export class LocalBackend implements Backend {
  readonly can: Abilities
  readonly facts: Facts
  private worker: Worker
  private opened: Promise<unknown>
  private pictures = new Map<string, { facts: Picture; blob: Blob; url: string }>()
  private waiting = new Map<number, { resolve: (answer: any) => void; reject: (error: unknown) => void }>()
  private asked = 0
  private added = 0
  private broken: Failure | null = null
  private came: ((progress: Progress) => void) | null = null

  constructor(facts: Facts, script: string, parts: Pick<Opening, 'runtime' | 'wasm' | 'graph'>) {
    this.facts = facts
    this.can = {
      pictures: true, channels: false, compare: true, live: true, methods: false, contrast: facts.network.contrasts, classes: true, sends: false,
    }
    // No module: of a page from a disk Chromium starts none. It imports modules all the same.
    this.worker = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })))
    this.worker.onmessage = ({ data: { id, answer, error, progress } }) => {
      if (progress) return this.came?.({ ...progress, words: 'loading the network' })
      const own = this.waiting.get(id)
      this.waiting.delete(id)
      if (error) own?.reject(new Failure(error))
      else own?.resolve(answer)
    }
    this.worker.onerror = () => {
      this.broken = new Failure({ code: 'page', message: 'This browser does not run the network of this page.', hint: 'It takes WebAssembly with SIMD, and modules in workers: a browser of 2023 or newer.' })
      for (const own of this.waiting.values()) own.reject(this.broken)
      this.waiting.clear()
    }
    this.opened = this.ask({ kind: 'open', opening: { ...parts, network: facts.network, how: facts.how } })
    this.opened.catch(() => {}) // said where the first picture is asked about
  }

  async model(): Promise<Model> {
    const { title, version, model, layers, method, labels, classes, how } = this.facts
    return {
      ...model, id: title, version, layers, methods: [method], labels, classes, samples: [],
      input: { kind: 'picture', height: how.size[0], width: how.size[1], channels: how.channels },
      models: [{ id: title, name: model.name }],
      defaults: { method: method.name, layer: layers.findLast((l) => l.auto)?.name ?? layers.at(-1)!.name },
    }
  }

  /** Tells how much of the network has come, and when that is all or has failed. */
  loading(progress: (p: Progress | null) => void) {
    this.came = progress
    const end = () => ((this.came = null), progress(null))
    this.opened.then(end, end)
    return this.opened
  }

  async add(blob: Blob, name: string): Promise<Picture> {
    const id = `p${++this.added}`
    const size = await this.ask<{ width: number; height: number }>({ kind: 'add', key: id, blob })
    const facts: Picture = { id, name, kind: 'image', ...size }
    this.pictures.set(id, { facts, blob, url: URL.createObjectURL(blob) })
    return facts
  }

  async find(id: string): Promise<Picture> {
    return this.picture(id).facts
  }

  source(id: string): string {
    return this.pictures.get(id)?.url ?? ''
  }

  async maps({ picture, target, against, layers }: Question): Promise<Packet> {
    const { blob } = this.picture(picture)
    await this.opened
    const wanted = this.outputs(layers)
    const begun = performance.now()
    const answer = await this.ask<Answer>({ kind: 'run', key: picture, blob, ...this.numbers(target, against), maps: wanted })
    return this.packet(answer, picture, target, against, begun)
  }

  live(question: LiveQuestion, ears: LiveEars): LiveLink {
    let asked = question
    let there = true
    void this.opened.then(() => there && ears.open(), (error) => there && ears.fault(fault(error)))
    return {
      ask: (question) => (asked = question),
      send: () => {},
      next: () => {},
      close: () => (there = false),
      pixels: (t, picture) => {
        const { target, against, layers } = asked
        const frame = async () => {
          await this.opened
          const answer = await this.ask<Answer>({ kind: 'frame', picture, ...this.numbers(target, against), maps: this.outputs(layers) })
          const packet = this.packet(answer, '', target, against, t)
          if (there) ears.frame({ ...packet, t, age_ms: performance.now() - t })
        }
        frame().catch((error) => there && ears.fault({ ...fault(error), t }))
      },
    }
  }

  channels(): Promise<Channels> {
    return Promise.reject(new Error('An exported page ranks no channels.'))
  }
  job(question: Question): Promise<Packet> {
    return this.maps(question)
  }
  /** Layers and classes side by side, of the one method that is there: a pass for each class. */
  async compare({ picture, model, methods: [method], layers, targets }: Matrix, progress: (p: Progress) => void, signal: AbortSignal): Promise<Packet> {
    const found: Packet[] = []
    for (const target of targets) {
      progress({ done: found.length, total: targets.length, words: '' })
      found.push(await this.maps({ picture, model, method, target, against: '', layers: 'all', options: {} }))
      signal.throwIfAborted()
    }
    return { ...found[0], maps: found.flatMap((one) => one.maps.filter((map) => layers.includes(map.layer))) }
  }
  curve(): Promise<Curve> {
    return Promise.reject(new Error('An exported page takes pictures alone.'))
  }
  device(): LiveLink {
    throw new Error('An exported page has no camera but that of who looks at it.')
  }
  watch() {}

  /** What the network is given for a picture, by its own preprocessing or another. */
  input(blob: Blob, how?: How): Promise<Seen> {
    return this.ask({ kind: 'input', blob, how })
  }

  ask<T>(asked: Asked): Promise<T> {
    if (this.broken) return Promise.reject(this.broken)
    const id = ++this.asked
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      this.worker.postMessage({ id, asked })
    })
  }

  private picture(id: string) {
    const found = this.pictures.get(id)
    if (!found) throw new Failure({ code: 'XH201', message: `This page does not hold the picture ${id} any more.`, hint: 'Open it again.' })
    return found
  }

  private outputs(layers: string): string[] {
    const { network, layers: all } = this.facts
    const at = all.findIndex((layer) => layer.name === layers)
    return at < 0 ? network.maps : [network.maps[at]]
  }

  /** Number of a class by its number or name; -1 for the prediction. */
  private number(target: string): number {
    const { labels, classes } = this.facts
    const wanted = target.trim().toLowerCase()
    if (!wanted) return -1
    const named = labels?.findIndex((label) => label.toLowerCase() === wanted) ?? -1
    const index = named >= 0 ? named : /^\d+$/.test(wanted) ? Number(wanted) : -1
    if (index < 0 || index >= classes) {
      throw new Failure({ code: 'XH105', message: `There is no class ${target}.`, hint: `The network has ${classes}, counted from 0.` })
    }
    return index
  }

  private numbers(target: string, against = '') {
    const found = { target: this.number(target), against: this.number(against) }
    if (found.against >= 0 && !this.can.contrast) {
      throw new Failure({ code: 'XH105', message: 'This page holds no class against another.', hint: 'Ask for one class.' })
    }
    return found
  }

  private packet(answer: Answer, picture: string, target: string, against: string | undefined, begun: number): Packet {
    const { method, layers, network, model, labels, how } = this.facts
    const all = classes(answer.scores, this.facts)
    const ranked = [...all].sort((a, b) => b.probability! - a.probability! || a.index! - b.index!)
    const asked = this.number(target)
    const own = asked < 0 ? ranked[0] : all[asked]
    const other = all[this.number(against ?? '')]
    const words = own.label ?? `class ${own.index}`
    const explained: Target = other // no probability: of a difference there is none
      ? { ...own, words: `${words} rather than ${other.label ?? `class ${other.index}`}`, score: own.score - other.score, probability: null }
      : { ...own, words }
    return {
      picture, model: model.name, method: method.name, target: explained, predictions: ranked.slice(0, Math.min(TOP, labels?.length ?? TOP)),
      boxes: null, seconds: (performance.now() - begun) / 1000, passes: 1, forward_ms: answer.milliseconds,
      maps: answer.maps.map(({ name, shape, values }) => {
        const { name: layer, extent } = layers[network.maps.indexOf(name)]
        const own = covering(values, shape, extent, how.size, answer.box)
        return { layer, method: method.name, target: explained, shape: own.shape, signed: method.signed, box: own.box, seen: own.seen, notes: [], ...levels(own.values) }
      }),
    }
  }
}

/** The cells that lie on the input, with cells of 0 up to its ends, and the rectangle of the picture that they cover; as `explaining/upright.py` has it. */
function covering(values: Float32Array, shape: number[], extent: Extent | null, size: [number, number], seen: Rectangle) {
  if (!extent || shape.length !== 2) return { values, shape, box: seen, seen: null }
  const axes = extent.map(([start, stop], axis) => {
    const step = (stop - start) / shape[axis]
    const [first, last] = [Math.floor(-start / step + 1e-6), Math.ceil((size[axis] - start) / step - 1e-6)]
    return { first, count: last - first, from: (start + first * step) / size[axis], to: (start + last * step) / size[axis] }
  })
  const [rows, columns] = axes
  const own = new Float32Array(rows.count * columns.count)
  for (let row = 0; row < rows.count; row++) {
    for (let column = 0; column < columns.count; column++) {
      const [y, x] = [rows.first + row, columns.first + column]
      if (y >= 0 && y < shape[0] && x >= 0 && x < shape[1]) own[row * columns.count + column] = values[y * shape[1] + x]
    }
  }
  const [width, height] = [seen[2] - seen[0], seen[3] - seen[1]]
  const box: Rectangle = [seen[0] + columns.from * width, seen[1] + rows.from * height, seen[0] + columns.to * width, seen[1] + rows.to * height]
  return { values: own, shape: [rows.count, columns.count], box, seen }
}

function fault(error: unknown) {
  return error instanceof Failure ? error.fault : { code: 'page', message: String(error), hint: '' }
}

/** Every class with its score and its probability; a single score is that of the second of two. */
function classes(scores: Float32Array, { answers, labels }: Facts): Class[] {
  const rows = Array.from(scores)
  const logistic = (z: number) => 1 / (1 + Math.exp(-z))
  const named = (index: number, score: number, probability: number): Class =>
    ({ index, label: labels?.[index] ?? `class ${index}`, score, probability })
  if (rows.length === 1) {
    const p = answers === 'logits' ? logistic(rows[0]) : rows[0]
    return [named(0, -rows[0], 1 - p), named(1, rows[0], p)]
  }
  if (answers !== 'logits') return rows.map((score, k) => named(k, score, answers === 'log-softmax' ? Math.exp(score) : score))
  const most = Math.max(...rows)
  const sum = rows.reduce((total, z) => total + Math.exp(z - most), 0)
  return rows.map((score, k) => named(k, score, Math.exp(score - most) / sum))
}

/** A map in 256 levels with what is to be said of it; where it lies on both sides of 0, a level is 0. */
export function levels(values: Float32Array): Pick<LayerMap, 'lo' | 'hi' | 'bytes' | 'verdict'> {
  let [lo, hi] = [Infinity, -Infinity]
  for (const value of values) {
    if (value < lo) lo = value
    if (value > hi) hi = value
  }
  const most = hi
  if (lo < 0 && hi > 0) {
    const zero = Math.min(Math.max(Math.round((LEVELS * -lo) / (hi - lo)), 1), LEVELS - 1)
    const step = Math.max(-lo / zero, hi / (LEVELS - zero))
    ;[lo, hi] = [-zero * step, (LEVELS - zero) * step]
  }
  const step = (hi - lo) / LEVELS
  const bytes = Uint8Array.from(values, (value) => (step ? Math.round((value - lo) / step) : 0))
  const kind = most > 0 ? 'ok' : 'no_positive_evidence'
  const against = lo < 0 ? 'the map shows what speaks against it.' : 'the map stays empty.'
  return {
    lo, hi, bytes,
    verdict: most > 0
      ? { kind, words: `the strongest place has relevance ${Number(most.toPrecision(4))}.`, level: 'good' }
      : { kind, words: `nothing at this layer speaks for the target; ${against} Another layer may show more.`, level: 'note' },
  }
}
