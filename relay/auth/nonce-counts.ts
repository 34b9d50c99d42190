import type { MonotonicMs } from '#contract'

interface NonceUse {
  readonly issuedAt: MonotonicMs
  count: number
}

/**
 * The highest nonce count (nc) seen of each nonce which may still be used (RFC 7616 §3.4, §5.5).
 *
 * Kept in two generations: when the younger has lasted a nonce's lifetime, or is full, the elder is forgotten.
 */
export class NonceCounts {
  readonly #lifetimeMs: number
  readonly #atMost: number
  #elder = new Map<string, NonceUse>()
  #younger = new Map<string, NonceUse>()
  #bornAt = Number.NEGATIVE_INFINITY
  /** Nonces issued up to then may have been forgotten, and are not taken for unused. */
  #forgottenUntil = Number.NEGATIVE_INFINITY

  constructor(lifetimeMs: number, atMost: number) {
    this.#lifetimeMs = lifetimeMs
    this.#atMost = atMost
  }

  /** Why `count` is no good; undefined: it is, and it is remembered. */
  refuse(
    now: MonotonicMs,
    nonce: string,
    issuedAt: MonotonicMs,
    count: number,
  ): 'replayed' | 'stale' | undefined {
    const full = this.#younger.size >= this.#atMost / 2
    if (full || now - this.#bornAt > this.#lifetimeMs) this.#age(now)
    const seen = this.#younger.get(nonce) ?? this.#elder.get(nonce)
    if (seen !== undefined) {
      if (count <= seen.count) return 'replayed'
      seen.count = count
      return undefined
    }
    if (issuedAt <= this.#forgottenUntil) return 'stale'
    this.#younger.set(nonce, { issuedAt, count })
    return undefined
  }

  #age(now: MonotonicMs): void {
    for (const { issuedAt } of this.#elder.values())
      if (now - issuedAt <= this.#lifetimeMs) this.#forgottenUntil = Math.max(this.#forgottenUntil, issuedAt)
    this.#elder = this.#younger
    this.#younger = new Map()
    this.#bornAt = now
  }
}
