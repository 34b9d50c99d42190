import { deadAfterMs, type UtcMs } from '#contract'
import type { RelayElsewhere } from './events.ts'
import type { Strangers } from './grants.ts'
import { groupOf, type RelayGroup } from './groups.ts'
import type { HubRelay } from './relay.ts'

/** Relays of this group which live and are not on its hub's lines, as Postgres said last. */
export class RelaysElsewhere {
  readonly #group: RelayGroup
  /** Relays which Postgres takes for the hub's, and the hub never heard of; since when. */
  readonly #unheardOf = new Map<string, UtcMs>()
  #met = false
  #strange = false
  #metAt = Number.NEGATIVE_INFINITY

  constructor(group: RelayGroup) {
    this.#group = group
  }

  /** Postgres has said which relays it hears, or nothing was missed of what it did. */
  get met(): boolean {
    return this.#met
  }

  /** Postgres shares for some relay of this group. */
  get strange(): boolean {
    return this.#strange
  }

  /** Postgres is to say once more which relays it shares for: they say nothing to the hub. */
  asksAgainAt(): UtcMs | undefined {
    return this.#strange && this.#group.of > 1 ? ((this.#metAt + deadAfterMs) as UtcMs) : undefined
  }

  /** It is asked now. */
  asks(now: UtcMs): void {
    this.#metAt = now
  }

  /** All of them are here. */
  trust(): void {
    this.#met = true
  }

  /** It is here, or gone. */
  found(relayId: string): void {
    this.#unheardOf.delete(relayId)
  }

  /** It did not come in time, and is waited for once more. */
  missed(relayId: string, now: UtcMs): void {
    this.#unheardOf.set(relayId, now)
  }

  /** Those which did not come in time, and since when they are waited for. */
  overdue(now: UtcMs): [string, UtcMs][] {
    return [...this.#unheardOf].filter(([, at]) => at + deadAfterMs <= now)
  }

  /** When the time is up for one which is waited for. */
  dueAt(): UtcMs[] {
    return [...this.#unheardOf.values()].map((at) => (at + deadAfterMs) as UtcMs)
  }

  /**
   * The relays Postgres shares for, and what each may believe it has; what one holds which Postgres takes for the hub's, though it is
   * not here, is not known, until it has had the time of a silence to come. `gone`: those which were here and are no more.
   */
  meet(
    elsewhere: readonly RelayElsewhere[],
    known: ReadonlyMap<string, HubRelay>,
    now: UtcMs,
  ): { strangers: Strangers; gone: HubRelay[] } {
    const strangers = new Map<string, ReadonlyMap<string, number> | undefined>()
    const gone: HubRelay[] = []
    for (const { relay_id, via_hub, slices } of elsewhere) {
      if (groupOf(relay_id, this.#group.of) !== this.#group.number) continue
      const here = known.get(relay_id)
      if (via_hub && here && !here.stale) continue
      if (here && !via_hub) gone.push(here)
      if (via_hub && !here) this.#unheardOf.set(relay_id, this.#unheardOf.get(relay_id) ?? now)
      strangers.set(relay_id, via_hub ? undefined : new Map(slices.map(({ key, amount }) => [key, amount])))
    }
    this.#met = true
    this.#metAt = now
    this.#strange = strangers.size > 0
    return { strangers, gone }
  }
}
