/** So many calls of an account lead back to it at once: a PBX may call the number by which it is called. */
const backAtMost = 10
/** So many are on each way of a circle of several accounts at once: two great offices may call each other as much. */
const roundAtMost = 50

/**
 * Which accounts of a house call which, by the calls under way there.
 *
 * PBXs may send on what they are called for, each round as a call of its own which tells nothing of the last one. Such a
 * circle is known by its ways: calls are on all of them, and as many. However many calls go to one account alone, as to a call
 * centre, that is none.
 */
export class AccountWays {
  /** Ids of calls, by who calls and who is called. */
  readonly #ways = new Map<string, Map<string, Set<string>>>()
  readonly #taken = new Map<string, [from: string, to: string][]>()

  /** A call takes a way, unless calls go round there: then how many are on it is given back, and it takes none. */
  take(callId: string, from: string, to: string): number | undefined {
    const going = this.#ways.get(from)?.get(to) ?? new Set()
    if (going.has(callId)) return undefined
    const atMost = from === to ? backAtMost : roundAtMost
    if (going.size >= atMost && this.#leads(to, from, atMost)) return going.size
    const ways = this.#ways.get(from) ?? new Map<string, Set<string>>()
    this.#ways.set(from, ways.set(to, going.add(callId)))
    this.#taken.set(callId, [...(this.#taken.get(callId) ?? []), [from, to]])
    return undefined
  }

  /** A call is over. */
  free(callId: string): void {
    for (const [from, to] of this.#taken.get(callId) ?? []) {
      const ways = this.#ways.get(from)
      const going = ways?.get(to)
      if (going?.delete(callId) && going.size === 0) ways?.delete(to)
      if (ways?.size === 0) this.#ways.delete(from)
    }
    this.#taken.delete(callId)
  }

  /** Whether ways lead there on each of which are so many calls. */
  #leads(from: string, to: string, calls: number): boolean {
    const reached = new Set([from])
    // The set grows as it is gone through.
    for (const account of reached)
      for (const [next, going] of this.#ways.get(account) ?? []) if (going.size >= calls) reached.add(next)
    return reached.has(to)
  }
}
