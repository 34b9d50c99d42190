import type { MonotonicMs } from '#contract'

/** Nonces by a number which no two have, with the highest count of each. */
interface Generation {
  readonly countByNonce: Map<number, number>
  /** When the youngest of them was issued. */
  issuedAt: number
}

/**
 * The highest nonce count (nc) seen of each nonce which may still be used (RFC 7616 §3.4, §5.5).
 *
 * Kept in two generations: when the younger has lasted a nonce's lifetime, or is full, the elder is forgotten.
 */
export class NonceCounts {
  readonly #lifetimeMs: number
  readonly #atMost: number
  #elder = generation()
  #younger = generation()
  #bornAt = Number.NEGATIVE_INFINITY
  /** Nonces issued up to then may have been forgotten, and are not taken for unused. */
  #forgottenUntil = Number.NEGATIVE_INFINITY

  constructor(lifetimeMs: number, atMost: number) {
    this.#lifetimeMs = lifetimeMs
    this.#atMost = atMost
  }

  /** Why `count` is no good; undefined: it is, and it is remembered. `nonce`: a number which no other has. */
  refuse(
    now: MonotonicMs,
    nonce: number,
    issuedAt: MonotonicMs,
    count: number,
  ): 'replayed' | 'stale' | undefined {
    const full = this.#younger.countByNonce.size >= this.#atMost / 2
    if (full || now - this.#bornAt > this.#lifetimeMs) this.#age(now)
    const { countByNonce } = this.#elder.countByNonce.has(nonce) ? this.#elder : this.#younger
    const seen = countByNonce.get(nonce)
    if (seen !== undefined && count <= seen) return 'replayed'
    if (seen === undefined && issuedAt <= this.#forgottenUntil) return 'stale'
    countByNonce.set(nonce, count)
    if (seen === undefined) this.#younger.issuedAt = Math.max(this.#younger.issuedAt, issuedAt)
    return undefined
  }

  #age(now: MonotonicMs): void {
    const { issuedAt } = this.#elder
    if (now - issuedAt <= this.#lifetimeMs) this.#forgottenUntil = Math.max(this.#forgottenUntil, issuedAt)
    this.#elder = this.#younger
    this.#younger = generation()
    this.#bornAt = now
  }
}

function generation(): Generation {
  return { countByNonce: new Map(), issuedAt: Number.NEGATIVE_INFINITY }
}
