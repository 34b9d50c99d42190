import {
  type BeatAnswer,
  deadAfterMs,
  type Lease,
  type Limit,
  type Resource,
  type Scope,
  type SliceHeld,
} from '#contract'
import type { Use } from '#routing'
import type { Reporter } from '../ground/reporter.ts'
import { Daily } from './daily.ts'
import { Pages } from './pages.ts'
import { keyOf, type Limits } from './scope.ts'
import { Shares } from './shares.ts'

/** A limit which is in the way. */
export type Reached = Pick<Limit, 'kind' | 'id' | 'resource'>

/** One call which goes on. */
interface Entry {
  readonly customerId: string
  readonly scopes: Map<string, Scope>
  answered: boolean
}

/** So many scopes are named in one beat: those calls came for lately first, then those which are only known. */
const reportedAtMost = 1_000

/**
 * Which call counts in whose limits: sets of call ids, so that nothing said twice counts twice, and nothing drifts.
 *
 * It counts and answers; who is turned away is decided at the gate and in the search.
 */
export class Ledger implements Reporter {
  readonly #clock: { readonly epoch: number }
  readonly #known: Limits
  readonly #entries = new Map<string, Entry>()
  readonly #pages = new Pages()
  readonly #daily = new Daily()
  readonly #shares = new Shares()
  /** When the edge was heard last (monotonic ms), and whether it has to hear of it that a share fell. */
  #heardAt = Number.NEGATIVE_INFINITY
  #fell = false

  /** `epoch` of the clock: UTC ms at monotonic 0, as it stands. */
  constructor(clock: { readonly epoch: number }, known: Limits) {
    this.#clock = clock
    this.#known = known
  }

  /** Calls which count. */
  get size(): number {
    return this.#entries.size
  }

