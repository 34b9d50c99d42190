import { connect, createServer, isIPv6, type Server, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { Note } from '../effects.ts'
import { type Flow, hostPort, type Trust, trustKey } from '../flow.ts'
import { Framer } from '../sip/framing.ts'
import type { Log } from './log.ts'
import { bindError, plainAddress, type Wire, type WireEnds, whyUnsent } from './wire.ts'

/** A wire of connections. */
export interface StreamWire extends Wire {
  /** Shuts a connection once everything sent over it has left. */
  hangUp(flow: Flow): void
}

export interface StreamLimits {
  /** From a stranger's connection, and from its handshake, to its first message; from a message's first octet to its last. */
  readonly firstMessageMs: number
  readonly messageMs: number
  /** How long a connection nobody needs may be silent. */
  readonly idleMs: number
  readonly dialMs: number
  readonly connections: number
  readonly connectionsPerAddress: number
  /** Octets waiting for a peer which does not read. */
  readonly unreadBytes: number
}

/** Where nobody asks for others. */
export const usualLimits: StreamLimits = {
  firstMessageMs: 5_000,
  messageMs: 30_000,
  idleMs: 600_000,
  dialMs: 3_000,
  connections: 20_000,
  connectionsPerAddress: 1_000,
  unreadBytes: 1024 * 1024,
}

export interface StreamOptions extends WireEnds {
  readonly host: string
  readonly port: number
  readonly log: Log
  closed(flow: Flow): void
  /** Whether somebody can be reached by this connection only: its silence is borne. */
  needed?(flow: Flow): boolean
  readonly limits?: Partial<StreamLimits>
}

/** SIP over TCP on one port: connections accepted and dialled, each used both ways (RFC 3261 §18). */
export function openTcp(options: StreamOptions): Promise<StreamWire> {
  return openStreams(
    {
      transport: 'tcp',
      server: createServer({ noDelay: true, keepAlive: true }),
      taken: 'connection',
      through: 'connect',
      dial: (to) => connect(to),
      flaw: () => undefined,
    },
    options,
  )
}

/** What is special about the connections of one transport. */
export interface StreamKind {
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
  readonly framer: Framer
  /** Dialled, and not yet through: what is to be sent waits. */
  dialling: boolean
  greeted: boolean
  readonly since: number
  heardAt: number
  /** When the message under way began; undefined: none is. */
  messageSince: number | undefined
}

class Connections implements StreamWire {
  readonly #kind: StreamKind
  readonly #options: StreamOptions
  readonly #limits: StreamLimits
  readonly #connectionByNumber = new Map<number, Connection>()
  /** The newest to each place, and for whom it was proved. */
  readonly #connectionByPlace = new Map<string, Connection>()
  /** Sockets taken, those which still shake hands among them. */
  readonly #taken = new Set<Socket>()
  readonly #countByAddress = new Map<string, number>()
  readonly #sweeper: NodeJS.Timeout
  #number = 0

  constructor(kind: StreamKind, options: StreamOptions) {
    this.#kind = kind
    this.#options = options
    this.#limits = { ...usualLimits, ...options.limits }
    kind.server?.on('connection', (socket: Socket) => this.#admit(socket))
    kind.server?.on(kind.taken, (socket: Socket) => this.#accept(socket))
    this.#sweeper = setInterval(() => this.#sweep(performance.now()), 500).unref()
  }

  get address(): { address: string; port: number } {
    const place = this.#kind.server?.address() ?? null
    if (place === null || typeof place === 'string') throw new Error('Bug: the port is not open')
    return place
  }

  listen(): Promise<void> {
    const { host, port, log } = this.#options
    const { server, transport } = this.#kind
    if (server === undefined) return Promise.resolve()
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(bindError(transport, error, host, port)))
      server.listen(port, host, 1024, () => {
        server.removeAllListeners('error')
        server.on('error', (error) => log('warn', `${transport}.error`, { why: error.message }))
        resolve()
      })
    })
  }

  send(flow: Flow, bytes: Uint8Array): void {
    const connection = this.#find(flow) ?? (flow.connection === undefined ? this.#dial(flow) : undefined)
    if (connection === undefined) {
      // Never within the sender's own turn.
      queueMicrotask(() => this.#options.unsent(flow, 'the connection is gone'))
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
    for (const socket of this.#taken) socket.destroy()
    return new Promise((closed) => (this.#kind.server ? this.#kind.server.close(() => closed()) : closed()))
  }

  #find(flow: Flow): Connection | undefined {
    if (flow.connection !== undefined) return this.#connectionByNumber.get(flow.connection)
    return this.#connectionByPlace.get(placeOf(flow))
  }

  /** Counts whoever connects, before a word is said; too many are shut out. */
  #admit(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '')
    const already = this.#countByAddress.get(address) ?? 0
    const { connections, connectionsPerAddress } = this.#limits
    if (this.#taken.size >= connections || already >= connectionsPerAddress || address === '') {
      this.#note('too_many', { source: address, open: already })
      return void socket.destroy()
    }
    this.#taken.add(socket)
    this.#countByAddress.set(address, already + 1)
    socket.once('close', () => {
      this.#taken.delete(socket)
      const left = (this.#countByAddress.get(address) ?? 1) - 1
      if (left > 0) this.#countByAddress.set(address, left)
      else this.#countByAddress.delete(address)
    })
  }

  #accept(socket: Socket): void {
    const { remoteAddress, remotePort = 0 } = socket
    if (socket.destroyed || remoteAddress === undefined) return void socket.destroy()
    this.#join(socket, { address: plainAddress(remoteAddress), port: remotePort }, false)
  }

  #dial(flow: Flow): Connection {
    const { address, port, tls } = flow
    const { host } = this.#options
    const bound = host !== '0.0.0.0' && host !== '::' && isIPv6(host) === isIPv6(address)
    const to = { host: address, port, noDelay: true, keepAlive: true, ...(bound && { localAddress: host }) }
    const socket = this.#kind.dial(to, flow)
    // Nothing leaves before it is known who listens.
    socket.cork()
    const limit = setTimeout(() => socket.destroy(timedOut()), this.#limits.dialMs)
    socket.once('close', () => clearTimeout(limit))
    const connection = this.#join(socket, { address, port, ...(tls && { tls }) }, true)
    socket.once(this.#kind.through, () => {
      clearTimeout(limit)
      const flaw = this.#kind.flaw(socket, flow)
      if (flaw !== undefined) return void socket.destroy(new Error(flaw))
      connection.dialling = false
      socket.uncork()
    })
    return connection
  }

  #join(socket: Socket, peer: Peer, dialling: boolean): Connection {
    const now = performance.now()
    const connection: Connection = {
      socket,
      flow: { transport: this.#kind.transport, ...peer, connection: ++this.#number },
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
    const { socket, flow, framer } = connection
    connection.heardAt = performance.now()
    const { messages, pings, broken } = framer.push(chunk)
    if (pings > 0) this.#write(connection, '\r\n'.repeat(pings))
    if (messages.length > 0) {
      connection.greeted = true
      connection.messageSince = undefined
    } else if (!isBreaks(chunk)) connection.messageSince ??= connection.heardAt
    for (const message of messages) if (message.length > 0) this.#options.receive(flow, message)
    if (broken === undefined) return
    this.#note('broken', { source: flow.address, where: broken.where, why: broken.why })
    // What was just answered leaves first.
    socket.destroySoon()
  }

  /** Shuts connections of those who keep us waiting. */
  #sweep(now: number): void {
    const { firstMessageMs, messageMs } = this.#limits
    for (const connection of this.#connectionByNumber.values()) {
      const { socket, dialling, greeted, since, messageSince } = connection
      const tooSlow = messageSince !== undefined && now - messageSince > messageMs
      const silent = !greeted && now - since > firstMessageMs
      if (!dialling && (tooSlow || silent || this.#idle(connection, now))) socket.destroy()
    }
  }

  #note(event: 'too_many' | 'unread' | 'broken', fields: Note['fields']): void {
    this.#options.log('warn', `${this.#kind.transport}.${event}`, fields)
  }

  #idle(connection: Connection, now: number): boolean {
    if (now - connection.heardAt <= this.#limits.idleMs) return false
    if (!this.#options.needed?.(connection.flow)) return true
    connection.heardAt = now
    return false
  }
}

/** Whom a connection leads to. */
interface Peer {
  readonly address: string
  readonly port: number
  readonly tls?: Trust
}

/** What two messages must share to take the same connection. */
function placeOf(flow: Flow): string {
  return `${hostPort(flow.address, flow.port)} ${trustKey(flow)}`
}

function timedOut(): Error {
  return Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })
}

function isBreaks(bytes: Uint8Array): boolean {
  return bytes.every((octet) => octet === 13 || octet === 10)
}
