import { BoundedMap } from '../ground/bounded-map.ts'
import type { Naptr, Records, Resolver, Srv } from './dns.ts'

/* Implementation */
const leastTtl = 5
const mostTtl = 3_600
/** How long an answer outlives its time while no other is to be had, and when to ask again then. */
const staleSeconds = 24 * 3_600
const retrySeconds = 5
/** Who has yesterday's answer waits no longer for today's (RFC 8767 §5 has 1.8 s; a caller is listening). */
const patienceMs = 500
const namesAtMost = 10_000

interface RememberedRecords {
  readonly records: readonly unknown[]
  freshUntil: number
  readonly staleUntil: number
}

/**
 * Remembers what a resolver said for as long as it said, within limits; and longer while it says nothing.
 *
 * The same question is asked once at a time. `now` is monotonic, in ms.
 */
export class DnsMemory {
  readonly #resolver: Resolver
  readonly #now: () => number
  readonly #stale: (question: string) => void
  readonly #rememberedByQuestion = new BoundedMap<string, RememberedRecords>(namesAtMost)
  /** Questions whose last answer was an old one. */
  readonly #overdue = new Set<string>()
  readonly #asked = new Map<string, Promise<readonly unknown[]>>()

  /** `stale` hears of a question which gets an answer whose time is over. */
  constructor(resolver: Resolver, now: () => number, stale: (question: string) => void = () => undefined) {
    this.#resolver = resolver
    this.#now = now
    this.#stale = stale
  }

  naptr(name: string): Promise<readonly Naptr[]> {
    return this.#recall(`naptr ${name}`, () => this.#resolver.naptr(name))
  }

  srv(name: string): Promise<readonly Srv[]> {
    return this.#recall(`srv ${name}`, () => this.#resolver.srv(name))
  }

  addresses(name: string): Promise<readonly string[]> {
    return this.#recall(`a ${name}`, () => this.#resolver.addresses(name))
  }

  /** Whether what is known of this host, or of services in its domain, is older than it should be. */
  isOverdue(host: string): boolean {
    for (const question of this.#overdue)
      if (question.endsWith(` ${host}`) || question.endsWith(`.${host}`)) return true
    return false
  }

  #recall<T>(question: string, ask: () => Promise<Records<T>>): Promise<readonly T[]> {
    const known = this.#rememberedByQuestion.get(question)
    if (known !== undefined && known.freshUntil > this.#now())
      return Promise.resolve(known.records as readonly T[])
    const asking = (this.#asked.get(question) ?? this.#begin(question, ask, known)) as Promise<readonly T[]>
    if (known === undefined || known.staleUntil <= this.#now()) return asking
    return inTime(asking, patienceMs, () => this.#longer<T>(question, known))
  }

  #begin<T>(
    question: string,
    ask: () => Promise<Records<T>>,
    known: RememberedRecords | undefined,
  ): Promise<readonly T[]> {
    const asking = this.#ask(question, ask, known).finally(() => this.#asked.delete(question))
    this.#asked.set(question, asking)
    return asking
  }

  async #ask<T>(
    question: string,
    ask: () => Promise<Records<T>>,
    known: RememberedRecords | undefined,
  ): Promise<readonly T[]> {
    try {
      const { records, ttl } = await ask()
      this.#remember(question, records, Math.min(mostTtl, Math.max(leastTtl, ttl)))
      return records
    } catch (error) {
      // The resolver is away: yesterday's answer is better than none.
      if (known === undefined || known.staleUntil <= this.#now()) throw error
      return this.#longer(question, known)
    }
  }

  #longer<T>(question: string, known: RememberedRecords): readonly T[] {
    // Said once for all who ask until the resolver is asked again.
    if (known.freshUntil <= this.#now()) this.#stale(question)
    known.freshUntil = this.#now() + retrySeconds * 1000
    this.#overdue.add(question)
    return known.records as readonly T[]
  }

  #remember(question: string, records: readonly unknown[], seconds: number): void {
    const freshUntil = this.#now() + seconds * 1000
    const staleUntil = freshUntil + (records.length > 0 ? staleSeconds * 1000 : 0)
    this.#overdue.delete(question)
    const gone = this.#rememberedByQuestion.set(question, { records, freshUntil, staleUntil })
    if (gone !== undefined) this.#overdue.delete(gone)
  }
}

/** What `asking` gives within `ms`, or else `otherwise`. */
export function inTime<T>(asking: Promise<T>, ms: number, otherwise: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise()), ms)
  })
  return Promise.race([asking, late]).finally(() => clearTimeout(timer))
}
