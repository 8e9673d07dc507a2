// The backend behind HTTP and one WebSocket: xai-heatmap serve.

import { Failure, read, readChannels, split, packet } from '../lib/packet'
import { bytesOf } from '../lib/words'
import type {
  Abilities, Backend, Channels, Curve, LiveEars, LiveFrame, LiveLink, LiveQuestion, Matrix, Model, Packet, Picture, Progress,
  Question,
} from './types'

const KEPT = 'xai-heatmap-token'

function ownToken(): string {
  const given = new URLSearchParams(location.search).get('token')
  if (given) sessionStorage.setItem(KEPT, given)
  return given ?? sessionStorage.getItem(KEPT) ?? ''
}

export class WsBackend implements Backend {
  readonly can: Abilities = {
    pictures: true, channels: true, compare: true, live: true, methods: true, contrast: true, classes: true, sends: true,
  }
  private token = ownToken()
  private there = true
  private model_ = ''
  private listeners: ((there: boolean) => void)[] = []

  async model(id = ''): Promise<Model> {
    const { model, ...answer } = await (await this.get('/api/model', { model: id })).json()
    this.model_ = model.id
    return { labels: null, ...answer, ...model }
  }

  async add(blob: Blob, name: string): Promise<Picture> {
    const headers = { 'X-Name': encodeURIComponent(name) }
    return this.known(await this.ask('/api/image', { method: 'POST', body: blob, headers }))
  }

  async find(id: string): Promise<Picture> {
    const query = { model: this.model_ }
    return this.known(await this.get(`/api/image/${encodeURIComponent(id)}/facts`, query))
  }

  source(id: string, slice?: number): string {
    const query = new URLSearchParams({ token: this.token })
    if (slice !== undefined) query.set('model', this.model_)
    if (slice !== undefined) query.set('slice', String(slice))
    return `/api/image/${encodeURIComponent(id)}?${query}`
  }

  async curve(id: string): Promise<Curve> {
    const got = await (await this.get(`/api/image/${encodeURIComponent(id)}/curve`, { model: this.model_ })).json()
    const rows = got.channels as number[][]
    const named = rows.map((values, k) => ({ name: rows.length > 1 ? `channel ${k + 1}` : '', values }))
    return { channels: named, at: got.at, length: got.length }
  }

  async maps(question: Question, signal?: AbortSignal): Promise<Packet> {
    const { picture, options, ...rest } = question
    const query = { ...rest, options: Object.keys(options).length ? JSON.stringify(options) : '' }
    const answer = await this.get(`/api/maps/${encodeURIComponent(picture)}`, query, signal)
    return read(await answer.arrayBuffer())
  }

  async channels(question: Question, page: number, size: number, signal?: AbortSignal): Promise<Channels> {
    const query = {
      model: question.model, layer: question.layers, target: question.target, against: question.against, page: String(page), size: String(size),
    }
    const answer = await this.get(`/api/channels/${encodeURIComponent(question.picture)}`, query, signal)
    return readChannels(await answer.arrayBuffer())
  }

  job(question: Question, progress: (p: Progress) => void, signal: AbortSignal): Promise<Packet> {
    const { picture, layers, ...rest } = question
    return this.run('/api/jobs', { image: picture, layers: layers === 'all' ? layers : [layers], ...rest }, progress, signal)
  }

  compare(matrix: Matrix, progress: (p: Progress) => void, signal: AbortSignal): Promise<Packet> {
    const { picture, ...rest } = matrix
    return this.run('/api/compare', { image: picture, ...rest }, progress, signal)
  }

  async record(frames: LiveFrame[]): Promise<Blob> {
    const levels: Uint8Array<ArrayBuffer>[] = []
    let offset = 0
    const told = frames.flatMap((got) => got.maps.filter((map) => !map.error).map((map) => {
      const { shape, lo, hi, signed, box, layer, bytes, verdict } = map
      const { length } = bytes
      levels.push(bytes as Uint8Array<ArrayBuffer>)
      offset += length
      const [first] = got.predictions
      return {
        t: got.t - frames[0].t, method: got.method, target: got.target.words, index: got.target.index, score: got.target.score,
        label: first?.label ?? null, probability: first?.probability ?? null, top: got.predictions.map((one) => one.index),
        top_probability: got.predictions.map((one) => one.probability), shape, lo, hi, signed, box, layer, verdict: verdict.kind, offset: offset - length, length,
      }
    }))
    const header = new TextEncoder().encode(JSON.stringify({ frames: told }))
    const size = new Uint8Array(4)
    new DataView(size.buffer).setUint32(0, header.length, true)
    return (await this.ask('/api/recording', { method: 'POST', body: new Blob([size, header, ...levels]) })).blob()
  }

  live(question: LiveQuestion, ears: LiveEars): LiveLink {
    return this.line('/ws/live', question, ears)
  }

  device(question: LiveQuestion, ears: LiveEars): LiveLink {
    return this.line('/ws/device', question, ears)
  }