  /** A call begins to count; it is in nobody's limits yet. */
  open(callId: string, customerId: string): void {
    if (!this.#entries.has(callId))
      this.#entries.set(callId, { customerId, scopes: new Map(), answered: false })
  }

  /** An open call counts in a scope from now on. */
  take(now: number, callId: string, scope: Scope): void {
    const key = keyOf(scope)
    const entry = this.#entries.get(callId)
    if (!entry || entry.scopes.has(key)) return
    entry.scopes.set(key, scope)
    this.#pages.open(now, scope, entry.customerId).take(now, callId)
    if (entry.answered) this.#daily.begin(key, callId, this.#clock.epoch + now)
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
    if (!entry || entry.answered) return
    entry.answered = true
    for (const key of entry.scopes.keys()) this.#daily.begin(key, callId, at)
  }

  /** The call is over. */
  free(now: number, callId: string): void {
    this.keep(now, callId, [])
    this.#entries.delete(callId)
  }

  /** A call of this customer was turned away by a limit. */
  refuse(now: number, callId: string, customerId: string | undefined, limit: Reached): void {
    const { kind, id, resource } = limit
    if (resource === 'channels' || resource === 'cps')
      this.#pages.open(now, { kind, id } as Scope, customerId).refuse(now, callId, resource)
  }

  /** Every limit set on a scope: what is in use here, of how much; `customerId`: whose call it is for. */
  limits(scope: Scope, now: number, customerId?: string): Limit[] {
    const page = this.#pages.of(scope)
    const limited = this.#known.of(scope, customerId ?? page?.customerId)
    if (!limited) return []
    const { max_channels, max_cps, max_daily_minutes: minutes } = limited.caps
    const limit = (resource: string, used: number, of: number | null): Limit[] =>
      of === null ? [] : [{ ...scope, name: limited.name, resource, used, of, exceeded: used >= of }]
    const share = (resource: Resource, of: number | null) =>
      of === null ? null : this.#shares.of({ scope, resource }, of)
    return [
      ...limit('channels', page?.calls.size ?? 0, share('channels', max_channels)),
      ...limit('cps', page?.starts.count(now) ?? 0, share('cps', max_cps)),
      ...(minutes === null ? [] : limit('daily_minutes', this.#minutes(scope, now), minutes)),
    ]
  }

  /** Channels and calls per second which are reached here; `whole`: no share could be greater. */
  reached(scope: Scope, now: number, customerId?: string): (Reached & { whole: boolean })[] {
    const page = this.#pages.of(scope)
    const caps = this.#known.of(scope, customerId ?? page?.customerId)?.caps
    return this.limits(scope, now, customerId).flatMap(({ kind, id, resource, used, exceeded }) => {
      if (!exceeded || resource === 'daily_minutes') return []
      const most = resource === 'channels' ? caps?.max_channels : caps?.max_cps
      return [{ kind, id, resource, whole: used >= (most ?? 0) }]
    })
  }

  /** Whether the edge may still share anew: other relays have shares, and it was heard lately. */
  shares(now: number): boolean {
    return this.#shares.shared && now - this.#heardAt < deadAfterMs
  }

  /** True, once, after a share fell: others wait for the edge to hear that it is known here. */
  fell(): boolean {
    const fell = this.#fell
    this.#fell = false
    return fell
  }

  /** The same, as a decision asks for it. */
  use(scope: Scope, now: number, customerId?: string): Use {
    const limits = this.limits(scope, now, customerId)
    const share = (resource: string) => limits.find((limit) => limit.resource === resource) ?? null
    return { channels: share('channels'), cps: share('cps'), daily_minutes: share('daily_minutes') }
  }

  /** Every call which counts, and where. */
  leases(): Lease[] {
    return [...this.#entries].map(([call_id, { customerId, scopes }]) => ({
      call_id,
      customer_id: customerId,
      scopes: [...scopes.values()],
    }))
  }

  /** How we stand with every limit calls came for lately, and with others which are known. */
  slices(now: number): SliceHeld[] {
    const recent = this.#pages.recent(now).slice(0, reportedAtMost)
    const named = new Map(recent.map(({ scope }) => [keyOf(scope), scope]))
    for (const scope of this.#known.known()) {
      if (named.size >= reportedAtMost) break
      named.set(keyOf(scope), scope)
    }
    const slices = [...named.values()].flatMap((scope) => this.#standing(scope, now))
    // What is not spoken of any more is given back.
    this.#shares.keep(slices)
    return slices
  }

  says(now: number): { leases: Lease[]; slices: SliceHeld[] } {
    return { leases: this.leases(), slices: this.slices(now) }
  }

  /** What the edge says: slices, others' seconds, and that what we said at `sentAt` came through. */
  heard(now: number, answer: Pick<BeatAnswer, 'relays' | 'slices' | 'seconds'>, sentAt: number): void {
    this.#heardAt = now
    this.#fell = this.#shares.hear(answer) || this.#fell
    this.#daily.hear(answer.seconds)
    this.#pages.reported(now, sentAt)
  }

  #standing(scope: Scope, now: number): SliceHeld[] {
    const page = this.#pages.of(scope)
    const limited = this.#known.of(scope, page?.customerId)
    if (!limited) return []
    const standing = (resource: Resource, used: number) => ({
      scope,
      customer_id: limited.customerId,
      resource,
      held: this.#shares.held({ scope, resource }),
      used,
      refused: page?.refused[resource].size ?? 0,
    })
    const { max_channels, max_cps } = limited.caps
    return [
      ...(max_channels === null ? [] : [standing('channels', page?.calls.size ?? 0)]),
      ...(max_cps === null ? [] : [standing('cps', page?.starts.most(now) ?? 0)]),
    ]
  }

  /** Minutes of today to a tenth, rounded down. */
  #minutes(scope: Scope, now: number): number {
    return Math.floor(this.#daily.seconds(keyOf(scope), this.#clock.epoch + now) / 6) / 10
  }

  #leave(now: number, callId: string, entry: Entry, key: string): void {
    const scope = entry.scopes.get(key)
    if (!scope) return
    entry.scopes.delete(key)
    this.#pages.of(scope)?.leave(now, callId)
    this.#daily.end(key, callId, this.#clock.epoch + now)
  }
}
