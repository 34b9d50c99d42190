import {
  type Limit,
  type MonotonicMs,
  type Resource,
  resources,
  type Scope,
  type SliceHeld,
  type Velocity,
  velocities,
} from '#contract'
import type { DailyMinutes } from './daily-minutes.ts'
import type { QuotaShares } from './quotas.ts'
import { keyOf, type LimitedScope, type LimitSource } from './scope.ts'
import type { ScopeUsage, UsageByScope } from './scope-usage.ts'

/** A limit which is in the way. */
export type LimitReached = Pick<Limit, 'kind' | 'id' | 'resource'>

/** What limits are reckoned with. */
interface LimitDeps {
  readonly known: LimitSource
  readonly usage: UsageByScope
  readonly daily: DailyMinutes
  readonly shares: QuotaShares
  /** Whether the edge was heard lately. */
  hears(now: MonotonicMs): boolean
}

/** How scopes stand with their limits: what is in use here, and how much of it may be. */
export class ScopeLimits {
  readonly #deps: LimitDeps

  constructor(deps: LimitDeps) {
    this.#deps = deps
  }

  /** Every limit set on a scope: what is in use here, of how much; `customerId`: whose call it is for. */
  all(scope: Scope, now: MonotonicMs, customerId?: string): Limit[] {
    const usage = this.#deps.usage.of(scope)
    const limited = this.#deps.known.of(scope, customerId ?? usage?.customerId)
    if (!limited) return []
    const { max_channels, max_cps, max_daily_minutes: minutes } = limited.caps
    const limit = (resource: string, used: number, of: number | null): Limit[] =>
      of === null ? [] : [{ ...scope, name: limited.name, resource, used, of, exceeded: used >= of }]
    const share = (resource: Resource, of: number | null) =>
      of === null ? null : this.#deps.shares.of({ scope, resource }, of)
    return [
      ...limit('channels', usage?.channels ?? 0, share('channels', max_channels)),
      ...limit('cps', usage?.cps?.count(now) ?? 0, share('cps', max_cps)),
      ...velocities.flatMap((velocity) => {
        const of = limitOf(limited, velocity)
        return of === null
          ? []
          : limit(
              velocity,
              this.#begun(usage, velocity, now, limited).count,
              this.#granted(scope, velocity, of, now),
            )
      }),
      ...(minutes === null ? [] : limit('daily_minutes', this.#minutes(scope, now), minutes)),
    ]
  }

  /** Shared limits which are reached here; `whole`: no share could be greater. */
  reached(scope: Scope, now: MonotonicMs, customerId?: string): (LimitReached & { whole: boolean })[] {
    const usage = this.#deps.usage.of(scope)
    const limited = this.#deps.known.of(scope, customerId ?? usage?.customerId)
    return this.all(scope, now, customerId).flatMap(({ kind, id, resource, used, exceeded }) => {
      if (!exceeded || !isShared(resource)) return []
      return [{ kind, id, resource, whole: used >= ((limited && limitOf(limited, resource)) ?? 0) }]
    })
  }

  /** How we stand with each which relays share, as the edge hears it. */
  held(scope: Scope, now: MonotonicMs): SliceHeld[] {
    const usage = this.#deps.usage.of(scope)
    const limited = this.#deps.known.of(scope, usage?.customerId)
    if (!limited) return []
    const standing = (resource: Resource, used: number) => ({
      scope,
      customer_id: limited.customerId,
      resource,
      held: this.#deps.shares.held({ scope, resource }),
      used,
      refused: usage?.refused(resource) ?? 0,
    })
    const { max_channels, max_cps } = limited.caps
    const guarded = velocities.filter((velocity) => limitOf(limited, velocity) !== null)
    return [
      ...(max_channels === null ? [] : [standing('channels', usage?.channels ?? 0)]),
      ...(max_cps === null ? [] : [standing('cps', usage?.cps?.most(now) ?? 0)]),
      ...guarded.map((velocity) => {
        const begun = this.#begun(usage, velocity, now, limited)
        // What was begun while a share fell is held until it is old: no other relay may begin it, too.
        const { held, ...stands } = standing(velocity, begun.most)
        return { ...stands, held: begun.count > 0 ? Math.max(held ?? 0, begun.count) : held }
      }),
    ]
  }

  /** A call out begins: counted where that is limited; whether it is. */
  begin(now: MonotonicMs, usage: ScopeUsage, name: string): boolean {
    const limited = this.#deps.known.of(usage.scope, usage.customerId)
    if (!limited) return false
    const guarded = velocities.filter((velocity) => limitOf(limited, velocity) !== null)
    for (const velocity of guarded) {
      this.#begun(usage, velocity, now, limited)
      usage.begin(name, now, velocity)
    }
    return guarded.length > 0
  }

  #begun(usage: ScopeUsage | undefined, velocity: Velocity, now: MonotonicMs, { guard }: LimitedScope) {
    return usage?.begun(velocity, now, guard?.released_at ?? null) ?? { count: 0, most: 0 }
  }

  /**
   * What of a velocity may be used here: what was granted, so that all relays together keep the limit. With the edge
   * away, and nothing granted before, an equal share.
   */
  #granted(scope: Scope, resource: Velocity, of: number, now: MonotonicMs): number {
    const slice = { scope, resource }
    return this.#deps.hears(now) ? this.#deps.shares.granted(slice, of) : this.#deps.shares.of(slice, of)
  }

  /** Minutes of today to a tenth, rounded down. */
  #minutes(scope: Scope, now: MonotonicMs): number {
    return Math.floor(this.#deps.daily.seconds(keyOf(scope), now) / 6) / 10
  }
}

/** The limit on what relays share; null: there is none. */
function limitOf({ caps, guard }: LimitedScope, resource: Resource): number | null {
  if (resource === 'channels') return caps.max_channels
  if (resource === 'cps') return caps.max_cps
  return (resource === 'calls_per_minute' ? guard?.max_calls_per_minute : guard?.max_calls_per_hour) ?? null
}

/** Whether relays share it. */
export function isShared(resource: string): resource is Resource {
  return (resources as readonly string[]).includes(resource)
}
