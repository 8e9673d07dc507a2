// The binary answer: u32 LE header length, UTF-8 JSON header, u8 payload.

import type { Channels, Fault, LayerMap, Packet } from '../backend/types'

type Sent = Omit<LayerMap, 'bytes'> & { offset?: number; length?: number }

export function split(buffer: ArrayBuffer, start = 0): { header: any; payload: Uint8Array } {
  const length = new DataView(buffer).getUint32(start, true)
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, start + 4, length)))
  return { header, payload: new Uint8Array(buffer, start + 4 + length) }
}

/** A header and its payload as a packet whose maps hold their own bytes. */
export function packet(header: any, payload: Uint8Array): Packet {
  const maps = (header.maps as Sent[]).map((map) => ({
    ...map,
    notes: map.notes ?? [],
    bytes: map.error ? new Uint8Array(0) : payload.subarray(map.offset!, map.offset! + map.length!),
  }))
  return { ...header, predictions: header.predictions ?? [], boxes: header.boxes ?? null, maps }
}

export function read(buffer: ArrayBuffer): Packet {
  const { header, payload } = split(buffer)
  return packet(header, payload)
}

export function readChannels(buffer: ArrayBuffer): Channels {
  const { header, payload } = split(buffer)
  const channels = header.channels.map((one: any) => ({
    ...one,
    bytes: payload.subarray(one.offset, one.offset + one.length),
  }))
  return { ...header, channels }
}

export class Failure extends Error {
  fault: Fault
  constructor(fault: Fault) {
    super(fault.message)
    this.fault = fault
  }
}

export function fault(error: unknown): Fault {
  if (error instanceof Failure) return error.fault
  return { code: 'page', message: error instanceof Error ? error.message : String(error), hint: '' }
}

/** Base64 as bytes. */
export function unpacked(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
}
