import { Deadlines } from './deadlines.ts'

/** Things of one kind which are told together: the latest, how many, and from when to when (UTC ms). */
export interface Gathered<What> {
  readonly key: string
  last: What
  count: number
  firstAt: number
  lastAt: number
  /** What comes before is gathered. */
  until: number
  /** How often it was told. */
  told: number
}

const gatheredAtMost = 10_000

/** Tells of the first thing of a kind at once, and of those which follow together, with their count. */
export class Gathering<What> {
  readonly #pauses: readonly number[]
  readonly #say: (at: number, gathered: Gathered<What>) => void
  readonly #gatheredByKey = new Map<string, Gathered<What>>()
  readonly #deadlines = new Deadlines<Gathered<What>>()

  /** `pauses`: ms between two tellings of one kind which goes on; the last one for ever. */
  constructor(pauses: readonly number[], say: (at: number, gathered: Gathered<What>) => void) {
    this.#pauses = pauses
    this.#say = say
  }

  /** No more kinds are told apart. */
  get full(): boolean {
    return this.#gatheredByKey.size >= gatheredAtMost
  }

  has(key: string): boolean {
    return this.#gatheredByKey.has(key)
  }

  add(now: number, at: number, key: string, what: What): void {
    const gathered = this.#gatheredByKey.get(key)
    if (!gathered || (gathered.count === 0 && now >= gathered.until)) return this.#begin(now, at, key, what)
    gathered.last = what
    gathered.lastAt = at
    if (gathered.count++ > 0) return
    gathered.firstAt = at
    this.#deadlines.set(gathered.until, gathered)
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  tick(now: number, at: number): void {
    for (let due = this.#deadlines.due(now); due; due = this.#deadlines.due(now)) {
      due.until = now + this.#pause(due.told)
      this.#tell(due, at)
    }
  }

  /** What was gathered is told now, for there will be no later. */
  stop(at: number): void {
    for (const gathered of this.#gatheredByKey.values()) if (gathered.count > 0) this.#tell(gathered, at)
  }

  #begin(now: number, at: number, key: string, last: What): void {
    const before = this.#gatheredByKey.get(key)
    // What comes more rarely than it would be told goes on nevertheless.
    const goesOn = before && now < before.until + this.#pause(before.told)
    const told = goesOn ? before.told : 0
    const gathered = { key, last, count: 1, firstAt: at, lastAt: at, until: now + this.#pause(told), told }
    this.#gatheredByKey.delete(key)
    this.#gatheredByKey.set(key, gathered)
    this.#tell(gathered, at)
    const [oldest] = this.#gatheredByKey.values()
    const over = oldest && oldest.count === 0 && now >= oldest.until
    if (over) this.#gatheredByKey.delete(oldest.key)
  }

  #tell(gathered: Gathered<What>, at: number): void {
    this.#say(at, gathered)
    gathered.count = 0
    gathered.told++
  }

  #pause(told: number): number {
    return this.#pauses[told] ?? this.#pauses.at(-1) ?? 0
  }
}
