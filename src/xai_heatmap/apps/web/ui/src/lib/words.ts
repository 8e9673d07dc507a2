// Numbers and places in words.

export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 1e5 || size < 1e-3) return value.toExponential(2).replace('e+', 'e')
  return String(Number(value.toPrecision(3)))
}

export function signed(value: number): string {
  return (value > 0 ? '+' : '') + number(value)
}

export function percent(share: number): string {
  const value = 100 * share
  if (value > 99.5 && value < 100) return '> 99 %'
  if (value > 0 && value < 0.5) return '< 1 %'
  return `${Math.round(value)} %`
}

export function seconds(value: number): string {
  return value < 1 ? `${Math.max(1, Math.round(1000 * value))} ms` : `${number(value)} s`
}

/** The bytes of a data: address. */
export function bytesOf(url: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(url.slice(url.indexOf(',') + 1)), (c) => c.charCodeAt(0))
}

/** How sure: a probability as a percentage, otherwise the bare score. */
export function sureness(of: { score: number; probability: number | null }): string {
  return of.probability === null ? `score ${number(of.score)}` : percent(of.probability)
}

/** Where the strongest cell of a grid lies: "upper left", "middle". */
export function region(row: number, column: number, rows: number, columns: number): string {
  const vertical = ['upper', '', 'lower'][Math.min(2, Math.floor((3 * (row + 0.5)) / rows))]
  const horizontal = ['left', '', 'right'][Math.min(2, Math.floor((3 * (column + 0.5)) / columns))]
  return [vertical, horizontal].filter(Boolean).join(' ') || 'middle'
}
