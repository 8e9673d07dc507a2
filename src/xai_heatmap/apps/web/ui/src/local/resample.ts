// Pictures at another size as Pillow makes them: weights of a filter as wide as the reduction asks, in
// whole numbers, first along the rows and then down the columns, rounded to levels in between.

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
  const scale = (end - begin) / size
  const [reach, value] = how === 'nearest' ? [0, () => 1] : FILTERS[how]
  const wide = Math.max(1, scale)
  const support = reach * wide
  const most = 2 * Math.ceil(support) + 1
  const made = { first: new Int32Array(wanted), count: new Int32Array(wanted), weights: new Int32Array(wanted * most), most }
  for (let k = 0; k < wanted; k++) {
    const centre = begin + (from + k + 0.5) * scale
    if (how === 'nearest') {
      made.first[k] = Math.min(length - 1, Math.floor(centre))
      made.count[k] = 1
      made.weights[k] = ONE
      continue
    }
    const first = Math.max(0, Math.trunc(centre - support + 0.5))
    const count = Math.min(length, Math.trunc(centre + support + 0.5)) - first
    const own = Array.from({ length: count }, (_, j) => value((first + j - centre + 0.5) / wide))
    const sum = own.reduce((a, b) => a + b, 0) || 1
    made.first[k] = first
    made.count[k] = count
    own.forEach((w, j) => (made.weights[k * most + j] = Math.trunc((w / sum) * ONE + (w < 0 ? -0.5 : 0.5))))
  }
  return made
}

const level = (sum: number) => {
  const value = sum >> BITS
  return value < 0 ? 0 : value > 255 ? 255 : value
}

/**
 * A window of the picture at `size`, red, green and blue.
 *
 * `box` is the part of the picture that becomes so large: left, top, right, bottom.
 */
export function resampled(
  picture: Pixels, size: { rows: number; columns: number }, window: Window,
  box: [number, number, number, number], how: Filter,
): Uint8Array {
  const [left, top, right, bottom] = box
  const along = taps(picture.width, left, right, size.columns, window.left, window.columns, how)
  const down = taps(picture.height, top, bottom, size.rows, window.top, window.rows, how)
  const { rows, columns } = window
  const begin = down.first[0]
  const end = down.first[rows - 1] + down.count[rows - 1]
  const narrow = new Uint8Array((end - begin) * columns * 3)
  const { data, width } = picture
  for (let y = begin, out = 0; y < end; y++) {
    for (let x = 0; x < columns; x++, out += 3) {
      let red = ONE / 2, green = ONE / 2, blue = ONE / 2
      let at = 4 * (y * width + along.first[x])
      for (let k = x * along.most, last = k + along.count[x]; k < last; k++, at += 4) {
        const weight = along.weights[k]
        red += data[at] * weight
        green += data[at + 1] * weight
        blue += data[at + 2] * weight
      }
      narrow[out] = level(red)
      narrow[out + 1] = level(green)
      narrow[out + 2] = level(blue)
    }
  }
  const made = new Uint8Array(rows * columns * 3)
  const row = 3 * columns
  for (let y = 0; y < rows; y++) {
    const start = (down.first[y] - begin) * row
    for (let x = 0; x < row; x++) {
      let sum = ONE / 2
      let at = start + x
      for (let k = y * down.most, last = k + down.count[y]; k < last; k++, at += row) sum += narrow[at] * down.weights[k]
      made[y * row + x] = level(sum)
    }
  }
  return made
}
