import { type CallTell, type MonotonicMs, monotonicMs, type Tell, unheardForMs } from '#contract'

/*
 * While a customer's calls are not watched, what is told of each waits, so that one which is answered and ended meanwhile is
 * told once. The edge says whose those are, each time it is told of calls; where it has not, or not lately, they are watched.
 */

/** No later than the messages of a call are told for the first time, which are nothing without its record. */
const gatherMs = 900

/** Customers whose calls are not watched just now. */
export class UnheardCustomers {
  /** By customer: until when that holds. */
  readonly #until = new Map<string, MonotonicMs>()
  /** Whose calls have begun to be watched, and until when a receipt which says otherwise may be older than that. */
  readonly #begun = new Map<string, MonotonicMs>()
  /** Calls for help which go on, by id: only what is told first of one has its decision. */
  readonly #forHelp = new Set<string>()

  /** The edge said so at `now`, of the customers whose calls it was told of; the others among those are watched. */
  said(customerIds: readonly string[], toldOf: Iterable<string>, now: MonotonicMs): void {
    for (const [id, until] of this.#until) if (until <= now) this.#until.delete(id)
    for (const id of toldOf) this.#until.delete(id)
    for (const [id, until] of this.#begun) if (until <= now) this.#begun.delete(id)
    for (const id of customerIds)
      if (!this.#begun.has(id)) this.#until.set(id, monotonicMs(now + unheardForMs))
  }

  /** Their calls begin to be watched, the edge says. */
  watched(customerIds: readonly string[], now: MonotonicMs): void {
    for (const id of customerIds) {
      this.#until.delete(id)
      this.#begun.set(id, monotonicMs(now + unheardForMs))
    }
  }

  /**
   * How long a tell may wait; 0: it is news, as a call for help is. What a flow asks a customer's server, that may ask the edge
   * about at once.
   */
  holdMsOf(tell: Tell, now: MonotonicMs): number {
    if (tell.kind !== 'call' || this.#isForHelp(tell.call) || tell.call.flow !== null) return 0
    return (this.#until.get(tell.call.customer_id) ?? 0) > now ? gatherMs : 0
  }

  #isForHelp({ call_id, decision, status }: CallTell['call']): boolean {
    const isForHelp = decision?.emergency === true || this.#forHelp.has(call_id)
    if (isForHelp && status !== 'hangup') this.#forHelp.add(call_id)
    else if (isForHelp) this.#forHelp.delete(call_id)
    return isForHelp
  }
}
