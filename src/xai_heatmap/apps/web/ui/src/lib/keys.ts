// The keyboard's grammar. Every key is a button somewhere too.

import { PALETTES } from './palettes'
import { MODES, type Session } from '../session.svelte'

export const KEYS: [string, string][] = [
  ['↑ ↓ ← →  or  i k j l', 'move in the list, grid or map that has the focus'],
  ['u  o', 'layer before, layer after'],
  ['1 … 9', 'class'],
  ['x', 'contrast with the second class, on and off'],
  ['m', 'methods'],
  ['Space', 'hold: the picture alone'],
  ['t  T', 'more, less opaque'],
  ['p', 'next palette'],
  ['v', 'overlay, side by side, swipe, map'],
  ['g', 'true cells'],
  ['z', 'zoom'],
  ['[  ]', 'slice of a volume'],
  ['c', 'camera'],
  ['f', 'freeze the camera'],
  ['s', 'save what is shown as a picture'],
  ['?', 'these keys'],
  ['Esc', 'back to how it was'],
]

/** Whether a key belongs to what has the focus. */
function taken(event: KeyboardEvent): boolean {
  const at = event.target as HTMLElement
  if (event.ctrlKey || event.metaKey || event.altKey) return true
  if (at.closest('dialog')) return true
  if (at.matches('textarea, select, [contenteditable]')) return true
  return at.matches('input') && !at.matches('[type="checkbox"], [type="range"]')
}

const after = <T>(all: readonly T[], now: T) => all[(all.indexOf(now) + 1) % all.length]

export interface Doings {
  save(): void
  freeze(): void
}

export function listen(session: Session, doings: Doings): () => void {
  const down = (event: KeyboardEvent) => {
    if (taken(event)) return
    const inControl = (event.target as HTMLElement).matches('button, a, input, summary')
    if (event.key === ' ' && !inControl) {
      session.peek = true
      return event.preventDefault()
    }
    const act = ACTS[event.key]
    if (act) {
      act(session, doings)
      event.preventDefault()
    } else if (/^[1-9]$/.test(event.key)) nth(session, Number(event.key) - 1)
  }
  const up = (event: KeyboardEvent) => {
    if (event.key === ' ' && !(event.target as HTMLElement).matches('button, a, input, summary')) session.peek = false
  }
  window.addEventListener('keydown', down)
  window.addEventListener('keyup', up)
  return () => {
    window.removeEventListener('keydown', down)
    window.removeEventListener('keyup', up)
  }
}

function nth(session: Session, place: number) {
  const { packet } = session
  const held = session.picture && packet && session.backend.targets?.(session.picture.id, packet.method)
  if (held) {
    if (held[place]) session.ask(held[place].words)
  } else if (packet?.boxes) {
    const box = packet.boxes[place]
    if (box) session.ask(`box:${box.number}`)
  } else {
    const one = packet?.predictions[place]
    if (one && one.index !== null) session.ask(String(one.index))
  }
}

const ACTS: Record<string, (session: Session, doings: Doings) => void> = {
  u: (s) => s.step(-1),
  o: (s) => s.step(1),
  m: (s) => (s.choosing = s.backend.can.methods),
  t: (s) => (s.opacity = Math.min(1, s.opacity + 0.1)),
  T: (s) => (s.opacity = Math.max(0, s.opacity - 0.1)),
  p: (s) => (s.palette = after(PALETTES, s.palette)),
  v: (s) => (s.mode = after(MODES, s.mode)),
  g: (s) => (s.cells = !s.cells),
  z: (s) => (s.zoom = s.zoom === 4 ? 1 : 2 * s.zoom),
  '[': (s) => void s.cut(s.slice - 1),
  ']': (s) => void s.cut(s.slice + 1),
  x: (s) => {
    const other = s.packet?.predictions.find((c) => c.index !== s.packet!.target.index)
    if (s.against) s.contrast(s.against)
    else if (other && other.index !== null) s.contrast(String(other.index))
  },
  c: (s) => s.backend.can.live && (s.view = s.view === 'live' ? 'image' : 'live'),
  f: (_, doings) => doings.freeze(),
  s: (_, doings) => doings.save(),
  '?': (s) => (s.helping = true),
  Escape: (s) => {
    s.mode = 'overlay'
    s.zoom = 1
    s.peek = s.cells = false
    s.channel = null
    if (s.against || s.target) {
      s.against = ''
      s.ask('')
    }
  },
}
