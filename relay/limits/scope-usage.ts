import { type MonotonicMs, type Resource, type Scope, type Velocity, velocities } from '#contract'
import type { BegunBefore } from '../ground/begun-before.ts'
import { none } from '../ground/none.ts'
import { SmallMap } from '../ground/small-map.ts'
import { detached } from '../ground/texts.ts'
import { BeginningsWindow } from './beginnings-window.ts'
import { keyOf } from './scope.ts'

/** A scope without a call for so long is not spoken of any more. */
const restMs = 600_000

const windowMs: Readonly<Record<Velocity, number>> = { calls_per_minute: 60_000, calls_per_hour: 3_600_000 }

/** More refused calls than these say nothing new. */
const refusedAtMost = 1_000

/** The calls of one scope. */
export class ScopeUsage {
  readonly scope: Scope
  /** As `keyOf` has it: one text for all who keep it. */
  readonly key: string
  readonly customerId: string | undefined
  /** Calls which have places. */
  #calls = 0
  /** Places of all calls: a call has more than one where several legs of it are paid for at once. */
  channels = 0
  /** Which began lately; undefined: none did. */
  cps: BeginningsWindow | undefined
  /** Calls out which began, of what is limited by minute or hour; undefined: none did. */
  #begun: SmallMap<Velocity, BeginningsWindow> | undefined
  #releasedAt: string | null = null
  /** Calls turned away which the edge has not heard of, and when; undefined: none was. */
  #refused: SmallMap<Resource, Map<string, number>> | undefined
  lastAt = 0

  constructor(scope: Scope, customerId: string | undefined) {
    this.scope = scope
    this.key = detached(keyOf(scope))
    this.customerId = customerId
  }

  /** A call which had so many places has others from now on. */
  hold(now: MonotonicMs, had: number, places: number): void {
    this.lastAt = now
    this.channels += places - had
    this.#calls += Number(places > 0) - Number(had > 0)
  }

  /** One begins, of what is limited by second; `anew`: it did not before. */
  beginOne(name: string, now: MonotonicMs, anew: boolean): void {
    this.cps ??= new BeginningsWindow()
    this.cps.add(name, now, anew)
  }

  /** A call out begins, which is one more of what is limited so. */
  begin(name: string, now: MonotonicMs, velocity: Velocity): void {
    this.#window(velocity).add(name, now, true)
  }

  /** What of calls out counts still, for the process after this one. */
  begunLately(now: MonotonicMs): BegunBefore[] {
    const { scope, customerId = null } = this
    return [...(this.#begun ?? none)].flatMap(([velocity, window]) => {
      const begun = window.ages(now)
      return begun.length > 0 ? { scope, customerId, velocity, releasedAt: this.#releasedAt, begun } : []
    })
  }

  /** What of calls out counts still, from the process before this one. */
  remember(now: MonotonicMs, { velocity, releasedAt, begun }: BegunBefore): void {
    this.#releasedAt = releasedAt
    this.#window(velocity).remember(now, begun)
  }

  /** Calls out which began within the window, since they were released last; `most`: at any time since the edge was told. */
  begun(velocity: Velocity, now: MonotonicMs, releasedAt: string | null): { count: number; most: number } {
    if (releasedAt !== this.#releasedAt) for (const [, window] of this.#begun ?? none) window.clear()
    this.#releasedAt = releasedAt
    const window = this.#begun?.get(velocity)
    return { count: window?.count(now) ?? 0, most: window?.most(now) ?? 0 }
  }

  /** Whether nothing of it counts any more. */
  isIdle(now: MonotonicMs): boolean {
    if (this.#calls > 0 || now - this.lastAt <= restMs) return false
    return velocities.every((velocity) => (this.#begun?.get(velocity)?.count(now) ?? 0) === 0)
  }

  #window(velocity: Velocity): BeginningsWindow {
    this.#begun ??= new SmallMap()
    const window = this.#begun.get(velocity) ?? new BeginningsWindow(windowMs[velocity])
    this.#begun.set(velocity, window)
    return window
  }

  refuse(now: MonotonicMs, callId: string, resource: Resource): void {
    this.lastAt = now
    this.#refused ??= new SmallMap()
    const refused = this.#refused.get(resource) ?? new Map<string, number>()
    this.#refused.set(resource, refused)
    if (refused.size < refusedAtMost) refused.set(callId, now)
  }

  /** Calls turned away, of which the edge has not heard. */
  refused(resource: Resource): number {
    return this.#refused?.get(resource)?.size ?? 0
  }

  /** What happened up to `sentAt` the edge has heard. */
  reported(now: MonotonicMs, sentAt: MonotonicMs): void {
    if (this.cps?.settle(now) === 0) this.cps = undefined
    for (const [, window] of this.#begun ?? none) window.settle(now)
    for (const [, ids] of this.#refused ?? none)
      for (const [callId, at] of ids) if (at <= sentAt) ids.delete(callId)
  }
}

/** The usage of all scopes with a call lately. */
export class UsageByScope {
  readonly #usage = new Map<string, ScopeUsage>()

  of(scope: Scope): ScopeUsage | undefined {
    return this.#usage.get(keyOf(scope))
  }

  /** The usage of a scope, none yet if need be. */
  open(now: MonotonicMs, scope: Scope, customerId: string | undefined): ScopeUsage {
    const usage = this.of(scope) ?? new ScopeUsage(scope, customerId)
    usage.lastAt = now
    this.#usage.set(usage.key, usage)
    return usage
  }

  /** All of them; those which rested too long are forgotten. */
  recent(now: MonotonicMs): ScopeUsage[] {
    for (const [key, usage] of this.#usage) if (usage.isIdle(now)) this.#usage.delete(key)
    return [...this.#usage.values()]
  }

  reported(now: MonotonicMs, sentAt: MonotonicMs): void {
    for (const usage of this.#usage.values()) usage.reported(now, sentAt)
  }
}
