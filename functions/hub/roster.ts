import type { Beat, UtcMs } from '#contract'
import type { RelaysElsewhere } from './elsewhere.ts'
import type { BeatWay, RelayElsewhere } from './events.ts'
import type { Grants } from './grants.ts'
import type { Lines } from './lines.ts'
import { fresh, type HubRelay, isEarlier, isOnItsLine } from './relay.ts'
import type { Outbox, Telling } from './telling.ts'

/** What a roster is kept by. */
interface RosterWays {
  readonly relays: Map<string, HubRelay>
  readonly grants: Grants
  readonly elsewhere: RelaysElsewhere
  readonly telling: Telling
  readonly lines: Lines
  readonly out: Outbox
}

/** Which relays are here: of each one process, on one line or none, and what it says that it holds. */
export class Roster {
  readonly #relays: Map<string, HubRelay>
  readonly #grants: Grants
  readonly #elsewhere: RelaysElsewhere
  readonly #telling: Telling
  readonly #lines: Lines
  readonly #out: Outbox

  constructor({ relays, grants, elsewhere, telling, lines, out }: RosterWays) {
    this.#relays = relays
    this.#grants = grants
    this.#elsewhere = elsewhere
    this.#telling = telling
    this.#lines = lines
    this.#out = out
  }

  /** The relay as Postgres now has it: a process, on a line, and what it holds. */
  standing(relayId: string, way: BeatWay | undefined, beat: Beat, now: UtcMs): HubRelay {
    const before = this.#relays.get(relayId)
    if (before && (!way || (before.bootId === beat.boot_id && isOnItsLine(before, way)))) {
      if (way) this.say(before, way, beat)
      before.joined = before.line !== undefined || way?.kind === 'request' || before.joined
      return before
    }
    const same = before?.bootId === beat.boot_id
    if (before) this.#leave(before, same)
    const line = way?.kind === 'socket' && this.#lines.has(way.line) ? way.line : undefined
    const n = way?.kind === 'socket' ? way.n : 0
    const joined = line !== undefined || way?.kind === 'request'
    const answer = same ? before?.answer : undefined
    // Over HTTP it may have said more since it sent this one.
    const later = before && isEarlier(before, beat) ? before.beat : undefined
    const relay = {
      ...fresh(relayId, later ?? beat, now),
      line,
      n,
      joined,
      answer,
      again: before?.again ?? before?.hurrying ?? false,
      shared: before?.shared,
    }
    this.#relays.set(relayId, relay)
    this.#elsewhere.found(relayId)
    if (!same) this.#grants.forget(relayId)
    if (later) this.#grants.keep(relayId)
    else this.#grants.say(relayId, beat.slices, Number.POSITIVE_INFINITY)
    return relay
  }

  /** What a beat says of it; one which came after a later one says nothing. */
  say(relay: HubRelay, way: BeatWay, beat: Beat): void {
    const n = way.kind === 'socket' ? way.n : 0
    if (n < relay.n) return
    relay.n = n
    relay.beat = beat
    this.#grants.say(relay.relayId, beat.slices, way.kind === 'socket' ? way.seen : Number.POSITIVE_INFINITY)
    if (way.kind === 'socket') this.#telling.seen(way.line, way.seen)
  }

  /** A process in whose place another one is: it steps down. */
  sendAway(relayId: string, way: BeatWay | undefined, beat: Beat): void {
    const sentence = `Another process of ${relayId} took its place: this one steps down.`
    if (way?.kind === 'request')
      return void this.#out.put({ kind: 'reply', relayId, ask: way.ask, answer: 'replaced' })
    const relay = this.#relays.get(relayId)
    const line = way?.line ?? (relay?.bootId === beat.boot_id ? relay?.line : undefined)
    if (line !== undefined) this.#telling.farewell(line, { type: 'bye', reason: 'replaced', sentence })
    if (relay?.bootId === beat.boot_id) this.#forget(relayId)
  }

  /** The relays for which Postgres shares. A relay of them which was here is no more. */
  meet(elsewhere: readonly RelayElsewhere[], now: UtcMs): void {
    const { strangers, gone } = this.#elsewhere.meet(elsewhere, this.#relays, now)
    for (const relay of gone) this.hangUp(relay)
    this.#grants.beside(strangers)
  }

  /** It is here no more. */
  hangUp(relay: HubRelay): void {
    if (relay.line !== undefined) this.#out.put({ kind: 'close', line: relay.line })
    this.#forget(relay.relayId)
  }

  #leave(before: HubRelay, same: boolean): void {
    const sentence = same
      ? 'The relay came on another line.'
      : `Another process of ${before.relayId} took its place: this one steps down.`
    if (before.line !== undefined)
      this.#telling.farewell(before.line, { type: 'bye', reason: same ? 'moved' : 'replaced', sentence })
    before.line = undefined
  }

  #forget(relayId: string): void {
    this.#relays.delete(relayId)
    this.#grants.forget(relayId)
    this.#out.put({ kind: 'keep', relayId, record: undefined })
  }
}
