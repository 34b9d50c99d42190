import type { HubWord, UtcMs } from '#contract'
import type { RelaysElsewhere } from './elsewhere.ts'
import type { HubEvent, OpenLine } from './events.ts'
import { Losses } from './losses.ts'
import { type HubRelay, isGone, lookAt } from './relay.ts'
import type { Outbox, Telling } from './telling.ts'

/** What lines are held by. */
interface LineWays {
  readonly relays: ReadonlyMap<string, HubRelay>
  readonly elsewhere: RelaysElsewhere
  readonly telling: Telling
  readonly out: Outbox
}

/** After which Postgres is asked again whether a relay is gone. */
const retryMs = 2_000

/** Sockets which are open, whose each is, and which relays live by what is heard on them. */
export class Lines {
  readonly #relays: ReadonlyMap<string, HubRelay>
  readonly #elsewhere: RelaysElsewhere
  readonly #telling: Telling
  readonly #out: Outbox
  readonly #relayOf = new Map<string, string>()
  readonly #losses = new Losses()

  constructor({ relays, elsewhere, telling, out }: LineWays) {
    this.#relays = relays
    this.#elsewhere = elsewhere
    this.#telling = telling
    this.#out = out
  }

  /** Those which outlasted the hub's memory. */
  restore(lines: ReadonlyMap<string, OpenLine>): void {
    for (const [line, { relayId }] of lines) this.#relayOf.set(line, relayId)
  }

  opened(line: string, relayId: string, now: UtcMs): void {
    this.#relayOf.set(line, relayId)
    this.#seen(relayId, now)
  }

  has(line: string): boolean {
    return this.#relayOf.has(line)
  }

  /** A relay spoke, on a line or without: it is not lost. */
  heard(relayId: string): void {
    this.#losses.heard(relayId)
  }

  /** It lived until its last ping, which the hub may have slept through. */
  closed({ line, theirs, livedAt }: Extract<HubEvent, { kind: 'closed' }>, now: UtcMs): void {
    const relayId = this.#relayOf.get(line)
    if (relayId !== undefined && livedAt !== undefined) this.#seen(relayId, livedAt)
    this.#forget(line)
    if (relayId !== undefined && theirs && ![...this.#relayOf.values()].includes(relayId))
      this.#losses.closed(relayId, now)
  }

  /** The last word on a line, which is closed. */
  dismiss(line: string, word: HubWord): void {
    this.#telling.farewell(line, word)
    this.#forget(line)
  }

  /** The key by which it came is none any more. */
  shutOut(relayId: string, line: string): void {
    const sentence = `The key by which ${relayId} came opens nothing any more.`
    this.dismiss(line, { type: 'bye', reason: 'revoked', sentence })
  }

  /** Those who do not say that they have an order lose theirs; who is gone, or did not come, Postgres is to know of. */
  time(lives: ReadonlyMap<string, UtcMs>, now: UtcMs): void {
    for (const [line, at] of lives) this.#seen(this.#relayOf.get(line) ?? '', at)
    this.#telling.giveUp(this.#relayOf)
    for (const relay of this.#relays.values()) if (isGone(relay, now)) this.#part(relay, now)
    for (const [relayId, at] of this.#elsewhere.overdue(now)) this.#miss(relayId, at, now)
    for (const relayId of this.#losses.taken(now, this.#relayOf.size > 0))
      this.#out.put({ kind: 'lose', relayId })
  }

  /** When time is to be told for them next. */
  dueAt(): UtcMs[] {
    const deaths = [...this.#relays.values()].filter(({ parting }) => !parting).map(lookAt)
    return [...deaths, ...this.#losses.dueAt()]
  }

  #seen(relayId: string, now: UtcMs): void {
    const relay = this.#relays.get(relayId)
    if (relay) relay.heardAt = Math.max(relay.heardAt, now) as UtcMs
  }

  #forget(line: string): void {
    this.#telling.closed(line, this.#relayOf.get(line) ?? '')
    this.#relayOf.delete(line)
    for (const relay of this.#relays.values())
      if (relay.line === line) {
        relay.line = undefined
        relay.joined = false
        this.#telling.keep(relay)
      }
  }

  #part(relay: HubRelay, now: UtcMs): void {
    relay.parting = true
    relay.partAt = (now + retryMs) as UtcMs
    const { relayId, heardAt } = relay
    this.#out.put({ kind: 'part', relayId, heardAt })
  }

  /** One which the hub never heard of did not come: it is gone, or Postgres will hear it. */
  #miss(relayId: string, heardAt: UtcMs, now: UtcMs): void {
    this.#elsewhere.missed(relayId, now)
    this.#out.put({ kind: 'part', relayId, heardAt })
  }
}
