import type { BeatAnswer, Lease, Limit, Resource, Scope, SliceHeld } from '#contract'
import { Daily } from './daily.ts'
import { keyOf, type LimitsOf } from './scope.ts'
import { Shares } from './shares.ts'
import { Starts } from './starts.ts'

/** One call which goes on. */
interface Entry {
  readonly customerId: string
  readonly scopes: Map<string, Scope>
  /** UTC ms; undefined until somebody answers. */
  answeredAt: number | undefined
}

/** What is known of one scope. */
interface Page {
  readonly scope: Scope
  readonly calls: Set<string>
  readonly starts: Starts
  /** Calls refused which the edge has not heard of, and when. */
  readonly refused: Record<Resource, Map<string, number>>
}

/** More refused calls than these say nothing new. */
const refusedAtMost = 1_000

/** So many scopes are named in one beat: those in use first, then those a slice is held of, then the others. */
const reportedAtMost = 1_000

/**
 * Which call counts in whose limits: sets of call ids, so that nothing said twice counts twice, and nothing drifts.
 *
 * It counts and answers; who is refused is decided at the gate and in the search.
 */
export class Ledger {
  readonly #epoch: number
  readonly #limitsOf: LimitsOf
  readonly #entries = new Map<string, Entry>()
  readonly #pages = new Map<string, Page>()
  readonly #daily = new Daily()
  readonly #shares = new Shares()
  #reported = Number.NEGATIVE_INFINITY

  /** `epoch`: UTC ms at monotonic 0. */
  constructor(epoch: number, limitsOf: LimitsOf) {
    this.#epoch = epoch
    this.#limitsOf = limitsOf
  }

  /** Calls which count. */
  get size(): number {
    return this.#entries.size
  }

