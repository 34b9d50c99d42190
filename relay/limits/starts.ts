const windowMs = 1_000

/** Calls which began in the last second, by id: one that is named twice began once. */
export class Starts {
  readonly #begun = new Map<string, number>()
  #most = 0

  add(callId: string, now: number): void {
    if (this.#begun.has(callId)) return
    this.#begun.set(callId, now)
    this.#most = Math.max(this.#most, this.count(now))
  }

  count(now: number): number {
    for (const [callId, at] of this.#begun) {
      if (at > now - windowMs) break
      this.#begun.delete(callId)
    }
    return this.#begun.size
  }

  /** The most that ever began within one second since this was last asked and `settle` was called. */
  most(now: number): number {
    return Math.max(this.#most, this.count(now))
  }

  settle(now: number): void {
    this.#most = this.count(now)
  }
}
