import { type Beat, type BeatAnswer, deadAfterMs, type HubWord, type UtcMs } from '#contract'
import { Changes } from './changes.ts'
import { Claims } from './claims.ts'
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
import { onlyGroup, type RelayGroup } from './groups.ts'
import { HubOrders } from './hub-orders.ts'
import { keyOf } from './limit.ts'
import { Losses } from './losses.ts'
import { differing, sharedBy, wordFor } from './news.ts'
import { LimitOwner } from './owner.ts'
import { fresh, type HubRelay, isGone, isLate, isOnItsLine, lineFor, lookAt } from './relay.ts'
import { earliest, Schedule } from './schedule.ts'
import { Outbox, Telling } from './telling.ts'

/**
 * The edge's end of the lines of a group of relays: who lives, who has what of each limit, what each is to be told. Where there are
 * several groups each limit is owned by the hub of one (`Owner`), and others share out what that gives them (`Claims`).
 *
 * It asks Postgres when something changed which is to be known there, and never since time went by. A relay has *joined*
 * once Postgres knows that it is the hub's, and the hub knows whom Postgres shares for: until then it gets no more of a
 * limit than it says it holds, and so does each while a relay is known of which is neither here nor dead.
 */
export class Hub {
  readonly #relays = new Map<string, HubRelay>()
  readonly #grants = new Grants()
  readonly #schedule = new Schedule()
  readonly #group: RelayGroup
  readonly #elsewhere: RelaysElsewhere
  readonly #claims: Claims
  readonly #owner: LimitOwner
  readonly #changes = new Changes()
  /** Sockets which are open, and whose each is. */
  #lines = new Map<string, string>()
  /** Postgres is being asked what is new; `again`: and is to be asked once more. */
  #looking: 'no' | 'once' | 'again' = 'no'
  readonly #out = new Outbox()
  readonly #telling: Telling
  readonly #ordering: HubOrders
  readonly #losses = new Losses()

