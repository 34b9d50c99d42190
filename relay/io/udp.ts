import type { Port } from '#contract'
import { type Flow, hostPort } from '../ground/flow.ts'
import { readSocketAddress } from '../ground/socket-address.ts'
import { StunServer } from '../media/stun-server.ts'
import { monotonicNow } from './clock.ts'
import type { Log } from './log.ts'
import { dgramUdp, freePort } from './udp-dgram.ts'
import type { UdpEars, UdpEngine, UdpEngineName, UdpPeer } from './udp-engine.ts'
import { ffiUdp } from './udp-ffi.ts'
import type { Wire, WireEnds } from './wire.ts'
import { whyUnsent } from './wire.ts'

/* Implementation */
const usualPeers = 128
/** A peer asked nothing for this long has no transaction left which could fail (64·T1). */
const peerIdleMs = 64_000

interface UdpOptions extends WireEnds {
  readonly host: string
  readonly port: Port
  readonly log: Log
  readonly peersAtMost?: number
  /** undefined: the C library where it can be called. */
  readonly engine?: UdpEngineName | undefined
}

/**
 * SIP over UDP on one port.
 *
 * Requests leave through a second socket, bound to the same port and connected to their destination: only so
 * does the kernel say that no socket listens there (RFC 3261 §18.4). What that socket hears is received as well.
 */
export async function openUdp(options: UdpOptions): Promise<Wire> {
  const { host, log, unsent } = options
  const port = await freePort(host, options.port)
  const stun = new StunServer()
  const engine: UdpEngine = await engineFor(options, port, {
    hear: (bytes, address, from) => {
      // Port 0 is no socket's: it is forged, and nothing can be sent back.
      if (bytes.length <= 4 || from === 0) return
      if (isStun(bytes)) answerStun(bytes, address, from)
      else options.receive({ transport: 'udp', address, port: from }, bytes)
    },
    lost: (flow, error) => unsent({ ...flow }, whyUnsent(error)),
    failing: (error) => log('warn', 'udp.error', { why: error.message }),
  })
  /** A datagram of STUN is a question of its own: where its sender is seen from, which keeps a NAT open too (RFC 5626 §4.4.2). */
  const answerStun = (bytes: Uint8Array, address: string, from: Port) => {
    const place = readSocketAddress(address, from)
    const length = place === undefined ? 0 : stun.asked(monotonicNow(), bytes, bytes.length, place)
    // An answer which could not be sent is asked for again.
    if (length > 0) engine.send({ transport: 'udp', address, port: from }, stun.answer.slice(0, length))
  }
  const peers = new Peers(engine, options.peersAtMost ?? usualPeers)
  let isOpen = true
  return {
    address: { address: engine.address, port },
    send(flow, bytes, loose = false) {
      // Never within the sender's own turn.
      const refuse = (why: string) => queueMicrotask(() => unsent(flow, why))
      // A descriptor which was closed may be another's by now: a connection to the edge.
      if (!isOpen) return refuse('the relay has closed its port')
      if (!isPort(flow.port)) return refuse('there is no such port')
      const failed = (error: NodeJS.ErrnoException) => unsent(flow, whyUnsent(error))
      const peer = isRequest(bytes) && !loose ? peers.of(flow) : undefined
      if (peer !== undefined) peer.send(bytes, failed)
      else engine.send(flow, bytes, loose ? undefined : failed)
    },
    async close() {
      isOpen = false
      peers.close()
      await engine.close()
    },
  }
}

/** Throws in words where the port, or the engine asked for, is not to be had. */
async function engineFor({ host, engine, log }: UdpOptions, port: Port, ears: UdpEars): Promise<UdpEngine> {
  const chosen = engine === 'dgram' ? undefined : ffiUdp(host, port, ears)
  if (engine === 'ffi' && typeof chosen === 'string')
    throw new Error(`SIP_ENGINE=ffi does not work here: ${chosen}`)
  if (typeof chosen === 'object') {
    log('info', 'udp_started', { engine: 'ffi' })
    return chosen
  }
  const opened = await dgramUdp(host, port, ears)
  log(chosen === undefined ? 'info' : 'warn', 'udp_started', { engine: 'dgram', why: chosen })
  return opened
}

/** Sockets connected to one destination each; the one unused for longest leaves first. */
class Peers {
  readonly #engine: UdpEngine
  readonly #atMost: number
  readonly #peerByPlace = new Map<string, { socket: UdpPeer; usedAt: number }>()
  readonly #sweeper: NodeJS.Timeout

  constructor(engine: UdpEngine, atMost: number) {
    this.#engine = engine
    this.#atMost = atMost
    this.#sweeper = setInterval(() => this.#sweep(), peerIdleMs / 4).unref()
  }

  /** The socket towards a flow; undefined when no more can be had, and the unconnected one must do. */
  of(flow: Flow): UdpPeer | undefined {
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

  /** undefined: the unconnected socket will say why. */
  #connect(flow: Flow, place: string): UdpPeer | undefined {
    const socket = this.#engine.connect(flow)
    if (socket !== undefined) this.#peerByPlace.set(place, { socket, usedAt: monotonicNow() })
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
