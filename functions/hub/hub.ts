import { type Beat, type BeatAnswer, deadAfterMs, type UtcMs } from '#contract'
import { Changes } from './changes.ts'
import { RelaysElsewhere } from './elsewhere.ts'
import type {
  BeatWay,
  Glance,
  HubEffect,
  HubEvent,
  HubTurn,
  OpenLine,
  RelayElsewhere,
  RelayRecord,
} from './events.ts'
import { Grants } from './grants.ts'
import { GroupLimits } from './group-limits.ts'
import { onlyGroup, type RelayGroup } from './groups.ts'
import { HubOrders } from './hub-orders.ts'
import { Lines } from './lines.ts'
import { differing, sharedBy, wordFor } from './news.ts'
import { fresh, type HubRelay, isLate, isOnItsLine } from './relay.ts'
import { Roster } from './roster.ts'
import { earliest, Schedule } from './schedule.ts'
import { Outbox, Telling } from './telling.ts'
import { RelayTurns } from './turns.ts'

/**
 * The edge's end of the lines of a group of relays: who lives, who has what of each limit, what each is to be told. Where there are
 * several groups each limit is owned by the hub of one (`LimitOwner`), and others share out what that gives them (`Claims`).
 *
 * It asks Postgres when something changed which is to be known there, and never since time went by. A relay has *joined*
 * once Postgres knows that it is the hub's, and the hub knows whom Postgres shares for: until then it gets no more of a
 * limit than it says it holds, and so does each while a relay is known of which is neither here nor dead.
 */
export class Hub {
  readonly #relays = new Map<string, HubRelay>()
  readonly #grants = new Grants()
  readonly #schedule = new Schedule()
  readonly #elsewhere: RelaysElsewhere
  readonly #limits: GroupLimits
  readonly #changes = new Changes()
  /** Postgres is being asked what is new; `again`: and is to be asked once more. */
  #looking: 'no' | 'once' | 'again' = 'no'
  readonly #out = new Outbox()
  readonly #telling: Telling
  readonly #lines: Lines
  readonly #roster: Roster
  readonly #turns: RelayTurns
  readonly #ordering: HubOrders

  /** `boot` names this hub among those which were the group's. */
  constructor(group: RelayGroup = onlyGroup, boot = '') {
    this.#elsewhere = new RelaysElsewhere(group)
    this.#telling = new Telling(this.#relays, this.#grants, this.#changes, this.#out)
    const ways = {
      relays: this.#relays,
      grants: this.#grants,
      elsewhere: this.#elsewhere,
      telling: this.#telling,
      schedule: this.#schedule,
      out: this.#out,
    }
    this.#limits = new GroupLimits(group, boot, ways)
    this.#lines = new Lines(ways)
    this.#roster = new Roster({ ...ways, lines: this.#lines })
    this.#turns = new RelayTurns(ways)
    this.#ordering = new HubOrders(ways)
  }

