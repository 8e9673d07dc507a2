// A coarse map of bytes, drawn out to pixels: cubic curves through the centres of the cells, cut off
// where they leave the range of the cells around, as the package's own drawings are.

const BEND = -0.5 // Keys' cubic (1981)

function cubic(distance: number): number {
  const x = Math.abs(distance)
  if (x < 1) return ((BEND + 2) * x - (BEND + 3)) * x * x + 1
  return x < 2 ? ((BEND * x - 5 * BEND) * x + 8 * BEND) * x - 4 * BEND : 0
}

interface Axis {
  first: Int32Array
  second: Int32Array
  taps: Int32Array // four cells a pixel
  weights: Float32Array
}

function axis(pixels: number, cells: number): Axis {
  const made = {
    first: new Int32Array(pixels),
    second: new Int32Array(pixels),
    taps: new Int32Array(4 * pixels),
    weights: new Float32Array(4 * pixels),
  }
  const smooth = pixels >= 2 * cells
  for (let pixel = 0; pixel < pixels; pixel++) {
    const place = Math.max(0, Math.min(cells - 1, ((pixel + 0.5) / pixels) * cells - 0.5))
    const first = Math.min(Math.floor(place), Math.max(cells - 2, 0))
    made.first[pixel] = first
    made.second[pixel] = Math.min(first + 1, cells - 1)
    for (let k = 0; k < 4; k++) {
      const cell = first + k - 1
      made.taps[4 * pixel + k] = Math.max(0, Math.min(cells - 1, cell))
      const linear = Math.max(0, 1 - Math.abs(place - cell))
      made.weights[4 * pixel + k] = smooth ? cubic(place - cell) : linear
    }
  }
  return made
}

/** The map at `width` x `height` pixels; `cells`: every pixel takes the value of its own cell. */
export function drawnOut(
  bytes: Uint8Array,
  rows: number,
  columns: number,
  width: number,
  height: number,
  cells = false,
): Uint8ClampedArray {
  const out = new Uint8ClampedArray(width * height)
  if (cells) {
    for (let y = 0; y < height; y++) {
      const from = Math.floor((y / height) * rows) * columns
      for (let x = 0; x < width; x++) out[y * width + x] = bytes[from + Math.floor((x / width) * columns)]
    }
    return out
  }
  const across = axis(width, columns)
  const down = axis(height, rows)
  const wide = new Float32Array(rows * width)
  const low = new Uint8Array(rows * width)
  const high = new Uint8Array(rows * width)
  for (let r = 0; r < rows; r++) {
    for (let x = 0; x < width; x++) {
      let sum = 0
      for (let k = 4 * x; k < 4 * x + 4; k++) sum += across.weights[k] * bytes[r * columns + across.taps[k]]
      const a = bytes[r * columns + across.first[x]]
      const b = bytes[r * columns + across.second[x]]
      wide[r * width + x] = sum
      low[r * width + x] = Math.min(a, b)
      high[r * width + x] = Math.max(a, b)
    }
  }
  for (let y = 0; y < height; y++) {
    const [t0, t1, t2, t3] = down.taps.subarray(4 * y, 4 * y + 4).map((row) => row * width)
    const [w0, w1, w2, w3] = down.weights.subarray(4 * y, 4 * y + 4)
    const first = down.first[y] * width
    const second = down.second[y] * width
    for (let x = 0; x < width; x++) {
      const value = w0 * wide[t0 + x] + w1 * wide[t1 + x] + w2 * wide[t2 + x] + w3 * wide[t3 + x]
      const least = Math.min(low[first + x], low[second + x])
      const most = Math.max(high[first + x], high[second + x])
      out[y * width + x] = value < least ? least : value > most ? most : value
    }
  }
  return out
}

/** Lines along which a field crosses a level, as marching squares gives them, in the unit square. */
export function outline(field: Uint8ClampedArray, width: number, height: number, level: number): Path2D {
  const path = new Path2D()
  const cut = (a: number, b: number) => (level - a) / (b - a)
  for (let y = 0; y < height - 1; y++) {
    for (let x = 0; x < width - 1; x++) {
      const k = y * width + x
      const [a, b, c, d] = [field[k], field[k + 1], field[k + width + 1], field[k + width]]
      const ends: [number, number][] = []
      if (a >= level !== b >= level) ends.push([x + cut(a, b), y])
      if (b >= level !== c >= level) ends.push([x + 1, y + cut(b, c)])
      if (d >= level !== c >= level) ends.push([x + cut(d, c), y + 1])
      if (a >= level !== d >= level) ends.push([x, y + cut(a, d)])
      for (let end = 0; end + 1 < ends.length; end += 2) {
        path.moveTo((ends[end][0] + 0.5) / width, (ends[end][1] + 0.5) / height)
        path.lineTo((ends[end + 1][0] + 0.5) / width, (ends[end + 1][1] + 0.5) / height)
      }
    }
  }
  return path
}
