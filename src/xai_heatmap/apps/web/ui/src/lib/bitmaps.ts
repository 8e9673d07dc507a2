import type { Backend, Picture } from '../backend/types'

const KEPT = 24

/** Pictures as they are drawn, decoded once; of a volume slice by slice. */
export class Bitmaps {
  private readonly backend: Backend
  private readonly made = new Map<string, Promise<ImageBitmap>>()

  constructor(backend: Backend) {
    this.backend = backend
  }

  of(picture: Picture, slice?: number): Promise<ImageBitmap> {
    const source = this.backend.source(picture.id, slice)
    let known = this.made.get(source)
    if (!known) {
      if (this.made.size > KEPT) this.made.delete(this.made.keys().next().value!)
      known = picture.kind === 'signal' ? Promise.reject(new Error('')) : load(source)
      known.catch(() => this.made.delete(source))
      this.made.set(source, known)
    }
    return known
  }
}

async function load(source: string): Promise<ImageBitmap> {
  const image = new Image()
  image.src = source
  await image.decode()
  return createImageBitmap(image)
}
