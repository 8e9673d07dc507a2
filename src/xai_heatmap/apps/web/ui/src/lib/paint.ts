// The stage in one go: picture, map, curve, in one panel or two.

import type { Curve, LayerMap } from '../backend/types'
import { lines } from './curve'
import { grid, heat, type Box, type Plane } from './draw'
import type { Palette } from './palettes'

export interface Scene {
  source: CanvasImageSource | null
  map: LayerMap | null
  plane: Plane | null
  mode: 'overlay' | 'side' | 'swipe' | 'map'
  palette: Palette
  opacity: number
  cells: boolean
  outlined: boolean
  peek: boolean
  swipe: number
  stale: boolean
  laid: Box[][] // of each panel the picture's box and what of it shows
  mapped: Box[] // of each panel the map's box
  curve: Curve | null
  ink: string
  unit: number
}

export function paint(canvas: HTMLCanvasElement, width: number, height: number, scene: Scene) {
  const [w, h] = [Math.round(width), Math.round(height)]
  if (!w || !h) return
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h]
  const context = canvas.getContext('2d')!
  context.clearRect(0, 0, w, h)
  scene.laid.forEach(([box, clip], k) => {
    const hot = !scene.peek && (k > 0 || scene.laid.length === 1)
    const alone = scene.mode === 'map' && hot
    context.save()
    context.beginPath()
    context.roundRect(clip.left, clip.top, clip.width, clip.height, 6 * scene.unit)
    context.clip()
    if (alone && scene.palette !== 'contour') {
      context.fillStyle = '#000'
      context.fillRect(clip.left, clip.top, clip.width, clip.height)
    } else if (scene.source && !alone) {
      ground(context, scene.source, box, w, h)
    }
    if (hot) warm(context, scene, k, clip, alone)
    if (scene.curve) lines(context, scene.curve, box, alone ? '#fff' : scene.ink)
    context.restore()
  })
}

// One, and no more: frames of a camera come as bitmaps too, and each would leave a canvas behind.
const kept = document.createElement('canvas')
let held: ImageBitmap | null = null

/** The picture below the map: a still one is made smaller or larger once for each size. */
function ground(context: CanvasRenderingContext2D, source: CanvasImageSource, box: Box, w: number, h: number) {
  const [width, height] = [Math.max(1, Math.round(box.width)), Math.max(1, Math.round(box.height))]
  if (!(source instanceof ImageBitmap) || width > w || height > h) {
    context.imageSmoothingQuality = source instanceof ImageBitmap ? 'high' : 'low'
    context.drawImage(source, box.left, box.top, box.width, box.height)
    return
  }
  if (held !== source || kept.width !== width || kept.height !== height) {
    ;[kept.width, kept.height] = [width, height] // which empties it
    const own = kept.getContext('2d')!
    own.imageSmoothingQuality = 'high'
    own.drawImage(source, 0, 0, width, height)
    held = source
  }
  context.drawImage(kept, Math.round(box.left), Math.round(box.top))
}

function warm(context: CanvasRenderingContext2D, scene: Scene, k: number, clip: Box, alone: boolean) {
  const { map, plane } = scene
  if (!map || !plane) return
  if (scene.mode === 'swipe') {
    context.beginPath()
    context.rect(clip.left + clip.width * scene.swipe, clip.top, clip.width, clip.height)
    context.clip()
  }
  heat(context, map, plane, scene.mapped[k], {
    palette: scene.palette,
    opacity: alone ? 1 : scene.opacity * (scene.stale ? 0.45 : 1),
    cells: scene.cells,
    outlined: scene.outlined && plane.rows > 1 && plane.rows <= 64,
    ramp: !alone,
    highest: null,
  })
  if (scene.cells) grid(context, plane, scene.mapped[k])
}
