import type { MonotonicMs } from '#contract'

/* Implementation */
const firstPauseMs = 1_000
const longestPauseMs = 5_000
/** Of an edge which just answered, one failure says little to those who have nothing else to go by. */
const patience = 3

/**
 * Whether the edge is worth waiting for.
 *
 * After a failure a question which has a snapshot to go by does not wait for it again until something was answered.
 * One which has not, or should not rely on it, may try: one at a time, after a pause which grows from one second to five.
 */
export class Circuit {
  #failures = 0
  #tryAt = Number.NEGATIVE_INFINITY

  /** Nothing failed since the last answer. */
  get closed(): boolean {
    return this.#failures === 0
  }

  /** Whether a question without any other answer may be asked. */
  admits(now: MonotonicMs): boolean {
    return this.#failures < patience || this.tries(now)
  }

  /** Whether a question is asked although there is an older answer: one in each pause. */
  tries(now: MonotonicMs): boolean {
    if (this.closed) return true
    if (now < this.#tryAt) return false
    this.#rest(now)
    return true
  }

  answered(): void {
    this.#failures = 0
  }

  failed(now: MonotonicMs): void {
    this.#failures++
    this.#rest(now)
  }

  #rest(now: MonotonicMs): void {
    const doublings = Math.max(0, Math.min(this.#failures - patience, 8))
    this.#tryAt = now + Math.min(longestPauseMs, firstPauseMs * 2 ** doublings)
  }
}
