import { connect, createServer, isIPv6, type Server, type Socket, type TcpNetConnectOpts } from 'node:net'
import { type MonotonicMs, type Port, portNumber } from '#contract'
import type { Note } from '../ground/effects.ts'
import { type Flow, hostPort, type Trust, trustKey } from '../ground/flow.ts'
import { Framer } from '../sip/framing.ts'
import { monotonicNow } from './clock.ts'
import {
  type StreamLimits,
  type StreamOptions,
  type StreamWire,
  usualLimits,
  watched,
} from './stream-options.ts'
import { TakenSockets } from './taken-sockets.ts'
import { type Visitor, Visitors } from './visitors.ts'
import { bindError, isBreaks, whyUnsent } from './wire.ts'

/** SIP over TCP on one port: connections accepted and dialled, each used both ways (RFC 3261 §18). */
export function openTcp(options: StreamOptions): Promise<StreamWire> {
  return openStreams(
    {
      transport: 'tcp',
      server: createServer(watched),
      taken: 'connection',
      through: 'connect',
      dial: (to) => connect(to),
      flaw: () => undefined,
    },
    options,
  )
}

/** What is special about the connections of one transport. */
interface StreamKind {
  readonly transport: 'tcp' | 'tls'
  /** Takes connections; undefined: none are taken, only made. */
  readonly server: Server | undefined
  /** The event by which the server hands over a connection which may speak. */
  readonly taken: 'connection' | 'secureConnection'
  /** The event by which a connection of ours is through. */
  readonly through: 'connect' | 'secureConnect'
  dial(to: TcpNetConnectOpts, flow: Flow): Socket
  /** Why who is at the other end is not who was asked for; undefined: it is. */
  flaw(socket: Socket, flow: Flow): string | undefined
  /** Which setting says its port; absent: the transport's. */
  readonly setting?: string
  /** The number after which connections are counted; absent: 0. */
  readonly numbersFrom?: number
  /** Which relay made a connection; undefined: none did, and it is shut. Absent: any party may connect. */
  readonly whose?: (socket: Socket) => Proof | undefined
  /** Whether a relay shows another certificate by now than it did. */
  readonly outdated?: (proof: Proof) => boolean
  /** Another way to whom a connection led which is gone. */
  readonly instead?: (flow: Flow) => Flow | undefined
}

/** Which relay is at the other end of a connection, and the fingerprint by which it proved to be that. */
export interface Proof {
  readonly neighbour: string
  readonly fingerprint: string
}

/** Opens a wire of connections of one kind. */
export async function openStreams(kind: StreamKind, options: StreamOptions): Promise<StreamWire> {
  const wire = new Connections(kind, options)
  await wire.listen()
  return wire
}

interface Connection {
  readonly socket: Socket
  readonly flow: Flow & { readonly connection: number }
  /** Of one which was made to us. */
  readonly visitor: Visitor | undefined
  /** Between relays of one fleet. */
  readonly proof: Proof | undefined
  readonly framer: Framer
  /** Dialled, and not yet through: what is to be sent waits. */
  dialling: boolean
  greeted: boolean
  readonly since: number
  heardAt: MonotonicMs
  /** When the message under way began; undefined: none is. */
  messageSince: number | undefined
}

class Connections implements StreamWire {
  readonly #kind: StreamKind
  readonly #options: StreamOptions
  readonly #limits: StreamLimits
  readonly #visitors: Visitors
  readonly #connectionByNumber = new Map<number, Connection>()
  /** The newest to each place, and for whom it was proved. */
  readonly #connectionByPlace = new Map<string, Connection>()
  readonly #taken: TakenSockets
  readonly #sweeper: NodeJS.Timeout
  #number: number