  /**
   * Brings back what was kept. A relay whose line is still open goes on; another has the time of a silence to come again,
   * and until it has, what it holds is not known.
   */
  restore(
    records: ReadonlyMap<string, RelayRecord>,
    lines: ReadonlyMap<string, OpenLine>,
    now: UtcMs,
  ): HubEffect[] {
    const version = Math.max(0, ...[...records.values()].map((record) => record.version))
    if (version > 0) this.#changes.begin(version)
    this.#lines.restore(lines)
    for (const [relayId, { holdings, version: _, aheadMs, ...record }] of records) {
      const open = record.line === undefined ? undefined : lines.get(record.line)
      const standing = open ? {} : { line: undefined, joined: false, stale: true }
      this.#relays.set(relayId, {
        ...fresh(relayId, record.beat, open?.livedAt ?? now),
        shared: sharedBy(record.beat),
        ...record,
        ...standing,
      })
      this.#grants.restore(relayId, holdings)
      this.#telling.aheadMs = aheadMs
    }
    // What one holds of which nothing was kept is not known: it is to say so on a new line.
    for (const [line, { relayId }] of lines) if (!records.has(relayId)) this.#out.put({ kind: 'close', line })
    // One which slept has missed nothing: who changed something woke it.
    if ([...this.#relays.values()].some(({ stale }) => stale)) this.#look()
    else if (records.size > 0) this.#elsewhere.trust()
    // Which limits are whose is asked again once something happens.
    this.#grants.touched()
    return this.#out.taken()
  }

  receive(event: HubEvent, now: UtcMs): HubEffect[] {
    this.#telling.now = now
    this.#hear(event, now)
    this.#limits.claim(now)
    return this.#out.taken()
  }

  /** When time is to be told next; undefined: not before something happens. */
  dueAt(): UtcMs | undefined {
    return earliest(
      ...this.#lines.dueAt(),
      ...this.#elsewhere.dueAt(),
      this.#elsewhere.asksAgainAt(),
      this.#limits.dueAt(),
      this.#telling.deliveries.dueAt(),
      this.#turns.dueAt(),
    )
  }

  /** Whether a relay is yet to say that it has one of these commands. */
  awaits(commands: readonly string[]): boolean {
    return this.#telling.deliveries.awaits(commands)
  }

  /** Relays which are on the line. */
  live(): { relay_id: string; draining: boolean; calls: number }[] {
    return [...this.#relays.values()]
      .filter(({ line }) => line !== undefined)
      .map(({ relayId, beat }) => ({ relay_id: relayId, draining: beat.draining, calls: beat.leases.length }))
  }

  #hear(event: HubEvent, now: UtcMs): void {
    if (event.kind === 'opened' || event.kind === 'beat') this.#lines.heard(event.relayId)
    switch (event.kind) {
      case 'opened':
        return this.#lines.opened(event.line, event.relayId, now)
      case 'beat':
        return this.#beat(event, now)
      case 'closed':
        return this.#lines.closed(event, now)
      case 'time':
        return this.#time(event.lives, now)
      case 'turned':
        return this.#turned(event, now)
      case 'fetched':
        if (event.orders === 'revoked') return this.#lines.shutOut(event.relayId, event.line)
        return this.#ordering.fetched(event.relayId, event.bootId, event.orders, now)
      case 'concluded':
        return this.#concluded(event, now)
      case 'seen':
        return this.#telling.seen(event.line, event.serial)
      case 'parted':
        return this.#parted(event.relayId, event.elsewhere, now)
      case 'changing':
        return this.#schedule.announce(now)
      case 'changed':
        this.#schedule.happened()
        return this.#look()
      case 'stirred':
        return this.#turns.stir(now)
      case 'watched':
        return this.#telling.tellAll({ watched: [...event.customerIds] })
      case 'ordered':
        for (const relayId of event.relayIds) this.#ordering.hurry(relayId)
        return
      case 'looked':
        return this.#looked(event.glance, now)
      case 'claimed':
        if (this.#limits.claimed(event)) this.#look()
        return this.#limits.nudge(now)
      case 'nudged':
        return this.#limits.nudged(event.owner)
      case 'shared':
        return this.#limits.shared(event, now)
      case 'met':
        if (event.elsewhere) this.#roster.meet(event.elsewhere, now)
        return this.#telling.level(this.#grants.allKeys())
      case 'push':
        return this.#telling.push(event.relayId, event.news)
      case 'dismiss':
        for (const line of event.lines)
          this.#lines.dismiss(line, { type: 'bye', reason: event.reason, sentence: event.sentence })
        return
    }
  }

  #beat({ relayId, way, beat }: Extract<HubEvent, { kind: 'beat' }>, now: UtcMs): void {
    const relay = this.#relays.get(relayId)
    if (relay && isLate(relay, way, beat)) return this.#again(relay, way, now)
    if (!relay || relay.bootId !== beat.boot_id || !isOnItsLine(relay, way))
      return this.#turns.take(relayId, way, beat)
    relay.heardAt = now
    this.#roster.say(relay, way, beat)
    if (this.#needsTurn(relay, beat)) return this.#turns.take(relayId, way, beat)
    // What orders came to Postgres hears at once, and by itself.
    if (way.kind === 'socket' && beat.results.length + beat.ended.length > 0)
      return this.#out.put({ kind: 'conclude', relayId, way, beat })
    this.#reply(relay, way, beat, now)
  }

  /** Answers a beat by what is known. */
  #reply(relay: HubRelay, way: BeatWay, beat: Beat, now: UtcMs): void {
    relay.dirty ||= relay.told !== wordFor(beat)
    if (relay.dirty) this.#schedule.stir(now)
    // One which heard of a version before the hub did goes on with it.
    const version = Math.max(this.#changes.version, beat.version)
    this.#telling.answer(relay, way, { version, changed: this.#changes.after(beat.version) ?? [] }, now)
    this.#telling.level(this.#grants.keysOf(relay.relayId))
  }

  #concluded({ relayId, way, beat, outcome }: Extract<HubEvent, { kind: 'concluded' }>, now: UtcMs): void {
    const relay = this.#relays.get(relayId)
    if (outcome === 'revoked') return this.#lines.shutOut(relayId, way.line)
    if (outcome === undefined) return this.#unheard(relay, relayId, way, now)
    // A turn says so in words.
    if (outcome === 'replaced') return this.#turns.take(relayId, way, beat)
    if (relay?.bootId === beat.boot_id && isOnItsLine(relay, way)) this.#reply(relay, way, beat, now)
  }

  /** Whether Postgres has to hear a beat before it is answered. */
  #needsTurn(relay: HubRelay, { slices, version }: Beat): boolean {
    if (!relay.joined) return true
    return (
      this.#changes.after(version) === undefined || (this.#limits.isAlone && this.#grants.unknownOf(slices))
    )
  }

  /** A beat which came after a later one says nothing new, and nothing is granted for it. */
  #again(relay: HubRelay, way: BeatWay, now: UtcMs): void {
    if (way.kind !== 'request') return
    const answer: BeatAnswer | 'away' = relay.answer
      ? { ...relay.answer, at: this.#telling.at(now), commands: [], slices: [] }
      : 'away'
    this.#out.put({ kind: 'reply', relayId: relay.relayId, ask: way.ask, answer })
  }

  #turned(event: Extract<HubEvent, { kind: 'turned' }>, now: UtcMs): void {
    const before = this.#relays.get(event.relayId)
    if (before) before.turning = false
    this.#heardBack(before, event, now)
    this.#ordering.hurryAgain(event.relayId)
  }

  #heardBack(
    before: HubRelay | undefined,
    { relayId, way, line, beat, turn }: Extract<HubEvent, { kind: 'turned' }>,
    now: UtcMs,
  ): void {
    if (turn === undefined) return this.#unheard(before, relayId, way, now)
    if (turn === 'replaced') return this.#roster.sendAway(relayId, way, beat)
    if (turn === 'revoked') return this.#lines.shutOut(relayId, line ?? '')
    if (!way && before?.bootId !== beat.boot_id) return this.#telling.untake(relayId, turn.answer)
    const relay = this.#roster.standing(relayId, way, beat, now)
    relay.told = wordFor(beat)
    relay.dirty ||= relay.told !== wordFor(relay.beat)
    if (relay.shared !== sharedBy(beat)) this.#turns.stirOthers(relay, now)
    relay.shared = sharedBy(beat)
    this.#learn(turn, now)
    this.#hand(relay, way, this.#changes.upToDate(turn.answer), now)
    this.#telling.level(this.#grants.allKeys())
    this.#telling.keep(relay)
  }

  /** Postgres does not answer: what is held is held on, and asked for again. */
  #unheard(relay: HubRelay | undefined, relayId: string, way: BeatWay | undefined, now: UtcMs): void {
    if (way?.kind === 'request') this.#out.put({ kind: 'reply', relayId, ask: way.ask, answer: 'away' })
    // On a line it is told so by silence: what was to be written down comes with its next beat, or a new line.
    if (way?.kind === 'socket') this.#out.put({ kind: 'close', line: way.line })
    if (!relay) return
    relay.dirty = true
    this.#schedule.stir(now)
  }

  #learn({ answer, limits, elsewhere }: HubTurn, now: UtcMs): void {
    this.#limits.introduced(limits)
    this.#roster.meet(elsewhere, now)
    this.#telling.aheadMs = Date.parse(answer.at) - now
    // The first word of a version says what there is; a later one, that something is new which was not announced.
    if (this.#changes.version > 0 && answer.version > this.#changes.version) this.#schedule.look(now)
    // Nothing is known yet; or it is, of a database which has gone back since.
    if (this.#changes.after(answer.version) === undefined) this.#changes.begin(answer.version)
  }

  /** Gives a relay what Postgres answered: as the answer to its beat, or what of it is new. What it cannot be given goes back. */
  #hand(relay: HubRelay, way: BeatWay | undefined, answer: HubTurn['answer'], now: UtcMs): void {
    const before = relay.answer
    relay.answer = answer
    const handed = way
      ? this.#telling.answer(relay, way, answer, now)
      : this.#telling.tell(relay.relayId, differing(before, answer))
    if (!handed) this.#telling.untake(relay.relayId, answer)
    relay.answer = { ...answer, commands: [], changed: [], withdrawn: [] }
    if (relay.beat.version < this.#changes.version) this.#schedule.lag(now)
  }

  #time(lives: ReadonlyMap<string, UtcMs>, now: UtcMs): void {
    this.#lines.time(lives, now)
    this.#turns.gather(this.#changes.version, now)
    if (this.#schedule.mayLook(now)) this.#look()
    this.#turns.pass(now)
    this.#limits.nudge(now)
    if ((this.#elsewhere.asksAgainAt() ?? Number.POSITIVE_INFINITY) > now) return
    this.#elsewhere.asks(now)
    this.#out.put({ kind: 'meet' })
  }

  #parted(relayId: string, elsewhere: readonly RelayElsewhere[] | undefined, now: UtcMs): void {
    const relay = this.#relays.get(relayId)
    if (relay) {
      relay.parting = false
      relay.joined = false
    }
    // Unknown to Postgres still: it keeps what it has.
    if (elsewhere === undefined) return
    this.#elsewhere.found(relayId)
    // Alive again: Postgres is to know.
    if (relay && relay.heardAt + deadAfterMs > now) return this.#turns.take(relayId, undefined, relay.beat)
    if (relay) this.#roster.hangUp(relay)
    this.#roster.meet(elsewhere, now)
    this.#telling.level(this.#grants.allKeys())
    this.#schedule.lost(now)
    this.#turns.stir(now)
  }

  /** What changes while Postgres answers is asked for once more, however many changes there were. */
  #look(): void {
    if (this.#looking !== 'no') {
      this.#looking = 'again'
      return
    }
    const limits = this.#limits.named()
    const version = this.#relays.size > 0 ? this.#changes.version : null
    if (version === null && limits.length === 0) return
    this.#looking = 'once'
    this.#out.put({ kind: 'look', version, limits })
  }

  #looked(glance: Glance | undefined, now: UtcMs): void {
    const again = this.#looking === 'again'
    this.#looking = 'no'
    if (again) this.#look()
    if (glance === undefined) return this.#schedule.look((now + retryMs) as UtcMs)
    const { version, changed } = glance
    this.#limits.limited(glance.limits, now)
    // Relays have come meanwhile.
    if (version === null && this.#relays.size > 0) this.#look()
    if (version !== null && version > this.#changes.version) this.#renew(version, changed, now)
    else this.#turns.stir(now)
    this.#telling.level(this.#grants.allKeys())
  }

  #renew(version: number, changed: Glance['changed'], now: UtcMs): void {
    this.#changes.add(version, changed)
    for (const relay of this.#relays.values()) {
      this.#telling.tell(relay.relayId, { version, changed })
      this.#telling.keep(relay)
    }
    this.#schedule.lag(now)
  }
}

/** After which Postgres is asked again. */
const retryMs = 2_000
