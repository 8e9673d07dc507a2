// A map as pixels: the field and its outlines are kept with the map, so that opacity, palette and
// scrubbing cost one table look-up a pixel.

import type { LayerMap } from '../backend/types'
import { drawnOut, outline } from './field'
import { lookup, top, type Palette } from './palettes'

/** One plane of a map: rows x columns bytes; of a signal one row, of a volume one slice. */
export interface Plane {
  bytes: Uint8Array
  rows: number
  columns: number
}

interface Kept {
  fields: Map<string, Uint8ClampedArray>
  lines: Map<string, Path2D>
}

const kept = new WeakMap<Uint8Array, Kept>()
const LONGEST = 320 // pixels of a field's longer side; finer ones are drawn by the browser

export function plane(map: LayerMap, slice = 0, slices = 1): Plane {
  if (map.shape.length === 1) return { bytes: map.bytes, rows: 1, columns: map.shape[0] }
  if (map.shape.length === 2) return { bytes: map.bytes, rows: map.shape[0], columns: map.shape[1] }
  const [depth, rows, columns] = map.shape
  const own = ownSlice(depth, slice, slices)
  return { bytes: sliced(map.bytes, own, rows * columns), rows, columns }
}

export function ownSlice(depth: number, slice: number, slices: number): number {
  return Math.min(depth - 1, Math.floor(((slice + 0.5) / Math.max(1, slices)) * depth))
}

const views = new WeakMap<Uint8Array, Map<number, Uint8Array>>()

function sliced(bytes: Uint8Array, own: number, size: number): Uint8Array {
  const known = views.get(bytes) ?? new Map<number, Uint8Array>()
  views.set(bytes, known)
  const view = known.get(own) ?? bytes.subarray(own * size, (own + 1) * size)
  known.set(own, view)
  return view
}

function memory(bytes: Uint8Array): Kept {
  const known = kept.get(bytes) ?? { fields: new Map(), lines: new Map() }
  kept.set(bytes, known)
  return known
}

function field(of: Plane, width: number, height: number, cells: boolean): Uint8ClampedArray {
  const fields = memory(of.bytes).fields
  const key = `${width}x${height}${cells}`
  let known = fields.get(key)
  if (!known) {
    if (fields.size > 3) fields.clear()
    known = drawnOut(of.bytes, of.rows, of.columns, width, height, cells)
    fields.set(key, known)
  }
  return known
}

/** Outline of the places that have at least this share of the top, in the unit square. */
function line(of: Plane, map: LayerMap, share: number, highest: number): Path2D | null {
  if (!(highest > 0) || map.hi === map.lo) return null
  const level = ((share * highest - map.lo) / (map.hi - map.lo)) * 255
  if (level <= 0 || level >= 255) return null
  const lines = memory(of.bytes).lines
  const key = level.toFixed(2)
  let known = lines.get(key)
  if (!known) {
    const [width, height] = [Math.max(of.columns, 112), Math.max(of.rows, 112)]
    known = outline(field(of, width, height, false), width, height, level)
    if (lines.size > 12) lines.clear()
    lines.set(key, known)
  }
  return known
}

export interface Look {
  palette: Palette
  opacity: number
  cells: boolean
  outlined: boolean
  ramp: boolean // opacity follows relevance; otherwise the map alone, opaque
  highest: number | null // the value that takes the last colour; null: the map's own
}

export interface Box {
  left: number
  top: number
  width: number
  height: number
}

const scratch = document.createElement('canvas')
let image: ImageData | null = null
const scratchContext = scratch.getContext('2d', { willReadFrequently: false })!

