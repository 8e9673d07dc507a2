// Pictures that move: the viewer's own camera, whose frames go to the server one at a time, or the
// camera or film of the server, whose frames come with their maps.

import type { LiveFrame, LiveLink, LiveQuestion } from '../backend/types'
import type { Session } from '../session.svelte'
import { bytesOf } from './words'

export const STALE = 150 // ms from which on a map is older than its picture can bear

const MOST = 20_000 // frames of a recording

export class Moving {
  readonly session: Session
  words = $state('')
  running = $state(false)
  ended = $state(false)
  device = $state(false) // the server's camera rather than the viewer's
  mirrored = $state(false)
  rate = $state(0)
  age = $state(0)
  cost = $state(0)
  video: HTMLVideoElement | null = null
  kept: LiveFrame[] | null = null // maps of a recording
  shown: () => void = () => {} // called when there is something new to draw
  private camera: MediaStream | null = null
  private still: ImageBitmap | null = null
  private link: LiveLink | null = null
  private going = 0 // changes with every start, so that what an older one left behind falls silent
  private taken = 0 // when the picture of the shown map was taken
  private waiting = false
  private fresh = false // a new picture since the last one that was sent
  private answers: number[] = []
  private sender = document.createElement('canvas')

  constructor(session: Session) {
    this.session = session
  }

  readonly question: LiveQuestion = $derived.by(() => {
    const { model, method, target, against, how, layer } = this.session
    return { model: model?.id ?? '', method, target, against, layers: how?.at === 'pixels' ? 'all' : layer }
  })

  /** What is to be drawn below the map, with its size, and the size that the map's box counts in. */
  get picture(): { source: CanvasImageSource; width: number; height: number; sent: { width: number; height: number } } | null {
    const { video, still, sender } = this
    if (this.device) {
      const size = still && { width: still.width, height: still.height }
      return size && { source: still!, ...size, sent: size }
    }
    if (!video?.videoWidth) return null
    const [width, height] = [video.videoWidth, video.videoHeight]
    return { source: video, width, height, sent: sender.width > 300 || this.taken ? sender : { width, height } }
  }

  get stale(): boolean {
    return !this.device && this.taken > 0 && performance.now() - this.taken > STALE
  }

  ask() {
    this.link?.ask(this.question)
  }

  async start(device: boolean) {
    this.stop()
    this.device = device
    this.ended = false
    this.session.channel = this.session.channels = null
    if (!device && !(await this.lit())) return
    this.running = true
    this.go()
  }

  /** Go on after a freeze. */
  go() {
    const own = ++this.going
    this.connect(own)
    if (!this.device) this.frames(own)
    const figures = setInterval(() => {
      if (own !== this.going) return clearInterval(figures)
      const now = performance.now()
      this.age = this.taken ? now - this.taken : 0
      this.rate = this.answers.filter((t) => t > now - 1000).length
    }, 250)
  }

  /** Frames stop; the camera stays lit. */
  hold() {
    this.going++
    this.link?.close()
    this.link = null
  }

  stop() {
    this.hold()
    this.camera?.getTracks().forEach((track) => track.stop())
    this.camera = null
    this.running = false
    this.taken = 0
  }

  async file(): Promise<Blob | null> {
    const picture = this.picture
    if (!picture) return null
    const still = new OffscreenCanvas(picture.width, picture.height)
    still.getContext('2d')!.drawImage(picture.source, 0, 0)
    return still.convertToBlob({ type: 'image/png' })
  }

  private async lit(): Promise<boolean> {
    this.words = 'Asking for the camera…'
    if (!navigator.mediaDevices) {
      this.words = `Browsers give the camera to pages from this machine or over HTTPS only: open this page as http://localhost:${location.port}.`
      return false
    }
    try {
      const video = { width: { ideal: 640 }, height: { ideal: 480 } }
      this.camera = await navigator.mediaDevices.getUserMedia({ video, audio: false })
      this.mirrored = this.camera.getVideoTracks()[0]?.getSettings().facingMode === 'user'
      this.words = ''
      return true
    } catch (error) {
      const { name, message } = error as Error
      this.words =
        name === 'NotAllowedError' ? 'The camera was refused. Allow it in the browser’s address line, then start it again.'
        : name === 'NotFoundError' ? 'There is no camera here.' : `The camera could not be opened: ${message}`
      return false
    }
  }

  private frames(own: number) {
    const video = this.video!
    video.srcObject = this.camera
    void video.play()
    const pictures = () => {
      if (own !== this.going) return
      this.fresh = true
      this.next()
      this.shown()
      video.requestVideoFrameCallback(pictures)
    }
    video.requestVideoFrameCallback(pictures)
  }

  private connect(own: number) {
    this.waiting = this.device // there the question itself asks for the first frame
    const mine = (what: () => void) => own === this.going && what()
    const ears = {
      open: () => mine(() => (this.words = '')),
      frame: (got: LiveFrame) => mine(() => void this.heard(got, own)),
      fault: (fault: { code: string; message: string; hint: string; t?: number }) =>
        mine(() => {
          this.ended = fault.code === 'over'
          this.words = this.ended ? 'The film has ended.' : `${fault.message} ${fault.hint ?? ''}`
          this.waiting = false
          if (!this.ended) this.next()
        }),
      lost: () =>
        mine(() => {
          this.link = null
          if (!this.running || this.ended) return
          this.words = 'The server does not answer; the page asks again.'
          setTimeout(() => own === this.going && !this.link && this.connect(own), 1200)
        }),
    }
    this.link = this.device ? this.session.backend.device(this.question, ears) : this.session.backend.live(this.question, ears)
  }

  private async heard(got: LiveFrame, own: number) {
    if (got.jpeg) {
      const still = await createImageBitmap(new Blob([got.jpeg as Uint8Array<ArrayBuffer>], { type: 'image/jpeg' }))
      if (own !== this.going) return
      this.still = still
    }
    const now = performance.now()
    this.taken = got.jpeg ? now : got.t
    this.waiting = false
    this.words = ''
    this.cost = got.forward_ms ?? 0
    this.answers = [...this.answers.filter((t) => t > now - 2000), now]
    this.session.packet = got
    if (this.kept && this.kept.length < MOST) this.kept.push({ ...got, jpeg: undefined, maps: got.maps.map((one) => ({ ...one, bytes: one.bytes.slice() })) })
    this.next()
    if (got.jpeg) this.shown()
  }

  /** Ask for the next frame, or send the newest; never while an answer is awaited. */
  private next() {
    const { link, video, sender } = this
    if (!link || this.waiting) return
    if (this.device) {
      this.waiting = true
      return link.next()
    }
    if (!this.fresh || !video?.videoWidth) return
    this.fresh = false
    this.waiting = true
    const input = this.session.model?.input
    const longest = Math.max(224, Math.min(640, 1.15 * Math.max(input?.width ?? 0, input?.height ?? 0)))
    const scale = Math.min(1, longest / Math.max(video.videoWidth, video.videoHeight))
    sender.width = Math.round(video.videoWidth * scale)
    sender.height = Math.round(video.videoHeight * scale)
    const context = sender.getContext('2d')!
    context.imageSmoothingQuality = 'medium'
    const t = performance.now()
    context.drawImage(video, 0, 0, sender.width, sender.height)
    if (link.pixels) return link.pixels(t, context.getImageData(0, 0, sender.width, sender.height))
    // Encoded here and now: toBlob waits for an idle moment, which a page that draws has seldom.
    link.send(t, bytesOf(sender.toDataURL('image/jpeg', 0.85)))
  }
}
