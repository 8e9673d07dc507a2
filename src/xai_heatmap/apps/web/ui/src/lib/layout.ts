// Where things lie on the stage: panels, the picture in each, and back from a point to a cell.

import type { Box } from './draw'

export interface Zoomed {
  factor: number
  x: number // centre, as a share of the picture
  y: number
}

function fitted(width: number, height: number, within: Box, stretched: boolean): Box {
  const scale = Math.min(within.width / width, within.height / height)
  const [w, h] = stretched ? [within.width, within.height] : [Math.max(1, width * scale), Math.max(1, height * scale)]
  return { left: within.left + (within.width - w) / 2, top: within.top + (within.height - h) / 2, width: w, height: h }
}

function zoomed(box: Box, zoom: Zoomed): Box {
  if (zoom.factor === 1) return box
  const [width, height] = [box.width * zoom.factor, box.height * zoom.factor]
  const left = box.left - Math.max(0, Math.min(width - box.width, zoom.x * width - box.width / 2))
  const top = box.top - Math.max(0, Math.min(height - box.height, zoom.y * height - box.height / 2))
  return { left, top, width, height }
}

/** One or two panels for a picture on a stage. `stretched`: a signal fills its panel. */
export function panels(
  width: number, height: number, picture: { width: number; height: number }, two: boolean, zoom: Zoomed,
  stretched = false,
): Box[][] {
  const gap = 12
  const across = two && (stretched ? false : width / height > 0.6 * (picture.width / picture.height))
  const count = two ? 2 : 1
  const w = across ? (width - gap) / 2 : width
  const h = !across && two ? (height - gap) / 2 : height
  return Array.from({ length: count }, (_, k) => {
    const cell = { left: across ? k * (w + gap) : 0, top: across ? 0 : k * (h + gap), width: w, height: h }
    const clip = fitted(picture.width, picture.height, cell, stretched)
    return [zoomed(clip, zoom), clip]
  })
}

/** The map's box in a panel, from the picture's pixels. */
export function placed(own: [number, number, number, number] | null, picture: { width: number; height: number }, box: Box): Box {
  if (!own) return box
  const [x, y] = [box.width / picture.width, box.height / picture.height]
  return {
    left: box.left + own[0] * x,
    top: box.top + own[1] * y,
    width: (own[2] - own[0]) * x,
    height: (own[3] - own[1]) * y,
  }
}

export function cellAt(box: Box, rows: number, columns: number, x: number, y: number) {
  const column = Math.floor(((x - box.left) / box.width) * columns)
  const row = Math.floor(((y - box.top) / box.height) * rows)
  return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : null
}

export function within(box: Box, x: number, y: number): boolean {
  return x >= box.left && x <= box.left + box.width && y >= box.top && y <= box.top + box.height
}
