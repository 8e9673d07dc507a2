// What the stage shows, as a PNG with a line of words below it.

import type { Session } from '../session.svelte'

export function download(blob: Blob, name: string) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

export function save(session: Session) {
  const shown = document.querySelector<HTMLCanvasElement>('.stage canvas')
  if (!shown || !shown.width) return
  const line = Math.max(22, Math.round(shown.width / 42))
  const page = document.createElement('canvas')
  page.width = shown.width
  page.height = shown.height + 2 * line
  const context = page.getContext('2d')!
  context.fillStyle = '#fff'
  context.fillRect(0, 0, page.width, page.height)
  context.drawImage(shown, 0, 0)
  context.fillStyle = '#222'
  context.font = `${0.62 * line}px system-ui, sans-serif`
  context.fillText(session.sentence(), 0.4 * line, shown.height + 1.3 * line, page.width - 0.8 * line)
  const name = (session.picture?.name ?? 'camera').replace(/\.[^.]*$/, '').replace(/[^\w.-]+/g, '-')
  page.toBlob((blob) => blob && download(blob, `${name}.${session.method}.png`))
  session.said = 'The picture is saved.'
}
