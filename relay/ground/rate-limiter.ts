import type { MonotonicMs } from '#contract'
import { BoundedMap } from './bounded-map.ts'
import { type BucketSize, TokenBucket } from './token-bucket.ts'

/**
 * A token bucket for each source.
 *
 * Who was never seen has all of it. At most `remembered` are kept in mind; the one seen longest ago is forgotten.
 */
export class RateLimiter {
  readonly #size: BucketSize
  readonly #bucketBySource: BoundedMap<string, TokenBucket>

  constructor({ remembered = 10_000, ...size }: BucketSize & { readonly remembered?: number }) {
    this.#size = size
    this.#bucketBySource = new BoundedMap(remembered)
  }

  /** Spends one; false: there is none left. */
  take(now: MonotonicMs, source: string): boolean {
    const bucket = this.#bucketBySource.get(source) ?? new TokenBucket(this.#size)
    this.#bucketBySource.set(source, bucket)
    return bucket.take(now)
  }

  /** Whether there is one left. */
  has(now: MonotonicMs, source: string): boolean {
    return this.#bucketBySource.get(source)?.has(now) ?? this.#size.atOnce >= 1
  }

  /** Gives all of it back. */
  forget(source: string): void {
    this.#bucketBySource.delete(source)
  }

  /** What was taken was not spent after all. */
  giveBack(now: MonotonicMs, source: string): void {
    this.#bucketBySource.get(source)?.giveBack(now)
  }
}
