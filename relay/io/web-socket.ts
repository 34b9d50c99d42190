import { isUtf8 } from 'node:buffer'
import { createServer, type Socket } from 'node:net'
import { type RawData, WebSocket } from 'ws'
import { type MonotonicMs, type Port, portNumber } from '#contract'
import type { Note } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import type { KeyPair } from './certificate.ts'
import { monotonicNow } from './clock.ts'
import { hearProxy } from './proxy-protocol.ts'
import {
  type StreamLimits,
  type StreamOptions,
  type StreamWire,
  usualLimits,
  watched,
} from './stream-options.ts'
import { TakenSockets, type TakenVisitor } from './taken-sockets.ts'
import { Visitors } from './visitors.ts'
import { type Handshakes, type Origins, openHandshakes } from './web-socket-server.ts'
import { bindError, isBreaks, plainAddress } from './wire.ts'

/** SIP over WebSockets. */
export interface WebSocketWire extends StreamWire {
  /** Shows another certificate from now on; connections which stand go on. */
  present(pair: KeyPair): void
}

interface WebSocketOptions extends StreamOptions {
  /** What is shown over TLS (WSS); absent: it is WS. */
  readonly pair?: KeyPair
  readonly origins?: Origins
  /** Addresses of proxies whose connections begin by saying on whose behalf they are (PROXY protocol). */
  readonly proxies?: readonly string[]
  /** After how long a silence a peer is asked whether it lives, and how long it has to answer, ms. */
  readonly pingMs?: number
  readonly pongMs?: number
}

/* A web server between forgets a silent connection after a minute, as many NATs do. */
const usual = { pingMs: 25_000, pongMs: 10_000 }
/** For the closing handshake (RFC 6455 §7.1.1). */
const closeMs = 2_000
/* Status codes of it (RFC 6455 §7.4.1). */
const [normal, goingAway] = [1000, 1001]

/** SIP over WebSocket on one port (RFC 7118): browsers, and others, connect; each message is one of SIP, either way. */
export async function openWebSockets(options: WebSocketOptions): Promise<WebSocketWire> {
  const wire = new WebSockets(options)
  await wire.listen()
  return wire
}

interface Connection {
  readonly webSocket: WebSocket
  readonly socket: Socket
  readonly visitor: TakenVisitor
  readonly flow: Flow & { readonly connection: number }
  greeted: boolean
  readonly since: MonotonicMs
  /** Anything at all, and a message or what keeps the connection open. */
  heardAt: MonotonicMs
  saidAt: MonotonicMs
  /** When the message under way began, and its octets so far; undefined: none is. */
  messageSince: MonotonicMs | undefined
  octets: number
  asked: boolean
}

class WebSockets implements WebSocketWire {
  readonly #options: WebSocketOptions
  readonly #limits: StreamLimits
  readonly #transport: 'ws' | 'wss'
  readonly #visitors: Visitors
  readonly #taken: TakenSockets
  readonly #handshakes: Handshakes
  readonly #server = createServer(watched)
  readonly #connectionByNumber = new Map<number, Connection>()
  readonly #proxies: ReadonlySet<string>
  readonly #sweeper: NodeJS.Timeout
  #number = 0

