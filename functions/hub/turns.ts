import type { Beat, UtcMs } from '#contract'
import type { RelaysElsewhere } from './elsewhere.ts'
import type { BeatWay } from './events.ts'
import { type HubRelay, lineFor } from './relay.ts'
import type { Schedule } from './schedule.ts'
import type { Outbox } from './telling.ts'

/** What turns are taken by. */
interface TurnWays {
  readonly relays: ReadonlyMap<string, HubRelay>
  readonly elsewhere: RelaysElsewhere
  readonly schedule: Schedule
  readonly out: Outbox
}

/** Relays' turns at Postgres: one whose beat waits has it at once, the others gather and pass together. */
export class RelayTurns {
  readonly #relays: ReadonlyMap<string, HubRelay>
  readonly #elsewhere: RelaysElsewhere
  readonly #schedule: Schedule
  readonly #out: Outbox

  constructor({ relays, elsewhere, schedule, out }: TurnWays) {
    this.#relays = relays
    this.#elsewhere = elsewhere
    this.#schedule = schedule
    this.#out = out
  }

  /** Has Postgres hear a beat; without a way, one which is known already, for what has come up since. */
  take(relayId: string, way: BeatWay | undefined, beat: Beat): void {
    const relay = this.#relays.get(relayId)
    if (relay) relay.turning = true
    this.#out.put({ kind: 'turn', relayId, way, beat, line: lineFor(relay, way) })
  }

  /** Each relay is to have one: what they share may be another. */
  stir(now: UtcMs): void {
    for (const relay of this.#relays.values()) relay.dirty = true
    if (this.#relays.size > 0) this.#schedule.stir(now)
  }

  /** What one said is other relays' business. */
  stirOthers(relay: HubRelay, now: UtcMs): void {
    for (const other of this.#relays.values()) other.dirty ||= other !== relay
    this.#schedule.stir(now)
  }

  /** Those which time brings; who has not applied what there is, up to `version`, is told once more which customers' it is. */
  gather(version: number, now: UtcMs): void {
    if (this.#schedule.mayStir(now, this.#busy())) this.stir(now)
    if (!this.#schedule.mayCatchUp(now)) return
    for (const relay of this.#relays.values()) relay.dirty ||= relay.beat.version < version
    this.#schedule.stir(now)
  }

  /** Those who wait have theirs, where a pass may be. */
  pass(now: UtcMs): void {
    if (!this.#waits() || !this.#schedule.mayPass(now)) return
    for (const relay of this.#relays.values())
      if (this.#mayPass(relay)) {
        relay.dirty = false
        this.take(relay.relayId, undefined, relay.beat)
      }
  }

  /** When time is to be told for them next. */
  dueAt(): UtcMs | undefined {
    return this.#schedule.dueAt(this.#waits(), this.#busy())
  }

  /** Calls go on. */
  #busy(): boolean {
    return [...this.#relays.values()].some(({ beat }) => beat.leases.length > 0)
  }

  #waits(): boolean {
    return [...this.#relays.values()].some((relay) => this.#mayPass(relay))
  }

  #mayPass({ dirty, turning, joined, line }: HubRelay): boolean {
    return (dirty || this.#elsewhere.strange) && !turning && joined && line !== undefined
  }
}
