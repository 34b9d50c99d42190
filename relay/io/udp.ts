import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { type Port, portNumber } from '#contract'
import { type Flow, hostPort } from '../ground/flow.ts'
import { readSocketAddress } from '../ground/socket-address.ts'
import { StunServer } from '../media/stun-server.ts'
import { monotonicNow } from './clock.ts'
import type { Log } from './log.ts'
import type { Wire, WireEnds } from './wire.ts'
import { bindError, plainAddress, whyUnsent } from './wire.ts'

/* Implementation */
const bufferBytes = 4 * 1024 * 1024
const usualPeers = 128
/** A peer asked nothing for this long has no transaction left which could fail (64·T1). */
const peerIdleMs = 64_000

/**
 * SIP over UDP on one port.
 *
 * Requests leave through a second socket, bound to the same port and connected to their destination: only so
 * does the kernel say that no socket listens there (RFC 3261 §18.4). What that socket hears is received as well.
 */
export async function openUdp(
  options: { host: string; port: Port; log: Log; peersAtMost?: number } & WireEnds,
): Promise<Wire> {
  const { host, log } = options
  const port = await freePort(host, options.port)
  const main = await bound(host, port)
  const place = main.address()
  const wireAddress = addressesFrom(host)
  const stun = new StunServer()
  const hear = hearing(options, (bytes, from) => {
    const place = readSocketAddress(plainAddress(from.address), portNumber(from.port))
    const length = place === undefined ? 0 : stun.asked(monotonicNow(), bytes, bytes.length, place)
    if (length > 0) main.send(stun.answer.slice(0, length), from.port, from.address, noMatter)
  })
  const peers = new Peers(host, port, { ...options, hear }, options.peersAtMost ?? usualPeers)
  main.on('message', hear)
  main.on('error', (error) => log('warn', 'udp.error', { why: error.message }))
  return {
    address: { address: place.address, port: portNumber(place.port) },
    send(flow, bytes, loose = false) {
      // Never within the sender's own turn.
      if (!isPort(flow.port)) return queueMicrotask(() => options.unsent(flow, 'there is no such port'))
      const peer = isRequest(bytes) && !loose ? peers.of(flow) : undefined
      if (peer !== undefined) peer.send(bytes, (error) => error && options.unsent(flow, whyUnsent(error)))
      else
        main.send(bytes, flow.port, wireAddress(flow.address), (error) => {
          if (error && !loose) options.unsent(flow, whyUnsent(error))
        })
    },
    async close() {
      peers.close()
      await new Promise<void>((closed) => main.close(() => closed()))
    },
  }
}

interface PeerEnds extends WireEnds {
  readonly hear: Hear
}

/** Sockets connected to one destination each; the one unused for longest leaves first. */
class Peers {
  readonly #host: string
  readonly #wireAddress: (address: string) => string
  readonly #port: Port
  readonly #ends: PeerEnds
  readonly #atMost: number
  readonly #peerByPlace = new Map<string, { socket: Socket; usedAt: number }>()
  readonly #sweeper: NodeJS.Timeout

  constructor(host: string, port: Port, ends: PeerEnds, atMost: number) {
    this.#host = host
    this.#wireAddress = addressesFrom(host)
    this.#port = port
    this.#ends = ends
    this.#atMost = atMost
    this.#sweeper = setInterval(() => this.#sweep(), peerIdleMs / 4).unref()
  }

  /** The socket towards a flow; undefined when no more can be had, and the unconnected one must do. */
  of(flow: Flow): Socket | undefined {
    const place = hostPort(flow.address, flow.port)
    const peer = this.#peerByPlace.get(place)
    if (peer !== undefined) {
      peer.usedAt = monotonicNow()
      return peer.socket
    }
    if (this.#peerByPlace.size >= this.#atMost) this.#sweep()
    return this.#peerByPlace.size >= this.#atMost ? undefined : this.#connect(flow, place)
  }

  close(): void {
    clearInterval(this.#sweeper)
    for (const { socket } of this.#peerByPlace.values()) socket.close()
    this.#peerByPlace.clear()
  }

  #connect(flow: Flow, place: string): Socket | undefined {
    const socket = shared(this.#host)
    const ends = this.#ends
    socket.on('message', ends.hear)
    socket.on('error', (error) => ends.unsent({ ...flow }, whyUnsent(error)))
    try {
      // With a lookup which answers at once both happen within this turn.
      socket.bind(this.#port, this.#host)
      socket.connect(flow.port, this.#wireAddress(flow.address))
      socket.remoteAddress()
    } catch {
      // No descriptor left, or no way there: the unconnected socket will say so.
      socket.close()
      return undefined
    }
    this.#peerByPlace.set(place, { socket, usedAt: monotonicNow() })
    return socket
  }

  #sweep(): void {
    const now = monotonicNow()
    for (const [place, { socket, usedAt }] of this.#peerByPlace) {
      if (now - usedAt < peerIdleMs) continue
      this.#peerByPlace.delete(place)
      socket.close()
    }
  }
}

type Hear = (bytes: Uint8Array, from: RemoteInfo) => void

/** A datagram of STUN is a question of its own: where its sender is seen from, which keeps a NAT open too (RFC 5626 §4.4.2). */
function hearing(ends: WireEnds, stun: Hear): Hear {
  return (bytes, from) => {
    // Port 0 is no socket's: it is forged, and nothing can be sent back.
    if (bytes.length <= 4 || from.port === 0) return
    const flow = {
      transport: 'udp',
      address: plainAddress(from.address),
      port: portNumber(from.port),
    } as const
    if (isStun(bytes)) stun(bytes, from)
    else ends.receive(flow, bytes)
  }
}

/** An answer which could not be sent is asked for again. */
function noMatter(): void {}

/** A port is a stranger's word as well: the kernel's own complaint would be thrown. */
function isPort(port: Port): boolean {
  return port > 0 && port < 65_536
}

/** Two zero bits open a STUN message (RFC 8489 §5), and no SIP message; keep-alives are four zeros or CRLF. */
function isStun(bytes: Uint8Array): boolean {
  return (bytes[0] ?? 0) < 2
}

/** A response begins with `SIP/2.0`, and no method holds a slash. */
function isRequest(bytes: Uint8Array): boolean {
  return bytes[3] !== 0x2f
}

/** The port asked for, or any for 0. Sockets which share a port would not notice that another program has it. */
async function freePort(host: string, port: Port): Promise<Port> {
  const probe = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' })
  try {
    await listening(probe, host, port)
    return portNumber(probe.address().port)
  } finally {
    await new Promise<void>((closed) => probe.close(() => closed()))
  }
}

async function bound(host: string, port: Port): Promise<Socket> {
  const socket = shared(host)
  await listening(socket, host, port)
  return socket
}

function listening(socket: Socket, host: string, port: Port): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(bindError('udp', error, host, port))
    socket.once('error', failed)
    socket.bind(port, host, () => {
      socket.off('error', failed)
      resolve()
    })
  })
}

/** Addresses are literal: nothing is ever looked up. */
function shared(host: string): Socket {
  const family = isIPv6(host) ? 6 : 4
  return createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    reuseAddr: true,
    recvBufferSize: bufferBytes,
    sendBufferSize: bufferBytes,
    lookup: (name, _options, found) => found(null, name, family),
  })
}

/** How a socket at `host` is told addresses: one of IPv6 reaches IPv4 under a mapped address (RFC 4291 §2.5.5.2). */
function addressesFrom(host: string): (address: string) => string {
  if (!isIPv6(host)) return (address) => address
  return (address) => (address.includes(':') ? address : `::ffff:${address}`)
}
