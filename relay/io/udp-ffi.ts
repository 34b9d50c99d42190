import type { Port } from '#contract'
import { type Flow, hostPort } from '../ground/flow.ts'
import { readSocketAddress } from '../ground/socket-address.ts'
import { AF_INET6, UdpArena } from './udp-arena.ts'
import { bufferBytes } from './udp-dgram.ts'
import type { UdpEars, UdpEngine, UdpPeer, Unsendable } from './udp-engine.ts'
import { loadUdpLibc, type UdpLoaded } from './udp-libc.ts'
import { wide } from './wide.ts'

/** SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC */
const DATAGRAM = 2 | 0o4000 | 0o2000000
const EPOLL_CLOEXEC = 0o2000000
const EPOLL_CTL_ADD = 1
const MSG_DONTWAIT = 0x40n
/** [level, name] of socket options. */
const REUSE_ADDRESS = [1, 2] as const
const SEND_BUFFER = [1, 7] as const
const RECEIVE_BUFFER = [1, 8] as const
const IP_TOS = [0, 1] as const
const IPV6_TCLASS = [41, 67] as const
/** DSCP CS3, which networks for voice know signalling by. */
const SIGNALLING = 96

/** What is sent is tried anew so long after the kernel had no room for it, and so much waits for that at most. */
const AGAIN_MS = 5
const MOST_WAITING = 4096

