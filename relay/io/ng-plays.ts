import type { MediaCommand, MediaReport } from '../ground/media.ts'
import type { NgLeg } from '../media/ng-leg.ts'
import { monotonicNow } from './clock.ts'
import type { NgClient } from './ng-client.ts'
import { saidBy } from './said-by.ts'
import type { SoundFiles } from './sound-files.ts'

/** What is to be played, as ordered. */
export type PlayOrder = Extract<MediaCommand, { type: 'play' }>

interface NgPlaysDeps {
  readonly client: NgClient
  readonly sounds: SoundFiles
  readonly report: (report: MediaReport) => void
}

/** The first of a leg's is heard; `since` when it began, undefined: it is about to. */
interface Playing {
  readonly order: PlayOrder
  since: number | undefined
  timer: NodeJS.Timeout | undefined
}

/** As often as rtpengine counts. */
const FOR_EVER = 1_000_000

/** What rtpengine plays to legs, one sound behind the other. It says how long a file is, and not when it has ended. */
export class NgPlays {
  readonly #deps: NgPlaysDeps
  readonly #queues = new Map<NgLeg, Playing[]>()

  constructor(deps: NgPlaysDeps) {
    this.#deps = deps
  }

  play(leg: NgLeg, order: PlayOrder): void {
    const queue = this.#queues.get(leg) ?? []
    this.#queues.set(leg, queue)
    if (queue.push({ order, since: undefined, timer: undefined }) === 1) void this.#next(leg)
  }

  /** Throws in words where rtpengine does not stop it. */
  async stop(leg: NgLeg, play: number): Promise<void> {
    const queue = this.#queues.get(leg) ?? []
    const at = queue.findIndex(({ order }) => order.play === play)
    if (at < 0) return
    this.#over(leg, at)
    if (at === 0) await this.#deps.client.ask(leg.ask('stop media', { 'from-tag': 'party' }))
    if (at === 0) void this.#next(leg)
  }

  /** The leg is no more. */
  closed(leg: NgLeg): void {
    while (this.#queues.get(leg)?.length) this.#over(leg, 0)
    this.#queues.delete(leg)
  }

  async #next(leg: NgLeg): Promise<void> {
    const [first] = this.#queues.get(leg) ?? []
    if (first === undefined) return
    try {
      const { sounds, loop } = first.order
      const { path, ms } = await this.#deps.sounds.render(sounds)
      if (!this.#isFirst(leg, first)) return
      const repeated = loop ? { 'repeat-times': FOR_EVER } : {}
      await this.#deps.client.ask(leg.ask('play media', { 'from-tag': 'party', file: path, ...repeated }))
      first.since = monotonicNow()
      if (loop || !this.#isFirst(leg, first)) return
      first.timer = setTimeout(() => this.#ended(leg, first), ms)
    } catch (error) {
      this.#ended(leg, first, saidBy(error))
    }
  }

  #isFirst(leg: NgLeg, playing: Playing): boolean {
    return this.#queues.get(leg)?.[0] === playing
  }

  #ended(leg: NgLeg, playing: Playing, why?: string): void {
    if (!this.#isFirst(leg, playing)) return
    this.#over(leg, 0, why)
    void this.#next(leg)
  }

  #over(leg: NgLeg, at: number, why?: string): void {
    const [playing] = this.#queues.get(leg)?.splice(at, 1) ?? []
    if (playing === undefined) return
    clearTimeout(playing.timer)
    const { session, side, play } = playing.order
    const ms = playing.since === undefined ? 0 : Math.round(monotonicNow() - playing.since)
    this.#deps.report({ type: 'played', session, side, play, ms, ...(why !== undefined && { why }) })
  }
}
