/**
 * A token bucket for each source: so many at once, and so many a second again.
 *
 * Who was never seen has all of it. At most `remembered` are kept in mind; the one seen longest ago is forgotten.
 */
export class RateLimiter {
  readonly #atOnce: number
  readonly #perSecond: number
  readonly #remembered: number
  /** In the order they were last seen. */
  readonly #bucketBySource = new Map<string, { left: number; at: number }>()

  constructor(limits: { atOnce: number; perSecond: number; remembered?: number }) {
    this.#atOnce = limits.atOnce
    this.#perSecond = limits.perSecond
    this.#remembered = limits.remembered ?? 10_000
  }

  /** Spends one; false: there is none left. */
  take(now: number, source: string): boolean {
    const bucket = { left: this.#left(now, source), at: now }
    const enough = bucket.left >= 1
    if (enough) bucket.left--
    this.#bucketBySource.delete(source)
    this.#bucketBySource.set(source, bucket)
    if (this.#bucketBySource.size > this.#remembered)
      this.#bucketBySource.delete(this.#bucketBySource.keys().next().value ?? '')
    return enough
  }

  /** Whether there is one left. */
  has(now: number, source: string): boolean {
    return this.#left(now, source) >= 1
  }

  /** Gives all of it back. */
  forget(source: string): void {
    this.#bucketBySource.delete(source)
  }

  /** What was taken was not spent after all. */
  giveBack(now: number, source: string): void {
    const bucket = this.#bucketBySource.get(source)
    if (bucket) Object.assign(bucket, { left: Math.min(this.#atOnce, this.#left(now, source) + 1), at: now })
  }

  #left(now: number, source: string): number {
    const bucket = this.#bucketBySource.get(source)
    if (bucket === undefined) return this.#atOnce
    return Math.min(this.#atOnce, bucket.left + ((now - bucket.at) / 1000) * this.#perSecond)
  }
}
