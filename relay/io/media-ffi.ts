import type { Gate } from '../media/gate.ts'
import { Place, readPlace } from '../media/place.ts'
import { Arena } from './media-arena.ts'
import type { Engine, Work } from './media-engine.ts'
import { type Loaded, loadLibc } from './media-libc.ts'

/** Milliseconds we sleep at most before Node's own event loop has its turn. */
const TURN_MS = 20

/** More packets than a socket's queue can hold. */
const MOST_QUEUED = 1024

/** SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC */
const DATAGRAM = 2 | 0o4000 | 0o2000000
const EVENTFD_FLAGS = 0o4000 | 0o2000000
const EPOLL_CLOEXEC = 0o2000000
const EPOLL_CTL_ADD = 1
/** DSCP EF, so that sound goes first where the network listens (RFC 3246). */
const EXPEDITED = 184
/** [level, name] of socket options. */
const IP_TOS = [0, 1] as const
const IPV6_TCLASS = [41, 67] as const
const IPV6_V6ONLY = [41, 26] as const

/** Libc by way of node:ffi: epoll, one read and one write per packet; a sentence when it does not work here. */
export function ffiEngine(host: string, work: Work): Engine | string {
  const loaded = loadLibc()
  const place = readPlace(host)
  if (typeof loaded === 'string') return loaded
  if (place === undefined) return `${host} is no IP address`
  return new FfiEngine(loaded, host, place, work)
}

/**
 * A gate whose latch is locked gets its socket tied (connected) to the peer: the kernel then turns all others away,
 * and neither looks up a route nor copies an address per packet.
 */
class FfiEngine implements Engine {
  readonly wake: number
  readonly #loaded: Loaded
  readonly #host: string
  readonly #place: Place
  readonly #work: Work
  readonly #arena: Arena
  readonly #epoll: number
  /** By socket. */
  readonly #gates: (Gate | undefined)[] = []
  readonly #tied: boolean[] = []
  readonly #from = new Place()
  #stopped = false

  constructor(loaded: Loaded, host: string, place: Place, work: Work) {
    this.#loaded = loaded
    this.#host = host
    this.#place = place
    this.#work = work
    this.#arena = new Arena(place.isIPv4, loaded.addressOf)
    this.#epoll = loaded.libc.epoll_create1(EPOLL_CLOEXEC)
    this.wake = loaded.libc.eventfd(0, EVENTFD_FLAGS)
    this.#watch(this.wake)
    setImmediate(() => this.#round())
  }

  bind(gate: Gate, failed: (why: string) => void): void {
    const why = this.#open(gate)
    if (why !== undefined) failed(why)
  }

  loosen(gate: Gate): void {
    if (this.#tied[gate.handle] !== true) return
    this.#tied[gate.handle] = false
    this.#arena.writeNoAddress()
    this.#loaded.libc.connect(gate.handle, this.#arena.at.address, this.#arena.addressSize)
  }

  release(gate: Gate): void {
    if (gate.handle < 0) return
    this.#gates[gate.handle] = undefined
    this.#loaded.libc.close(gate.handle)
    gate.handle = -1
  }

  stop(): void {
    for (const gate of this.#gates) if (gate !== undefined) this.release(gate)
    this.#stopped = true
    this.#loaded.libc.close(this.#epoll)
    this.#loaded.libc.close(this.wake)
  }

  /** Packets until it is the event loop's turn. */
  #round(): void {
    const { libc } = this.#loaded
    const arena = this.#arena
    const until = performance.now() + TURN_MS
    for (let now = 0; now < until && !this.#stopped; ) {
      const count = libc.epoll_wait(this.#epoll, arena.at.events, arena.mostEvents, TURN_MS)
      now = performance.now()
      for (let i = 0; i < count; i++) this.#serve(now, arena.readEvent(i))
      this.#work.done()
    }
    if (!this.#stopped) setImmediate(() => this.#round())
  }

  #serve(now: number, fd: number): void {
    const gate = this.#gates[fd]
    if (gate === undefined) this.#woken(fd)
    else if (this.#tied[fd] === true) this.#takeTied(now, gate)
    else if (this.#take(now, gate) && gate.latch.locked) this.#tie(now, gate)
  }

  /** The kernel lets only the peer through. */
  #takeTied(now: number, gate: Gate): void {
    const length = this.#loaded.libc.read(gate.handle, this.#arena.at.packet, this.#arena.packetSize)
    if (length >= 0) this.#carry(now, gate, gate.latch.peer, length)
  }

  /** One packet from whomever; false: there was none. */
  #take(now: number, gate: Gate): boolean {
    this.#arena.prepare()
    const length = this.#loaded.libc.recvmsg(gate.handle, this.#arena.at.message, 0)
    if (length < 0) return false
    this.#arena.readAddress(this.#from)
    this.#carry(now, gate, this.#from, length)
    return true
  }

  /** What strangers sent before is still queued, and must be taken as theirs. */
  #tie(now: number, gate: Gate): void {
    const { libc } = this.#loaded
    this.#arena.writeAddress(gate.latch.peer, gate.latch.peer.port)
    if (libc.connect(gate.handle, this.#arena.at.address, this.#arena.addressSize) < 0) return
    for (let i = 0; i < MOST_QUEUED && this.#take(now, gate); i++);
    this.#tied[gate.handle] = true
  }

  #carry(now: number, gate: Gate, from: Place, length: number): void {
    const out = this.#work.arrive(now, gate, from, this.#arena.packet, length)
    if (out === undefined) return
    if (this.#tied[out.handle] === true) this.#loaded.libc.write(out.handle, this.#arena.at.packet, length)
    else this.#send(out, length)
  }

  #send(out: Gate, length: number): void {
    const place = out.latch.destination
    if (place === undefined) return
    this.#arena.dispatch(place, length)
    this.#loaded.libc.sendmsg(out.handle, this.#arena.at.message, 0)
  }

  #woken(fd: number): void {
    if (fd !== this.wake || this.#stopped) return
    this.#loaded.libc.read(fd, this.#arena.at.option, 8)
    this.#work.woken()
  }

  #open(gate: Gate): string | undefined {
    const { libc, failure } = this.#loaded
    const fd = libc.socket(this.#arena.family, DATAGRAM, 0)
    if (fd < 0) return `socket ${failure()}`
    this.#setOptions(fd)
    this.#arena.writeAddress(this.#place, gate.port)
    if (libc.bind(fd, this.#arena.at.address, this.#arena.addressSize) < 0) {
      const why = `bind ${failure()} ${this.#host}:${gate.port}`
      libc.close(fd)
      return why
    }
    gate.handle = fd
    this.#gates[fd] = gate
    this.#tied[fd] = false
    this.#watch(fd)
    return undefined
  }

  #setOptions(fd: number): void {
    this.#setOption(fd, this.#place.isIPv4 ? IP_TOS : IPV6_TCLASS, EXPEDITED)
    if (this.#place.isIPv4) return
    this.#setOption(fd, IPV6_V6ONLY, 0)
    this.#setOption(fd, IP_TOS, EXPEDITED)
  }

  #setOption(fd: number, [level, name]: readonly [number, number], value: number): void {
    this.#arena.writeOption(value)
    this.#loaded.libc.setsockopt(fd, level, name, this.#arena.at.option, 4)
  }

  #watch(fd: number): void {
    this.#arena.writeEvent(fd)
    this.#loaded.libc.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, this.#arena.at.event)
  }
}
