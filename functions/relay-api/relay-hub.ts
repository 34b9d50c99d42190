import type { Beat, HubNews, UtcMs } from '#contract'
import { hubProtocol, ping, pong, readHubAsk } from '#contract'
import { utcNow } from '../clock.ts'
import { storable } from '../http/json.ts'
import { groupIn, groupsOf } from '../hub/binding.ts'
import type { LimitClaim, LimitShare } from '../hub/claim.ts'
import type { HubEffect, HubEvent, OpenLine } from '../hub/events.ts'
import type { RelayGroup } from '../hub/groups.ts'
import { Hub } from '../hub/hub.ts'
import { log } from '../log.ts'
import type { PresentedKey } from '../relay-key.ts'
import { Dismissals } from './dismissals.ts'
import { HubAlarm } from './hub-alarm.ts'
import { HubBook } from './hub-book.ts'
import { HubFacts } from './hub-facts.ts'
import { commandsIn, type HubLine, isOpenedBy, lineOf, say } from './hub-line.ts'
import { HubMail } from './hub-mail.ts'
import { HubQuestions } from './hub-questions.ts'
import { protocolIn } from './understood.ts'
import { WaitingBeats } from './waiting-beats.ts'
import { WaitingOrders } from './waiting-orders.ts'

/** The Durable Object's state, as far as it is used. */
type ObjectState = Pick<
  DurableObjectState,
  | 'storage'
  | 'acceptWebSocket'
  | 'getWebSockets'
  | 'getWebSocketAutoResponseTimestamp'
  | 'setWebSocketAutoResponse'
>

/** Characters of a frame at most: as much as a beat over HTTP may be (`index.ts`), twelve thousand calls and more. */
const frameAtMost = 4 * 1_048_576

/**
 * The Durable Object which holds the lines of a group of relays (`RELAY_HUB` in wrangler.toml): carries out what `Hub` decides.
 * Postgres is asked one question at a time, so that each answer is as it is once the next is asked.
 */
export class RelayHub {
  readonly #state: ObjectState
  readonly #book: HubBook
  readonly #facts: HubFacts
  readonly #questions: HubQuestions
  readonly #mail: HubMail
  readonly #alarm: HubAlarm
  #group: RelayGroup
  #hub: Hub
  readonly #sockets = new Map<string, WebSocket>()
  readonly #beats = new WaitingBeats()
  readonly #dismissed = new Dismissals()
  /** What groups are answered of limits, by what asked. */
  readonly #shares = new Map<string, LimitShare | undefined>()
  readonly #orders = new WaitingOrders()
  /** Until then the alarm which may have woken it is not to be taken back: what is due is waited for once something has happened. */
  #begun = false

