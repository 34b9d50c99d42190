import { type BeatAnswer, type HubNews, type HubWord, protocolOfReceipt, type UtcMs } from '#contract'
import type { Changes } from './changes.ts'
import { Deliveries } from './deliveries.ts'
import type { BeatWay, HubEffect, RelayRecord } from './events.ts'
import type { Grants } from './grants.ts'
import { lasting } from './news.ts'
import type { HubRelay } from './relay.ts'

/** What a hub wants done, in order. */
export class Outbox {
  #effects: HubEffect[] = []

  put(...effects: HubEffect[]): void {
    this.#effects.push(...effects)
  }

  /** All of it, once. */
  taken(): HubEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}

/** What relays are told: answers to their beats, and what is new unasked; and what of it is kept. */
export class Telling {
  readonly #relays: ReadonlyMap<string, HubRelay>
  readonly #grants: Grants
  readonly #changes: Changes
  readonly #out: Outbox
  /** How far the database's clock is ahead of the hub's. */
  aheadMs = 0
  /** When it is told. */
  now = 0 as UtcMs
  /** Orders which relays have not said they have. */
  readonly deliveries = new Deliveries()

  constructor(relays: ReadonlyMap<string, HubRelay>, grants: Grants, changes: Changes, out: Outbox) {
    this.#relays = relays
    this.#grants = grants
    this.#changes = changes
    this.#out = out
  }

  /** The answer to a beat; false: the line it came on is not its relay's any more. */
  answer(
    relay: HubRelay,
    way: BeatWay,
    { version, changed }: Pick<BeatAnswer, 'version' | 'changed'>,
    now: UtcMs,
  ): boolean {
    if (!relay.answer || (way.kind === 'socket' && way.line !== relay.line)) return false
    const serial = way.kind === 'socket' ? ++relay.serial : 0
    const slices = this.#grants.answer(relay.relayId, serial, this.mayGrow())
    const answer: BeatAnswer = { ...relay.answer, at: this.at(now), version, changed, slices }
    if (way.kind === 'request') this.#out.put({ kind: 'reply', relayId: relay.relayId, ask: way.ask, answer })
    else this.#send(relay, way.line, { type: 'answer', n: way.n, serial, answer })
    this.keep(relay)
    return true
  }

  /** What Postgres gave out, and was not sent, as the relay's line is another by now, or none. */
  untake(relayId: string, { commands }: Pick<BeatAnswer, 'commands'>): void {
    if (commands.length === 0) return
    this.#out.put({ kind: 'untake', relayId, commands: commands.map(({ command_id }) => command_id) })
  }

  /** What time it is by the database's clock. */
  at(now: UtcMs): string {
    return new Date(now + this.aheadMs).toISOString()
  }

  /** Not while it is not known what some relay holds which was here before the hub began anew. */
  mayGrow(): boolean {
    return [...this.#relays.values()].every(({ stale }) => !stale)
  }

  /** What stays so is part of later answers too, until Postgres says otherwise. */
  push(relayId: string, news: HubNews): void {
    const relay = this.#relays.get(relayId)
    if (relay?.answer) relay.answer = { ...relay.answer, ...lasting(news) }
    this.tell(relayId, news)
    if (relay) this.keep(relay)
  }

  /** News for one relay, where it is on the line and there are any; false: it is sent none. */
  tell(relayId: string, news: HubNews): boolean {
    const relay = this.#relays.get(relayId)
    if (relay?.line === undefined || Object.keys(news).length === 0) return false
    const serial = ++relay.serial
    this.#send(relay, relay.line, { type: 'news', serial, news })
    return true
  }

  /** News which each relay on the line hears once. */
  tellAll(news: HubNews): void {
    for (const relay of this.#relays.values()) if (this.tell(relay.relayId, news)) this.keep(relay)
  }

  #send({ beat }: HubRelay, line: string, word: Extract<HubWord, { serial: number }>): void {
    this.#out.put({ kind: 'send', line, word })
    if ((beat.protocol ?? 1) < protocolOfReceipt) return
    const { commands = [] } = word.type === 'news' ? word.news : word.answer
    const ids = commands.map(({ command_id }) => command_id)
    this.deliveries.sent(line, word.serial, ids, this.now)
  }

  /** A relay has all up to a frame. */
  seen(line: string, serial: number): void {
    const commands = this.deliveries.seen(line, serial)
    if (commands.length > 0) this.#out.put({ kind: 'delivered', commands })
  }

  /** Lines on which a relay does not say that it has an order are closed. */
  giveUp(relayOf: ReadonlyMap<string, string>): void {
    for (const line of this.deliveries.overdue(this.now)) {
      this.closed(line, relayOf.get(line) ?? '')
      this.#out.put({ kind: 'close', line })
    }
  }

  /** A line is closed: its relay, which comes on another, is told once more what may not have arrived. */
  closed(line: string, relayId: string): void {
    const commands = this.deliveries.closed(line)
    if (commands.length > 0) this.#out.put({ kind: 'untake', relayId, commands })
  }

  /** Tells others what has become theirs, or is another's. */
  level(about: readonly string[], first = false): void {
    const on = new Map(
      [...this.#relays.values()].flatMap(({ relayId, line, joined, serial }) =>
        line !== undefined && joined ? [[relayId, serial + 1] as const] : [],
      ),
    )
    for (const [relayId, slices] of this.#grants.others(on, about, this.mayGrow(), first)) {
      this.tell(relayId, { slices })
      const relay = this.#relays.get(relayId)
      if (relay) this.keep(relay)
    }
  }

  /** What of it is to outlast the hub's memory. */
  keep(relay: HubRelay): void {
    const { bootId, line, joined, serial, n, beat, told, answer } = relay
    const holdings = this.#grants.holdings(relay.relayId)
    const hubs = { version: this.#changes.version, aheadMs: this.aheadMs }
    const record: RelayRecord = { bootId, line, joined, serial, n, beat, told, answer, holdings, ...hubs }
    this.#out.put({ kind: 'keep', relayId: relay.relayId, record })
  }

  /** The last word on a line. */
  farewell(line: string, word: HubWord): void {
    this.#out.put({ kind: 'send', line, word }, { kind: 'close', line })
  }
}
