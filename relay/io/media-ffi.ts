import type { MonotonicMs } from '#contract'
import { readSocketAddress, SocketAddress } from '../ground/socket-address.ts'
import type { RtpPort } from '../media/media-leg.ts'
import { restOf } from '../media/rest.ts'
import type { CipherMaker } from '../media/srtp-cipher.ts'
import { pureCipher } from '../media/srtp-pure.ts'
import { monotonicNow } from './clock.ts'
import { Arena } from './media-arena.ts'
import { ATTENTIVE_MS, type CipherName, type MediaEngine, type MediaWork } from './media-engine.ts'
import { type Libc, type Loaded, loadLibc } from './media-libc.ts'
import { opensslCipher } from './media-openssl.ts'
import { wide } from './wide.ts'

/** Milliseconds before Node's own event loop has its turn, while commands keep coming: the last of them no longer ago than ATTENTIVE_MS. */
const ATTENTIVE_TURN_MS = 4

/** Where a look found so many we do not rest before the next: they have waited already, and who sleeps on a busy machine sleeps long. */
const BEHIND = 128

/**
 * Packets which may be read out of turn in one round: before a socket is tied all which is queued there must be, and every
 * other call waits. As many as a round has in turn.
 */
const OUT_OF_TURN = 512

/** More packets than a socket's queue can hold. */
const MOST_QUEUED = 1024

/** SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC */
const DATAGRAM = 2 | 0o4000 | 0o2000000
const EVENTFD_FLAGS = 0o4000 | 0o2000000
const EPOLL_CLOEXEC = 0o2000000
const EPOLL_CTL_ADD = 1
const CLOCK_MONOTONIC = 1
const TIMER_FLAGS = 0o4000 | 0o2000000
/** A timer rings for no less. */
const LEAST_MS = 0.001
/** DSCP EF, so that sound goes first where the network listens (RFC 3246). */
const EXPEDITED = 184
/** [level, name] of socket options. */
const IP_TOS = [0, 1] as const
const IPV6_TCLASS = [41, 67] as const
const IPV6_V6ONLY = [41, 26] as const

/** Libc by way of node:ffi: epoll, one read and one write per packet; a sentence when it does not work here. */
export function ffiEngine(host: string, work: MediaWork): MediaEngine | string {
  const loaded = loadLibc()
  const place = readSocketAddress(host)
  if (typeof loaded === 'string') return loaded
  if (place === undefined) return `${host} is no IP address`
  return new FfiEngine(loaded, host, place, work)
}

/**
 * A port whose peer no source could dispute gets its socket tied (connected) to it: the kernel then turns all others away,
 * and neither looks up a route nor copies an address per packet. It is untied when the peer falls silent.
 */
class FfiEngine implements MediaEngine {
  readonly wake: number
  readonly cipher: CipherMaker
  readonly cipherName: CipherName
  readonly cipherWhy: string | undefined
  readonly #loaded: Loaded
  readonly #host: string
  readonly #place: SocketAddress
  readonly #work: MediaWork
  readonly #arena: Arena
  readonly #batch: Batch
  readonly #epoll: number
  /** Wakes us for what is sent in step. */
  readonly #timer: number
  #beatAt = Number.POSITIVE_INFINITY
  /** By socket. */
  readonly #rtpPorts: (RtpPort | undefined)[] = []
  readonly #tied: boolean[] = []
  readonly #from = new SocketAddress()
  /** How long it rests after a look, by the packets of the last turn. */
  #restMs = 0
  /** Packets of the last look, and of the turn. */
  #found = 0
  #packets = 0
  #called = false
  #outOfTurn = 0
  #attentiveUntil = 0
  #turnUntil = 0
  #stopped = false

