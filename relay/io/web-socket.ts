import { isUtf8 } from 'node:buffer'
import type { Socket } from 'node:net'
import { type RawData, WebSocket } from 'ws'
import type { MonotonicMs, Port } from '#contract'
import type { Note } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import type { Certificates } from './certificate.ts'
import { monotonicNow } from './clock.ts'
import { Entrance } from './entrance.ts'
import { Patience, type Waiting } from './patience.ts'
import { type StreamLimits, type StreamOptions, type StreamWire, usualLimits } from './stream-options.ts'
import type { TakenVisitor } from './taken-sockets.ts'
import { usualVisitors, type Visitors } from './visitors.ts'
import { type Handshakes, type Origins, openHandshakes } from './web-socket-server.ts'
import { isBreaks } from './wire.ts'

/** SIP over WebSockets. */
export interface WebSocketWire extends StreamWire {
  /** Shows other certificates from now on; connections which stand go on. */
  present(certificates: Certificates): void
}

interface WebSocketOptions extends StreamOptions {
  /** What is shown over TLS (WSS); absent: it is WS. */
  readonly certificates?: Certificates
  readonly origins?: Origins
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

interface Connection extends Waiting {
  readonly webSocket: WebSocket
  readonly socket: Socket
  readonly visitor: TakenVisitor
  readonly flow: Flow & { readonly connection: number }
  /** When anything at all came. */
  heardAt: MonotonicMs
  /** Of the message under way, so far. */
  octets: number
  asked: boolean
}

class WebSockets implements WebSocketWire {
  readonly #options: WebSocketOptions
  readonly #limits: StreamLimits
  readonly #transport: 'ws' | 'wss'
  readonly #visitors: Visitors
  readonly #entrance: Entrance
  readonly #patience: Patience
  readonly #handshakes: Handshakes
  readonly #connectionByNumber = new Map<number, Connection>()
  readonly #sweeper: NodeJS.Timeout
  #number = 0

  constructor(options: WebSocketOptions) {
    const { certificates, origins, host, port, proxies, known, log } = options
    this.#options = options
    this.#limits = { ...usualLimits, ...options.limits }
    this.#transport = certificates ? 'wss' : 'ws'
    this.#visitors = options.visitors ?? usualVisitors()
    this.#patience = new Patience(this.#limits, options.needed)
    this.#entrance = new Entrance({
      transport: this.#transport,
      host,
      port,
      proxies,
      proxyMs: this.#limits.firstMessageMs,
      visitors: this.#visitors,
      known,
      log,
      note: (event, fields) => this.#note(event, fields),
      enter: (socket, visitor) => this.#shakeHands(socket, visitor),
    })
    this.#handshakes = openHandshakes({
      certificates,
      origins,
      log,
      closeMs,
      handshakeMs: this.#limits.firstMessageMs,
      opened: (webSocket, socket) => this.#accept(webSocket, socket),
    })
    this.#sweeper = setInterval(() => this.#sweep(monotonicNow()), 500).unref()
  }

  get address(): { address: string; port: Port } {
    return this.#entrance.address
  }

  listen(): Promise<void> {
    return this.#entrance.open()
  }

  present(certificates: Certificates): void {
    this.#handshakes.present(certificates)
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
    return this.#entrance.close()
  }

  #find({ connection }: Flow): Connection | undefined {
    return connection === undefined ? undefined : this.#connectionByNumber.get(connection)
  }

  #shakeHands(socket: Socket, visitor: TakenVisitor): void {
    const limit = setTimeout(() => {
      if (visitor.flow === undefined) socket.destroy()
    }, this.#limits.firstMessageMs)
    socket.once('close', () => clearTimeout(limit))
    this.#handshakes.take(socket)
    // One whose header was heard was halted behind that. TLS reads by itself, and what is let flow here is lost to it.
    if (this.#transport === 'ws' && socket.isPaused()) socket.resume()
  }

  #accept(webSocket: WebSocket, socket: Socket): void {
    const visitor = this.#entrance.of(socket)
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
    const { pingMs = usual.pingMs, pongMs = usual.pongMs } = this.#options
    for (const connection of this.#connectionByNumber.values()) {
      const { webSocket, heardAt, asked } = connection
      const isOver = this.#patience.isOver(connection, now, () => this.#isStranger(connection))
      const isGone = asked && now - heardAt > pingMs + pongMs
      if (isOver || isGone) webSocket.terminate()
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
}

const pong = Buffer.from('\r\n')
