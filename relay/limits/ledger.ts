import {
  type BeatAnswer,
  deadAfterMs,
  type Lease,
  type Limit,
  type MonotonicMs,
  type Scope,
  type SliceHeld,
} from '#contract'
import { isVelocity, type Use } from '#routing'
import type { BegunBefore } from '../ground/begun-before.ts'
import { none } from '../ground/none.ts'
import type { BeatReporter } from '../ground/reporter.ts'
import {
  begunAs,
  type CountedCall,
  type CountedScope,
  enter,
  isSame,
  knownIn,
  placeIn,
  scopesHeld,
} from './counted-call.ts'
import { DailyMinutes } from './daily-minutes.ts'
import { QuotaShares } from './quotas.ts'
import { keyOf, type LimitSource } from './scope.ts'
import { isShared, type LimitReached, ScopeLimits } from './scope-limits.ts'
import { UsageByScope } from './scope-usage.ts'
import { TurnedCalls } from './turned-calls.ts'

function without(limit: Limit | null, own: number): Limit | null {
  return limit && { ...limit, used: Math.max(0, limit.used - own) }
}

/** What of the edge's words is about limits: of a beat's answer all, of news what there is of it, of a pong that the edge lives; and what the process before wrote down. */
type LedgerInput =
  | { readonly type: 'beat'; readonly answer: LimitsTold; readonly sentAt: MonotonicMs }
  | { readonly type: 'news'; readonly news: Partial<LimitsTold> }
  | { readonly type: 'pong' }
  | { readonly type: 'remembered'; readonly begun: readonly BegunBefore[] }
type LimitsTold = Pick<BeatAnswer, 'relays' | 'slices' | 'seconds'>

/**
 * Where a call counts: by itself, or by a leg which is paid for, named by the number of its hunt.
 *
 * The first leg has the call's own place there; each further one at the same time counts as another call.
 */
interface CountedPlace {
  readonly scope: Scope
  /** undefined: the call itself. */
  readonly leg?: number | undefined
}

/** The first of them is the call's own. */
function placesOf(legs: readonly number[]): number {
  return Math.max(1, legs.length)
}

/** So many scopes are named in one beat: those calls came for lately first, then those which are only known. */
const reportedAtMost = 1_000

/**
 * Which call counts in whose limits: sets of call ids and of their legs, so that nothing said twice counts twice, and
 * nothing drifts.
 *
 * It counts and answers; who is turned away is decided by admitCall and in the hunt.
 */
export class Ledger implements BeatReporter {
  /** Those whose codec is turned. */
  readonly turned: TurnedCalls
  readonly #known: LimitSource
  readonly #calls = new Map<string, CountedCall>()
  readonly #usage = new UsageByScope()
  readonly #daily: DailyMinutes
  readonly #shares = new QuotaShares()
  readonly #limits: ScopeLimits
  /** When the edge was heard last (monotonic ms), and whether it has to hear of it that a share fell. */
  #heardAt = Number.NEGATIVE_INFINITY
  #fell = false
  /** A call out began of which `begunLately` has not told. */
  #beganAnew = false

