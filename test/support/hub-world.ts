import type { Beat, BeatAnswer, HubAsk, HubWord, UtcMs } from '#contract'
import { deadAfterMs } from '#contract'
import type { LimitClaim, LimitShare } from '../../functions/hub/claim.ts'
import type {
  BeatWay,
  Glance,
  HubEffect,
  HubEvent,
  HubTurn,
  RelayElsewhere,
  RelayRecord,
} from '../../functions/hub/events.ts'
import { groupOf } from '../../functions/hub/groups.ts'
import { Hub } from '../../functions/hub/hub.ts'
import { aims } from '../../functions/hub/sharing.ts'
import { idleBeat } from './beat.ts'

const scope = { kind: 'customer', id: '00000000-0000-4000-8000-00000000000a' } as const
const resource = 'channels'
const key = `customer ${scope.id} channels`

/** What Postgres keeps of relays, and shares without the hub: the promises of `store/slices.ts`, in a few lines. */
class Postgres {
  limit: number | null
  version = 1
  /** Statements asked by the hub. */
  asked = 0
  readonly relays = new Map<string, Row>()
  readonly #groups: number

  constructor(limit: number | null, groups: number) {
    this.limit = limit
    this.#groups = groups
  }

  hear(beat: Beat, now: number, hub: boolean): boolean {
    const row = this.relays.get(beat.relay_id)
    if (row && row.boot !== beat.boot_id && row.replaced.has(beat.boot_id) && this.#lives(row, now))
      return false
    const anew = row?.boot !== beat.boot_id
    const believed = anew || beat.at >= (row?.told ?? '')
    const replaced = anew && row ? new Set([...row.replaced, row.boot]) : (row?.replaced ?? new Set<string>())
    const viaHub = believed ? hub : (row?.viaHub ?? hub)
    const told = believed ? beat.at : (row?.told ?? '')
    const slice = anew ? undefined : row?.slice
    this.relays.set(beat.relay_id, { boot: beat.boot_id, replaced, viaHub, heardAt: now, told, slice })
    return true
  }

  /** A beat without the hub: what may be used from now on; undefined: nothing is said of it. */
  share(beat: Beat, now: number): number | undefined {
    if (!this.hear(beat, now, false)) throw new Error('replaced')
    const [row, said] = [this.relays.get(beat.relay_id), beat.slices[0]]
    if (!row || !said || this.limit === null) return undefined
    if (row.told !== beat.at) return row.slice?.amount ?? 0
    const held = Math.max(0, said.held ?? 0)
    const others = [...this.relays].filter(([id, other]) => id !== beat.relay_id && this.#lives(other, now))
    const sharers = others.flatMap(([id, { slice }]) => (slice ? [{ id, ...slice }] : []))
    const wanted = said.used + said.refused
    const aim = aims(this.limit, [...sharers, { id: beat.relay_id, used: said.used, wanted }]).get(
      beat.relay_id,
    )
    const free = this.limit - sharers.reduce((total, { amount }) => total + amount, 0)
    const fair = Math.max(0, Math.min(said.used, held), Math.min(aim ?? 0, free))
    const amount = this.#groups > 1 || others.some(([, { viaHub }]) => viaHub) ? Math.min(fair, held) : fair
    row.slice = { amount: Math.max(amount, held), used: said.used, wanted }
    return amount
  }

  elsewhere(but: string, now: number): RelayElsewhere[] {
    return [...this.relays].flatMap(([relay_id, row]) => {
      if (relay_id === but || !this.#lives(row, now)) return []
      const slices = row.viaHub || !row.slice ? [] : [{ key, amount: row.slice.amount }]
      return [{ relay_id, via_hub: row.viaHub, slices }]
    })
  }

  part(relayId: string, heardAt: number): void {
    const row = this.relays.get(relayId)
    if (row?.viaHub) Object.assign(row, { viaHub: false, heardAt: Math.max(heardAt, row.heardAt) })
  }

  #lives({ viaHub, heardAt }: Row, now: number): boolean {
    return viaHub || heardAt > now - deadAfterMs
  }
}

interface Row {
  boot: string
  replaced: Set<string>
  viaHub: boolean
  heardAt: number
  told: string
  slice: { amount: number; used: number; wanted: number } | undefined
}

/** A relay with one limit, over a way on which nothing is reordered, everything may be late, and all be lost at once. */
class Peer {
  readonly id: string
  beat: Beat
  held: number | null = null
  used = 0
  refused = 0
  line: string | undefined
  /** A beat was answered on its line: from then on those over HTTP rest. */
  isLive = false
  /** When its last ping was answered; undefined: just now. */
  livedAt: number | undefined
  seen = 0
  n = 0
  heardAt = 0
  ahead = 0
  /** The Worker which hears it over HTTP does not reach the hub. */
  hubAway = false
  readonly words: HubWord[] = []
  readonly asks: HubAsk[] = []

  constructor(id: string) {
    this.id = id
    this.beat = idleBeat(id)
  }

  /** It holds something else than it said. */
  get unsaid(): boolean {
    return this.beat.slices[0]?.held !== this.held
  }

  /** What it believes. */
  get has(): number {
    return this.held ?? 0
  }

  take(slices: BeatAnswer['slices'] | undefined): void {
    for (const { amount } of slices ?? []) this.held = amount
  }

  say(now: number): Beat {
    this.beat = {
      ...this.beat,
      at: new Date(now + this.ahead).toISOString(),
      slices: [
        { scope, customer_id: scope.id, resource, held: this.held, used: this.used, refused: this.refused },
      ],
    }
    return this.beat
  }
}

/** Relays, the hub, Postgres and what goes between them, one step after the other. */
export class HubWorld {
  readonly postgres: Postgres
  readonly peers: Peer[]
  /** Relays which Postgres was told are lost. */
  readonly lost: string[] = []
  readonly records = new Map<string, RelayRecord>()
  now = Date.parse('2026-11-24T12:00:00.000Z')
  postgresAway = false
  readonly #hubs: Hub[]
  /** What is on its way between hubs: said, or lost. */
  readonly #mail: ((arrives: boolean) => void)[] = []
  readonly #questions: { readonly group: number; readonly effect: HubEffect }[] = []
  readonly #replies = new Map<string, BeatAnswer | 'replaced' | 'away'>()
  readonly #late: Beat[] = []
  readonly #unwritten = new Map<string, RelayRecord>()
  readonly #shares = new Map<string, LimitShare | undefined>()
  #lines = 0
  #boots = 0

  constructor(limit: number | null, relays: number, groups = 1) {
    this.postgres = new Postgres(limit, groups)
    this.#hubs = Array.from({ length: groups }, (_, number) => this.#begun(number, groups))
    this.peers = Array.from({ length: relays }, (_, n) => new Peer(`relay-${n}`))
  }

  /** The hub of the first group, or of the only one. */
  get hub(): Hub {
    return this.#hubs[0] as Hub
  }

  set hub(hub: Hub) {
    this.#hubs[0] = hub
  }

  #begun(number: number, of: number): Hub {
    this.#boots += 1
    return new Hub({ number, of }, `boot-${this.#boots}`)
  }

  get groups(): number {
    return this.#hubs.length
  }

  groupOf(relayId: string): number {
    return groupOf(relayId, this.#hubs.length)
  }

  peer(n: number): Peer {
    const peer = this.peers[n % this.peers.length]
    if (!peer) throw new Error('There are no relays.')
    return peer
  }

  connect(peer: Peer): void {
    if (peer.line !== undefined) return
    this.#lines += 1
    Object.assign(peer, { line: `line-${this.#lines}`, isLive: false, seen: 0, n: 0, heardAt: this.now })
    this.receive({ kind: 'opened', relayId: peer.id, line: peer.line ?? '' })
    this.speak(peer)
  }

  /** A beat on the line, or over HTTP where there is none. */
  speak(peer: Peer): void {
    if (peer.line === undefined) return this.request(peer)
    peer.n += 1
    peer.asks.push({ type: 'beat', n: peer.n, seen: peer.seen, beat: peer.say(this.now) })
  }

  /** The next frame comes to the hub, and the next one to the relay. */
  deliver(peer: Peer): void {
    const [ask, word] = [peer.asks.shift(), peer.words.shift()]
    if (ask?.type === 'beat' && peer.line !== undefined) {
      const way: BeatWay = { kind: 'socket', line: peer.line, n: ask.n, seen: ask.seen }
      this.receive({ kind: 'beat', relayId: peer.id, way, beat: ask.beat })
    }
    if (word) this.#take(peer, word)
  }

  #take(peer: Peer, word: HubWord): void {
    if ('serial' in word) peer.seen = word.serial
    if (word.type === 'answer') {
      peer.isLive = true
      peer.take(word.answer.slices)
    }
    if (word.type === 'news') peer.take(word.news.slices)
    const { version } = word.type === 'answer' ? word.answer : word.type === 'news' ? word.news : {}
    if (version !== undefined) peer.beat = { ...peer.beat, version }
    if (peer.unsaid) this.speak(peer)
  }

  /** A beat over HTTP: through the hub where the Worker reaches it. `lost`: its answer is. */
  request(peer: Peer, lost = false): void {
    this.cut(peer)
    this.#beatOverHttp(peer, lost)
  }

  #beatOverHttp(peer: Peer, lost = false): void {
    const beat = peer.say(++this.now)
    peer.heardAt = this.now
    const slices = this.#asked(beat, peer.hubAway)
    if (!lost && slices) peer.take(slices)
  }

