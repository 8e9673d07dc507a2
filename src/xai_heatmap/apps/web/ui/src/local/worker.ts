// The network itself, off the page's own thread: the runtime and the graph come as text, pictures as files.

import { prepared, type How, type Seen } from './prepare'
import type { Pixels } from './resample'

export interface Network {
  input: string
  shape: number[] // of one picture's input
  scores: string
  maps: string[] // outputs, in the order of the layers
  contrasts: boolean // whether a second class may be held against the one that is explained
}

/** Base64 of gzip, or a file of so many bytes. */
export type Part = string | { url: string; bytes: number }

export interface Opening {
  runtime: Part
  wasm: Part
  graph: Part
  network: Network
  how: How
}

export interface Answer {
  scores: Float32Array
  maps: { name: string; shape: number[]; values: Float32Array }[]
  box: [number, number, number, number]
  milliseconds: number // of the network alone
}

export type Asked =
  | { kind: 'open'; opening: Opening }
  | { kind: 'add'; key: string; blob: Blob }
  | { kind: 'run'; key: string; blob: Blob; target: number; against?: number; maps: string[] }
  | { kind: 'frame'; picture: Pixels; target: number; against?: number; maps: string[] }
  | { kind: 'input'; blob: Blob; how?: How }

const MOST = 64_000_000 // pixels of a picture
const KEPT = 12 // pictures whose input is kept

const own = self as unknown as {
  onmessage: (event: MessageEvent<{ id: number; asked: Asked }>) => void
  postMessage(what: unknown, moved?: Transferable[]): void
}
let opened: Promise<{ ort: any; session: any }> | null = null
let network: Network
let how: How
const known = new Map<string, Seen & { width: number; height: number }>()

own.onmessage = async ({ data: { id, asked } }) => {
  try {
    own.postMessage({ id, answer: await answered(asked) })
  } catch (error) {
    const said = error as { code?: string; message?: string; hint?: string }
    own.postMessage({ id, error: { code: said.code ?? 'page', message: said.message ?? String(error), hint: said.hint ?? '' } })
  }
}

async function answered(asked: Asked): Promise<unknown> {
  if (asked.kind === 'open') {
    ;({ network, how } = asked.opening)
    opened = open(asked.opening)
    await opened
    return null
  }
  if (asked.kind === 'add') {
    const { width, height } = await ready(asked.key, asked.blob)
    return { width, height }
  }
  if (asked.kind === 'input') return prepared(await decoded(asked.blob), asked.how ?? how)
  const seen = asked.kind === 'run' ? await ready(asked.key, asked.blob) : prepared(asked.picture, how)
  return run(seen, asked.target, asked.against ?? -1, asked.maps)
}

async function open({ runtime, wasm, graph }: Opening) {
  const parts = [runtime, wasm, graph]
  const total = parts.reduce((sum, one) => sum + (typeof one === 'string' ? 0 : one.bytes), 0)
  let done = 0
  const came = (bytes: number) => own.postMessage({ progress: { done: (done += bytes), total } })
  const [script, binary, model] = await Promise.all(parts.map((one) => (typeof one === 'string' ? unpacked(one) : fetched(one.url, came))))
  const source = new Blob([script], { type: 'text/javascript' })
  const ort = await import(/* @vite-ignore */ URL.createObjectURL(source))
  ort.env.wasm.numThreads = 1 // more need headers that a file on a disk has not
  ort.env.wasm.wasmBinary = binary
  ort.env.logLevel = 'error'
  const session = await ort.InferenceSession.create(new Uint8Array(model), { executionProviders: ['wasm'] })
  return { ort, session }
}

/** What base64 of gzip holds. */
function unpacked(text: string): Promise<ArrayBuffer> {
  const packed = atob(text)
  const bytes = new Uint8Array(packed.length)
  for (let k = 0; k < bytes.length; k++) bytes[k] = packed.charCodeAt(k)
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer()
}

/** A file that lies beside the page. */
async function fetched(url: string, came: (bytes: number) => void): Promise<ArrayBuffer> {
  let answer: Response
  try {
    answer = await fetch(url)
  } catch {
    throw {
      code: 'page', message: `The browser did not get ${url}, which belongs to this page.`,
      hint: 'Such a page is opened over http, not from disk. Serve its folder: python -m http.server.',
    }
  }
  if (!answer.ok) throw { code: 'page', message: `${url} belongs to this page, and the server answered ${answer.status}.`, hint: 'Put all files of the folder there.' }
  const heard = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, on) {
      came(chunk.length)
      on.enqueue(chunk)
    },
  })
  return new Response(answer.body!.pipeThrough(heard)).arrayBuffer()
}

async function ready(key: string, blob: Blob) {
  let found = known.get(key)
  if (!found) {
    if (known.size >= KEPT) known.delete(known.keys().next().value!)
    const picture = await decoded(blob)
    found = { ...prepared(picture, how), width: picture.width, height: picture.height }
    known.set(key, found)
  }
  return found
}

/** Pixels as the file holds them, upright, on white; colour is not converted, since training did not. */
async function decoded(blob: Blob): Promise<Pixels> {
  let bitmap: ImageBitmap
  try {
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' })
  } catch {
    throw { code: 'XH202', message: 'That is no picture that this browser reads.', hint: 'JPEG, PNG, WebP, GIF and AVIF can be read.' }
  }
  const { width, height } = bitmap
  if (width * height > MOST) throw { code: 'XH203', message: `The picture has ${width} x ${height} pixels; at most ${MOST / 1e6} million are read.`, hint: 'Make it smaller.' }
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d', { colorSpace: 'srgb', willReadFrequently: true })!
  context.fillStyle = '#fff'
  context.fillRect(0, 0, width, height)
  context.drawImage(bitmap, 0, 0)
  bitmap.close()
  return context.getImageData(0, 0, width, height)
}

async function run(seen: Seen, target: number, against: number, wanted: string[]): Promise<Answer> {
  const { ort, session } = await opened!
  const feeds: Record<string, unknown> = { [network.input]: new ort.Tensor('float32', seen.x, [1, ...network.shape]) }
  const whole = (value: number) => new ort.Tensor('int64', BigInt64Array.from([BigInt(value)]), [1])
  if (network.maps.length) feeds.class_index = whole(target)
  if (network.maps.length && network.contrasts) feeds.against_index = whole(against)
  const begun = performance.now()
  const found = await session.run(feeds, [network.scores, ...wanted])
  const milliseconds = performance.now() - begun
  const scores = found[network.scores].data as Float32Array
  const maps = wanted.map((name) => ({ name, shape: found[name].dims.slice(1), values: found[name].data as Float32Array }))
  if (![scores, ...maps.map((one) => one.values)].every((own) => own.every(Number.isFinite))) {
    throw { code: 'XH136', message: 'The network answered with numbers that are none (NaN or infinity) for this picture.' }
  }
  return { scores, maps, box: seen.box, milliseconds }
}
