import type { EventTell, MonotonicMs, UtcMs } from '#contract'
import { instant } from '../call/record.ts'
import { type EventAggregate, EventAggregator } from '../ground/event-aggregator.ts'
import type { Flow } from '../ground/flow.ts'
import { RateLimiter } from '../ground/rate-limiter.ts'
import { sourceNetwork, sourcePrefix } from '../ground/source-prefix.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'

/** A call which was refused at the door, by the rule of a decision. */
interface RefusedCall {
  /** Whose it would have been, or whose the number is; null: no customer's. */
  readonly customerId: string | null
  readonly reason: string
  readonly rule: string
  readonly why: string
  readonly to: string
}

/* Implementation */
const gatheredMs = 60_000
/** Places of which strangers' calls are told apart; what comes from still others is told together. */
const strangePlaces = { atOnce: 20, perSecond: 1, remembered: 1 }
/** Refused calls of one customer from one address which get a record each. */
const records = { atOnce: 60, perSecond: 1 }
const elsewhere = 'elsewhere'

/**
 * Tells of calls refused at the door: the first at once, those which follow within a minute together, with their count.
 *
 * The address of a datagram may be forged, and what is told is kept for ever: however many come, an event a minute is
 * told of each customer, address and reason, and no more calls have a record of their own than a carrier would make.
 */
export class RefusedCalls {
  readonly #endpoint: SipEndpoint
  readonly #tell: (tell: EventTell) => void
  readonly #aggregator = new EventAggregator<RefusedCallFrom>([gatheredMs], (at, gathered) =>
    this.#say(at, gathered),
  )
  readonly #strangePlaces = new RateLimiter(strangePlaces)
  readonly #records = new RateLimiter(records)

  constructor(endpoint: SipEndpoint, tell: (tell: EventTell) => void) {
    this.#endpoint = endpoint
    this.#tell = tell
  }

  add(now: MonotonicMs, at: UtcMs, refused: RefusedCall, { address }: Flow): void {
    this.#aggregator.add(now, at, this.#keyOf(now, refused, address), { ...refused, source: address })
  }

  /** Whether a refused call may have a record, and be answered as often as it takes; else it is answered once. */
  mayKeep(now: MonotonicMs, customerId: string, { address }: Flow): boolean {
    return this.#records.take(now, `${customerId} ${sourcePrefix(address)}`)
  }

  nextDeadline(): number | undefined {
    return this.#aggregator.nextDeadline()
  }

  tick(now: MonotonicMs, at: UtcMs): void {
    this.#aggregator.tick(now, at)
  }

  stop(at: UtcMs): void {
    this.#aggregator.stop(at)
  }

  #say(at: UtcMs, { last, count, firstAt, lastAt }: EventAggregate<RefusedCallFrom>): void {
    const { customerId, source, ...words } = last
    this.#tell({
      kind: 'event',
      tell_id: this.#endpoint.entropy.uuid(at),
      at: instant(at),
      relay_id: this.#endpoint.relayId,
      customer_id: customerId,
      type: 'call.refused',
      data: {
        ...words,
        source_address: source,
        count,
        first_at: instant(firstAt),
        last_at: instant(lastAt),
      },
    })
  }

  #keyOf(now: MonotonicMs, { customerId, reason }: RefusedCall, address: string): string {
    const key = (prefix: string) => `${customerId} ${prefix} ${reason}`
    if (customerId !== null && reason !== 'UNKNOWN_SOURCE')
      return key(this.#aggregator.full ? elsewhere : sourcePrefix(address))
    const own = key(sourceNetwork(address))
    if (this.#aggregator.has(own)) return own
    return this.#strangePlaces.take(now, '') ? own : key(elsewhere)
  }
}

type RefusedCallFrom = RefusedCall & { readonly source: string }
