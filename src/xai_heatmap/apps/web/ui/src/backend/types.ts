// What the viewer asks, whoever answers: a server, the page itself (reports), a worker (exports).

export interface Fault {
  code: string
  message: string
  hint: string
}

export interface Layer {
  name: string
  short: string
  operation: string
  stage: string
  shape: number[] | null
  explainable: boolean
  reason: string | null
  auto: boolean
}

export interface Schema {
  properties?: Record<string, Schema>
  type?: string | string[]
  enum?: unknown[]
  anyOf?: Schema[]
  const?: unknown
  default?: unknown
  title?: string
  description?: string
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
}

export interface Method {
  name: string
  title: string
  at: 'layer' | 'pixels'
  sighted: boolean
  cost: string
  dear: boolean
  options: Schema | null
  usable?: boolean
  reason?: string | null
  formula?: string
  cite?: string
  about?: string
}

export interface Sample {
  id: string
  name: string
  url?: string
}

export interface Model {
  id: string
  name: string
  backend: string
  task: 'classes' | 'boxes' | 'places' | 'values' | 'signal' | 'volume'
  input: { kind?: string; height?: number | null; width?: number | null; channels?: number | null } | null
  labels: string[] | null
  classes: number
  layers: Layer[]
  methods: Method[]
  defaults: { method: string; layer: string }
  samples: Sample[]
  device?: string | null // the server's camera or film
  models: { id: string; name: string }[]
  version: string
}

export interface Picture {
  id: string
  name: string
  width: number
  height: number
  kind: 'image' | 'signal' | 'volume'
  slices?: number
}

export interface Class {
  index: number | null
  label: string | null
  score: number
  probability: number | null
}

export interface Verdict {
  kind: string
  words: string
  level: 'good' | 'note' | 'warning'
}

export interface LayerMap {
  layer: string
  method?: string
  target?: Target
  shape: number[]
  lo: number
  hi: number
  signed: boolean
  box: [number, number, number, number] | null // where it lies on the picture, in pixels; null: on all of it
  seen?: [number, number, number, number] | null // what the network saw, where cells reach beyond it
  verdict: Verdict
  notes: string[]
  bytes: Uint8Array
  error?: { code: string; message: string }
}

export interface Target extends Class {
  words: string
  box?: number | null // number of the box that is explained
}

export interface FoundBox {
  number: number
  box: [number, number, number, number]
  label: string
  score: number
}

export interface Packet {
  picture: string
  model: string
  method: string
  target: Target
  predictions: Class[]
  boxes: FoundBox[] | null
  seconds: number
  passes?: number
  forward_ms?: number
  maps: LayerMap[]
}

export interface Question {
  picture: string
  model: string
  method: string
  target: string
  against: string
  layers: string
  options: Record<string, unknown>
}

export interface Channel {
  index: number
  contribution: number
  lo: number
  hi: number
  bytes: Uint8Array
}

export interface Channels {
  ranked_by?: string
  layer: string
  total: number
  page: number
  shape: number[]
  channels: Channel[]
}

export interface Progress {
  done: number
  total: number // 0: not known
  words: string
  map?: Pick<LayerMap, 'shape' | 'lo' | 'hi' | 'signed' | 'box' | 'bytes'> // as it stands
}

export interface Curve {
  channels: { name: string; values: number[] }[]
  at?: number[] // where the values stand, of so many places
  length?: number
}

export interface Matrix {
  picture: string
  model: string
  methods: string[]
  layers: string[]
  targets: string[]
}

export interface LiveQuestion {
  model: string
  method: string
  target: string
  against: string
  layers: string
}

export interface LiveFrame extends Packet {
  t: number
  age_ms: number
  jpeg?: Uint8Array // the frame, where the server has the camera
}

export interface LiveLink {
  ask(question: LiveQuestion): void
  /** Frame and the time when it was taken; the next one only after the answer. */
  send(t: number, jpeg: Uint8Array<ArrayBuffer>): void
  /** Ask for the next frame, where the server has the camera. */
  next(): void
  close(): void
  /** The frame's own pixels instead of a file, where nothing is sent anywhere. */
  pixels?(t: number, picture: ImageData): void
}

export interface LiveEars {
  open(): void
  frame(answer: LiveFrame): void
  fault(fault: Fault & { t?: number }): void
  lost(): void
}

export interface Abilities {
  pictures: boolean // takes pictures of the user
  channels: boolean
  compare: boolean
  live: boolean
  methods: boolean // any method, with options; otherwise those that are there
  contrast: boolean // one class against another
  classes: boolean // any class by its name; otherwise those that are listed
  sends: boolean // pictures leave the page
}

export interface Backend {
  readonly can: Abilities
  model(id?: string): Promise<Model>
  add(blob: Blob, name: string): Promise<Picture>
  /** Facts of a picture that is there already. */
  find(id: string): Promise<Picture>
  source(id: string, slice?: number): string
  curve(id: string): Promise<Curve>
  maps(question: Question, signal?: AbortSignal): Promise<Packet>
  channels(question: Question, page: number, size: number, signal?: AbortSignal): Promise<Channels>
  /** A dear method: with progress, ended by the signal. */
  job(question: Question, progress: (p: Progress) => void, signal: AbortSignal): Promise<Packet>
  compare(matrix: Matrix, progress: (p: Progress) => void, signal: AbortSignal): Promise<Packet>
  live(question: LiveQuestion, ears: LiveEars): LiveLink
  /** The camera or film of the server. */
  device(question: LiveQuestion, ears: LiveEars): LiveLink
  /** Maps of a camera as a Parquet file. */
  record?(frames: LiveFrame[]): Promise<Blob>
  /** What is held of a picture by a method, where not everything can be asked. */
  targets?(picture: string, method: string): Target[]
  /** Tells of what the page still waits for before anything is answered; null at the end. */
  loading?(progress: (p: Progress | null) => void): Promise<unknown>
  /** Tells whether the backend is there; calls again when it went or came back. */
  watch(change: (there: boolean) => void): void
}
