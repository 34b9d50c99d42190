import { type MonotonicMs, monotonicMs, parseUtc, type UtcMs, utcMs } from '#contract'
import { BoundedMap } from '../ground/bounded-map.ts'
import type { Entropy, Input } from '../ground/effects.ts'

/** A source prefix from which nothing is looked at for a while but what is known there. */
export interface SourceBlock {
  readonly id: string
  /** An address, with IPv6 its /64. */
  readonly source: string
  readonly since: UtcMs
  readonly until: UtcMs
  /** Wrong answers which led to it, and accounts they named: so many at least. */
  readonly failures: number
  readonly accounts: number
  /** Wrong answers for accounts of each customer, as far as that is known; so many customers at most are told apart. */
  readonly failuresByCustomer: ReadonlyMap<string, number>
}

/** Wrong answers from one source prefix, whatever the account. */
interface SourceFailures {
  since: MonotonicMs
  failures: number
  readonly accounts: Set<string>
  readonly failuresByCustomer: Map<string, number>
  /** When the next answer is looked at, once it is slowed. */
  nextAt: number
  /** How often it was blocked; forgotten after a day in peace. */
  blocks: number
}

/** A block which holds here, whichever relay made it. */
interface HeldBlock {
  /** Monotonic ms. */
  readonly until: number
  /** Customers who took it back for their own accounts. */
  readonly liftedFor: ReadonlySet<string>
}

/* Implementation */
const windowMs = 600_000
/** From so many wrong answers for so many accounts on, one is looked at every three seconds; and then none for a while. */
const slowedAt = { failures: 30, accounts: 10 }
const slowMs = 3_000
const blockedAt = { failures: 100, accounts: 20 }
const firstBlockMs = 600_000
const longestBlockMs = 86_400_000
const peaceMs = 86_400_000
const sourcesAtMost = 10_000
const customersAtMost = 20

/**
 * Slows, and then blocks for a while, who answers challenges wrongly for many accounts from one source prefix: ten minutes
 * at first, and twice as long each further time, up to a day.
 *
 * Only answers to a challenge of ours count, which holds for the address it was sent to alone: no source is blocked by
 * forging a sender. What is known at the prefix is never asked about here. A block made by one relay comes to the others
 * with the edge's answer to a beat, and so does the word that it is over.
 */
export class SourceBlocks {
  readonly #entropy: Entropy
  /** In the order of the latest failure. */
  readonly #failuresBySource = new BoundedMap<string, SourceFailures>(sourcesAtMost)
  /** Of each prefix by their ids: one of each relay, at most. */
  readonly #blocksBySource = new BoundedMap<string, Map<string, HeldBlock>>(sourcesAtMost)

  constructor(entropy: Entropy) {
    this.#entropy = entropy
  }

  /** Sources whose failures are remembered. */
  get size(): number {
    return this.#failuresBySource.size
  }

  /** Nothing is blocked anywhere. */
  get empty(): boolean {
    return this.#blocksBySource.size === 0
  }

  /** Until when (monotonic ms) a prefix is blocked for accounts of a customer; undefined: it is not. */
  blockedUntil(now: MonotonicMs, source: string, customerId: string | undefined): number | undefined {
    const blocks = [...(this.#blocksBySource.get(source)?.values() ?? [])]
    const held = blocks.filter(({ until, liftedFor }) => until > now && !liftedFor.has(customerId ?? ''))
    return held.length === 0 ? undefined : Math.max(...held.map(({ until }) => until))
  }

  /** Whether an answer from there may be looked at now; where it is slowed, none may for three seconds after one was. */
  mayLook(now: MonotonicMs, source: string): boolean {
    const seen = this.#failuresBySource.get(source)
    if (seen === undefined || now - seen.since > windowMs || !reaches(seen, slowedAt)) return true
    if (now < seen.nextAt) return false
    seen.nextAt = now + slowMs
    return true
  }

  /** An answer was wrong, or was not looked at; the block to which that leads, if it was one too many. */
  failed(
    now: MonotonicMs,
    at: UtcMs,
    source: string,
    { account, customerId }: { readonly account: string; readonly customerId: string | null },
  ): SourceBlock | undefined {
    const seen = this.#recent(now, source)
    seen.failures++
    if (seen.accounts.size < blockedAt.accounts) seen.accounts.add(account)
    const counted = customerId !== null && seen.failuresByCustomer.get(customerId)
    if (customerId !== null && (counted || seen.failuresByCustomer.size < customersAtMost))
      seen.failuresByCustomer.set(customerId, (counted || 0) + 1)
    this.#failuresBySource.set(source, seen)
    return reaches(seen, blockedAt) ? this.#block(now, at, source, seen) : undefined
  }

  /** The edge says which blocks there are, of all relays, and which of them are over. */
  receive(event: Extract<Input, { type: 'beat' | 'news' }>, now: MonotonicMs): never[] {
    const { blocks = [], at } = event.type === 'beat' ? event.answer : event.news
    // How long they last counts from when the edge said so.
    if (at === undefined) return []
    for (const { block_id: id, source, until, over, lifted_for } of blocks) {
      if (over) this.#lift(id, source)
      else
        this.#hold(source, id, {
          until: now + parseUtc(until) - parseUtc(at),
          liftedFor: new Set(lifted_for),
        })
    }
    for (const [source, held] of this.#blocksBySource) {
      for (const [id, { until }] of held) if (until <= now) held.delete(id)
      if (held.size === 0) this.#blocksBySource.delete(source)
    }
    return []
  }

  #recent(now: MonotonicMs, source: string): SourceFailures {
    const seen = this.#failuresBySource.get(source)
    if (seen !== undefined && now - seen.since <= windowMs) return seen
    const blocks = seen !== undefined && now - seen.nextAt <= peaceMs ? seen.blocks : 0
    return begun(now, blocks, seen?.nextAt ?? Number.NEGATIVE_INFINITY)
  }

  #block(now: MonotonicMs, at: UtcMs, source: string, seen: SourceFailures): SourceBlock {
    const ms = Math.min(firstBlockMs * 2 ** seen.blocks, longestBlockMs)
    const id = this.#entropy.uuid(at)
    this.#hold(source, id, { until: now + ms, liftedFor: new Set() })
    this.#failuresBySource.set(source, begun(monotonicMs(now + ms), seen.blocks + 1, now + ms))
    const { failures, accounts, failuresByCustomer } = seen
    const until = utcMs(at + ms)
    return { id, source, since: at, until, failures, accounts: accounts.size, failuresByCustomer }
  }

  #hold(source: string, id: string, block: HeldBlock): void {
    const held = this.#blocksBySource.get(source) ?? new Map()
    this.#blocksBySource.set(source, held.set(id, block))
  }

  /** It was taken back by the operator: who guesses there begins anew. */
  #lift(id: string, source: string): void {
    if (this.#blocksBySource.get(source)?.delete(id)) this.#failuresBySource.delete(source)
  }
}

function begun(since: MonotonicMs, blocks: number, nextAt: number): SourceFailures {
  return { since, failures: 0, accounts: new Set(), failuresByCustomer: new Map(), nextAt, blocks }
}

function reaches(seen: SourceFailures, most: { failures: number; accounts: number }): boolean {
  return seen.failures >= most.failures && seen.accounts.size >= most.accounts
}
