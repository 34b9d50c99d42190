import type { EventTell } from '#contract'
import { instant } from './call/record.ts'
import type { Station } from './call/station.ts'
import { Deadlines } from './deadlines.ts'
import { type Flow, neighbourhood, networkOf } from './flow.ts'
import { Allowance } from './registrar/allowance.ts'

/** A call which was refused at the door, by the rule of a decision. */
export interface Refused {
  /** Whose it would have been; null: nobody's. */
  readonly customerId: string | null
  readonly reason: string
  readonly rule: string
  readonly why: string
  readonly to: string
}

/** Calls of one customer from one place which were refused for one reason and are not told yet. */
interface Gathered {
  readonly key: string
  last: Refused & { readonly source: string }
  count: number
  firstAt: number
  lastAt: number
  /** What comes before is gathered. */
  until: number
}

/* Implementation */
const gatheredMs = 60_000
/** Places of which strangers' calls are told apart; what comes from still others is told together. */
const strangePlaces = { atOnce: 20, perSecond: 1, remembered: 1 }
/** Refused calls of one customer from one address which get a record each. */
const records = { atOnce: 60, perSecond: 1 }
const gatheredAtMost = 10_000
const elsewhere = 'elsewhere'

/**
 * Tells of calls refused at the door: the first at once, those which follow within a minute together, with their count.
 *
 * The address of a datagram may be forged, and what is told is kept for ever: however many come, an event a minute is
 * told of each customer, address and reason, and no more calls have a record of their own than a carrier would make.
 */
export class Refusals {
  readonly #station: Station
  readonly #tell: (tell: EventTell) => void
  readonly #gatheredByKey = new Map<string, Gathered>()
  readonly #deadlines = new Deadlines<Gathered>()
  readonly #strangePlaces = new Allowance(strangePlaces)
  readonly #records = new Allowance(records)

  constructor(station: Station, tell: (tell: EventTell) => void) {
    this.#station = station
    this.#tell = tell
  }

  add(now: number, at: number, refused: Refused, { address }: Flow): void {
    const key = this.#keyOf(now, refused, address)
    const seen = { ...refused, source: address }
    const gathered = this.#gatheredByKey.get(key)
    if (!gathered || (gathered.count === 0 && now >= gathered.until)) return this.#begin(now, at, key, seen)
    gathered.last = seen
    gathered.lastAt = at
    if (gathered.count++ > 0) return
    gathered.firstAt = at
    this.#deadlines.set(gathered.until, gathered)
  }

  /** Whether a refused call may have a record, and be answered as often as it takes; else it is answered once. */
  mayKeep(now: number, customerId: string, { address }: Flow): boolean {
    return this.#records.take(now, `${customerId} ${neighbourhood(address)}`)
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  tick(now: number, at: number): void {
    for (let due = this.#deadlines.due(now); due; due = this.#deadlines.due(now)) {
      due.until = now + gatheredMs
      this.#say(due, at)
    }
  }

  /** What was gathered is told now, for there will be no later. */
  stop(at: number): void {
    for (const gathered of this.#gatheredByKey.values()) if (gathered.count > 0) this.#say(gathered, at)
  }

  #begin(now: number, at: number, key: string, last: Gathered['last']): void {
    const gathered = { key, last, count: 1, firstAt: at, lastAt: at, until: now + gatheredMs }
    this.#gatheredByKey.delete(key)
    this.#gatheredByKey.set(key, gathered)
    this.#say(gathered, at)
    const [oldest] = this.#gatheredByKey.values()
    const over = oldest && oldest.count === 0 && now >= oldest.until
    if (over) this.#gatheredByKey.delete(oldest.key)
  }

  #say(gathered: Gathered, at: number): void {
    const { last, count, firstAt, lastAt } = gathered
    const { customerId, source, ...words } = last
    gathered.count = 0
    this.#tell({
      kind: 'event',
      tell_id: this.#station.chance.uuid(at),
      at: instant(at),
      relay_id: this.#station.relayId,
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

  #keyOf(now: number, { customerId, reason }: Refused, address: string): string {
    const key = (place: string) => `${customerId} ${place} ${reason}`
    const full = this.#gatheredByKey.size >= gatheredAtMost
    if (customerId !== null) return key(full ? elsewhere : neighbourhood(address))
    const own = key(networkOf(address))
    if (this.#gatheredByKey.has(own)) return own
    return this.#strangePlaces.take(now, '') ? own : key(elsewhere)
  }
}