  /** `epoch` of the clock: UTC ms at monotonic 0, as it stands. */
  constructor(clock: { readonly epoch: number }, known: LimitSource, turned = Number.POSITIVE_INFINITY) {
    this.turned = new TurnedCalls(turned)
    this.#daily = new DailyMinutes(clock)
    this.#known = known
    this.#limits = new ScopeLimits({
      known,
      usage: this.#usage,
      daily: this.#daily,
      shares: this.#shares,
      hears: (now) => this.hears(now),
    })
  }

  /** Calls which count. */
  get size(): number {
    return this.#calls.size
  }

  /** A call begins to count; it counts in no scope yet. */
  open(callId: string, customerId: string): void {
    if (this.#calls.has(callId)) return
    this.#calls.set(callId, { customerId, scopes: none, answered: false })
  }

  /** An open call, or a `leg` of it which is paid for, counts in a scope from now on; `out`: to the phone network. */
  take(now: MonotonicMs, callId: string, scope: Scope, leg?: number, out = false): void {
    const call = this.#calls.get(callId)
    const known = placeIn(call, scope)
    if (!call || (known && (leg === undefined || known.legs.includes(leg)))) return
    const usage = this.#usage.open(now, scope, call.customerId)
    const counted = known ?? enter(call, usage)
    if (leg !== undefined) counted.legs = counted.legs.concat(leg)
    hold(now, counted, placesOf(counted.legs))
    usage.beginOne(begunAs(counted, callId, leg), now, leg !== undefined)
    if (out && this.#limits.begin(now, usage, leg === undefined ? callId : `${callId} ${leg}`))
      this.#beganAnew = true
    if (!known && call.answered) this.#beginMinutes(now, counted)
  }

  /** Of a `leg` of a call nothing left us, so that it is none of the calls per second of a scope; its place is kept or not, as ever. */
  takeBack(callId: string, scope: Scope, leg: number): void {
    const first = knownIn(this.#calls.get(callId), scope)?.firstLeg
    this.#usage.of(scope)?.cps?.forget(first === leg ? callId : `${callId} ${leg}`)
  }

  /** A call out begins which holds no place in any limit, as a drill's: it counts in how fast they begin alone. */
  begins(now: MonotonicMs, callId: string, scope: Scope, customerId: string): void {
    if (this.#limits.begin(now, this.#usage.open(now, scope, customerId), callId)) this.#beganAnew = true
  }

  /** Whether a call, or a `leg` of it, would count as one more in what is limited. */
  adds(now: MonotonicMs, callId: string, { kind, id, resource }: LimitReached, leg?: number): boolean {
    const counted = placeIn(this.#calls.get(callId), { kind, id } as Scope)
    if (!counted) return true
    if (leg === undefined || counted.legs.includes(leg)) return false
    if (isVelocity(resource)) return true
    if (resource !== 'cps') return counted.legs.length > 0
    return counted.firstLeg !== undefined || counted.usage.cps?.has(callId, now) !== true
  }

  holds(callId: string, scope: Scope): boolean {
    return placeIn(this.#calls.get(callId), scope) !== undefined
  }

  /** A call counts in these places and no others; those it never took it does not get. */
  keep(now: MonotonicMs, callId: string, places: readonly CountedPlace[]): void {
    const call = this.#calls.get(callId)
    for (const counted of call?.scopes ?? none) {
      if (counted.places === 0) continue
      if (!places.some(({ scope }) => isSame(scope, counted.usage.scope))) this.#leave(now, counted)
      else if (counted.legs.length > 0) thin(now, counted, places)
    }
  }

  /** The callee answered: from here on the call costs minutes. */
  answered(now: MonotonicMs, callId: string): void {
    const call = this.#calls.get(callId)
    if (!call || call.answered) return
    call.answered = true
    for (const counted of scopesHeld(call)) this.#beginMinutes(now, counted)
  }

  /** It goes on without a callee: until another one answers it costs no minutes. */
  unanswered(now: MonotonicMs, callId: string): void {
    const call = this.#calls.get(callId)
    if (!call?.answered) return
    call.answered = false
    for (const counted of call.scopes) this.#endMinutes(now, counted)
  }

  /** The call is over. */
  free(now: MonotonicMs, callId: string): void {
    this.keep(now, callId, [])
    this.#calls.delete(callId)
    this.turned.free(callId)
  }

  /** A call of this customer was turned away by a limit. */
  refuse(now: MonotonicMs, callId: string, customerId: string | undefined, limit: LimitReached): void {
    const { kind, id, resource } = limit
    if (isShared(resource))
      this.#usage.open(now, { kind, id } as Scope, customerId).refuse(now, callId, resource)
  }

  /** Every limit set on a scope: what is in use here, of how much; `customerId`: whose call it is for. */
  limits(scope: Scope, now: MonotonicMs, customerId?: string): Limit[] {
    return this.#limits.all(scope, now, customerId)
  }

  /** Shared limits which are reached here; `whole`: no share could be greater. */
  reached(scope: Scope, now: MonotonicMs, customerId?: string): (LimitReached & { whole: boolean })[] {
    return this.#limits.reached(scope, now, customerId)
  }

  /** Whether the edge may still share anew: other relays have shares, and it was heard lately. */
  shares(now: MonotonicMs): boolean {
    return this.#shares.shared && this.hears(now)
  }

  /** Whether the edge was heard lately. */
  hears(now: MonotonicMs): boolean {
    return now - this.#heardAt < deadAfterMs
  }

  /** True, once, after a share fell: others wait for the edge to hear that it is known here. */
  fell(): boolean {
    const fell = this.#fell
    this.#fell = false
    return fell
  }

  /** The same, as a decision asks for it: what others use besides this call. */
  use(scope: Scope, now: MonotonicMs, callId: string): Use {
    const limits = this.limits(scope, now)
    const share = (resource: string) => limits.find((limit) => limit.resource === resource) ?? null
    const own = this.holds(callId, scope) ? 1 : 0
    const besides = (resource: string) => without(share(resource), own)
    return {
      channels: besides('channels'),
      cps: besides('cps'),
      calls_per_minute: share('calls_per_minute'),
      calls_per_hour: share('calls_per_hour'),
      daily_minutes: share('daily_minutes'),
    }
  }

  /** Every call which counts, and where. */
  leases(): Lease[] {
    return [...this.#calls].map(([call_id, call]) => ({
      call_id,
      customer_id: call.customerId,
      scopes: scopesHeld(call).map(({ usage }) => usage.scope),
    }))
  }

  /** How we stand with every limit calls came for lately, and with others which are known. */
  slices(now: MonotonicMs): SliceHeld[] {
    const recent = this.#usage.recent(now).slice(0, reportedAtMost)
    const named = new Map(recent.map(({ scope }) => [keyOf(scope), scope]))
    for (const scope of this.#known.known()) {
      if (named.size >= reportedAtMost) break
      named.set(keyOf(scope), scope)
    }
    const slices = [...named.values()].flatMap((scope) => this.#limits.held(scope, now))
    // What is not spoken of any more is given back.
    this.#shares.keep(slices)
    return slices
  }

  beatPart(now: MonotonicMs): { leases: Lease[]; slices: SliceHeld[] } {
    return { leases: this.leases(), slices: this.slices(now) }
  }

  /** What counts still of how fast calls out began, for the process after this one; undefined: none began since it was asked. */
  begunLately(now: MonotonicMs): BegunBefore[] | undefined {
    if (!this.#beganAnew) return undefined
    this.#beganAnew = false
    return this.#usage.recent(now).flatMap((usage) => usage.begunLately(now))
  }

  /** What the edge says: slices, others' seconds, and that what we said at `sentAt` came through. */
  receive(event: LedgerInput, now: MonotonicMs): never[] {
    if (event.type === 'remembered') {
      for (const one of event.begun)
        this.#usage.open(now, one.scope, one.customerId ?? undefined).remember(now, one)
      return []
    }
    this.#heardAt = now
    if (event.type === 'beat') this.#usage.reported(now, event.sentAt)
    if (event.type === 'pong') return []
    const told = event.type === 'beat' ? event.answer : event.news
    this.#fell = this.#shares.hear(told) || this.#fell
    if (told.seconds) this.#daily.hear(told.seconds)
    return []
  }

  #leave(now: MonotonicMs, counted: CountedScope): void {
    counted.legs = none
    hold(now, counted, 0)
    this.#endMinutes(now, counted)
  }

  #beginMinutes(now: MonotonicMs, counted: CountedScope): void {
    if (!counted.costs) this.#daily.begin(counted.usage.key, now)
    counted.costs = true
  }

  #endMinutes(now: MonotonicMs, counted: CountedScope): void {
    if (counted.costs) this.#daily.end(counted.usage.key, now)
    counted.costs = false
  }
}

function hold(now: MonotonicMs, counted: CountedScope, places: number): void {
  counted.usage.hold(now, counted.places, places)
  counted.places = places
}

/** Legs which are over give their places back; the call itself keeps its own. */
function thin(now: MonotonicMs, counted: CountedScope, kept: readonly CountedPlace[]): void {
  const stays = (leg: number) =>
    kept.some((place) => place.leg === leg && isSame(place.scope, counted.usage.scope))
  // A list which was filtered has room for sixteen more.
  if (!counted.legs.every(stays)) counted.legs = counted.legs.filter(stays)
  const places = placesOf(counted.legs)
  if (places !== counted.places) hold(now, counted, places)
}
