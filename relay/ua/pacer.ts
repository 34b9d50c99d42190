import type { MonotonicMs } from '#contract'

/** Lets things set out one by one, so many milliseconds apart. */
export class Pacer {
  readonly #apartMs: number
  #free = Number.NEGATIVE_INFINITY

  constructor(apartMs: number) {
    this.#apartMs = apartMs
  }

  /** When the next one may set out; the place is taken by asking. */
  next(now: MonotonicMs): number {
    const at = Math.max(now, this.#free)
    this.#free = at + this.#apartMs
    return at
  }
}
