import type { State } from '../state.svelte'
import { strongest } from './draw'
import { region, sureness } from './words'

/** What is to be seen, in one sentence: the line for screen readers, and the picture's alt text. */
export function sentence(state: State): string {
  const { packet, map, plane } = state
  if (!packet) return ''
  const label = state.named
  const sure = sureness(packet.target)
  if (!map || !plane) return `${label}, ${sure}. ${state.missing}`
  if (map.hi <= 0 && map.lo >= 0) return `${label}, ${sure}. ${map.verdict.words}`
  const { row, column } = strongest(map, plane)
  const where = region(row, column, plane.rows, plane.columns)
  const layer = state.pixels ? 'of the pixels' : `at ${state.place?.name ?? map.layer}`
  return `${label}, ${sure}, ${state.made?.title ?? ''} ${layer}: strongest in the ${where}.`
}
