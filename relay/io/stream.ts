import { connect, createServer, isIPv6, type Server, type Socket } from 'node:net'
import { type Flow, hostPort } from '../flow.ts'
import { Framer } from '../sip/framing.ts'
import type { Log } from './log.ts'
import { bindError, plainAddress, type Wire, type WireEnds, whyUnsent } from './wire.ts'

/** A wire of connections. */
export interface StreamWire extends Wire {
  /** Shuts a connection once everything sent over it has left. */
  hangUp(flow: Flow): void
}

export interface StreamLimits {
  /** From a stranger's connection to its first message, and from a message's first octet to its last. */
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

const defaults: StreamLimits = {
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
export async function openTcp(options: StreamOptions): Promise<StreamWire> {
  const wire = new Connections(options)
  await wire.listen()
  return wire
}

interface Connection {
  readonly socket: Socket
  readonly flow: Flow & { readonly connection: number }
  readonly framer: Framer
  /** Dialled, and not yet through. */
  dialling: boolean
  greeted: boolean
  readonly since: number
  heardAt: number
  /** When the message under way began; undefined: none is. */
  messageSince: number | undefined
}

class Connections implements StreamWire {
  readonly #options: StreamOptions
  readonly #limits: StreamLimits
  readonly #server: Server
  readonly #connectionByNumber = new Map<number, Connection>()
  /** The newest to each place. */
  readonly #connectionByPlace = new Map<string, Connection>()
  readonly #countByAddress = new Map<string, number>()
  readonly #sweeper: NodeJS.Timeout
  #number = 0

  constructor(options: StreamOptions) {
    this.#options = options
    this.#limits = { ...defaults, ...options.limits }
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#accept(socket))
    this.#sweeper = setInterval(() => this.#sweep(performance.now()), 500).unref()
  }

  get address(): { address: string; port: number } {
    const place = this.#server.address()
    if (place === null || typeof place === 'string') throw new Error('Bug: the port is not open')
    return place
  }

  listen(): Promise<void> {
    const { host, port, log } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => reject(bindError('TCP', error, host, port)))
      this.#server.listen(port, host, 1024, () => {
        this.#server.removeAllListeners('error')
        this.#server.on('error', (error) => log('warn', 'tcp.error', { why: error.message }))
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
    this.#find(flow)?.socket.destroySoon()
  }

  close(): Promise<void> {
    clearInterval(this.#sweeper)
    for (const { socket } of this.#connectionByNumber.values()) socket.destroy()
    return new Promise((closed) => this.#server.close(() => closed()))
  }

  #find(flow: Flow): Connection | undefined {
    if (flow.connection !== undefined) return this.#connectionByNumber.get(flow.connection)
    return this.#connectionByPlace.get(hostPort(flow.address, flow.port))
  }

  #accept(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '')
    const already = this.#countByAddress.get(address) ?? 0
    const { connections, connectionsPerAddress } = this.#limits
    if (this.#connectionByNumber.size < connections && already < connectionsPerAddress && address !== '')
      return void this.#join(socket, address, socket.remotePort ?? 0, false)
    this.#options.log('warn', 'tcp.too_many', { source: address, open: already })
    socket.destroy()
  }

  #dial({ address, port }: Flow): Connection {
    const { host } = this.#options
    const bound = host !== '0.0.0.0' && host !== '::' && isIPv6(host) === isIPv6(address)
    const socket = connect({
      host: address,
      port,
      noDelay: true,
      keepAlive: true,
      ...(bound && { localAddress: host }),
    })
    socket.setTimeout(this.#limits.dialMs, () => {
      socket.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' }))
    })
    const connection = this.#join(socket, address, port, true)
    socket.once('connect', () => {
      socket.setTimeout(0)
      connection.dialling = false
    })
    return connection
  }

  #join(socket: Socket, address: string, port: number, dialling: boolean): Connection {
    const now = performance.now()
    const connection: Connection = {
      socket,
      flow: { transport: 'tcp', address, port, connection: ++this.#number },
      framer: new Framer(),
      dialling,
      greeted: dialling,
      since: now,
      heardAt: now,
      messageSince: undefined,
    }
    this.#connectionByNumber.set(connection.flow.connection, connection)
    this.#connectionByPlace.set(hostPort(address, port), connection)
    this.#countByAddress.set(address, (this.#countByAddress.get(address) ?? 0) + 1)
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
    const place = hostPort(flow.address, flow.port)
    this.#connectionByNumber.delete(flow.connection)
    if (this.#connectionByPlace.get(place) === connection) this.#connectionByPlace.delete(place)
    const left = (this.#countByAddress.get(flow.address) ?? 1) - 1
    if (left > 0) this.#countByAddress.set(flow.address, left)
    else this.#countByAddress.delete(flow.address)
    if (dialling) this.#options.unsent({ transport: 'tcp', address: flow.address, port: flow.port }, why)
    else this.#options.closed(flow)
  }

  #write({ socket, flow }: Connection, bytes: Uint8Array | string): void {
    socket.write(bytes)
    if (socket.writableLength <= this.#limits.unreadBytes) return
    this.#options.log('warn', 'tcp.unread', { source: flow.address, bytes: socket.writableLength })
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
    this.#options.log('warn', 'tcp.broken', { source: flow.address, where: broken.where, why: broken.why })
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

  #idle(connection: Connection, now: number): boolean {
    if (now - connection.heardAt <= this.#limits.idleMs) return false
    if (!this.#options.needed?.(connection.flow)) return true
    connection.heardAt = now
    return false
  }
}

function isBreaks(bytes: Uint8Array): boolean {
  return bytes.every((octet) => octet === 13 || octet === 10)
}
