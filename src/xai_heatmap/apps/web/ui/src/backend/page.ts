// The backend that is the page itself: a report holds its pictures and maps.

import { Failure, unpacked } from '../lib/packet'
import type {
  Abilities, Backend, Channels, Curve, Layer, LiveLink, Method, Model, Packet, Picture, Question,
} from './types'

interface HeldPicture extends Picture {
  sources: string[] // one, or one a slice
  curve?: Curve
}

export interface Held {
  version: string
  title: string
  intro: string[]
  pages?: { name: string; words: string }[] // where one file would be too large
  model: Pick<Model, 'name' | 'backend' | 'task'>
  layers: Layer[]
  methods: Method[]
  pictures: HeldPicture[]
  packets: (Omit<Packet, 'maps'> & { maps: any[] })[]
}

export class PageBackend implements Backend {
  readonly can: Abilities = {
    pictures: false, channels: false, compare: false, live: false, methods: false, contrast: false, classes: false, sends: false,
  }
  readonly held: Held
  private packets: Packet[] | null = null

  constructor(held: Held) {
    this.held = held
  }

  async model(): Promise<Model> {
    const { version, title, model, layers, methods, pictures } = this.held
    return {
      ...model, id: title, version, layers, methods, labels: null, classes: 0, input: null,
      models: [{ id: title, name: model.name }],
      defaults: { method: methods[0].name, layer: layers.find((l) => l.auto)?.name ?? layers.at(-1)!.name },
      samples: pictures.map(({ id, name }) => ({ id, name })),
    }
  }

  async find(id: string): Promise<Picture> {
    return this.picture(id)
  }

  source(id: string, slice = 0): string {
    const { sources } = this.picture(id)
    return sources[Math.min(slice, sources.length - 1)] ?? ''
  }

  async curve(id: string): Promise<Curve> {
    return this.picture(id).curve!
  }

  /** All that is held of a picture, or of all. */
  all(picture?: string): Packet[] {
    this.packets ??= this.held.packets.map((packet) => ({
      ...packet,
      maps: packet.maps.map((map) => ({
        ...map, notes: map.notes ?? [], bytes: map.error ? new Uint8Array(0) : unpacked(map.data),
      })),
    }))
    return picture ? this.packets.filter((p) => p.picture === picture) : this.packets
  }

  targets(picture: string, method: string) {
    return this.all(picture).filter((p) => p.method === method).map((p) => p.target)
  }

  async maps({ picture, method, target }: Question): Promise<Packet> {
    const own = this.all(picture)
    const named = own.filter((p) => p.method === method)
    const found = named.find((p) => [p.target.words, String(p.target.index)].includes(target)) ?? named[0] ?? own[0]
    if (!found) throw new Failure({ code: 'page', message: 'This page holds no map of that picture.', hint: '' })
    return found
  }

  add(): Promise<Picture> {
    return Promise.reject(new Error('A report takes no pictures.'))
  }
  channels(): Promise<Channels> {
    return Promise.reject(new Error('A report holds no channels.'))
  }
  job(question: Question): Promise<Packet> {
    return this.maps(question)
  }
  compare(): Promise<Packet> {
    return Promise.reject(new Error('A report compares what it holds.'))
  }
  device(): LiveLink {
    return this.live()
  }
  live(): LiveLink {
    throw new Error('A report has no camera.')
  }
  watch() {}

  private picture(id: string): HeldPicture {
    const found = this.held.pictures.find((p) => p.id === id)
    if (!found) throw new Failure({ code: 'page', message: `This page holds no picture ${id}.`, hint: '' })
    return found
  }
}
