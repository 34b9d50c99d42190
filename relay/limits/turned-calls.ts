/**
 * Calls whose Opus is turned into G.711, or may have to be: so many at most, for each takes a two-hundredth of the
 * processor which carries the sound of all. They are named, not counted.
 */
export class TurnedCalls {
  readonly most: number
  readonly #calls = new Set<string>()

  constructor(most: number) {
    this.most = most
  }

  /** Calls which have a place. */
  get size(): number {
    return this.#calls.size
  }

  /** Whether a call has no place, and gets none. */
  isFullFor(callId: string): boolean {
    return this.#calls.size >= this.most && !this.#calls.has(callId)
  }

  /** Gives a call a place, which it keeps until it is freed, one for help (`urgent`) in any case; false: there is none. */
  take(callId: string, urgent: boolean): boolean {
    if (!urgent && this.isFullFor(callId)) return false
    this.#calls.add(callId)
    return true
  }

  free(callId: string): void {
    this.#calls.delete(callId)
  }
}
