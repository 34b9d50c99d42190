import { connect, isIPv6, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { Server } from 'node:tls'
import type { MonotonicMs, Port } from '#contract'
import type { Note } from '../ground/effects.ts'
import { type Flow, hostPort, type Trust, trustKey } from '../ground/flow.ts'
import { Framer } from '../sip/framing.ts'
import { monotonicNow } from './clock.ts'
import { Entrance } from './entrance.ts'
import { Patience, type Waiting } from './patience.ts'
import {
  type StreamLimits,
  type StreamOptions,
  type StreamWire,
  usualLimits,
  watched,
} from './stream-options.ts'
import type { TakenVisitor } from './taken-sockets.ts'
import { usualVisitors, type Visitor, type Visitors } from './visitors.ts'
import { isBreaks, whyUnsent } from './wire.ts'

/** SIP over TCP on one port: connections accepted and dialled, each used both ways (RFC 3261 §18). */
export function openTcp(options: StreamOptions): Promise<StreamWire> {
  return openStreams(
    {
      transport: 'tcp',
      server: 'plain',
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
  /** Who shakes hands before a connection may speak, or that none do; undefined: none are taken, only made. */
  readonly server: Server | 'plain' | undefined
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

interface Connection extends Waiting {
  readonly socket: Socket
  readonly flow: Flow & { readonly connection: number }
  /** Of one which was made to us. */
  readonly visitor: Visitor | undefined
  /** Between relays of one fleet. */
  readonly proof: Proof | undefined
  readonly framer: Framer
  /** Dialled, and not yet through: what is to be sent waits. */
  dialling: boolean
}

class Connections implements StreamWire {
  readonly #kind: StreamKind
  readonly #options: StreamOptions
  readonly #limits: StreamLimits
  readonly #visitors: Visitors
  readonly #connectionByNumber = new Map<number, Connection>()
  /** The newest to each place, and for whom it was proved. */
  readonly #connectionByPlace = new Map<string, Connection>()
  readonly #entrance: Entrance | undefined
  readonly #patience: Patience
  readonly #sweeper: NodeJS.Timeout
  #number: number

  constructor(kind: StreamKind, options: StreamOptions) {
    this.#kind = kind
    this.#number = kind.numbersFrom ?? 0
    this.#options = options
    this.#limits = { ...usualLimits, ...options.limits }
    this.#visitors = options.visitors ?? usualVisitors()
    this.#patience = new Patience(this.#limits, options.needed)
    this.#entrance = kind.server && this.#entranceTo(kind.server)
    this.#sweeper = setInterval(() => this.#sweep(monotonicNow()), 500).unref()
  }

  get address(): { address: string; port: Port } {
    if (this.#entrance === undefined) throw new Error('Bug: no port is open')
    return this.#entrance.address
  }

  async listen(): Promise<void> {
    await this.#entrance?.open()
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

  async close(): Promise<void> {
    clearInterval(this.#sweeper)
    for (const { socket } of this.#connectionByNumber.values()) socket.destroy()
    await this.#entrance?.close()
  }

  #entranceTo(server: Server | 'plain'): Entrance {
    const { transport, setting } = this.#kind
    const { host, port, proxies, known, log } = this.#options
    const entrance: Entrance = new Entrance({
      transport,
      setting,
      host,
      port,
      proxies,
      proxyMs: this.#limits.firstMessageMs,
      visitors: this.#visitors,
      known,
      log,
      note: (event, fields) => this.#note(event, fields),
      enter: (socket, visitor) => {
        if (server !== 'plain') return void server.emit('connection', socket)
        this.#accept(socket, visitor)
        // One whose proxy was heard was halted behind that.
        socket.resume()
      },
    })
    if (server !== 'plain')
      server.on('secureConnection', (socket) => this.#accept(socket, entrance.of(socket)))
    return entrance
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

  #accept(socket: Socket, visitor: TakenVisitor | undefined): void {
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
      saidAt: now,
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
    connection.saidAt = monotonicNow()
    const { messages, pings, broken } = framer.push(chunk)
    if (pings > 0) this.#write(connection, '\r\n'.repeat(pings))
    if (messages.length > 0) {
      connection.greeted = true
      connection.messageSince = undefined
    } else if (!isBreaks(chunk)) connection.messageSince ??= connection.saidAt
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
    for (const connection of this.#connectionByNumber.values()) {
      const isOver = this.#patience.isOver(connection, now, () => this.#isStranger(connection))
      if (!connection.dialling && isOver) connection.socket.destroy()
    }
  }

  #note(event: 'too_many' | 'shut' | 'unread' | 'broken', fields: Note['fields']): void {
    this.#options.log('warn', `${this.#kind.transport}.${event}`, fields)
  }

  #isStranger({ visitor }: Connection): boolean {
    return visitor !== undefined && !this.#visitors.isKnown(visitor)
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