  /** `boot` names this hub among those which were the group's. */
  constructor(group: RelayGroup = onlyGroup, boot = '') {
    this.#group = group
    this.#elsewhere = new RelaysElsewhere(group)
    this.#claims = new Claims(group, boot)
    this.#owner = new LimitOwner(group.of, boot)
    this.#telling = new Telling(this.#relays, this.#grants, this.#changes, this.#out)
    const [relays, telling, schedule, out] = [this.#relays, this.#telling, this.#schedule, this.#out]
    this.#ordering = new HubOrders({ relays, telling, schedule, out })
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
    this.#lines = new Map([...lines].map(([line, { relayId }]) => [line, relayId]))
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
    this.#claim(now)
    return this.#out.taken()
  }

  /** When time is to be told next; undefined: not before something happens. */
  dueAt(): UtcMs | undefined {
    const deaths = [...this.#relays.values()].filter(({ parting }) => !parting).map(lookAt)
    const groups = [
      ...this.#elsewhere.dueAt(),
      this.#elsewhere.asksAgainAt(),
      this.#claims.dueAt(),
      this.#owner.dueAt(),
      this.#telling.deliveries.dueAt(),
      ...this.#losses.dueAt(),
    ]
    return earliest(...deaths, ...groups, this.#schedule.dueAt(this.#waits(), this.#busy()))
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
    if (event.kind === 'opened' || event.kind === 'beat') this.#losses.heard(event.relayId)
    switch (event.kind) {
      case 'opened':
        this.#lines.set(event.line, event.relayId)
        return this.#seen(event.relayId, now)
      case 'beat':
        return this.#beat(event, now)
      case 'closed':
        return this.#lineClosed(event, now)
      case 'time':
        return this.#time(event.lives, now)
      case 'turned':
        return this.#turned(event, now)
      case 'fetched':
        if (event.orders === 'revoked') return this.#shutOut(event.relayId, event.line)
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
        return this.#stir(now)
      case 'ordered':
        for (const relayId of event.relayIds) this.#ordering.hurry(relayId)
        return
      case 'looked':
        return this.#looked(event.glance, now)
      case 'claimed':
        this.#out.put({ kind: 'share', ask: event.ask, share: this.#owner.hear(event.claim) })
        if (this.#owner.named().unknown) this.#look()
        return this.#nudge(now)
      case 'nudged':
        this.#claims.owe(event.owner)
        if (!this.#elsewhere.met) this.#out.put({ kind: 'meet' })
        return
      case 'shared':
        return this.#shared(this.#claims.shared(event.owner, event.share, now))
      case 'met':
        if (event.elsewhere) this.#meet(event.elsewhere, now)
        return this.#telling.level(this.#grants.allKeys())
      case 'push':
        return this.#telling.push(event.relayId, event.news)
      case 'dismiss':
        for (const line of event.lines)
          this.#dismiss(line, { type: 'bye', reason: event.reason, sentence: event.sentence })
        return
    }
  }

  #seen(relayId: string, now: UtcMs): void {
    const relay = this.#relays.get(relayId)
    if (relay) relay.heardAt = Math.max(relay.heardAt, now) as UtcMs
  }

  #beat({ relayId, way, beat }: Extract<HubEvent, { kind: 'beat' }>, now: UtcMs): void {
    const relay = this.#relays.get(relayId)
    if (relay && isLate(relay, way, beat)) return this.#again(relay, way, now)
    if (!relay || relay.bootId !== beat.boot_id || !isOnItsLine(relay, way))
      return this.#ask(relayId, way, beat)
    relay.heardAt = now
    this.#say(relay, way, beat)
    if (this.#needsTurn(relay, beat)) return this.#ask(relayId, way, beat)
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
    if (outcome === 'revoked') return this.#shutOut(relayId, way.line)
    if (outcome === undefined) return this.#unheard(relay, relayId, way, now)
    // A turn says so in words.
    if (outcome === 'replaced') return this.#ask(relayId, way, beat)
    if (relay?.bootId === beat.boot_id && isOnItsLine(relay, way)) this.#reply(relay, way, beat, now)
  }

  #say(relay: HubRelay, way: BeatWay, beat: Beat): void {
    const n = way.kind === 'socket' ? way.n : 0
    if (n < relay.n) return
    relay.n = n
    relay.beat = beat
    this.#grants.say(relay.relayId, beat.slices, way.kind === 'socket' ? way.seen : Number.POSITIVE_INFINITY)
    if (way.kind === 'socket') this.#telling.seen(way.line, way.seen)
  }

  /** Whether Postgres has to hear a beat before it is answered. */
  #needsTurn(relay: HubRelay, { slices, version }: Beat): boolean {
    if (!relay.joined) return true
    return this.#changes.after(version) === undefined || (this.#isAlone && this.#grants.unknownOf(slices))
  }

  /** There is one group: limits are this hub's to share, as Postgres has them. */
  get #isAlone(): boolean {
    return this.#group.of === 1
  }

  /** Tells the owners of limits what there is here of them, where that is known and not what they heard last. */
  #claim(now: UtcMs): void {
    if (this.#isAlone || !(this.#grants.touched() || this.#claims.isDue(now))) return
    const parts = this.#elsewhere.met && this.#telling.mayGrow() ? this.#grants.parts() : undefined
    for (const due of this.#claims.due(parts, now)) this.#out.put({ kind: 'claim', ...due })
  }

  /** What of limits is this group's from now on; `first`: of these it was not known before. */
  #shared({ limits, first }: ReturnType<Claims['shared']>): void {
    this.#grants.limited(limits)
    this.#telling.level(first, true)
    this.#telling.level(limits.map(keyOf))
  }

  #nudge(now: UtcMs): void {
    for (const group of this.#owner.toNudge(now)) this.#out.put({ kind: 'nudge', group })
  }

  #ask(relayId: string, way: BeatWay | undefined, beat: Beat): void {
    const relay = this.#relays.get(relayId)
    if (relay) relay.turning = true
    this.#out.put({ kind: 'turn', relayId, way, beat, line: lineFor(relay, way) })
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
    if (turn === 'replaced') return this.#sendAway(relayId, way, beat)
    if (turn === 'revoked') return this.#shutOut(relayId, line ?? '')
    if (!way && before?.bootId !== beat.boot_id) return this.#telling.untake(relayId, turn.answer)
    const relay = this.#standing(relayId, way, beat, now)
    relay.told = wordFor(beat)
    relay.dirty ||= relay.told !== wordFor(relay.beat)
    if (relay.shared !== sharedBy(beat)) this.#stirOthers(relay, now)
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

  #sendAway(relayId: string, way: BeatWay | undefined, beat: Beat): void {
    const sentence = `Another process of ${relayId} took its place: this one steps down.`
    if (way?.kind === 'request')
      return void this.#out.put({ kind: 'reply', relayId, ask: way.ask, answer: 'replaced' })
    const relay = this.#relays.get(relayId)
    const line = way?.line ?? (relay?.bootId === beat.boot_id ? relay?.line : undefined)
    if (line !== undefined) this.#telling.farewell(line, { type: 'bye', reason: 'replaced', sentence })
    if (relay?.bootId === beat.boot_id) this.#forget(relayId)
  }