  #asked(beat: Beat, hubAway: boolean): BeatAnswer['slices'] | undefined {
    if (!hubAway) {
      const ask = `ask-${++this.#lines}`
      this.receive({ kind: 'beat', relayId: beat.relay_id, way: { kind: 'request', ask }, beat })
      this.settle()
      const reply = this.#replies.get(ask)
      if (typeof reply === 'object') return reply.slices
      if (reply === 'replaced') return undefined
    }
    return this.#alone(beat)
  }

  #alone(beat: Beat): BeatAnswer['slices'] | undefined {
    if (this.postgresAway) return undefined
    const amount = this.postgres.share(beat, this.now)
    return amount === undefined ? undefined : [{ scope, resource, amount }]
  }

  /** A beat over HTTP is on its way for long: it comes to Postgres later, and its answer to nobody. */
  dawdle(peer: Peer): void {
    this.#late.push(peer.say(++this.now))
  }

  arriveLate(): void {
    const beat = this.#late.shift()
    const peer = this.peers.find(({ id }) => id === beat?.relay_id)
    if (beat && peer?.beat.boot_id === beat.boot_id) this.#alone(beat)
  }

  /** The socket breaks, with all that is on its way. */
  cut(peer: Peer, theirs = true): void {
    const { line, livedAt = this.now } = peer
    Object.assign(peer, { line: undefined })
    peer.asks.length = 0
    peer.words.length = 0
    if (line !== undefined) this.receive({ kind: 'closed', line, theirs, livedAt: livedAt as UtcMs })
  }

  /** Its process ends, and another begins once all take it for dead. */
  die(peer: Peer): void {
    this.cut(peer)
    const { used: _, ...rest } = peer
    for (let waited = 0; waited < 4; waited += 1) this.pass(2_000, peer)
    Object.assign(peer, {
      ...rest,
      line: undefined,
      held: null,
      used: 0,
      refused: 0,
      beat: idleBeat(peer.id),
    })
  }

  /** Time passes; relays on a line ping, and beat as others do until they are answered there. */
  pass(ms: number, dead?: Peer): void {
    for (let left = ms; left > 0; left -= 1_000) {
      this.now += 1_000
      for (const peer of this.peers)
        if (peer !== dead && !(peer.line !== undefined && peer.isLive) && peer.heardAt < this.now - 2_000)
          this.#beatOverHttp(peer)
      this.look()
      this.settle()
    }
  }

  /** The hub's object looks at the clock, and writes down what it was to keep. */
  look(): void {
    const lives = new Map(
      this.peers.flatMap(({ line, livedAt = this.now }) =>
        line === undefined ? [] : [[line, livedAt as UtcMs] as const],
      ),
    )
    for (const group of this.#hubs.keys()) this.#receive(group, { kind: 'time', lives })
    this.#write()
  }

  /** All relays come on their lines, and everything which is on its way arrives. */
  calm(): void {
    for (const peer of this.peers) this.connect(peer)
    for (let round = 0; round < 30; round += 1) {
      this.settle()
      for (const peer of this.peers) this.deliver(peer)
    }
  }

  /** The object of the hub, or of one group's, begins anew: sockets are closed, or stay while it slept. */
  restart(slept: boolean, group = 0): void {
    this.settle()
    const mine = this.peers.filter(({ id }) => this.groupOf(id) === group)
    if (!slept) for (const peer of mine) Object.assign(peer, { line: undefined, asks: [], words: [] })
    this.#mail.length = 0
    // It is put to sleep long after it wrote.
    if (slept) this.#write()
    for (const { id } of mine) this.#unwritten.delete(id)
    this.#hubs[group] = this.#begun(group, this.#hubs.length)
    const lines = new Map(
      mine.flatMap(({ id: relayId, line, livedAt = this.now }) =>
        line === undefined ? [] : [[line, { relayId, livedAt: livedAt as UtcMs }] as const],
      ),
    )
    const records = [...this.records].filter(([relayId]) => this.groupOf(relayId) === group)
    const restored = this.#hubs[group]?.restore(new Map(structuredClone(records)), lines, this.now as UtcMs)
    this.#carryOut(group, restored ?? [])
  }

  /** What concerns one relay is its group's; the rest all hear. */
  receive(event: HubEvent): HubEffect[] {
    if ('relayId' in event) return this.#receive(this.groupOf(event.relayId), event)
    return this.#hubs.flatMap((_, group) => this.#receive(group, event))
  }

  #receive(group: number, event: HubEvent): HubEffect[] {
    const effects = this.#hubs[group]?.receive(event, this.now as UtcMs) ?? []
    this.#carryOut(group, effects)
    return effects
  }

  #carryOut(group: number, effects: readonly HubEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send')
        this.peers.find(({ line }) => line === effect.line)?.words.push(structuredClone(effect.word))
      else if (effect.kind === 'close') this.#close(effect.line)
      else if (effect.kind === 'reply') this.#replies.set(effect.ask, structuredClone(effect.answer))
      else if (effect.kind === 'lose') this.lost.push(effect.relayId)
      else if (effect.kind === 'keep') this.#keep(effect.relayId, effect.record)
      else if (effect.kind === 'share') this.#shares.set(effect.ask, structuredClone(effect.share))
      else if (effect.kind === 'claim') this.#claim(group, effect.owner, structuredClone(effect.claim))
      else if (effect.kind === 'nudge')
        this.#mail.push((arrives) => arrives && this.#receive(effect.group, { kind: 'nudged', owner: group }))
      else this.#questions.push({ group, effect })
    }
  }

  /** It may be lost on its way, and so may what is answered. */
  #claim(group: number, owner: number, claim: LimitClaim): void {
    this.#mail.push((arrives) => {
      if (!arrives) return this.#receive(group, { kind: 'shared', owner, share: undefined })
      const ask = `claim-${++this.#lines}`
      this.#receive(owner, { kind: 'claimed', ask, claim })
      const share = this.#shares.get(ask)
      this.#mail.push((back) =>
        this.#receive(group, { kind: 'shared', owner, share: back ? share : undefined }),
      )
    })
  }

  /** The owner of limits asks a group what it has. */
  nudge(group: number, owner: number): HubEffect[] {
    return this.#receive(group, { kind: 'nudged', owner })
  }

  /** The oldest word between hubs arrives, or is lost. */
  post(arrives = true): void {
    this.#mail.shift()?.(arrives)
  }

  #close(line: string): void {
    const peer = this.peers.find((one) => one.line === line)
    if (peer) this.cut(peer, false)
  }

  #keep(relayId: string, record: RelayRecord | undefined): void {
    if (record) this.#unwritten.set(relayId, structuredClone(record))
    if (record && !this.records.has(relayId)) this.#write()
    if (record) return
    this.records.delete(relayId)
    this.#unwritten.delete(relayId)
  }

  #write(): void {
    for (const [relayId, record] of this.#unwritten) this.records.set(relayId, record)
  }

  /** Postgres answers all questions; `answerOne` the oldest. */
  settle(): void {
    for (let most = 0; this.#questions.length + this.#mail.length > 0 && most < 1_000; most += 1) {
      this.answerOne()
      this.post()
    }
  }

  answerOne(): void {
    const { group, effect } = this.#questions.shift() ?? {}
    if (!effect || group === undefined) return
    this.postgres.asked += 1
    if (effect.kind === 'turn') this.receive({ ...effect, kind: 'turned', turn: this.#turn(effect.beat) })
    if (effect.kind === 'look') this.#receive(group, { kind: 'looked', glance: this.#glance(effect.version) })
    if (effect.kind === 'fetch') {
      const orders = this.postgresAway ? undefined : { commands: [], ends: [] }
      this.receive({ ...effect, kind: 'fetched', orders })
    }
    if (effect.kind === 'conclude')
      this.receive({ ...effect, kind: 'concluded', outcome: this.postgresAway ? undefined : 'done' })
    if (effect.kind === 'meet')
      this.#receive(group, {
        kind: 'met',
        elsewhere: this.postgresAway ? undefined : this.postgres.elsewhere('', this.now),
      })
    if (effect.kind === 'part') {
      if (!this.postgresAway) this.postgres.part(effect.relayId, effect.heardAt)
      const elsewhere = this.postgresAway ? undefined : this.postgres.elsewhere('', this.now)
      this.receive({ kind: 'parted', relayId: effect.relayId, elsewhere })
    }
  }

  #turn(beat: Beat): HubTurn | 'replaced' | undefined {
    if (this.postgresAway) return undefined
    if (!this.postgres.hear(beat, this.now, true)) return 'replaced'
    const answer = {
      at: new Date(this.now).toISOString(),
      version: this.postgres.version,
      changed: [],
      seconds: [],
      health: [],
      registrations: [],
      withdrawn: [],
      commands: [],
      ends: [],
      relays: this.postgres.relays.size,
    }
    return { answer, limits: this.#limits, elsewhere: this.postgres.elsewhere(beat.relay_id, this.now) }
  }

  #glance(version: number | null): Glance | undefined {
    if (this.postgresAway) return undefined
    if (version === null) return { version, changed: [], limits: this.#limits }
    const changed =
      this.postgres.version > version
        ? [{ customer_id: scope.id, version: this.postgres.version, gone: false }]
        : []
    return { version: this.postgres.version, changed, limits: this.#limits }
  }

  get #limits() {
    return [{ scope, resource, limit: this.postgres.limit } as const]
  }

  /** What all relays together believe they may use. */
  get believed(): number {
    return this.peers.reduce((total, { has }) => total + has, 0)
  }

  /** The same, or use where that is more. */
  get usedOrBelieved(): number {
    return this.peers.reduce((total, { has, used }) => total + Math.max(has, used), 0)
  }
}