  constructor(kind: StreamKind, options: StreamOptions) {
    this.#kind = kind
    this.#number = kind.numbersFrom ?? 0
    this.#options = options
    this.#limits = { ...usualLimits, ...options.limits }
    this.#visitors = options.visitors ?? new Visitors({ streams: 20_000, strangers: 4_000 })
    this.#taken = new TakenSockets({
      visitors: this.#visitors,
      known: options.known,
      note: (event, fields) => this.#note(event, fields),
    })
    kind.server?.on('connection', (socket: Socket) => this.#taken.admit(socket))
    kind.server?.on(kind.taken, (socket: Socket) => this.#accept(socket))
    this.#sweeper = setInterval(() => this.#sweep(monotonicNow()), 500).unref()
  }

  get address(): { address: string; port: Port } {
    const place = this.#kind.server?.address() ?? null
    if (place === null || typeof place === 'string') throw new Error('Bug: the port is not open')
    return { address: place.address, port: portNumber(place.port) }
  }

  listen(): Promise<void> {
    const { host, port, log } = this.#options
    const { server, transport, setting } = this.#kind
    if (server === undefined) return Promise.resolve()
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(bindError(transport, error, host, port, setting)))
      server.listen(port, host, 1024, () => {
        server.removeAllListeners('error')
        server.on('error', (error) => log('warn', `${transport}.error`, { why: error.message }))
        resolve()
      })
    })
  }

  send(flow: Flow, bytes: Uint8Array): void {
    const connection = this.#find(flow) ?? this.#reach(flow)
    if (connection === undefined) {
      const why = flow.connection === undefined ? 'there are too many connections' : 'the connection is gone'
      // Never within the sender's own turn.
      queueMicrotask(() => this.#options.unsent(flow, why))
      return
    }
    this.#write(connection, bytes)
  }

  hangUp(flow: Flow): void {
    const connection = this.#find(flow)
    if (connection?.dialling) connection.socket.destroy()
    else connection?.socket.destroySoon()
  }

  close(): Promise<void> {
    clearInterval(this.#sweeper)
    for (const { socket } of this.#connectionByNumber.values()) socket.destroy()
    this.#taken.shut()
    return new Promise((closed) => (this.#kind.server ? this.#kind.server.close(() => closed()) : closed()))
  }

  #find(flow: Flow): Connection | undefined {
    if (flow.connection !== undefined) return this.#connectionByNumber.get(flow.connection)
    return this.#connectionByPlace.get(placeOf(flow))
  }

  /** A connection for what none leads to yet, or any longer. */
  #reach(flow: Flow): Connection | undefined {
    if (flow.connection === undefined) return this.#dial(flow)
    const other = this.#kind.instead?.(flow)
    return other && (this.#find(other) ?? this.#dial(other))
  }

  #accept(socket: Socket): void {
    const visitor = this.#taken.of(socket)
    const { whose } = this.#kind
    const proof = whose?.(socket)
    if (visitor === undefined || (whose && !proof)) return void socket.destroy()
    const { peer } = visitor
    const from = proof ? { ...peer, neighbour: proof.neighbour } : peer
    visitor.flow = this.#join(socket, from, proof, visitor).flow
  }

  #dial(flow: Flow): Connection | undefined {
    const { address, port, tls, neighbour } = flow
    const { host } = this.#options
    if (!this.#visitors.make()) return undefined
    const bound = host !== '0.0.0.0' && host !== '::' && isIPv6(host) === isIPv6(address)
    const to = { host: address, port, ...watched, ...(bound && { localAddress: host }) }
    const socket = this.#kind.dial(to, flow)
    // Nothing leaves before it is known who listens.
    socket.cork()
    const limit = setTimeout(() => socket.destroy(timedOut()), this.#limits.dialMs)
    socket.once('close', () => {
      clearTimeout(limit)
      this.#visitors.unmake()
    })
    const peer = { address, port, ...(tls && { tls }), ...(neighbour !== undefined && { neighbour }) }
    const connection = this.#join(socket, peer, proofAskedFor(flow))
    socket.once(this.#kind.through, () => {
      clearTimeout(limit)
      const flaw = this.#kind.flaw(socket, flow)
      if (flaw !== undefined) return void socket.destroy(new Error(flaw))
      connection.dialling = false
      socket.uncork()
    })
    return connection
  }

  /** `visitor`: who made the connection; undefined: we do, and it is not yet through. */
  #join(socket: Socket, peer: StreamPeer, proof: Proof | undefined, visitor?: Visitor): Connection {
    const now = monotonicNow()
    const dialling = visitor === undefined
    const connection: Connection = {
      socket,
      flow: { transport: this.#kind.transport, ...peer, connection: ++this.#number },
      visitor,
      proof,
      framer: new Framer(),
      dialling,
      greeted: dialling,
      since: now,
      heardAt: now,
      messageSince: undefined,
    }
    this.#connectionByNumber.set(connection.flow.connection, connection)
    this.#connectionByPlace.set(placeOf(connection.flow), connection)
    let why = 'the connection was closed'
    socket.on('data', (chunk: Buffer) => this.#hear(connection, chunk))
    socket.on('error', (error) => {
      why = whyUnsent(error)
    })
    socket.on('close', () => this.#leave(connection, why))
    return connection
  }

  #leave(connection: Connection, why: string): void {
    const { flow, dialling } = connection
    const place = placeOf(flow)
    this.#connectionByNumber.delete(flow.connection)
    if (this.#connectionByPlace.get(place) === connection) this.#connectionByPlace.delete(place)
    const { connection: _, ...asked } = flow
    if (dialling) this.#options.unsent(asked, why)
    else this.#options.closed(flow)
  }

  #write({ socket, flow }: Connection, bytes: Uint8Array | string): void {
    socket.write(bytes)
    if (socket.writableLength <= this.#limits.unreadBytes) return
    this.#note('unread', { source: flow.address, bytes: socket.writableLength })
    socket.destroy()
  }

  #hear(connection: Connection, chunk: Uint8Array): void {
    const { socket, flow, framer, proof } = connection
    // Who stole a relay's key is that relay no longer once it has another.
    if (proof && this.#kind.outdated?.(proof)) return void socket.destroy()
    connection.heardAt = monotonicNow()
    const { messages, pings, broken } = framer.push(chunk)
    if (pings > 0) this.#write(connection, '\r\n'.repeat(pings))
    if (messages.length > 0) {
      connection.greeted = true
      connection.messageSince = undefined
    } else if (!isBreaks(chunk)) connection.messageSince ??= connection.heardAt
    for (const message of messages) if (message.length > 0) this.#options.receive(flow, message)
    if (framer.held > this.#limits.strangerBytes && this.#isStranger(connection)) {
      this.#note('shut', { source: flow.address, why: 'the message of a stranger is too long' })
      return void socket.destroy()
    }
    if (broken === undefined) return
    this.#note('broken', { source: flow.address, where: broken.where, why: broken.why })
    // What was just answered leaves first.
    socket.destroySoon()
  }

  /** Shuts connections of those who keep us waiting. */
  #sweep(now: MonotonicMs): void {
    const { firstMessageMs, messageMs } = this.#limits
    for (const connection of this.#connectionByNumber.values()) {
      const { socket, dialling, greeted, since, messageSince } = connection
      const tooSlow = messageSince !== undefined && now - messageSince > messageMs
      const silent = !greeted && now - since > firstMessageMs
      if (!dialling && (tooSlow || silent || this.#idle(connection, now))) socket.destroy()
    }
  }

  #note(event: 'too_many' | 'shut' | 'unread' | 'broken', fields: Note['fields']): void {
    this.#options.log('warn', `${this.#kind.transport}.${event}`, fields)
  }

  #isStranger({ visitor }: Connection): boolean {
    return visitor !== undefined && !this.#visitors.isKnown(visitor)
  }

  #idle(connection: Connection, now: MonotonicMs): boolean {
    const { idleMs, strangerIdleMs } = this.#limits
    const silentMs = now - connection.heardAt
    const least = Math.min(idleMs, strangerIdleMs)
    if (silentMs <= least || silentMs <= (this.#isStranger(connection) ? least : idleMs)) return false
    if (!this.#options.needed?.(connection.flow)) return true
    connection.heardAt = now
    return false
  }
}

/** Whom a connection leads to. */
interface StreamPeer {
  readonly address: string
  readonly port: Port
  readonly tls?: Trust
  readonly neighbour?: string
}

/** What a connection to a relay has to prove before a word is said over it. */
function proofAskedFor({ neighbour, tls }: Flow): Proof | undefined {
  const fingerprint = tls?.fingerprint
  return neighbour !== undefined && fingerprint ? { neighbour, fingerprint } : undefined
}

/** What two messages must share to take the same connection. */
function placeOf(flow: Flow): string {
  return `${hostPort(flow.address, flow.port)} ${trustKey(flow)}`
}

function timedOut(): Error {
  return Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })
}