/** The map over what is drawn already, in a rectangle of the context. */
export function heat(context: CanvasRenderingContext2D, map: LayerMap, of: Plane, box: Box, look: Look) {
  const highest = look.highest ?? top(map)
  context.save()
  clip(context, map, box)
  if (look.palette !== 'contour') {
    const scale = Math.min(1, LONGEST / Math.max(box.width, box.height))
    const width = Math.max(1, Math.round(box.width * scale))
    const height = Math.max(1, Math.round(box.height * scale))
    const values = field(of, width, height, look.cells)
    const words = lookup(look.palette, map, highest, look.ramp)
    if (scratch.width !== width || scratch.height !== height || !image) {
      scratch.width = width
      scratch.height = height
      image = new ImageData(width, height)
    }
    const pixels = new Uint32Array(image.data.buffer)
    for (let k = 0; k < pixels.length; k++) pixels[k] = words[values[k]]
    scratchContext.putImageData(image, 0, 0)
    context.save()
    context.globalAlpha = look.opacity
    context.imageSmoothingEnabled = !look.cells
    context.drawImage(scratch, box.left, box.top, box.width, box.height)
    context.restore()
  }
  const lines = look.palette === 'contour' ? [0.25, 0.5, 0.75] : look.outlined ? [0.5] : []
  for (const share of lines) {
    stroke(context, line(of, map, share, highest), box, share, false)
    if (map.signed) stroke(context, line(of, map, -share, highest), box, share, true)
  }
  context.restore()
}

/** Nothing is drawn beyond what the network saw, though the outermost cells may reach further. */
function clip(context: CanvasRenderingContext2D, map: LayerMap, box: Box) {
  if (!map.seen || !map.box) return
  const [left, top, right, bottom] = map.box
  const [x, y] = [box.width / (right - left), box.height / (bottom - top)]
  context.beginPath()
  context.rect(
    box.left + (map.seen[0] - left) * x, box.top + (map.seen[1] - top) * y,
    (map.seen[2] - map.seen[0]) * x, (map.seen[3] - map.seen[1]) * y,
  )
  context.clip()
}

function stroke(
  context: CanvasRenderingContext2D, path: Path2D | null, box: Box, share: number, against: boolean,
) {
  if (!path) return
  const placed = new Path2D()
  placed.addPath(path, new DOMMatrix([box.width, 0, 0, box.height, box.left, box.top]))
  const unit = Math.max(1, Math.min(box.width, box.height) / 420) * (0.5 + share)
  context.save()
  context.strokeStyle = against ? 'rgb(255 255 255 / 70%)' : 'rgb(0 0 0 / 55%)'
  context.lineWidth = 3.2 * unit
  context.stroke(placed)
  context.strokeStyle = against ? '#0b1a4d' : '#fff'
  context.lineWidth = 1.5 * unit
  context.stroke(placed)
  context.restore()
}

/** The lines between the cells of a grid. */
export function grid(context: CanvasRenderingContext2D, of: Plane, box: Box) {
  if (box.width / of.columns < 4 || box.height / of.rows < 3) return
  const path = new Path2D()
  for (let column = 0; column <= of.columns; column++) {
    const x = Math.round(box.left + (column / of.columns) * box.width) + 0.5
    path.moveTo(x, box.top)
    path.lineTo(x, box.top + box.height)
  }
  for (let row = 0; row <= of.rows; row++) {
    const y = Math.round(box.top + (row / of.rows) * box.height) + 0.5
    path.moveTo(box.left, y)
    path.lineTo(box.left + box.width, y)
  }
  context.save()
  context.lineWidth = 1
  context.strokeStyle = 'rgb(0 0 0 / 35%)'
  context.stroke(path)
  context.translate(-1, -1)
  context.strokeStyle = 'rgb(255 255 255 / 45%)'
  context.stroke(path)
  context.restore()
}

/** Value of one cell. */
export function value(map: LayerMap, of: Plane, row: number, column: number): number {
  return map.lo + (of.bytes[row * of.columns + column] / 255) * (map.hi - map.lo)
}

/** Row and column of the cell with the largest magnitude, of unsigned maps the largest value. */
export function strongest(map: LayerMap, of: Plane): { row: number; column: number } {
  let best = 0
  let most = -Infinity
  of.bytes.forEach((byte, k) => {
    const own = map.lo + (byte / 255) * (map.hi - map.lo)
    const size = map.signed ? Math.abs(own) : own
    if (size > most) [best, most] = [k, size]
  })
  return { row: Math.floor(best / of.columns), column: best % of.columns }
}
