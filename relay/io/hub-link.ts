import {
  type BeatAnswer,
  type HubNews,
  type HubWord,
  hubProtocol,
  type MonotonicMs,
  ping,
  pong,
  protocolHeader,
  readHubWord,
  relayProtocol,
} from '#contract'
import { turn } from '../ground/machine.ts'
import { type BeatSource, beatOf, digestOf } from './beat-words.ts'
import { monotonicNow } from './clock.ts'
import type { EdgeHttp } from './edge-http.ts'
import {
  firstPauseMs,
  type HubEvents,
  type HubMachine,
  type HubOrder,
  type HubTimer,
  newHubSocket,
  table,
} from './hub-machine.ts'
import type { Log } from './log.ts'

interface HubLinkOptions {
  /** `http://…` or `https://…`, without `/relay/v1`. */
  readonly url: string
  readonly key: string
  /** Says why a socket was refused: the platform's own does not tell a status. */
  readonly http: EdgeHttp
  readonly beats: BeatSource
  /** The hub answered the beat sent at `sentAt`. */
  answered(answer: BeatAnswer, sentAt: MonotonicMs): void
  news(news: HubNews): void
  /** All the hub had to say before `sentAt` was heard. */
  current(sentAt: MonotonicMs): void
  /** Beats over HTTP may rest; and are due again in so many ms. */
  rest(): void
  resume(inMs: number): void
  /** Another process goes by the same name: this one is to end. */
  replaced(): void
  readonly log: Log
  readonly random?: () => number
}

/* Implementation */
const askWhyMs = 1_500

/** The socket to the hub, which stands beside the beats over HTTP: a thin shell around its figure (`hub-machine.ts`). */
export class HubLink {
  readonly #options: HubLinkOptions
  readonly #machine: HubMachine
  readonly #timers = new Map<HubTimer, NodeJS.Timeout>()
  #socket: WebSocket | undefined
  /** The last look, and when the beat under way was sent. */
  #looked: ReturnType<typeof beatOf> | undefined
  #sentAt = monotonicNow()
  /** Of the last frame which was applied on this socket. */
  #serial = 0
  #stopped = false

  constructor(options: HubLinkOptions) {
    this.#options = options
    const { random = Math.random } = options
    this.#machine = newHubSocket(random)
    // Relays which begin together, as after an upgrade, do not come together; until then a beat over HTTP does for it.
    this.#wake('attempt', monotonicNow() + random() * firstPauseMs)
  }

  /** Something cannot wait for the next look. */
  stir(): void {
    this.#happen('stirred', { now: monotonicNow() })
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#close()
  }

  #happen<Name extends keyof HubEvents>(name: Name, event: HubEvents[Name]): void {
    if (this.#stopped) return
    for (const order of turn(table, this.#machine, name, event)) this.#obey(order)
  }

  #obey(order: HubOrder): void {
    switch (order.type) {
      case 'connect':
        return this.#connect()
      case 'close':
        return this.#close()
      case 'ping':
        return this.#send(ping)
      case 'look':
        return this.#look()
      case 'beat':
        return this.#beat(order.n)
      case 'rest':
        this.#options.log('info', 'hub.live', {})
        return this.#options.rest()
      case 'resume':
        this.#options.log('warn', 'hub.lost', {})
        return this.#options.resume(Math.max(0, order.at - monotonicNow()))
      case 'current':
        return this.#options.current(order.sentAt)
      case 'wake':
        return this.#wake(order.timer, order.at)
      case 'replaced':
        return this.#options.replaced()
    }
  }

  #wake(timer: HubTimer, at: number): void {
    clearTimeout(this.#timers.get(timer))
    this.#timers.delete(timer)
    if (at === Number.POSITIVE_INFINITY) return
    const ring = () => this.#happen(timer, { now: monotonicNow() })
    this.#timers.set(timer, setTimeout(ring, Math.max(0, at - monotonicNow())))
  }

  #connect(): void {
    const { key } = this.#options
    const headers = { authorization: `Bearer ${key}`, [protocolHeader]: String(relayProtocol) }
    const socket = new WebSocket(this.#address(), { protocols: [hubProtocol], headers })
    this.#socket = socket
    this.#serial = 0
    let opened = false
    /** What comes of a socket which was given up is no matter any more. */
    const heard = (act: () => void) => () => this.#socket === socket && act()
    socket.onopen = heard(() => {
      opened = true
      this.#happen('opened', { now: monotonicNow() })
    })
    socket.onclose = heard(() => {
      if (opened) this.#happen('closed', { now: monotonicNow() })
      else void this.#refused(socket)
    })
    // `close` follows.
    socket.onerror = () => undefined
    socket.onmessage = ({ data }) => heard(() => this.#hear(String(data)))()
  }

  #address(): string {
    const { protocol, host, pathname } = new URL(this.#options.url)
    return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}${pathname.replace(/\/$/, '')}/relay/v1/hub`
  }

  #close(): void {
    const socket = this.#socket
    this.#socket = undefined
    socket?.close()
  }

  #send(text: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text)
  }

  /** The socket did not open: asks in plain words why. */
  async #refused(socket: WebSocket): Promise<void> {
    const status = await this.#options.http
      .run({ method: 'GET', path: 'hub', budgetMs: askWhyMs })
      .then(({ status, body }) =>
        status === 409 && String(body).includes('RELAY_REPLACED') ? 'replaced' : status,
      )
      .catch(() => undefined)
    if (this.#socket !== socket) return
    const now = monotonicNow()
    if (status === 'replaced') this.#happen('bye', { now, reason: 'replaced' })
    else if (status === 404 || status === 405 || status === 501) this.#happen('unknown', { now })
    else this.#happen('refused', { now, lastingly: status === 401 || status === 403 })
  }

  #look(): void {
    this.#looked = beatOf(this.#options.beats)
    this.#happen('words', { now: monotonicNow(), ...digestOf(this.#looked) })
  }

  #beat(n: number): void {
    this.#sentAt = monotonicNow()
    this.#send(JSON.stringify({ type: 'beat', n, seen: this.#serial, beat: this.#looked }))
  }

  #hear(text: string): void {
    if (text === pong) return this.#happen('pong', { now: monotonicNow() })
    const word = readHubWord(text)
    if (typeof word === 'string') return this.#options.log('error', 'hub.not_understood', { why: word })
    if (word === undefined) return
    this.#apply(word)
    // Orders are known to be here by this alone, those too which are not understood: what is sent on a dead line is lost.
    if ('serial' in word && text.includes('"command_id"'))
      this.#send(JSON.stringify({ type: 'seen', serial: word.serial }))
  }

  #apply(word: HubWord): void {
    const now = monotonicNow()
    switch (word.type) {
      case 'answer':
        this.#serial = word.serial
        this.#options.answered(word.answer, this.#sentAt)
        return this.#happen('answered', { now, n: word.n, relays: word.answer.relays })
      case 'news':
        this.#serial = word.serial
        return this.#options.news(word.news)
      case 'bye':
        // One which came on another line is where it wanted to be.
        this.#options.log(word.reason === 'moved' ? 'info' : 'warn', 'hub.bye', {
          reason: word.reason,
          sentence: word.sentence,
        })
        return this.#happen('bye', { now, reason: word.reason })
    }
  }
}