  /** The relay as Postgres now has it: a process, on a line, and what it holds. */
  #standing(relayId: string, way: BeatWay | undefined, beat: Beat, now: UtcMs): HubRelay {
    const before = this.#relays.get(relayId)
    if (before && (!way || (before.bootId === beat.boot_id && isOnItsLine(before, way)))) {
      if (way) this.#say(before, way, beat)
      before.joined = before.line !== undefined || way?.kind === 'request' || before.joined
      return before
    }
    const same = before?.bootId === beat.boot_id
    if (before) this.#leave(before, same)
    const line = way?.kind === 'socket' && this.#lines.has(way.line) ? way.line : undefined
    const n = way?.kind === 'socket' ? way.n : 0
    const joined = line !== undefined || way?.kind === 'request'
    const answer = same ? before?.answer : undefined
    const relay = {
      ...fresh(relayId, beat, now),
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
    this.#grants.say(relayId, beat.slices, Number.POSITIVE_INFINITY)
    return relay
  }

  #leave(before: HubRelay, same: boolean): void {
    const sentence = same
      ? 'The relay came on another line.'
      : `Another process of ${before.relayId} took its place: this one steps down.`
    if (before.line !== undefined)
      this.#telling.farewell(before.line, { type: 'bye', reason: same ? 'moved' : 'replaced', sentence })
    before.line = undefined
  }

  #learn({ answer, limits, elsewhere }: HubTurn, now: UtcMs): void {
    if (this.#isAlone) this.#grants.introduced(limits)
    this.#meet(elsewhere, now)
    this.#telling.aheadMs = Date.parse(answer.at) - now
    // The first word of a version says what there is; a later one, that something is new which was not announced.
    if (this.#changes.version > 0 && answer.version > this.#changes.version) this.#schedule.look(now)
    // Nothing is known yet; or it is, of a database which has gone back since.
    if (this.#changes.after(answer.version) === undefined) this.#changes.begin(answer.version)
  }

  /** The relays for which Postgres shares. A relay of them which was here is no more. */
  #meet(elsewhere: readonly RelayElsewhere[], now: UtcMs): void {
    const { strangers, gone } = this.#elsewhere.meet(elsewhere, this.#relays, now)
    for (const relay of gone) this.#hangUp(relay)
    this.#grants.beside(strangers)
  }

  #hangUp(relay: HubRelay): void {
    if (relay.line !== undefined) this.#out.put({ kind: 'close', line: relay.line })
    this.#forget(relay.relayId)
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

  /** It lived until its last ping, which the hub may have slept through. */
  #lineClosed({ line, theirs, livedAt }: Extract<HubEvent, { kind: 'closed' }>, now: UtcMs): void {
    const relayId = this.#lines.get(line)
    if (relayId !== undefined && livedAt !== undefined) this.#seen(relayId, livedAt)
    this.#closed(line)
    if (relayId !== undefined && theirs && ![...this.#lines.values()].includes(relayId))
      this.#losses.closed(relayId, now)
  }

  #closed(line: string): void {
    this.#telling.closed(line, this.#lines.get(line) ?? '')
    this.#lines.delete(line)
    for (const relay of this.#relays.values())
      if (relay.line === line) {
        relay.line = undefined
        relay.joined = false
        this.#telling.keep(relay)
      }
  }

  #time(lives: ReadonlyMap<string, UtcMs>, now: UtcMs): void {
    for (const [line, at] of lives) this.#seen(this.#lines.get(line) ?? '', at)
    this.#telling.giveUp(this.#lines)
    for (const relay of this.#relays.values()) if (isGone(relay, now)) this.#part(relay, now)
    for (const [relayId, at] of this.#elsewhere.overdue(now)) this.#miss(relayId, at, now)
    for (const relayId of this.#losses.taken(now, this.#lines.size > 0))
      this.#out.put({ kind: 'lose', relayId })
    if (this.#schedule.mayStir(now, this.#busy())) this.#stir(now)
    if (this.#schedule.mayCatchUp(now)) this.#catchUp(now)
    if (this.#schedule.mayLook(now)) this.#look()
    if (this.#waits() && this.#schedule.mayPass(now)) this.#pass()
    this.#nudge(now)
    if ((this.#elsewhere.asksAgainAt() ?? Number.POSITIVE_INFINITY) > now) return
    this.#elsewhere.asks(now)
    this.#out.put({ kind: 'meet' })
  }

  /** Calls go on. */
  #busy(): boolean {
    return [...this.#relays.values()].some(({ beat }) => beat.leases.length > 0)
  }

  /** Relays which have not applied what there is are told once more which customers' it is. */
  #catchUp(now: UtcMs): void {
    for (const relay of this.#relays.values()) relay.dirty ||= relay.beat.version < this.#changes.version
    this.#schedule.stir(now)
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
    if (relay && relay.heardAt + deadAfterMs > now) return this.#ask(relayId, undefined, relay.beat)
    if (relay) this.#hangUp(relay)
    this.#meet(elsewhere, now)
    this.#telling.level(this.#grants.allKeys())
    this.#schedule.lost(now)
    this.#stir(now)
  }

  #forget(relayId: string): void {
    this.#relays.delete(relayId)
    this.#grants.forget(relayId)
    this.#out.put({ kind: 'keep', relayId, record: undefined })
  }

  /** The key by which it came is none any more. */
  #shutOut(relayId: string, line: string): void {
    const sentence = `The key by which ${relayId} came opens nothing any more.`
    this.#dismiss(line, { type: 'bye', reason: 'revoked', sentence })
  }

  #dismiss(line: string, word: HubWord): void {
    this.#telling.farewell(line, word)
    this.#closed(line)
  }

  /** What changes while Postgres answers is asked for once more, however many changes there were. */
  #look(): void {
    if (this.#looking !== 'no') {
      this.#looking = 'again'
      return
    }
    const limits = this.#isAlone ? this.#grants.known() : this.#owner.named().names
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
    if (this.#isAlone) this.#grants.limited(glance.limits)
    else this.#owner.limited(glance.limits)
    this.#nudge(now)
    // Relays have come meanwhile.
    if (version === null && this.#relays.size > 0) this.#look()
    if (version !== null && version > this.#changes.version) this.#renew(version, changed, now)
    else this.#stir(now)
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

  /** Each relay is to have a turn at Postgres: what they share may be another. */
  #stir(now: UtcMs): void {
    for (const relay of this.#relays.values()) relay.dirty = true
    if (this.#relays.size > 0) this.#schedule.stir(now)
  }

  /** What one said is other relays' business. */
  #stirOthers(relay: HubRelay, now: UtcMs): void {
    for (const other of this.#relays.values()) other.dirty ||= other !== relay
    this.#schedule.stir(now)
  }

  /** Relays wait for a pass. */
  #waits(): boolean {
    return [...this.#relays.values()].some((relay) => this.#mayPass(relay))
  }

  #mayPass({ dirty, turning, joined, line }: HubRelay): boolean {
    return (dirty || this.#elsewhere.strange) && !turning && joined && line !== undefined
  }

  #pass(): void {
    for (const relay of this.#relays.values())
      if (this.#mayPass(relay)) {
        relay.dirty = false
        this.#ask(relay.relayId, undefined, relay.beat)
      }
  }
}

/** After which Postgres is asked again. */
const retryMs = 2_000
