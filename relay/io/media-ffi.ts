import type { Gate } from '../media/gate.ts'
import { MAPPED, Place, readPlace } from '../media/place.ts'
import type { Engine, Work } from './media-engine.ts'
import { type Loaded, loadLibc } from './media-libc.ts'

/** Milliseconds we sleep at most before Node's own event loop has its turn. */
const TURN_MS = 20
/** Most sockets heard in one round. */
const MOST = 512

/** What the arena holds, by offset: everything libc reads or writes lies in one block of memory. */
const PACKET = 0
const PACKET_SIZE = 2048
const FROM = 2048
const FROM_SIZE = 2080
const TO = 2112
const OPTION = 2144
const EVENT = 2160
const EVENTS = 2176
const ARENA = 64 * 1024

/** struct epoll_event is packed on x86-64 alone: uint32 events, then 64 bits of ours. */
const [EVENT_SIZE, EVENT_DATA] = process.arch === 'x64' ? [12, 4] : [16, 8]

const AF_INET = 2
const AF_INET6 = 10
/** SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC */
const DATAGRAM = 2 | 0o4000 | 0o2000000
const EVENTFD_FLAGS = 0o4000 | 0o2000000
const EPOLLIN = 1
const EPOLL_CTL_ADD = 1
const MSG_DONTWAIT = 0x40
/** DSCP EF, so that sound goes first where the network listens (RFC 3246). */
const EXPEDITED = 184
/** [level, name] of IP_TOS and IPV6_TCLASS, of IPV6_V6ONLY. */
const IP_TOS = [0, 1] as const
const IPV6_TCLASS = [41, 67] as const
const IPV6_V6ONLY = [41, 26] as const

/** Libc by way of node:ffi: epoll, one receive and one send per packet; a sentence when it does not work here. */
export function ffiEngine(host: string, work: Work): Engine | string {
  const loaded = loadLibc()
  const place = readPlace(host)
  if (typeof loaded === 'string') return loaded
  if (place === undefined) return `${host} is no IP address`
  return new FfiEngine(loaded, host, place, work)
}

class FfiEngine implements Engine {
  readonly wake: number
  readonly #loaded: Loaded
  readonly #host: string
  readonly #place: Place
  readonly #work: Work
  readonly #epoll: number
  readonly #gates: (Gate | undefined)[] = []
  readonly #from = new Place()
  readonly #memory = new ArrayBuffer(ARENA)
  readonly #view = new DataView(this.#memory)
  readonly #packet = new Uint8Array(this.#memory, PACKET, PACKET_SIZE)
  readonly #at: Readonly<
    Record<'packet' | 'from' | 'fromSize' | 'to' | 'option' | 'event' | 'events', bigint>
  >
  readonly #addressSize: number
  #stopped = false

