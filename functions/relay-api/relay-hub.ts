import type { Beat, HubNews, UtcMs } from '#contract'
import { hubProtocol, ping, pong, readHubAsk } from '#contract'
import { utcNow } from '../clock.ts'
import type { HubEffect, HubEvent, OpenLine } from '../hub/events.ts'
import { Hub } from '../hub/hub.ts'
import type { PresentedKey } from '../known-relay-keys.ts'
import { causesOf, log } from '../log.ts'
import { HubBook } from './hub-book.ts'
import { HubFacts } from './hub-facts.ts'
import { protocolIn } from './understood.ts'

/** What of a socket outlasts the object's memory. */
interface HubLine {
  line: string
  relayId: string
  protocol: number
  /** By which it was opened. */
  key: PresentedKey
  openedAt: UtcMs
}

/** The Durable Object's state, as far as it is used. */
type ObjectState = Pick<
  DurableObjectState,
  | 'storage'
  | 'acceptWebSocket'
  | 'getWebSockets'
  | 'getWebSocketAutoResponseTimestamp'
  | 'setWebSocketAutoResponse'
>

/** Wakes the object where it died while relays were on the line, and none came back. */
const backstopMs = 30_000
/** What is due later than this is waited for by an alarm, so that the object may sleep until then. */
const timerAtMostMs = 7_000

/**
 * The Durable Object which holds all relays' lines (`RELAY_HUB` in wrangler.toml): carries out what `Hub` decides. Postgres
 * is asked one question at a time, so that each answer is as it is once the next is asked.
 */
export class RelayHub {
  readonly #state: ObjectState
  readonly #book: HubBook
  readonly #facts: HubFacts
  readonly #hub = new Hub()
  readonly #sockets = new Map<string, WebSocket>()
  /** Requests which wait: for the answer to a beat, for what a command came to. */
  readonly #asks = new Map<string, (answer: unknown) => void>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #alarmAt = Number.NEGATIVE_INFINITY

  constructor(state: ObjectState, env: object) {
    this.#state = state
    this.#book = new HubBook(state.storage)
    this.#facts = new HubFacts(env)
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair(ping, pong))
    for (const socket of state.getWebSockets()) this.#sockets.set(lineOf(socket).line, socket)
    const lines = new Map([...this.#sockets].map(([line, socket]) => [line, this.#open(socket)]))
    // The alarm which may have woken it is not to be taken back: what is due is waited for once something has happened.
    for (const effect of this.#hub.restore(this.#book.records(), lines, utcNow())) this.#do(effect)
  }

  async fetch(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname.slice(1)
    if (path === 'socket') return this.#accept(request)
    const answer = await this.#asked(path, (await request.json()) as HubQuestion)
    this.#wait()
    return answer === undefined ? new Response(null, { status: 503 }) : Response.json(answer)
  }

  webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    const { line, relayId, protocol } = lineOf(socket)
    // What still comes on a line which was closed here is no word of its relay's.
    if (!this.#sockets.has(line)) return
    const ask = typeof message === 'string' ? readHubAsk(message) : 'A frame is no text.'
    if (typeof ask === 'string') return log('warn', 'hub.nonsense', { relay_id: relayId, why: ask })
    if (ask?.type === 'where') return void this.#where(socket, ask.n, ask.ids)
    if (ask?.type !== 'beat' || ask.beat.relay_id !== relayId) return
    const beat = { ...ask.beat, protocol: ask.beat.protocol ?? protocol }
    this.#heard(beat)
    this.#receive({ kind: 'beat', relayId, way: { kind: 'socket', line, n: ask.n, seen: ask.seen }, beat })
  }

  webSocketClose(socket: WebSocket): void {
    this.#closed(lineOf(socket).line)
  }

  webSocketError(socket: WebSocket): void {
    this.#closed(lineOf(socket).line)
  }

  alarm(): void {
    this.#alarmAt = Number.NEGATIVE_INFINITY
    this.#tick()
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
      case 'push':
        return { sent: this.#receive({ kind: 'push', relayId: asked.relay_id, news: asked.news }) }
      case 'ordered':
        this.#receive({ kind: 'ordered', relayIds: asked.relay_ids })
        return {}
      case 'dismiss': {
        const { reason, sentence } = asked
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
      default:
        return undefined
    }
  }

  /** The lines of a relay which a key opened; all of them, where none is named. */
  #linesBy({ relay_id, key }: HubQuestion): string[] {
    return [...this.#sockets.values()].map(lineOf).flatMap(({ line, relayId, key: its }) => {
      const hers = key === undefined || (key === null ? its.derived : its.hash === key)
      return relayId === relay_id && hers ? [line] : []
    })
  }

  async #beat(beat: Beat): Promise<object | undefined> {
    const ask = crypto.randomUUID()
    const answer = new Promise((answered) => this.#asks.set(ask, answered))
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
    const known = this.#book.result(commandId)
    if (known) return known
    return new Promise((heard) => {
      const late = setTimeout(() => answered(undefined), withinMs)
      const answered = (result: unknown) => {
        clearTimeout(late)
        this.#asks.delete(commandId)
        heard(result)
      }
      this.#asks.set(commandId, answered)
    })
  }

  #heard({ results }: Beat): void {
    for (const { command_id, result } of results) {
      this.#book.keepResult(command_id, result)
      this.#asks.get(command_id)?.(result)
    }
  }

