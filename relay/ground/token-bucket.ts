import type { MonotonicMs } from '#contract'

/** How many tokens a bucket has when it is full, and how many come into it a second. */
export interface BucketSize {
  readonly atOnce: number
  readonly perSecond: number
}

/** A bucket of tokens, full at first: so many at once, and so many a second again. `now` is monotonic ms. */
export class TokenBucket {
  readonly #size: BucketSize
  #left: number
  /** When `left` was right. */
  #at = 0

  constructor(size: BucketSize) {
    this.#size = size
    this.#left = size.atOnce
  }

  /** Spends a token; false: there is none left. */
  take(now: MonotonicMs): boolean {
    if (now !== this.#at) this.#refill(now)
    if (this.#left < 1) return false
    this.#left--
    return true
  }

  /** Whether there is a token left. One which was there is there still: nothing is reckoned, nor written. */
  has(now: MonotonicMs): boolean {
    if (this.#left >= 1) return true
    this.#refill(now)
    return this.#left >= 1
  }

  /** Spends what something has cost, be there so many tokens or not. */
  spend(now: MonotonicMs, count: number): void {
    this.#refill(now)
    this.#left -= count
  }

  /** What was taken was not spent after all. */
  giveBack(now: MonotonicMs): void {
    this.#refill(now)
    this.#left = Math.min(this.#size.atOnce, this.#left + 1)
  }

  #refill(now: MonotonicMs): void {
    const { atOnce, perSecond } = this.#size
    this.#left = Math.min(atOnce, this.#left + ((now - this.#at) / 1000) * perSecond)
    this.#at = now
  }
}
