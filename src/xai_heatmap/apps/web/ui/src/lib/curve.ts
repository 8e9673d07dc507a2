// A signal as lines over time.

import type { Curve } from '../backend/types'
import type { Box } from './draw'

export function lines(context: CanvasRenderingContext2D, curve: Curve, box: Box, ink: string) {
  const each = box.height / curve.channels.length
  const unit = window.devicePixelRatio || 1
  context.save()
  context.strokeStyle = ink
  context.fillStyle = ink
  context.lineWidth = 1.4 * unit
  context.lineJoin = 'round'
  context.font = `${12 * unit}px system-ui, sans-serif`
  curve.channels.forEach(({ name, values }, k) => {
    let [low, high] = [Infinity, -Infinity]
    for (const v of values) {
      if (v < low) low = v
      if (v > high) high = v
    }
    const span = high - low || 1
    const y = (v: number) => box.top + each * (k + 0.92 - (0.84 * (v - low)) / span)
    context.beginPath()
    const places = curve.length ?? values.length
    values.forEach((v, i) => context.lineTo(box.left + (((curve.at?.[i] ?? i) + 0.5) / places) * box.width, y(v)))
    context.stroke()
    if (name) context.fillText(name, box.left + 6 * unit, box.top + each * k + 14 * unit)
  })
  context.restore()
}
