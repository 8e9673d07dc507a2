// Colour tables of 256 colours. Inferno and viridis are given at every fourth level and drawn out in
// straight lines, which is within one level of the whole tables.

export const PALETTES = ['inferno', 'viridis', 'grey', 'contour', 'jet'] as const
export type Palette = (typeof PALETTES)[number]

const INFERNO =
  '00000402010a04031207051b0b072410092d150b371b0c41210c4a280b532f0a5b3609613d0965440a684a0c6b510e6c57106e5d126e64156e6a176e71196e771c6d7d1e6d84206b8a226a9025689727669d2964a32c61a92e5eb0315bb63458bc3754c13a50c73e4ccc4248d24644d74b3fdb503be05536e45a31e8602deb6628ef6c23f1731df47918f68013f8870ef98e09fb9606fb9d07fca50afcac11fcb418fbbc21fac42af9cb35f7d340f5db4cf3e35af2ea69f1f179f3f68af8fb9afcffa4'
const VIRIDIS =
  '44015446075a470d6047136548186a481d6f482374482878472d7b46327e453781443b844240864045883e49893d4e8a3b528b39568c375b8d355f8d33638d31678e2f6b8e2e6f8e2c728e2a768e297a8e277e8e26828e25858e23898e228d8d21918c1f948c1f988b1e9c891fa08820a38622a78525ab8228ae802db27d32b67a38b9773fbc7346c06f4ec36b56c6675ec96267cc5c70cf577ad15184d44b8ed64598d83ea2da37addc30b8de29c2df23cde11dd8e219e2e418ece51bf6e620fde725'
const BLUE_RED = '0a3cc83c78eb96befaf7f7f7fcaf96eb553cbe0a1e'

type Table = Uint8Array // 256 x RGB

function drawnOut(hex: string, places: (k: number, count: number) => number): Table {
  const count = hex.length / 6
  const at = Array.from({ length: count }, (_, k) => places(k, count))
  const table = new Uint8Array(768)
  let k = 0
  for (let level = 0; level < 256; level++) {
    while (k < count - 2 && level > at[k + 1]) k++
    const share = (level - at[k]) / (at[k + 1] - at[k])
    for (let c = 0; c < 3; c++) {
      const low = parseInt(hex.slice(6 * k + 2 * c, 6 * k + 2 * c + 2), 16)
      const high = parseInt(hex.slice(6 * k + 6 + 2 * c, 6 * k + 8 + 2 * c), 16)
      table[3 * level + c] = Math.round(low + share * (high - low))
    }
  }
  return table
}

function made(colour: (level: number) => number[]): Table {
  return Uint8Array.from({ length: 256 }, (_, level) => level).reduce((table, level) => {
    table.set(colour(level).map((c) => Math.max(0, Math.min(255, c))), 3 * level)
    return table
  }, new Uint8Array(768))
}

const everyFourth = (k: number) => Math.min(4 * k, 255)
const even = (k: number, count: number) => (255 * k) / (count - 1)
const grey = made((v) => [v, v, v])
const TABLES: Record<Palette, Table> = {
  inferno: drawnOut(INFERNO, everyFourth),
  viridis: drawnOut(VIRIDIS, everyFourth),
  grey,
  contour: grey,
  jet: made((v) => [383 - Math.abs(4 * v - 765), 382 - Math.abs(4 * v - 510), 382 - Math.abs(4 * v - 255)]),
}
const DIVERGING = drawnOut(BLUE_RED, even)

export interface Range {
  lo: number
  hi: number
  signed: boolean
}

/** The value that takes the last colour: the largest, or of a signed map the largest magnitude. */
export function top(range: Range): number {
  return range.signed ? Math.max(Math.abs(range.lo), Math.abs(range.hi)) : Math.max(range.hi, 0)
}

/** Share of the top, in [0, 1], or [-1, 1] if signed, that each of the 256 levels of a map stands for. */
export function shares(range: Range, highest: number): Float32Array {
  const span = (range.hi - range.lo) / 255
  return Float32Array.from({ length: 256 }, (_, level) => {
    const share = highest > 0 ? (range.lo + level * span) / highest : 0
    return Math.max(range.signed ? -1 : 0, Math.min(1, share))
  })
}

/** Colour of each level as one little-endian RGBA word. `ramp`: opacity follows relevance from 0. */
export function lookup(palette: Palette, range: Range, highest: number, ramp: boolean): Uint32Array {
  const table = range.signed && palette !== 'grey' ? DIVERGING : TABLES[palette]
  const words = new Uint32Array(256)
  shares(range, highest).forEach((share, level) => {
    const index = range.signed ? Math.round(127.5 + 127.5 * share) : Math.round(255 * share)
    const strength = Math.abs(share)
    // Jet stands here for pictures that look as they did elsewhere: even opacity, as they had.
    const solid = palette === 'jet' && !range.signed ? 0.65 : Math.min(1, 1.2 * strength ** 0.8)
    const alpha = ramp ? (strength < 1 / 255 && palette !== 'jet' ? 0 : Math.round(255 * solid)) : 255
    const [r, g, b] = table.subarray(3 * index, 3 * index + 3)
    words[level] = ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0
  })
  return words
}

/** CSS colour of a share of the top. */
export function css(palette: Palette, share: number, signed: boolean): string {
  const table = signed && palette !== 'grey' ? DIVERGING : TABLES[palette]
  const index = Math.round(signed ? 127.5 + 127.5 * share : 255 * share)
  return `rgb(${table.subarray(3 * index, 3 * index + 3).join(' ')})`
}