  private line(path: string, question: LiveQuestion, ears: LiveEars): LiveLink {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    const query = new URLSearchParams({ token: this.token, model: question.model })
    const socket = new WebSocket(`${scheme}://${location.host}${path}?${query}`)
    const device = path === '/ws/device'
    let asked = JSON.stringify(question)
    let changed = false
    const say = (what: string | Uint8Array<ArrayBuffer>) => socket.readyState === WebSocket.OPEN && socket.send(what)
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => {
      changed = false
      say(asked)
      ears.open()
    }
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') return ears.fault(JSON.parse(data))
      const { header, payload } = split(data)
      const { frame } = header
      const jpeg = frame && payload.subarray(frame.offset, frame.offset + frame.length)
      ears.frame({ ...packet(header, payload), t: header.t, age_ms: header.age_ms, jpeg })
    }
    socket.onclose = () => ears.lost()
    return {
      // Where the server has the camera, a question asks for the next frame too: it waits for its turn.
      ask(question) {
        const wanted = JSON.stringify(question)
        changed ||= wanted !== asked
        asked = wanted
        if (device || !changed) return
        changed = false
        say(asked)
      },
      next() {
        say(changed ? asked : '{"next":true}')
        changed = false
      },
      send(t, jpeg) {
        const frame = new Uint8Array(8 + jpeg.length)
        new DataView(frame.buffer).setFloat64(0, t, true)
        frame.set(jpeg, 8)
        say(frame)
      },
      close() {
        socket.onclose = null
        socket.close()
      },
    }
  }

  watch(change: (there: boolean) => void) {
    this.listeners.push(change)
  }

  private async run(
    path: string, body: object, progress: (p: Progress) => void, signal: AbortSignal,
  ): Promise<Packet> {
    const headers = { 'Content-Type': 'application/json' }
    const answer = await this.ask(path, { method: 'POST', body: JSON.stringify(body), headers, signal })
    const { job } = await answer.json()
    const query = new URLSearchParams({ token: this.token })
    const events = new EventSource(`/api/jobs/${job}/events?${query}`)
    try {
      const url = await new Promise<string>((resolve, reject) => {
        signal.addEventListener('abort', () => {
          this.ask(`/api/jobs/${job}`, { method: 'DELETE' }).catch(() => {})
          reject(new DOMException('Cancelled.', 'AbortError'))
        })
        const heard = (name: string, what: (data: any) => void) =>
          events.addEventListener(name, (event) => what(JSON.parse((event as MessageEvent).data)))
        heard('progress', (data) => progress({
          ...data, total: data.total ?? 0, map: data.map && { ...data.map, bytes: bytesOf(',' + data.map.data) },
        }))
        heard('result', (data) => resolve(data.url))
        heard('failed', (data) => reject(new Failure(data)))
        events.onerror = () => {
          // The line says nothing of a server that is gone, neither while it asks again by itself nor
          // where a server on its way out refused that.
          this.get('/api/model', { model: this.model_ }).catch(() => {})
          if (events.readyState === EventSource.CLOSED) {
            reject(new Failure({ code: 'lost', message: 'The server ended the computation.', hint: 'Try it again.' }))
          }
        }
      })
      return read(await (await this.ask(url, { signal })).arrayBuffer())
    } finally {
      events.close()
    }
  }

  /** Facts of a picture; an array is what the network says that it is. */
  private async known(answer: Response): Promise<Picture> {
    const facts = await answer.json()
    if (facts.kind !== 'array') return { ...facts, kind: 'image' }
    if (!facts.laid) return this.find(facts.id)
    const [, ...places] = facts.laid as number[]
    const kind = places.length === 3 ? 'volume' : places.length === 1 ? 'signal' : 'image'
    const [height, width] = kind === 'signal' ? [400, 1000] : places.slice(-2)
    return { ...facts, kind, width, height, slices: kind === 'volume' ? places[0] : undefined }
  }

  private get(path: string, query: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ''))
    return this.ask(`${path}${asked.size ? '?' + asked : ''}`, { signal })
  }

  private async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...init.headers, Authorization: `Bearer ${this.token}` }
    let answer: Response
    try {
      answer = await fetch(path, { ...init, headers })
    } catch (error) {
      if ((error as Error).name === 'AbortError') throw error
      this.lost()
      throw new Failure({ code: 'lost', message: 'The server does not answer.', hint: 'The page asks again by itself.' })
    }
    if (!answer.ok) {
      const why = await refused(answer)
      if (why.code === 'ended') this.lost()
      throw new Failure(why)
    }
    return answer
  }

  private lost() {
    if (!this.there) return
    this.there = false
    this.tell()
    void this.again(500)
  }

  private async again(wait: number) {
    await new Promise((resolve) => setTimeout(resolve, wait))
    try {
      const answer = await fetch('/api/model', { headers: { Authorization: `Bearer ${this.token}` } })
      this.there = answer.status < 500
    } catch {
      this.there = false
    }
    if (this.there) this.tell()
    else void this.again(Math.min(2 * wait, 8000))
  }

  private tell() {
    for (const listener of this.listeners) listener(this.there)
  }
}

async function refused(answer: Response) {
  try {
    const { code, message, hint } = await answer.json()
    return { code: String(code ?? answer.status), message: String(message), hint: String(hint ?? '') }
  } catch {
    return { code: String(answer.status), message: `The server answered ${answer.status}.`, hint: '' }
  }
}