  /** A call begins to count; it is in nobody's limits yet. */
  open(callId: string, customerId: string): void {
    if (!this.#entries.has(callId))
      this.#entries.set(callId, { customerId, scopes: new Map(), answeredAt: undefined })
  }

  /** An open call counts in a scope from now on. */
  take(now: number, callId: string, scope: Scope): void {
    const key = keyOf(scope)
    const entry = this.#entries.get(callId)
    if (!entry || entry.scopes.has(key)) return
    entry.scopes.set(key, scope)
    const page = this.#page(scope)
    page.calls.add(callId)
    page.starts.add(callId, now)
  }

  holds(callId: string, scope: Scope): boolean {
    return this.#entries.get(callId)?.scopes.has(keyOf(scope)) ?? false
  }

  /** A call counts in these scopes and no others; those it never took it does not get. */
  keep(now: number, callId: string, scopes: readonly Scope[]): void {
    const entry = this.#entries.get(callId)
    if (!entry || entry.scopes.size === 0) return
    const kept = new Set(scopes.map(keyOf))
    for (const key of [...entry.scopes.keys()]) if (!kept.has(key)) this.#leave(now, callId, entry, key)
  }

  /** Somebody answered at `at`, UTC ms: from here on the call costs minutes. */
  answered(callId: string, at: number): void {
    const entry = this.#entries.get(callId)
    if (entry) entry.answeredAt ??= at
  }

  /** The call is over. */
  free(now: number, callId: string): void {
    this.keep(now, callId, [])
    this.#entries.delete(callId)
  }

  /** A call was turned away by this limit. */
  refuse(now: number, callId: string, { kind, id, resource }: Limit): void {
    if (resource !== 'channels' && resource !== 'cps') return
    const refused = this.#page({ kind, id } as Scope).refused[resource]
    if (refused.size < refusedAtMost) refused.set(callId, now)
  }

  /** Every limit set on a scope: what is in use here, of how much. Nothing where there is none. */
  use(scope: Scope, now: number): Limit[] {
    const limited = this.#limitsOf(scope)
    const limit = (resource: string, used: number, of: number | null, exceeded: boolean): Limit[] =>
      of === null ? [] : [{ ...scope, name: limited?.name ?? '', resource, used, of, exceeded }]
    const channels = this.#shares.of(scope, 'channels', limited?.caps.max_channels)
    const cps = this.#shares.of(scope, 'cps', limited?.caps.max_cps)
    const minutes = limited?.caps.max_daily_minutes ?? null
    const page = this.#pages.get(keyOf(scope))
    const [inUse, begun] = [page?.calls.size ?? 0, page?.starts.count(now) ?? 0]
    const seconds = minutes === null ? 0 : this.#seconds(scope, now)
    return [
      ...limit('channels', inUse, channels, channels !== null && inUse >= channels),
      ...limit('cps', begun, cps, cps !== null && begun >= cps),
      ...limit('daily_minutes', inMinutes(seconds), minutes, minutes !== null && seconds >= minutes * 60),
    ]
  }

  /** Every call which counts, and where. */
  leases(): Lease[] {
    return [...this.#entries].map(([call_id, { customerId, scopes }]) => ({
      call_id,
      customer_id: customerId,
      scopes: [...scopes.values()],
    }))
  }

  /**
   * How we stand with every limit we use, hold a slice of, or had to refuse for.
   *
   * `others`: limited ones no call came for yet; whoever has a slice before the first call does not lose it.
   */
  slices(now: number, others: Iterable<Scope> = []): SliceHeld[] {
    this.#reported = now
    const scopes = new Map<string, Scope>()
    for (const { scope, calls, refused } of this.#pages.values())
      if (calls.size + refused.channels.size + refused.cps.size > 0) scopes.set(keyOf(scope), scope)
    for (const scope of this.#shares.scopes()) scopes.set(keyOf(scope), scope)
    for (const scope of others) {
      if (scopes.size >= reportedAtMost) break
      scopes.set(keyOf(scope), scope)
    }
    return [...scopes.values()].slice(0, reportedAtMost).flatMap((scope) => this.#standing(scope, now))
  }

  /** What the edge says: slices, others' seconds, and that our last report came through. */
  hear(now: number, answer: Pick<BeatAnswer, 'relays' | 'slices' | 'seconds'>): void {
    this.#shares.hear(answer)
    this.#daily.hear(answer.seconds)
    for (const { starts, refused } of this.#pages.values()) {
      starts.settle(now)
      for (const ids of [refused.channels, refused.cps])
        for (const [callId, at] of ids) if (at <= this.#reported) ids.delete(callId)
    }
    this.#tidy(now)
  }

  #standing(scope: Scope, now: number): SliceHeld[] {
    const limited = this.#limitsOf(scope)
    if (!limited) return []
    const page = this.#pages.get(keyOf(scope))
    const standing = (resource: Resource, used: number) => ({
      scope,
      customer_id: limited.customerId,
      resource,
      held: this.#shares.held(scope, resource),
      used,
      refused: page?.refused[resource].size ?? 0,
    })
    const { max_channels, max_cps } = limited.caps
    return [
      ...(max_channels === null ? [] : [standing('channels', page?.calls.size ?? 0)]),
      ...(max_cps === null ? [] : [standing('cps', page?.starts.most(now) ?? 0)]),
    ]
  }

  #seconds(scope: Scope, now: number): number {
    const key = keyOf(scope)
    const since: number[] = []
    for (const callId of this.#pages.get(key)?.calls ?? []) {
      const at = this.#entries.get(callId)?.answeredAt
      if (at !== undefined) since.push(at)
    }
    return this.#daily.seconds(key, since, this.#epoch + now)
  }

  #leave(now: number, callId: string, entry: Entry, key: string): void {
    entry.scopes.delete(key)
    this.#pages.get(key)?.calls.delete(callId)
    if (entry.answeredAt !== undefined) this.#daily.add(key, entry.answeredAt, this.#epoch + now)
  }

  #page(scope: Scope): Page {
    const key = keyOf(scope)
    const page = this.#pages.get(key) ?? {
      scope,
      calls: new Set(),
      starts: new Starts(),
      refused: { channels: new Map(), cps: new Map() },
    }
    this.#pages.set(key, page)
    return page
  }

  /** Forgets scopes nothing is to be said of, and slices of limits which are no more. */
  #tidy(now: number): void {
    for (const [key, { calls, starts, refused }] of this.#pages) {
      const idle = calls.size + starts.count(now) + refused.channels.size + refused.cps.size === 0
      if (idle) this.#pages.delete(key)
    }
    for (const scope of this.#shares.scopes()) {
      const caps = this.#limitsOf(scope)?.caps
      if (caps && caps.max_channels === null && caps.max_cps === null) this.#shares.drop(scope)
    }
  }
}

/** Minutes to a tenth. */
function inMinutes(seconds: number): number {
  return Math.floor(seconds / 6) / 10
}