/** The C library by way of node:ffi; a sentence when it does not work here. */
export function ffiUdp(host: string, port: Port, ears: UdpEars, loaded = loadUdpLibc()): UdpEngine | string {
  if (typeof loaded === 'string') return loaded
  if (readSocketAddress(host) === undefined) return `${host} is no IP address`
  try {
    return new FfiUdp(loaded, host, port, ears)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** What could not be sent yet. */
interface Waiting {
  readonly fd: number
  readonly to: Flow
  readonly bytes: Uint8Array
  readonly failed: Unsendable | undefined
}

/**
 * Node's loop wakes when one of the sockets has something; in the same turn all of them are read, several datagrams at a call.
 * What is sent has left when `send` returns.
 */
class FfiUdp implements UdpEngine {
  readonly address: string
  readonly #loaded: UdpLoaded
  readonly #host: string
  readonly #port: Port
  readonly #ears: UdpEars
  readonly #arena: UdpArena
  readonly #epoll: number
  readonly #sleep: () => void
  readonly #main: number
  /** By descriptor, where it is connected to; undefined: it is the unconnected one. */
  readonly #flows = new Map<number, Flow | undefined>()
  #waiting: Waiting[] = []
  #again: NodeJS.Timeout | undefined
  #closed = false

  constructor(loaded: UdpLoaded, host: string, port: Port, ears: UdpEars) {
    this.#loaded = loaded
    this.#host = host
    this.#port = port
    this.#ears = ears
    this.address = readSocketAddress(host)?.address ?? host
    this.#arena = arenaFor(host, loaded)
    this.#epoll = this.#need('epoll_create1', loaded.libc.epoll_create1(EPOLL_CLOEXEC))
    try {
      this.#main = this.#open(undefined)
      // Where system calls are filtered this one may be refused, which none but it would tell.
      this.#need('recvmmsg', this.#receive(this.#main, 0))
      this.#sleep = loaded.wakeFor(this.#epoll)
    } catch (error) {
      for (const fd of [...this.#flows.keys(), this.#epoll]) loaded.libc.close(fd)
      throw error
    }
    this.#listen()
  }

  send(flow: Flow, bytes: Uint8Array, failed?: Unsendable): void {
    this.#send(this.#main, flow, bytes, failed)
  }

  connect(flow: Flow): UdpPeer | undefined {
    let fd: number
    try {
      fd = this.#open({ ...flow })
    } catch {
      return undefined
    }
    return {
      send: (bytes, failed) => this.#send(fd, flow, bytes, failed),
      close: () => this.#release(fd),
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#again)
    this.#sleep()
    for (const fd of this.#flows.keys()) this.#release(fd)
    this.#loaded.libc.close(this.#epoll)
  }

  /** An immediate which does not keep the process alive runs after each wake-up, whatever woke the loop, and causes none. */
  #listen(): void {
    if (!this.#closed) setImmediate(this.#turn).unref()
  }

  readonly #turn = (): void => {
    try {
      if (!this.#closed) this.#look()
    } finally {
      this.#listen()
    }
  }

  #look(): void {
    const arena = this.#arena
    const count = this.#loaded.libc.epoll_wait(wide(this.#epoll), arena.at.events, wide(arena.mostEvents), 0n)
    for (let i = 0; i < count; i++) this.#read(arena.readEvent(i))
  }

  #read(fd: number): void {
    if (!this.#flows.has(fd)) return
    const arena = this.#arena
    const count = this.#receive(fd, arena.mostSlots)
    if (count < 0) return this.#failing(fd)
    for (let slot = 0; slot < count && !this.#closed; slot++)
      this.#ears.hear(arena.heard(slot), arena.addressOf(slot), arena.portOf(slot))
  }

  /** How many datagrams lie in the arena's slots now; below 0: it fails. */
  #receive(fd: number, most: number): number {
    return this.#loaded.libc.recvmmsg(wide(fd), this.#arena.at.headers, wide(most), MSG_DONTWAIT, 0n)
  }

  #failing(fd: number): void {
    const code = this.#loaded.failure()
    if (isBusy(code)) return
    const flow = this.#flows.get(fd)
    if (flow === undefined) this.#ears.failing(fault('recvmmsg', code))
    else this.#ears.lost(flow, fault('recvmmsg', code, flow))
  }

  /** In their order: what waits goes first. */
  #send(fd: number, to: Flow, bytes: Uint8Array, failed?: Unsendable): void {
    if (this.#waiting.length > 0 || !this.#sent(fd, to, bytes, failed)) this.#wait({ fd, to, bytes, failed })
  }

  /** False: the kernel has no room for it now. */
  #sent(fd: number, to: Flow, bytes: Uint8Array, failed?: Unsendable): boolean {
    const arena = this.#arena
    const { at } = arena
    if (!arena.writeLeaving(bytes)) return refused(failed, fault('send', 'EMSGSIZE', to))
    const isMain = fd === this.#main
    if (isMain && !arena.writeAddress(to.address, to.port))
      return refused(failed, fault('send', 'EINVAL', to))
    const size = isMain ? wide(arena.addressSize) : 0n
    const address = isMain ? at.address : 0n
    const length = wide(bytes.length)
    if (this.#loaded.libc.sendto(wide(fd), at.leaving, length, 0n, address, size) >= 0) return true
    const code = this.#loaded.failure()
    return isBusy(code) ? false : refused(failed, fault('send', code, to))
  }

  #wait(message: Waiting): void {
    if (this.#waiting.length >= MOST_WAITING) refused(message.failed, fault('send', 'ENOBUFS', message.to))
    else this.#waiting.push(message)
    this.#again ??= setTimeout(() => this.#sendWaiting(), AGAIN_MS)
  }

  #sendWaiting(): void {
    this.#again = undefined
    const waiting = this.#waiting
    this.#waiting = []
    for (const { fd, to, bytes, failed } of waiting) this.#send(fd, to, bytes, failed)
  }

  /** A socket which is read from now on, connected where a flow is given. Throws where that cannot be. */
  #open(flow: Flow | undefined): number {
    const { libc } = this.#loaded
    const arena = this.#arena
    const fd = this.#need('socket', libc.socket(arena.family, DATAGRAM, 0))
    try {
      this.#setOption(fd, REUSE_ADDRESS, 1)
      this.#setOption(fd, RECEIVE_BUFFER, bufferBytes)
      this.#setOption(fd, SEND_BUFFER, bufferBytes)
      // An IPv6 socket sends to mapped IPv4 addresses by IPv4's own mark.
      this.#setOption(fd, IP_TOS, SIGNALLING)
      if (arena.family === AF_INET6) this.#setOption(fd, IPV6_TCLASS, SIGNALLING)
      arena.writeAddress(this.#host, this.#port)
      this.#need('bind', libc.bind(fd, arena.at.address, arena.addressSize))
      if (flow !== undefined) {
        if (!arena.writeAddress(flow.address, flow.port)) throw fault('connect', 'EINVAL', flow)
        this.#need('connect', libc.connect(fd, arena.at.address, arena.addressSize))
      }
      arena.writeEvent(fd)
      this.#need('epoll_ctl', libc.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, arena.at.event))
    } catch (error) {
      libc.close(fd)
      throw error
    }
    this.#flows.set(fd, flow)
    return fd
  }

  #setOption(fd: number, [level, name]: readonly [number, number], value: number): void {
    this.#arena.writeOption(value)
    this.#loaded.libc.setsockopt(fd, level, name, this.#arena.at.option, 4)
  }

  /** What waits for it goes with it: the next socket may have its number. */
  #release(fd: number): void {
    if (!this.#flows.delete(fd)) return
    this.#loaded.libc.close(fd)
    this.#waiting = this.#waiting.filter((message) => message.fd !== fd)
  }

  #need(call: string, result: number): number {
    if (result < 0) throw fault(call, this.#loaded.failure())
    return result
  }
}

/** One for all engines of a family: it is 2 MiB, and nothing in it lasts longer than a call. */
const arenas = new Map<'ipv4' | 'ipv6', UdpArena>()

function arenaFor(host: string, { addressOf }: UdpLoaded): UdpArena {
  const family = host.includes(':') ? 'ipv6' : 'ipv4'
  const arena = arenas.get(family) ?? new UdpArena(family === 'ipv4', addressOf)
  arenas.set(family, arena)
  return arena
}

/** Whether the kernel has no more for now, or no room. */
function isBusy(code: string): boolean {
  return code === 'EAGAIN' || code === 'ENOBUFS' || code === 'EINTR'
}

/** Never within the sender's own turn. It is done with. */
function refused(failed: Unsendable | undefined, error: NodeJS.ErrnoException): true {
  if (failed !== undefined) queueMicrotask(() => failed(error))
  return true
}

function fault(call: string, code: string, flow?: Flow): NodeJS.ErrnoException {
  const where = flow === undefined ? '' : ` ${hostPort(flow.address, flow.port)}`
  return Object.assign(new Error(`${call} ${code}${where}`), { code })
}
