/**
 * Calls whose Opus is turned into G.711, or may have to be: so many at most, for each takes a two-hundredth of the
 * processor which carries the sound of all, and half of them one customer's, so that no other waits for it; while no other has one,
 * all but a fifth, which is there for who comes next. They are named, not counted: whatever of a call asks for it again, a call
 * takes but one place.
 */
export class TurnedCalls {
  readonly most: number
  /** Places which one customer may have beside others, and alone. */
  readonly #share: number
  readonly #alone: number
  /** Whose each call is. */
  readonly #calls = new Map<string, string>()
  /** How many places each customer has. */
  readonly #held = new Map<string, number>()

  constructor(most: number) {
    this.most = most
    this.#share = Math.max(1, Math.floor(most / 2))
    this.#alone = Math.max(this.#share, most - Math.ceil(most / 5))
  }

  /** Calls which have a place. */
  get size(): number {
    return this.#calls.size
  }

  /** Why a customer's call gets no place: there is none left, or none for its customer. undefined: it has one, or gets one. */
  fullFor(callId: string, customerId: string): 'all' | 'customer' | undefined {
    if (this.#calls.has(callId)) return undefined
    if (this.#calls.size >= this.most) return 'all'
    return (this.#held.get(customerId) ?? 0) >= this.shareOf(customerId) ? 'customer' : undefined
  }

  /** How many places a customer may have as things stand: half of them, unless no other has one. */
  shareOf(customerId: string): number {
    return this.#calls.size > (this.#held.get(customerId) ?? 0) ? this.#share : this.#alone
  }

  /** Gives a call a place, which it keeps until it is freed, one for help (`urgent`) in any case; false: there is none. */
  take(callId: string, customerId: string, urgent: boolean): boolean {
    if (this.#calls.has(callId)) return true
    if (!urgent && this.fullFor(callId, customerId)) return false
    this.#calls.set(callId, customerId)
    this.#held.set(customerId, (this.#held.get(customerId) ?? 0) + 1)
    return true
  }

  free(callId: string): void {
    const customerId = this.#calls.get(callId)
    if (customerId === undefined) return
    this.#calls.delete(callId)
    const left = (this.#held.get(customerId) ?? 0) - 1
    if (left > 0) this.#held.set(customerId, left)
    else this.#held.delete(customerId)
  }
}