  #closed(line: string): void {
    if (this.#sockets.delete(line)) this.#receive({ kind: 'closed', line })
  }

  #tick(): void {
    this.#book.write()
    const lives = new Map([...this.#sockets].map(([line, socket]) => [line, this.#open(socket).livedAt]))
    this.#receive({ kind: 'time', lives })
  }

  /** An open socket: it lived when its last ping was answered. */
  #open(socket: WebSocket): OpenLine {
    const { relayId, openedAt } = lineOf(socket)
    const at = this.#state.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0
    return { relayId, livedAt: Math.max(at, openedAt) as UtcMs }
  }

  /** Whether anything came of it. */
  #receive(event: HubEvent): boolean {
    const effects = this.#hub.receive(event, utcNow())
    this.#carryOut(effects)
    return effects.length > 0
  }

  #carryOut(effects: readonly HubEffect[]): void {
    for (const effect of effects) this.#do(effect)
    this.#wait()
  }

  #do(effect: HubEffect): void {
    switch (effect.kind) {
      case 'send':
        return say(this.#sockets.get(effect.line), effect.word)
      case 'close':
        return this.#close(effect.line)
      case 'reply':
        this.#asks.get(effect.ask)?.(effect.answer)
        return void this.#asks.delete(effect.ask)
      case 'keep':
        return this.#book.keep(effect.relayId, effect.record)
      case 'turn':
        return this.#facts.ask(
          effect.urgent ? 'order' : 'turn',
          () => this.#facts.turn(effect.beat, this.#keyOf(effect.line)),
          (turn) => this.#receive({ ...effect, kind: 'turned', turn }),
        )
      case 'part':
        return this.#facts.ask(
          'part',
          () => this.#facts.part(effect.relayId, utcNow() - effect.heardAt),
          (elsewhere) => this.#receive({ kind: 'parted', relayId: effect.relayId, elsewhere }),
        )
      case 'look':
        return this.#facts.ask(
          'look',
          () => this.#facts.look(effect.version, effect.limits),
          (glance) => this.#receive({ kind: 'looked', glance }),
        )
    }
  }

  /** The key which opened a line; undefined: there is none, as of a beat over HTTP, whose key was looked at. */
  #keyOf(line: string | undefined): PresentedKey | undefined {
    const socket = line === undefined ? undefined : this.#sockets.get(line)
    return socket && lineOf(socket).key
  }

  #close(line: string): void {
    const socket = this.#sockets.get(line)
    try {
      socket?.close(1000, 'bye')
    } catch {
      // It is closed already.
    }
    this.#closed(line)
  }

  /** Has the time told when it is due. */
  #wait(): void {
    const [now, due] = [utcNow(), Math.min(this.#hub.dueAt() ?? never, this.#book.dueAt)]
    if (due === never) return
    if (due > now + timerAtMostMs) return this.#alarmIn(due - now, now)
    this.#alarmIn(backstopMs, now)
    if (this.#timer !== undefined && this.#timerAt <= due) return
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#timerAt = due
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#tick()
      },
      Math.max(0, due - now),
    )
  }

  /** Sees to it that the alarm comes within so many ms. */
  #alarmIn(ms: number, now: UtcMs): void {
    const at = now + ms
    if (this.#alarmAt > now && this.#alarmAt <= at) return
    this.#alarmAt = at
    void this.#state.storage.setAlarm(at)
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
  /** SHA-256 of a key; null: the one which follows from RELAY_SECRET. */
  key?: string | null
}

function lineOf(socket: WebSocket): HubLine {
  return socket.deserializeAttachment() as HubLine
}

function say(socket: WebSocket | undefined, word: object): void {
  try {
    socket?.send(JSON.stringify(word))
  } catch (error) {
    log('warn', 'hub.unsent', { causes: causesOf(error) })
  }
}