  constructor(options: WebSocketOptions) {
    const { pair, origins, log } = options
    this.#options = options
    this.#limits = { ...usualLimits, ...options.limits }
    this.#transport = pair ? 'wss' : 'ws'
    this.#proxies = new Set(options.proxies)
    this.#visitors = options.visitors ?? new Visitors({ streams: 20_000, strangers: 4_000 })
    this.#taken = new TakenSockets({
      visitors: this.#visitors,
      known: options.known,
      note: (event, fields) => this.#note(event, fields),
    })
    this.#handshakes = openHandshakes({
      pair,
      origins,
      log,
      closeMs,
      handshakeMs: this.#limits.firstMessageMs,
      opened: (webSocket, socket) => this.#accept(webSocket, socket),
    })
    this.#server.on('connection', (socket: Socket) => this.#meet(socket))
    this.#sweeper = setInterval(() => this.#sweep(monotonicNow()), 500).unref()
  }

  get address(): { address: string; port: Port } {
    const place = this.#server.address()
    if (place === null || typeof place === 'string') throw new Error('Bug: the port is not open')
    return { address: place.address, port: portNumber(place.port) }
  }

  listen(): Promise<void> {
    const { host, port, log } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => reject(bindError(this.#transport, error, host, port)))
      this.#server.listen(port, host, 1024, () => {
        this.#server.removeAllListeners('error')
        this.#server.on('error', (error) => log('warn', `${this.#transport}.error`, { why: error.message }))
        resolve()
      })
    })
  }

  present(pair: KeyPair): void {
    this.#handshakes.present(pair)
  }

  send(flow: Flow, bytes: Uint8Array): void {
    const connection = this.#find(flow)
    if (connection?.webSocket.readyState === WebSocket.OPEN) return this.#write(connection, bytes)
    // Never within the sender's own turn.
    queueMicrotask(() => this.#options.unsent(flow, 'the connection is gone'))
  }

  hangUp(flow: Flow): void {
    this.#find(flow)?.webSocket.close(normal)
  }

  close(): Promise<void> {
    clearInterval(this.#sweeper)
    for (const { webSocket } of this.#connectionByNumber.values()) {
      webSocket.close(goingAway)
      webSocket.terminate()
    }
    this.#taken.shut()
    return new Promise((closed) => void this.#server.close(() => closed()))
  }

  #find({ connection }: Flow): Connection | undefined {
    return connection === undefined ? undefined : this.#connectionByNumber.get(connection)
  }

  /** Who connects is a proxy which says on whose behalf, or comes by itself. */
  #meet(socket: Socket): void {
    const { remoteAddress = '' } = socket
    if (!this.#proxies.has(plainAddress(remoteAddress))) return this.#admit(socket)
    const mute = (why: string) => this.#note('shut', { source: remoteAddress, why })
    hearProxy(
      socket,
      this.#limits.firstMessageMs,
      (peer) => this.#admit(socket, peer === 'own' ? undefined : peer),
      mute,
    )
  }

  #admit(socket: Socket, peer?: TakenVisitor['peer']): void {
    const visitor = this.#taken.admit(socket, peer)
    if (visitor === undefined) return
    const limit = setTimeout(() => {
      if (visitor.flow === undefined) socket.destroy()
    }, this.#limits.firstMessageMs)
    socket.once('close', () => clearTimeout(limit))
    this.#handshakes.take(socket)
    // One whose header was heard was halted behind that. TLS reads by itself, and what is let flow here is lost to it.
    if (this.#transport === 'ws' && socket.isPaused()) socket.resume()
  }

  #accept(webSocket: WebSocket, socket: Socket): void {
    const visitor = this.#taken.of(socket)
    if (visitor === undefined) return webSocket.terminate()
    const now = monotonicNow()
    const flow = { transport: this.#transport, ...visitor.peer, connection: ++this.#number }
    const connection: Connection = {
      webSocket,
      socket,
      visitor,
      flow,
      greeted: false,
      since: now,
      heardAt: now,
      saidAt: now,
      messageSince: undefined,
      octets: 0,
      asked: false,
    }
    visitor.flow = flow
    this.#connectionByNumber.set(flow.connection, connection)
    // Counted before the message is told which they complete.
    socket.prependListener('data', (chunk: Buffer) => this.#count(connection, chunk))
    webSocket.on('message', (message) => this.#hear(connection, message))
    webSocket.on('ping', () => this.#whole(connection))
    webSocket.on('pong', () => this.#whole(connection))
    webSocket.on('error', (error) => this.#note('broken', { source: flow.address, why: error.message }))
    webSocket.on('close', () => {
      this.#connectionByNumber.delete(flow.connection)
      this.#options.closed(flow)
    })
  }

  #write({ webSocket, flow }: Connection, bytes: Uint8Array): void {
    // RFC 7118 §5: text is UTF-8, and what is none goes as binary.
    webSocket.send(bytes, { binary: !isUtf8(bytes) })
    if (webSocket.bufferedAmount <= this.#limits.unreadBytes) return
    this.#note('unread', { source: flow.address, bytes: webSocket.bufferedAmount })
    webSocket.terminate()
  }

  #count(connection: Connection, chunk: Buffer): void {
    connection.heardAt = monotonicNow()
    connection.asked = false
    connection.messageSince ??= connection.heardAt
    connection.octets += chunk.length
    if (connection.octets <= this.#limits.strangerBytes + chunk.length || !this.#isStranger(connection))
      return
    this.#note('shut', { source: connection.flow.address, why: 'the message of a stranger is too long' })
    connection.webSocket.terminate()
  }

  /** Nothing is under way any more. */
  #whole(connection: Connection): void {
    connection.messageSince = undefined
    connection.octets = 0
    // What a peer pings is answered: who does not read the answers fills our memory with them.
    if (connection.webSocket.bufferedAmount > this.#limits.unreadBytes) connection.webSocket.terminate()
  }

  #hear(connection: Connection, message: RawData): void {
    const bytes = message instanceof Buffer ? message : Buffer.alloc(0)
    this.#whole(connection)
    connection.saidAt = connection.heardAt
    if (isBreaks(bytes)) {
      // RFC 5626 §4.4.1: a double one asks, a single one is an answer.
      if (bytes.length >= 4) this.#write(connection, pong)
      return
    }
    connection.greeted = true
    this.#options.receive(connection.flow, bytes)
  }

  /** Shuts connections of those who keep us waiting, and asks the silent ones whether they live. */
  #sweep(now: MonotonicMs): void {
    const { firstMessageMs, messageMs } = this.#limits
    const { pingMs = usual.pingMs, pongMs = usual.pongMs } = this.#options
    for (const connection of this.#connectionByNumber.values()) {
      const { webSocket, greeted, since, messageSince, heardAt, asked } = connection
      const tooSlow = messageSince !== undefined && now - messageSince > messageMs
      const silent = !greeted && now - since > firstMessageMs
      const gone = asked && now - heardAt > pingMs + pongMs
      if (tooSlow || silent || gone || this.#idle(connection, now)) webSocket.terminate()
      else if (!asked && now - heardAt > pingMs) {
        connection.asked = true
        webSocket.ping()
      }
    }
  }

  #note(event: 'too_many' | 'shut' | 'unread' | 'broken', fields: Note['fields']): void {
    this.#options.log('warn', `${this.#transport}.${event}`, fields)
  }

  #isStranger({ visitor }: Connection): boolean {
    return !this.#visitors.isKnown(visitor)
  }

  #idle(connection: Connection, now: MonotonicMs): boolean {
    const { idleMs, strangerIdleMs } = this.#limits
    const silentMs = now - connection.saidAt
    const least = Math.min(idleMs, strangerIdleMs)
    if (silentMs <= least || silentMs <= (this.#isStranger(connection) ? least : idleMs)) return false
    if (!this.#options.needed?.(connection.flow)) return true
    connection.saidAt = now
    return false
  }
}

const pong = Buffer.from('\r\n')