  constructor(state: ObjectState, env: object) {
    this.#state = state
    this.#book = new HubBook(state.storage)
    this.#facts = new HubFacts(env)
    this.#questions = new HubQuestions({
      facts: this.#facts,
      group: () => this.#group,
      keyOf: (line) => this.#keyOf(line),
      isGivenUp: (ask) => this.#beats.isGivenUp(ask, utcNow()),
      receive: (event) => void this.#receive(event),
    })
    this.#mail = new HubMail(env)
    this.#alarm = new HubAlarm(state.storage, () => this.#tick())
    this.#group = this.#book.group
    this.#hub = new Hub(this.#group, crypto.randomUUID())
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair(ping, pong))
    for (const socket of state.getWebSockets()) this.#sockets.set(lineOf(socket).line, socket)
    // Relays are in other groups by now, whose hubs hear them.
    if (this.#group.of !== groupsOf(env)) this.#book.clear()
    const lines = new Map([...this.#sockets].map(([line, socket]) => [line, this.#open(socket)]))
    this.#carryOut(this.#hub.restore(this.#book.records(), lines, utcNow()))
    this.#begun = true
  }

  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const path = url.pathname.slice(1)
    this.#standFor(groupIn(url))
    if (path === 'socket') return this.#accept(request)
    const answer = await this.#asked(path, (await request.json()) as HubQuestion)
    this.#wait()
    return answer === undefined ? new Response(null, { status: 503 }) : Response.json(answer)
  }

  /** It was not asked before: whose hub it is, it hears now. */
  #standFor(group: RelayGroup): void {
    if (group.number === this.#group.number && group.of === this.#group.of) return
    this.#book.standFor(group)
    this.#group = group
    this.#hub = new Hub(group, crypto.randomUUID())
  }

  webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    const { line, relayId, protocol } = lineOf(socket)
    // What still comes on a line which was closed here is no word of its relay's.
    if (!this.#sockets.has(line)) return
    if (message instanceof ArrayBuffer || message.length > frameAtMost) return this.#refuse(socket, message)
    const ask = readHubAsk(message)
    if (typeof ask === 'string')
      return log('warn', 'hub.nonsense', { relay_id: relayId, why: ask.slice(0, 1_000) })
    if (ask?.type === 'seen') return void this.#receive({ kind: 'seen', line, serial: ask.serial })
    if (ask?.type === 'where') return void this.#where(socket, ask.n, ask.ids)
    if (ask?.type !== 'beat' || ask.beat.relay_id !== relayId) return
    const beat = { ...(storable(ask.beat) as Beat), protocol: ask.beat.protocol ?? protocol }
    this.#heard(beat)
    this.#receive({ kind: 'beat', relayId, way: { kind: 'socket', line, n: ask.n, seen: ask.seen }, beat })
  }

  webSocketClose(socket: WebSocket): void {
    this.#closed(lineOf(socket).line, { theirs: true, livedAt: this.#open(socket).livedAt })
  }

  webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket)
  }

  alarm(): void {
    this.#alarm.came()
    this.#tick()
  }

  /** A frame which is none is not read: its line is closed, and the relay comes again, or beats over HTTP. */
  #refuse(socket: WebSocket, message: string | ArrayBuffer): void {
    const { line, relayId } = lineOf(socket)
    const [code, why] = message instanceof ArrayBuffer ? [1003, 'no text'] : [1009, 'too large']
    log('warn', 'hub.refused', { relay_id: relayId, why })
    this.#close(line, code, why)
  }

  #accept(request: Request): Response {
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket]
    const key = JSON.parse(request.headers.get(presentedKeyHeader) ?? '') as PresentedKey
    const { relayId } = key
    const line: HubLine = {
      line: crypto.randomUUID(),
      relayId,
      protocol: protocolIn(request.headers.get('trunkline-protocol') ?? undefined),
      key,
      openedAt: utcNow(),
    }
    this.#state.acceptWebSocket(server)
    server.serializeAttachment(line)
    this.#sockets.set(line.line, server)
    this.#receive({ kind: 'opened', relayId, line: line.line })
    const farewell = this.#dismissed.farewellTo(line, utcNow())
    if (farewell) this.#receive({ kind: 'dismiss', lines: [line.line], ...farewell })
    const headers = { 'sec-websocket-protocol': hubProtocol }
    return new Response(null, { status: 101, webSocket: client, headers })
  }

  /** What the Worker asks; undefined: it cannot be answered now. */
  async #asked(path: string, asked: HubQuestion): Promise<object | undefined> {
    switch (path) {
      case 'changing':
      case 'changed':
      case 'stirred':
        this.#receive({ kind: path })
        return {}
      case 'watched':
        this.#receive({ kind: 'watched', customerIds: asked.customer_ids })
        return {}
      case 'push':
        return { sent: await this.#push(asked) }
      case 'ordered':
        this.#receive({ kind: 'ordered', relayIds: asked.relay_ids })
        return {}
      case 'dismiss': {
        const { reason, sentence } = asked
        this.#dismissed.note(asked, utcNow())
        return { sent: this.#receive({ kind: 'dismiss', lines: this.#linesBy(asked), reason, sentence }) }
      }
      case 'beat':
        return this.#beat(asked.beat)
      case 'result':
        return { result: await this.#result(asked.command_id, asked.within_ms) }
      case 'where':
        return { at: await this.#facts.where(asked.ids) }
      case 'live':
        return { relays: this.#hub.live() }
      case 'claim':
        return { share: this.#share(asked.claim) }
      case 'nudge':
        this.#receive({ kind: 'nudged', owner: asked.owner })
        return {}
      default:
        return undefined
    }
  }

  /** What a group may have of limits from now on; undefined: it has said something since. */
  #share(claim: LimitClaim): LimitShare | undefined {
    const ask = crypto.randomUUID()
    this.#receive({ kind: 'claimed', ask, claim })
    const share = this.#shares.get(ask)
    this.#shares.delete(ask)
    return share
  }

  /** The lines of a relay which a key opened; all of them, where none is named. */
  #linesBy({ relay_id, key }: HubQuestion): string[] {
    return [...this.#sockets.values()]
      .map(lineOf)
      .flatMap((its) => (its.relayId === relay_id && isOpenedBy(its, key) ? [its.line] : []))
  }

  /** Tells a relay something; whether it has that: of orders by its own word, where it says so. */
  async #push({ relay_id: relayId, news }: HubQuestion): Promise<boolean> {
    const sent = this.#receive({ kind: 'push', relayId, news })
    const commands = (news.commands ?? []).map(({ command_id }) => command_id)
    return sent && this.#hub.awaits(commands) ? this.#orders.receipt(commands) : sent
  }

  async #beat(beat: Beat): Promise<object | undefined> {
    const ask = crypto.randomUUID()
    const answer = this.#beats.wait(ask, utcNow())
    this.#heard(beat)
    this.#receive({ kind: 'beat', relayId: beat.relay_id, way: { kind: 'request', ask }, beat })
    const said = await answer
    return said === 'away' ? undefined : { answer: said }
  }

  async #where(socket: WebSocket, n: number, ids: string[]): Promise<void> {
    const at = await this.#facts.where(ids).catch(() => undefined)
    if (at) say(socket, { type: 'where', n, at })
  }

  /** What a command came to; undefined: nothing within that time. */
  async #result(commandId: string, withinMs: number): Promise<unknown> {
    return this.#book.result(commandId) || this.#orders.result(commandId, withinMs)
  }

  #heard({ results }: Beat): void {
    for (const { command_id, result } of results) {
      this.#book.keepResult(command_id, result)
      this.#orders.concluded(command_id, result)
    }
  }

  #closed(line: string, how: { theirs?: boolean; livedAt?: UtcMs } = {}): void {
    if (this.#sockets.delete(line)) this.#receive({ kind: 'closed', line, ...how })
  }

  /** What is written down comes after: no trouble with it is to keep the time from the fleet. */
  #tick(): void {
    const lives = new Map([...this.#sockets].map(([line, socket]) => [line, this.#open(socket).livedAt]))
    this.#receive({ kind: 'time', lives })
    this.#book.write()
  }

  /** An open socket: it lived when its last ping was answered. */
  #open(socket: WebSocket): OpenLine {
    const { relayId, openedAt } = lineOf(socket)
    const at = this.#state.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0
    return { relayId, livedAt: Math.max(at, openedAt) as UtcMs }
  }

  /** Whether a relay was sent anything. */
  #receive(event: HubEvent): boolean {
    const sent = this.#carryOut(this.#hub.receive(event, utcNow()))
    this.#wait()
    return sent
  }

  #carryOut(effects: readonly HubEffect[]): boolean {
    let sent = false
    for (const effect of effects)
      if (effect.kind === 'send') sent = this.#send(effect) || sent
      else this.#do(effect)
    return sent
  }

  /** A line which takes no word is none: its relay comes on another. */
  #send({ line, word }: Extract<HubEffect, { kind: 'send' }>): boolean {
    const socket = this.#sockets.get(line)
    if (socket && say(socket, word)) return true
    if (socket) this.#untake({ relayId: lineOf(socket).relayId, commands: commandsIn(word) })
    this.#close(line)
    return false
  }

  #do(effect: Exclude<HubEffect, { kind: 'send' }>): void {
    switch (effect.kind) {
      case 'close':
        return this.#close(effect.line)
      case 'reply':
        return this.#reply(effect)
      case 'untake':
        return this.#untake(effect)
      case 'keep':
        return this.#book.keep(effect.relayId, effect.record)
      case 'share':
        return void this.#shares.set(effect.ask, effect.share)
      case 'claim':
        return void this.#claim(effect)
      case 'nudge':
        return void this.#mail.nudge(effect.group, this.#group.number)
      case 'delivered':
        return this.#orders.received(effect.commands, true)
      default:
        return this.#questions.ask(effect)
    }
  }

  async #claim({ owner, claim }: Extract<HubEffect, { kind: 'claim' }>): Promise<void> {
    const share = await this.#mail.claim(owner, claim)
    this.#receive({ kind: 'shared', owner, share })
  }

  #reply({ ask, relayId, answer }: Extract<HubEffect, { kind: 'reply' }>): void {
    if (this.#beats.answer(ask, answer, utcNow()) || typeof answer !== 'object') return
    this.#untake({ relayId, commands: answer.commands.map(({ command_id }) => command_id) })
  }

  /** Has Postgres give out once more what a relay was not sent. */
  #untake({ relayId, commands }: { relayId: string; commands: readonly string[] }): void {
    if (commands.length === 0) return
    this.#orders.received(commands, false)
    this.#questions.untake(relayId, commands)
  }

  /** The key which opened a line; undefined: there is none, as of a beat over HTTP, whose key was looked at. */
  #keyOf(line: string | undefined): PresentedKey | undefined {
    const socket = line === undefined ? undefined : this.#sockets.get(line)
    return socket && lineOf(socket).key
  }

  #close(line: string, code = 1000, why = 'bye'): void {
    const socket = this.#sockets.get(line)
    try {
      socket?.close(code, why)
    } catch {
      // It is closed already.
    }
    this.#closed(line)
  }

  /** Has the time told when it is due. */
  #wait(): void {
    if (this.#begun) this.#alarm.wait(Math.min(this.#hub.dueAt() ?? never, this.#book.dueAt), utcNow())
  }
}

const never = Number.POSITIVE_INFINITY

/** In which the Worker brings the key of a relay which opens a line (`PresentedKey`), as JSON. */
export const presentedKeyHeader = 'x-presented-key'

/** What the Worker may send along with a question, by its path. */
interface HubQuestion {
  relay_id: string
  news: HubNews
  reason: 'revoked' | 'moved'
  sentence: string
  beat: Beat
  command_id: string
  within_ms: number
  ids: string[]
  relay_ids: string[]
  customer_ids: string[]
  claim: LimitClaim
  owner: number
  /** SHA-256 of a key; null: the one which follows from RELAY_SECRET. */
  key?: string | null
}