  constructor(loaded: Loaded, host: string, place: SocketAddress, work: MediaWork) {
    this.#loaded = loaded
    this.#host = host
    this.#place = place
    this.#work = work
    this.#arena = new Arena(place.isIPv4, loaded.addressOf)
    const openssl = opensslCipher((packet, offset) => this.#arena.addressOf(packet, offset))
    this.cipher = typeof openssl === 'string' ? pureCipher : openssl
    this.cipherWhy = typeof openssl === 'string' ? openssl : undefined
    this.cipherName = typeof openssl === 'string' ? 'typescript' : 'openssl'
    this.#batch = batchOf(loaded.libc, this.#arena)
    this.#epoll = loaded.libc.epoll_create1(EPOLL_CLOEXEC)
    this.wake = loaded.libc.eventfd(0, EVENTFD_FLAGS)
    this.#timer = loaded.libc.timerfd_create(CLOCK_MONOTONIC, TIMER_FLAGS)
    this.#watch(this.wake)
    this.#watch(this.#timer)
    setImmediate(() => this.#round())
  }

  bind(rtpPort: RtpPort, done: (why?: string) => void): void {
    done(this.#open(rtpPort))
  }

  loosen(rtpPort: RtpPort): void {
    if (this.#tied[rtpPort.handle] !== true) return
    this.#tied[rtpPort.handle] = false
    this.#arena.writeNoAddress()
    this.#loaded.libc.connect(rtpPort.handle, this.#arena.at.address, this.#arena.addressSize)
  }

  release(rtpPort: RtpPort): void {
    if (rtpPort.handle < 0) return
    this.#rtpPorts[rtpPort.handle] = undefined
    this.#loaded.libc.close(rtpPort.handle)
    rtpPort.handle = -1
  }

  get packet(): Uint8Array {
    return this.#arena.packet
  }

  beatIn(ms: number): void {
    this.#beatAt = monotonicNow() + ms
    this.#arena.writeTimer(Math.max(LEAST_MS, ms))
    this.#loaded.libc.timerfd_settime(this.#timer, 0, this.#arena.at.timer, 0n)
  }

  send(rtpPort: RtpPort, packet: Uint8Array, length: number): void {
    if (rtpPort.handle < 0) return
    rtpPort.leaving = length
    if (packet !== this.#arena.packet) this.#arena.packet.set(packet.subarray(0, length))
    this.#leave(rtpPort)
  }

  reply(rtpPort: RtpPort, to: SocketAddress, packet: Uint8Array, length: number): void {
    if (rtpPort.handle < 0) return
    this.#arena.packet.set(packet.subarray(0, length))
    this.#sendTo(rtpPort.handle, to, this.#arena.at.packet, length)
  }

  stop(): void {
    for (const rtpPort of this.#rtpPorts) if (rtpPort !== undefined) this.release(rtpPort)
    this.#stopped = true
    this.#loaded.libc.close(this.#epoll)
    this.#loaded.libc.close(this.#timer)
  }

  /** Packets until it is the event loop's turn. */
  #round(): void {
    const begun = monotonicNow()
    this.#turnUntil = begun + this.#work.turnMs(begun)
    if (begun < this.#attentiveUntil) this.#hurry(begun)
    this.#packets = 0
    let now = begun
    while (now < this.#turnUntil && !this.#stopped) now = this.#look(now)
    // What was not worth a wake-up has waited for this.
    this.#obey()
    this.#work.done()
    this.#restMs = restOf(this.#packets / (now - begun))
    if (!this.#stopped) setImmediate(() => this.#round())
  }

  /** Carries what has come, or comes before the turn ends. On its own, so that it is compiled soon: turns are few. */
  #look(before: MonotonicMs): MonotonicMs {
    const { libc } = this.#loaded
    const arena = this.#arena
    const rests = this.#restMs > 0 && this.#found < BEHIND && this.#beatAt - before > this.#restMs
    if (rests) libc.usleep(wide(Math.ceil(this.#restMs * 1000)))
    const most = wide(arena.mostEvents)
    const ms = wide(Math.ceil(this.#turnUntil - before))
    const count = libc.epoll_wait(wide(this.#epoll), arena.at.events, most, ms)
    const now = monotonicNow()
    if (now >= this.#beatAt) this.#beat()
    this.#outOfTurn = OUT_OF_TURN
    for (let first = 0; first < count; first += arena.slots.length) this.#carryBatch(now, first, count)
    this.#found = count
    this.#packets += count
    if (this.#called) this.#answer()
    this.#work.done()
    return now
  }

  /** Setting the timer anew has it ring no more for what it rang for. */
  #beat(): void {
    this.#beatAt = Number.POSITIVE_INFINITY
    this.#work.beat()
    if (this.#beatAt === Number.POSITIVE_INFINITY) this.#stopTimer()
  }

  #stopTimer(): void {
    this.#arena.writeTimer(0)
    this.#loaded.libc.timerfd_settime(this.#timer, 0, this.#arena.at.timer, 0n)
  }

  /** Reads a packet from each socket, asks where each goes, then writes each: three tight loops, for speed's sake. */
  #carryBatch(now: MonotonicMs, first: number, count: number): void {
    const batch = this.#batch
    batch.count = 0
    const last = Math.min(first + batch.sources.length, count)
    for (let i = first; i < last; i++) this.#serve(now, this.#arena.readEvent(i))
    batch.read()
    for (let i = 0; i < batch.count; i++) batch.targets[i] = this.#targetOf(now, i)
    batch.write()
  }

  #serve(now: MonotonicMs, fd: number): void {
    const rtpPort = this.#rtpPorts[fd]
    if (fd === this.wake) this.#called = true
    else if (rtpPort === undefined) return
    else if (this.#tied[fd] === true) this.#batch.sources[this.#batch.count++] = fd
    else if (this.#take(now, rtpPort) && this.#outOfTurn > 0 && isHeard(now, rtpPort)) this.#tie(now, rtpPort)
  }

  /** The tied socket a packet of the batch leaves from; -1 when it is dropped, or had to be sent with an address. */
  #targetOf(now: MonotonicMs, i: number): number {
    const { sources, lengths } = this.#batch
    const length = lengths[i] as number
    const rtpPort = this.#rtpPorts[sources[i] as number]
    const { packets, slots } = this.#arena
    const packet = packets[i]
    if (length < 0 || rtpPort === undefined || packet === undefined) return -1
    const out = this.#work.arrive(now, rtpPort, rtpPort.latch.peer, packet, length)
    if (out === undefined) return -1
    lengths[i] = out.leaving
    if (this.#tied[out.handle] === true) return out.handle
    this.#send(out, slots[i] as bigint)
    return -1
  }

  /** One packet from any sender; false: there was none. */
  #take(now: MonotonicMs, rtpPort: RtpPort): boolean {
    const { at, packetSize } = this.#arena
    this.#arena.prepare()
    const fd = wide(rtpPort.handle)
    const length = this.#loaded.libc.recvfrom(fd, at.packet, wide(packetSize), 0n, at.address, at.addressSize)
    if (length < 0) return false
    this.#arena.readAddress(this.#from)
    const out = this.#work.arrive(now, rtpPort, this.#from, this.#arena.packet, length)
    if (out !== undefined) this.#leave(out)
    return true
  }

  /** Sends the packet which is no batch's. */
  #leave(out: RtpPort): void {
    const { at } = this.#arena
    if (this.#tied[out.handle] === true)
      this.#loaded.libc.send(wide(out.handle), at.packet, wide(out.leaving), 0n)
    else this.#send(out, at.packet)
  }

  /** What strangers sent before is still queued, and must be taken as theirs. */
  #tie(now: MonotonicMs, rtpPort: RtpPort): void {
    const { libc } = this.#loaded
    this.#outOfTurn--
    this.#arena.writeAddress(rtpPort.latch.peer, rtpPort.latch.peer.port)
    if (libc.connect(rtpPort.handle, this.#arena.at.address, this.#arena.addressSize) < 0) return
    for (let i = 0; i < MOST_QUEUED && this.#take(now, rtpPort); i++) this.#outOfTurn--
    this.#tied[rtpPort.handle] = true
  }

  /** Sends the packet which lies there by a port which is not tied. */
  #send(out: RtpPort, packet: bigint): void {
    const place = out.latch.destination
    if (place !== undefined) this.#sendTo(out.handle, place, packet, out.leaving)
  }

  #sendTo(fd: number, place: SocketAddress, packet: bigint, length: number): void {
    const { at, addressSize } = this.#arena
    this.#arena.writeAddress(place, place.port)
    this.#loaded.libc.sendto(wide(fd), packet, wide(length), 0n, at.address, wide(addressSize))
  }

  /** Commands are obeyed between rounds, so that no port changes while a batch is under way. */
  #answer(): void {
    this.#called = false
    this.#loaded.libc.read(wide(this.wake), this.#arena.at.option, 8n)
    this.#obey()
  }

  /** Commands seldom come alone: for a while we look up often by ourselves, and need not be woken. */
  #obey(): void {
    if (!this.#work.woken()) return
    const now = monotonicNow()
    this.#attentiveUntil = now + ATTENTIVE_MS
    this.#hurry(now)
  }

  #hurry(now: MonotonicMs): void {
    this.#turnUntil = Math.min(this.#turnUntil, now + ATTENTIVE_TURN_MS)
  }

  #open(rtpPort: RtpPort): string | undefined {
    const { libc, failure } = this.#loaded
    const fd = libc.socket(this.#arena.family, DATAGRAM, 0)
    if (fd < 0) return `socket ${failure()}`
    this.#setOptions(fd)
    this.#arena.writeAddress(this.#place, rtpPort.port)
    if (libc.bind(fd, this.#arena.at.address, this.#arena.addressSize) < 0) {
      const why = `bind ${failure()} ${this.#host}:${rtpPort.port}`
      libc.close(fd)
      return why
    }
    rtpPort.handle = fd
    this.#rtpPorts[fd] = rtpPort
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

/** Whether it was its peer who spoke just now, and no other could have its place. */
function isHeard(now: MonotonicMs, { latch }: RtpPort): boolean {
  return latch.heardAt === now && latch.exclusive
}

/** Packets on their way through: by slot, the socket each came from, its length, and the socket it leaves from. */
interface Batch {
  count: number
  readonly sources: Int32Array
  readonly lengths: Int32Array
  readonly targets: Int32Array
  read(): void
  write(): void
}

/** The two calls which cost most stand alone in their loops, so that the compiler makes them direct. */
function batchOf({ recv, send }: Libc, { slots, packetSize }: Arena): Batch {
  const sources = new Int32Array(slots.length)
  const lengths = new Int32Array(slots.length)
  const targets = new Int32Array(slots.length)
  const room = wide(packetSize)
  const batch = {
    count: 0,
    sources,
    lengths,
    targets,
    read() {
      for (let i = 0; i < batch.count; i++)
        lengths[i] = recv(wide(sources[i] as number), slots[i] as bigint, room, 0n)
    },
    write() {
      for (let i = 0; i < batch.count; i++) {
        if ((targets[i] as number) >= 0)
          send(wide(targets[i] as number), slots[i] as bigint, wide(lengths[i] as number), 0n)
      }
    },
  }
  return batch
}
