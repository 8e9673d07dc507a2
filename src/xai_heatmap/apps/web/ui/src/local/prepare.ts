// A picture as the network was trained to see it: the same rectangle, the same pixels and the same
// float32 numbers as `xai_heatmap.sources.preprocess` makes in Python.

import { resampled, type Filter, type Pixels } from './resample'

export interface How {
  size: [number, number] // rows and columns of the input
  channels: 1 | 3
  fit: 'crop' | 'stretch' | 'letterbox' | 'squash'
  ratio: number
  resampling: Filter
  half: 'even' | 'down'
  divisor: number
  mean: number[]
  std: number[]
  reversed: boolean // blue first
  border: number | null // level of a letter-box; null: 0 after scaling
  last: boolean // channels last
  as_is: boolean // a picture of the input's size is not resized
  tall: boolean // columns of upright pictures are resized first
}

export interface Seen {
  x: Float32Array
  box: [number, number, number, number]
}

type Size = [number, number]

const NUDGE = 1e-6 // keeps 224 / (224 / 232) from being one pixel short of 232
const WASTE = 16 // most pixels that are resized for each one needed, to agree to the last bit

/** To the nearest whole number, halves to the even one. */
export function even(x: number): number {
  const low = Math.floor(x)
  return x - low === 0.5 ? low + (low % 2 === 0 ? 0 : 1) : Math.round(x)
}

function covering([rows, columns]: Size, least: Size): Size {
  if (least[0] !== least[1]) {
    const shrunk = Math.min(rows / least[0], columns / least[1])
    return [even(rows / shrunk), even(columns / shrunk)]
  }
  const side = least[0]
  return columns <= rows ? [Math.trunc((side * rows) / columns), side] : [side, Math.trunc((side * columns) / rows)]
}

function span(image: number, whole: number, part: number, half: How['half']): [number, number] {
  const margin = whole - part
  const start = margin < 0 || half === 'down' ? (margin < 0 ? -Math.floor(-margin / 2) : Math.floor(margin / 2)) : even(margin / 2)
  return [(start * image) / whole, ((start + part) * image) / whole]
}

/** Left, top, right and bottom of what the network sees, in pixels of the picture. */
export function seen(image: Size, how: How): [number, number, number, number] {
  const { size, half } = how
  const own = how.as_is && image[0] === size[0] && image[1] === size[1]
  const [fit, ratio] = own ? (['stretch', 1] as const) : [how.fit, how.ratio]
  const covered: Size = [Math.trunc(size[0] / ratio + NUDGE), Math.trunc(size[1] / ratio + NUDGE)]
  const scale = Math.min(size[0] / image[0], size[1] / image[1])
  const whole: Size =
    fit === 'crop' ? covering(image, covered)
    : fit === 'squash' ? covered
    : fit === 'letterbox' ? [Math.max(1, even(image[0] * scale)), Math.max(1, even(image[1] * scale))]
    : size
  const rounded = fit === 'crop' || fit === 'squash' ? half : 'even'
  const [top, bottom] = span(image[0], whole[0], size[0], rounded)
  const [left, right] = span(image[1], whole[1], size[1], rounded)
  return [left, top, right, bottom]
}

/** Float32 of every level, channel by channel. */
function scalings(how: How): Float32Array[] {
  const { channels, mean, std } = how
  return Array.from({ length: channels }, (_, c) => {
    const own = new Float32Array(256)
    const [m, s, d] = [mean[c] ?? mean[0], std[c] ?? std[0], how.divisor].map(Math.fround)
    for (let level = 0; level < 256; level++) {
      own[level] = Math.fround(Math.fround(Math.fround(level / d) - m) / s)
    }
    return own
  })
}

export function prepared(picture: Pixels, how: How): Seen {
  const [height, width] = how.size
  const box = seen([picture.height, picture.width], how)
  const [down, across] = [height / (box[3] - box[1]), width / (box[2] - box[0])]
  let [rows, columns] = [Math.max(1, even(picture.height * down)), Math.max(1, even(picture.width * across))]
  let [top, left] = [even(box[1] * down), even(box[0] * across)]
  let part: [number, number, number, number] = [0, 0, picture.width, picture.height]
  if (rows * columns > WASTE * height * width) {
    part = [Math.max(box[0], 0), Math.max(box[1], 0), Math.min(box[2], picture.width), Math.min(box[3], picture.height)]
    part = part.map(Math.fround) as typeof part
    ;[rows, columns, top, left] = [height, width, 0, 0]
  }
  const [above, before] = [Math.max(top, 0), Math.max(left, 0)]
  const window = {
    top: above, left: before, rows: Math.min(top + height, rows) - above, columns: Math.min(left + width, columns) - before,
  }
  const pixels = resampled(picture, { rows, columns }, window, part, how.resampling, how.tall)
  return { x: laid(pixels, window, [above - top, before - left], how), box }
}

/** The pixels as numbers of the input, with a border around them where they do not fill it. */
function laid(pixels: Uint8Array, window: { rows: number; columns: number }, [top, left]: Size, how: How): Float32Array {
  const { size: [height, width], channels, last, border, reversed } = how
  const each = scalings(how)
  const x = new Float32Array(channels * height * width)
  const place = (c: number, row: number, column: number) =>
    last ? (row * width + column) * channels + c : (c * height + row) * width + column
  for (let c = 0; c < channels; c++) {
    if (border !== null && (window.rows < height || window.columns < width)) {
      const own = each[c][border]
      for (let row = 0; row < height; row++) for (let column = 0; column < width; column++) x[place(c, row, column)] = own
    }
    const from = reversed ? channels - 1 - c : c
    for (let row = 0; row < window.rows; row++) {
      for (let column = 0; column < window.columns; column++) {
        const at = 4 * (row * window.columns + column)
        const grey = () => (pixels[at] * 19595 + pixels[at + 1] * 38470 + pixels[at + 2] * 7471 + 0x8000) >> 16
        x[place(c, row + top, column + left)] = each[c][channels === 1 ? grey() : pixels[at + from]]
      }
    }
  }
  return x
}
