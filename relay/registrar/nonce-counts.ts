/** The highest nonce count (nc) seen of each nonce which may still be used (RFC 7616 §3.4, §5.5). */
export class NonceCounts {
  readonly #lifetimeMs: number
  readonly #atMost: number
  /** In the order of first use. */
  readonly #seenByNonce = new Map<string, { issuedAt: number; count: number }>()
  /** Nonces issued up to then may have been forgotten, and are not taken for unused. */
  #forgottenUntil = Number.NEGATIVE_INFINITY

  constructor(lifetimeMs: number, atMost: number) {
    this.#lifetimeMs = lifetimeMs
    this.#atMost = atMost
  }

  /** Why `count` is no good; undefined: it is, and it is remembered. */
  refuse(at: number, nonce: string, issuedAt: number, count: number): 'replayed' | 'stale' | undefined {
    this.#forget(at)
    const seen = this.#seenByNonce.get(nonce)
    if (seen !== undefined) {
      if (count <= seen.count) return 'replayed'
      seen.count = count
      return undefined
    }
    if (issuedAt <= this.#forgottenUntil) return 'stale'
    this.#seenByNonce.set(nonce, { issuedAt, count })
    return undefined
  }

  #forget(at: number): void {
    for (const [nonce, { issuedAt }] of this.#seenByNonce) {
      const full = this.#seenByNonce.size >= this.#atMost
      if (!full && at - issuedAt <= this.#lifetimeMs) return
      this.#seenByNonce.delete(nonce)
      if (at - issuedAt <= this.#lifetimeMs) this.#forgottenUntil = Math.max(this.#forgottenUntil, issuedAt)
    }
  }
}