  constructor(loaded: Loaded, host: string, place: Place, work: Work) {
    this.#loaded = loaded
    this.#host = host
    this.#place = place
    this.#work = work
    this.#addressSize = place.isIPv4 ? 16 : 28
    const base = loaded.addressOf(this.#memory)
    const at = (offset: number) => base + BigInt(offset)
    this.#at = {
      packet: at(PACKET),
      from: at(FROM),
      fromSize: at(FROM_SIZE),
      to: at(TO),
      option: at(OPTION),
      event: at(EVENT),
      events: at(EVENTS),
    }
    this.#epoll = loaded.libc.epoll_create1(EVENTFD_FLAGS & 0o2000000)
    this.wake = loaded.libc.eventfd(0, EVENTFD_FLAGS)
    this.#watch(this.wake)
    setImmediate(() => this.#round())
  }

  bind(gate: Gate, failed: (why: string) => void): void {
    const why = this.#open(gate)
    if (why !== undefined) failed(why)
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

  #open(gate: Gate): string | undefined {
    const { libc, failure } = this.#loaded
    const fd = libc.socket(this.#place.isIPv4 ? AF_INET : AF_INET6, DATAGRAM, 0)
    if (fd < 0) return `socket ${failure()}`
    this.#setOptions(fd)
    this.#writePlace(this.#place, gate.port)
    if (libc.bind(fd, this.#at.to, this.#addressSize) < 0) {
      const why = `bind ${failure()} ${this.#host}:${gate.port}`
      libc.close(fd)
      return why
    }
    gate.handle = fd
    this.#gates[fd] = gate
    this.#watch(fd)
    return undefined
  }

  /** Packets until it is the event loop's turn. */
  #round(): void {
    const { libc } = this.#loaded
    const until = performance.now() + TURN_MS
    for (let now = 0; now < until && !this.#stopped; ) {
      const count = libc.epoll_wait(this.#epoll, this.#at.events, MOST, TURN_MS)
      now = performance.now()
      for (let i = 0; i < count; i++)
        this.#take(now, this.#view.getInt32(EVENTS + i * EVENT_SIZE + EVENT_DATA, true))
      this.#work.done()
    }
    if (!this.#stopped) setImmediate(() => this.#round())
  }

  #take(now: number, fd: number): void {
    const gate = this.#gates[fd]
    if (gate === undefined) {
      if (fd === this.wake) this.#woken()
      return
    }
    const { packet, from, fromSize } = this.#at
    const { libc } = this.#loaded
    this.#view.setUint32(FROM_SIZE, 28, true)
    const length = libc.recvfrom(fd, packet, PACKET_SIZE, MSG_DONTWAIT, from, fromSize)
    if (length < 0) return
    this.#readFrom()
    const out = this.#work.arrive(now, gate, this.#from, this.#packet, length)
    const place = out?.latch.destination
    if (out === undefined || place === undefined) return
    this.#writePlace(place, place.port)
    libc.sendto(out.handle, packet, length, MSG_DONTWAIT, this.#at.to, this.#addressSize)
  }

  #woken(): void {
    this.#loaded.libc.read(this.wake, this.#at.option, 8)
    this.#work.woken()
  }

  #setOptions(fd: number): void {
    this.#setOption(fd, this.#place.isIPv4 ? IP_TOS : IPV6_TCLASS, EXPEDITED)
    if (this.#place.isIPv4) return
    this.#setOption(fd, IPV6_V6ONLY, 0)
    this.#setOption(fd, IP_TOS, EXPEDITED)
  }

  #setOption(fd: number, [level, name]: readonly [number, number], value: number): void {
    this.#view.setInt32(OPTION, value, true)
    this.#loaded.libc.setsockopt(fd, level, name, this.#at.option, 4)
  }

  #watch(fd: number): void {
    this.#view.setUint32(EVENT, EPOLLIN, true)
    this.#view.setInt32(EVENT + EVENT_DATA, fd, true)
    this.#loaded.libc.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, this.#at.event)
  }

  /** struct sockaddr_in(6): family 0–1, port 2–3; the address at 4, or at 8 for IPv6. */
  #readFrom(): void {
    const view = this.#view
    const from = this.#from
    from.port = view.getUint16(FROM + 2)
    if (this.#addressSize === 16) {
      from.c = MAPPED
      from.d = view.getInt32(FROM + 4)
      return
    }
    from.a = view.getInt32(FROM + 8)
    from.b = view.getInt32(FROM + 12)
    from.c = view.getInt32(FROM + 16)
    from.d = view.getInt32(FROM + 20)
  }

  #writePlace(place: Place, port: number): void {
    const view = this.#view
    view.setUint16(TO + 2, port)
    if (this.#addressSize === 16) {
      view.setUint16(TO, AF_INET, true)
      view.setInt32(TO + 4, place.isIPv4 ? place.d : 0)
      return
    }
    view.setUint16(TO, AF_INET6, true)
    view.setInt32(TO + 8, place.a)
    view.setInt32(TO + 12, place.b)
    view.setInt32(TO + 16, place.c)
    view.setInt32(TO + 20, place.d)
  }
}
