import type { UtcMs } from '#contract'
import { Claims } from './claims.ts'
import type { RelaysElsewhere } from './elsewhere.ts'
import type { HubEvent } from './events.ts'
import type { Grants } from './grants.ts'
import type { RelayGroup } from './groups.ts'
import { type KnownLimit, keyOf } from './limit.ts'
import { LimitOwner } from './owner.ts'
import { earliest } from './schedule.ts'
import type { Outbox, Telling } from './telling.ts'

/** What limits are shared by. */
interface LimitWays {
  readonly grants: Grants
  readonly elsewhere: RelaysElsewhere
  readonly telling: Telling
  readonly out: Outbox
}

/**
 * How much of each limit is this group's to grant. Where it is the only one, what Postgres says; else what the limit's owner
 * gives (`Claims`), which for some is this hub (`LimitOwner`).
 */
export class GroupLimits {
  /** There is one group: limits are this hub's to share, as Postgres has them. */
  readonly isAlone: boolean
  readonly #grants: Grants
  readonly #elsewhere: RelaysElsewhere
  readonly #telling: Telling
  readonly #out: Outbox
  readonly #claims: Claims
  readonly #owner: LimitOwner

  /** `boot` names this hub among those which were the group's. */
  constructor(group: RelayGroup, boot: string, { grants, elsewhere, telling, out }: LimitWays) {
    this.isAlone = group.of === 1
    this.#grants = grants
    this.#elsewhere = elsewhere
    this.#telling = telling
    this.#out = out
    this.#claims = new Claims(group, boot)
    this.#owner = new LimitOwner(group.of, boot)
  }

  /** Limits which Postgres is to be asked about. */
  named(): Omit<KnownLimit, 'limit'>[] {
    return this.isAlone ? this.#grants.known() : this.#owner.named().names
  }

  /** What a turn says of limits. */
  introduced(limits: readonly KnownLimit[]): void {
    if (this.isAlone) this.#grants.introduced(limits)
  }

  /** Limits as they are now. */
  limited(limits: readonly KnownLimit[], now: UtcMs): void {
    if (this.isAlone) this.#grants.limited(limits)
    else this.#owner.limited(limits)
    this.nudge(now)
  }

  /** Tells the owners of limits what there is here of them, where that is known and not what they heard last. */
  claim(now: UtcMs): void {
    if (this.isAlone || !(this.#grants.touched() || this.#claims.isDue(now))) return
    const parts = this.#elsewhere.met && this.#telling.mayGrow() ? this.#grants.parts() : undefined
    for (const due of this.#claims.due(parts, now)) this.#out.put({ kind: 'claim', ...due })
  }

  /** What of limits is this group's from now on. */
  shared({ owner, share }: Extract<HubEvent, { kind: 'shared' }>, now: UtcMs): void {
    const { limits, first } = this.#claims.shared(owner, share, now)
    this.#grants.limited(limits)
    // Of those it was not known before.
    this.#telling.level(first, true)
    this.#telling.level(limits.map(keyOf))
  }

  /** An owner asks what there is here. */
  nudged(owner: number): void {
    this.#claims.owe(owner)
    if (!this.#elsewhere.met) this.#out.put({ kind: 'meet' })
  }

  /** A group claims of what is this one's to own; whether it named limits of which it is not known what they are. */
  claimed({ ask, claim }: Extract<HubEvent, { kind: 'claimed' }>): boolean {
    this.#out.put({ kind: 'share', ask, share: this.#owner.hear(claim) })
    return this.#owner.named().unknown
  }

  /** Asks groups of which it is not known what they have. */
  nudge(now: UtcMs): void {
    for (const group of this.#owner.toNudge(now)) this.#out.put({ kind: 'nudge', group })
  }

  /** When time is to be told for them next. */
  dueAt(): UtcMs | undefined {
    return earliest(this.#claims.dueAt(), this.#owner.dueAt())
  }
}
