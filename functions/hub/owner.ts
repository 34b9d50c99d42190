import type { UtcMs } from '#contract'
import type { LimitClaim, LimitShare } from './claim.ts'
import { Grants } from './grants.ts'
import { type KnownLimit, keyOf } from './limit.ts'

/** After which a group which was asked, and said nothing, is asked again. */
const retryMs = 2_000

/** A group as the owner of limits knows it. */
interface Claimant {
  boot: string
  n: number
  serial: number
  /** Hubs of the group which were before this one. */
  readonly replaced: Set<string>
}

/**
 * Who shares the limits which are this group's to own, between groups: the same sharing as between relays (`Grants`), whose every
 * relay counts. Nothing of it is kept: one which begins anew gives no group more than it has until each has said what that is.
 */
export class LimitOwner {
  readonly #boot: string
  readonly #groups: number
  readonly #grants = new Grants()
  readonly #claimants = new Map<number, Claimant>()
  /** Groups which were given what they have, as it was not known what others do. */
  readonly #short = new Set<number>()
  /** Groups which were asked what they have, and when. */
  readonly #nudged = new Map<number, UtcMs>()

  constructor(groups: number, boot: string) {
    this.#groups = groups
    this.#boot = boot
  }

  /** A group says what it has, and hears what it may have; undefined: that was said before what was heard last. */
  hear({ group, boot, n, seen, parts }: LimitClaim): LimitShare | undefined {
    const before = this.#claimants.get(group)
    if (before && (before.replaced.has(boot) || (before.boot === boot && n <= before.n))) return undefined
    const claimant = this.#claimant(group, boot, before)
    claimant.n = n
    this.#nudged.delete(group)
    const name = String(group)
    this.#grants.claim(name, parts, seen.owner === this.#boot ? seen.serial : 0)
    claimant.serial += 1
    const limits = this.#grants
      .answer(name, claimant.serial, this.#isComplete)
      .map(({ scope, resource, amount }) => ({
        scope,
        resource,
        limit: amount as number | null,
      }))
    const unlimited = parts.filter((part) => this.#grants.isUnlimited(keyOf(part)))
    const free = unlimited.map(({ scope, resource }) => ({ scope, resource, limit: null }))
    const final = this.#isComplete && !this.#grants.unknownOf(parts)
    if (final) this.#short.delete(group)
    else this.#short.add(group)
    return { owner: this.#boot, serial: claimant.serial, limits: [...limits, ...free], final }
  }

  /** Limits as they are now. */
  limited(limits: readonly KnownLimit[]): void {
    this.#grants.limited(limits)
  }

  /** Limits of which groups speak; `unknown`: some of which it is not known what they are. */
  named(): { names: Omit<KnownLimit, 'limit'>[]; unknown: boolean } {
    return this.#grants.named()
  }

  /** Groups which are to be asked what they have: of which that is not known, or which are to have something else. */
  toNudge(now: UtcMs): number[] {
    if (this.#claimants.size === 0) return []
    const all = Array.from({ length: this.#groups }, (_, group) => group)
    const unheard = all.filter((group) => !this.#claimants.has(group))
    const moved = [...this.#grants.moving(this.#isComplete)].map(Number)
    if (this.#isComplete && !this.#grants.named().unknown) moved.push(...this.#short)
    const needed = new Set([...unheard, ...moved])
    for (const group of this.#nudged.keys()) if (!needed.has(group)) this.#nudged.delete(group)
    const due = new Set([...needed].filter((group) => (this.#nudged.get(group) ?? -retryMs) + retryMs <= now))
    for (const group of due) this.#nudged.set(group, now)
    return [...due]
  }

  /** When a group is to be asked again; undefined: none is. */
  dueAt(): UtcMs | undefined {
    const times = [...this.#nudged.values()]
    return times.length > 0 ? ((Math.min(...times) + retryMs) as UtcMs) : undefined
  }

  /** Each group has said what it has. */
  get #isComplete(): boolean {
    return this.#claimants.size === this.#groups
  }

  #claimant(group: number, boot: string, before: Claimant | undefined): Claimant {
    if (before?.boot === boot) return before
    const replaced = new Set([...(before?.replaced ?? []), ...(before ? [before.boot] : [])])
    // Its numbers go on: what was given to the one before may be on its way still.
    const claimant = { boot, n: 0, serial: before?.serial ?? 0, replaced }
    this.#claimants.set(group, claimant)
    return claimant
  }
}
