// Pictures at another size as Pillow makes them: weights of a filter as wide as the reduction asks, in
// whole numbers, along the rows and then down the columns, rounded to levels in between. Since Pillow 13
// the columns come first where more than twice as many rows go as columns.

export interface Pixels {
  data: Uint8ClampedArray // red, green, blue, alpha
  width: number
  height: number
}

export interface Window {
  top: number
  left: number
  rows: number
  columns: number
}

export type Filter = 'bilinear' | 'bicubic' | 'nearest' | 'lanczos' | 'box' | 'hamming'

const BITS = 22 // of a weight, so that a sum of 255 of them stays below 2^31
const ONE = 2 ** BITS

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))

/** Reach of each filter in pixels of the smaller picture, and its value at a distance. */
const FILTERS: Record<Exclude<Filter, 'nearest'>, [number, (x: number) => number]> = {
  box: [0.5, (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)],
  bilinear: [1, (x) => Math.max(0, 1 - Math.abs(x))],
  hamming: [1, (x) => (Math.abs(x) < 1 ? sinc(x) * (Math.fround(0.54) + Math.fround(0.46) * Math.cos(Math.PI * x)) : 0)],
  bicubic: [2, (x) => {
    const d = Math.abs(x)
    if (d < 1) return (1.5 * d - 2.5) * d * d + 1
    return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0
  }],
  lanczos: [3, (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0)],
}

interface Taps {
  first: Int32Array
  count: Int32Array
  weights: Int32Array
  most: number
}

/** Which of `length` pixels each wanted pixel is made of, where [begin, end) becomes `size` pixels. */
function taps(length: number, begin: number, end: number, size: number, from: number, wanted: number, how: Filter): Taps {
  const scale = Math.fround(end - begin) / size // Pillow keeps a box in float32
  if (how === 'nearest') return nearest(length, begin, scale, from, wanted)
  const [reach, value] = FILTERS[how]
  const wide = Math.max(1, scale)
  const narrow = 1 / wide
  const support = reach * wide
  const most = 2 * Math.ceil(support) + 1
  const made = { first: new Int32Array(wanted), count: new Int32Array(wanted), weights: new Int32Array(wanted * most), most }
  for (let k = 0; k < wanted; k++) {
    const centre = begin + (from + k + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - support + 0.5))
    const count = Math.min(length, Math.trunc(centre + support + 0.5)) - first
    const own = Array.from({ length: count }, (_, j) => value((first + j - centre + 0.5) * narrow))
    const sum = own.reduce((a, b) => a + b, 0) || 1
    made.first[k] = first
    made.count[k] = count
    own.forEach((w, j) => (made.weights[k * most + j] = Math.trunc((w / sum) * ONE + (w < 0 ? -0.5 : 0.5))))
  }
  return made
}

/** One pixel for each, found by adding up steps as Pillow does, with what that rounds. */
function nearest(length: number, begin: number, scale: number, from: number, wanted: number): Taps {
  const first = new Int32Array(wanted)
  let at = begin + scale * 0.5
  for (let k = -from; k < wanted; k++, at += scale) if (k >= 0) first[k] = Math.min(length - 1, Math.trunc(at))
  return { first, count: new Int32Array(wanted).fill(1), weights: new Int32Array(wanted).fill(ONE), most: 1 }
}

const level = (sum: number) => {
  const value = sum >> BITS
  return value < 0 ? 0 : value > 255 ? 255 : value
}

/** Columns and rows of red, green, blue and whatever; `left` and `top` say which of the picture they are. */
interface Block {
  data: Uint8ClampedArray | Uint8Array
  left: number
  top: number
  width: number
  height: number
}

/** A block resized along one axis; along the other what [begin, end) of it holds. */
function pass(from: Block, how: Taps, upright: boolean, [begin, end]: [number, number]): Block {
  const wanted = how.first.length
  const made: Block = upright
    ? { data: new Uint8Array(4 * wanted * (end - begin)), left: begin, top: 0, width: end - begin, height: wanted }
    : { data: new Uint8Array(4 * wanted * (end - begin)), left: 0, top: begin, width: wanted, height: end - begin }
  const step = upright ? 4 * from.width : 4
  const { data } = from
  for (let y = 0, out = 0; y < made.height; y++) {
    for (let x = 0; x < made.width; x++, out += 4) {
      const k = upright ? y : x
      const row = upright ? how.first[k] - from.top : y + begin - from.top
      const column = upright ? x + begin - from.left : how.first[k] - from.left
      let red = ONE / 2, green = ONE / 2, blue = ONE / 2
      let at = 4 * (row * from.width + column)
      for (let t = k * how.most, last = t + how.count[k]; t < last; t++, at += step) {
        const weight = how.weights[t]
        red += data[at] * weight
        green += data[at + 1] * weight
        blue += data[at + 2] * weight
      }
      made.data[out] = level(red)
      made.data[out + 1] = level(green)
      made.data[out + 2] = level(blue)
    }
  }
  return made
}

/** The pixels that are read for any of those wanted. */
const needed = ({ first, count }: Taps): [number, number] => [first[0], first.at(-1)! + count.at(-1)!]

/**
 * A window of the picture at `size`: red, green, blue and a byte of nothing for each pixel.
 *
 * `box` is the part of the picture that becomes so large: left, top, right, bottom. `tall` says
 * whether the columns of upright pictures come first.
 */
export function resampled(
  picture: Pixels, size: { rows: number; columns: number }, window: Window,
  box: [number, number, number, number], how: Filter, tall: boolean,
): Uint8Array {
  const [left, top, right, bottom] = box
  const along = taps(picture.width, left, right, size.columns, window.left, window.columns, how)
  const down = taps(picture.height, top, bottom, size.rows, window.top, window.rows, how)
  const whole: Block = { data: picture.data, left: 0, top: 0, width: picture.width, height: picture.height }
  const lost = picture.height - size.rows
  if (tall && lost > 0 && lost > 2 * (picture.width - size.columns)) {
    return pass(pass(whole, down, true, needed(along)), along, false, [0, window.rows]).data as Uint8Array
  }
  return pass(pass(whole, along, false, needed(down)), down, true, [0, window.columns]).data as Uint8Array
}
