import type { MonotonicMs, UtcMs } from '#contract'
import { Deadlines } from './deadlines.ts'

/** Things of one kind which are told together: the latest, how many, and from when to when (UTC ms). */
export interface EventAggregate<What> {
  readonly key: string
  last: What
  count: number
  firstAt: UtcMs
  lastAt: UtcMs
  /** What comes before is gathered. */
  until: number
  /** How often it was told. */
  told: number
}

const gatheredAtMost = 10_000

/** Tells of the first thing of a kind at once, and of those which follow together, with their count. */
export class EventAggregator<What> {
  readonly #pauses: readonly number[]
  readonly #say: (at: UtcMs, aggregate: EventAggregate<What>) => void
  readonly #aggregateByKey = new Map<string, EventAggregate<What>>()
  readonly #deadlines = new Deadlines<EventAggregate<What>>()

  /** `pauses`: ms between two tellings of one kind which goes on; the last one for ever. */
  constructor(pauses: readonly number[], say: (at: UtcMs, aggregate: EventAggregate<What>) => void) {
    this.#pauses = pauses
    this.#say = say
  }

  /** No more kinds are told apart. */
  get full(): boolean {
    return this.#aggregateByKey.size >= gatheredAtMost
  }

  has(key: string): boolean {
    return this.#aggregateByKey.has(key)
  }

  add(now: MonotonicMs, at: UtcMs, key: string, what: What): void {
    const aggregate = this.#aggregateByKey.get(key)
    if (!aggregate || (aggregate.count === 0 && now >= aggregate.until))
      return this.#begin(now, at, key, what)
    aggregate.last = what
    aggregate.lastAt = at
    if (aggregate.count++ > 0) return
    aggregate.firstAt = at
    this.#deadlines.set(aggregate.until, aggregate)
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  tick(now: MonotonicMs, at: UtcMs): void {
    for (let due = this.#deadlines.due(now); due; due = this.#deadlines.due(now)) {
      due.until = now + this.#pause(due.told)
      this.#tell(due, at)
    }
  }

  /** What was gathered is told now, for there will be no later. */
  stop(at: UtcMs): void {
    for (const aggregate of this.#aggregateByKey.values()) if (aggregate.count > 0) this.#tell(aggregate, at)
  }

  #begin(now: MonotonicMs, at: UtcMs, key: string, last: What): void {
    const before = this.#aggregateByKey.get(key)
    // What comes more rarely than it would be told goes on nevertheless.
    const goesOn = before && now < before.until + this.#pause(before.told)
    const told = goesOn ? before.told : 0
    const aggregate = { key, last, count: 1, firstAt: at, lastAt: at, until: now + this.#pause(told), told }
    this.#aggregateByKey.delete(key)
    this.#aggregateByKey.set(key, aggregate)
    this.#tell(aggregate, at)
    const [oldest] = this.#aggregateByKey.values()
    const over = oldest && oldest.count === 0 && now >= oldest.until
    if (over) this.#aggregateByKey.delete(oldest.key)
  }

  #tell(aggregate: EventAggregate<What>, at: UtcMs): void {
    this.#say(at, aggregate)
    aggregate.count = 0
    aggregate.told++
  }

  #pause(told: number): number {
    return this.#pauses[told] ?? this.#pauses.at(-1) ?? 0
  }
}
