import type { MonotonicMs } from '#contract'
import type { Flow } from '../ground/flow.ts'
import type { StreamLimits } from './stream-options.ts'

/** A connection, as far as it may keep us waiting. */
export interface Waiting {
  readonly flow: Flow
  readonly since: MonotonicMs
  /** A whole message has come over it, or we made it. */
  greeted: boolean
  /** When it last brought something which keeps it open. */
  saidAt: MonotonicMs
  /** When the message under way began; undefined: none is. */
  messageSince: MonotonicMs | undefined
}

/** How long a connection may keep us waiting, whatever it is carried by. */
export class Patience {
  readonly #limits: StreamLimits
  readonly #needed: (flow: Flow) => boolean

  /** `needed`: whether a phone or call can be reached by this connection only. */
  constructor(limits: StreamLimits, needed: (flow: Flow) => boolean = () => false) {
    this.#limits = limits
    this.#needed = needed
  }

  /** Whether it is over: with who never greeted, whose message takes too long, or who is idle and not needed. */
  isOver(one: Waiting, now: MonotonicMs, isStranger: () => boolean): boolean {
    const { firstMessageMs, messageMs } = this.#limits
    if (one.messageSince !== undefined && now - one.messageSince > messageMs) return true
    if (!one.greeted && now - one.since > firstMessageMs) return true
    return this.#isIdle(one, now, isStranger)
  }

  #isIdle(one: Waiting, now: MonotonicMs, isStranger: () => boolean): boolean {
    const { idleMs, strangerIdleMs } = this.#limits
    const silentMs = now - one.saidAt
    const least = Math.min(idleMs, strangerIdleMs)
    // Who it is is looked up for few.
    if (silentMs <= least || silentMs <= (isStranger() ? least : idleMs)) return false
    if (!this.#needed(one.flow)) return true
    one.saidAt = now
    return false
  }
}
