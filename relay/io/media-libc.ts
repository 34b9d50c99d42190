import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'
import { saidBy } from './said-by.ts'

/**
 * The few calls of libc the media thread lives on; addresses of memory are BigInts made once. What runs per packet, or
 * per look for some, takes all else in that form, too (`wide.ts`).
 */
export interface Libc {
  socket(family: number, type: number, protocol: number): number
  setsockopt(fd: number, level: number, name: number, value: bigint, size: number): number
  bind(fd: number, address: bigint, size: number): number
  connect(fd: number, address: bigint, size: number): number
  close(fd: number): number
  eventfd(initial: number, flags: number): number
  timerfd_create(clock: number, flags: number): number
  timerfd_settime(fd: number, flags: number, when: bigint, before: bigint): number
  read(fd: bigint, into: bigint, size: bigint): number
  recv(fd: bigint, into: bigint, size: bigint, flags: bigint): number
  send(fd: bigint, from: bigint, size: bigint, flags: bigint): number
  recvfrom(
    fd: bigint,
    into: bigint,
    size: bigint,
    flags: bigint,
    address: bigint,
    addressSize: bigint,
  ): number
  sendto(fd: bigint, from: bigint, size: bigint, flags: bigint, address: bigint, addressSize: bigint): number
  usleep(us: bigint): number
  epoll_create1(flags: number): number
  epoll_ctl(epoll: number, operation: number, fd: number, event: bigint): number
  epoll_wait(epoll: bigint, events: bigint, most: bigint, ms: bigint): number
}

/** The C library, and what is needed to call it. */
export interface Loaded {
  readonly libc: Libc
  /** Where a buffer lies. It must be a large one of its own: small ones may move. */
  addressOf(memory: ArrayBuffer): bigint
  /** The name of what the last call failed with: EADDRINUSE. */
  failure(): string
}

/** Loads libc from the process itself; a sentence when that does not work here. */
export function loadLibc(): Loaded | string {
  if (process.platform !== 'linux') return `libc is only called on Linux, this is ${process.platform}`
  try {
    return load(createRequire(import.meta.url)('node:ffi') as typeof import('node:ffi'))
  } catch (error) {
    return saidBy(error)
  }
}

function load(ffi: typeof import('node:ffi')): Loaded {
  const { functions } = ffi.dlopen(null, signatures)
  const errno = functions.__errno_location()
  return {
    libc: functions,
    addressOf: (memory) => ffi.getRawPointer(memory),
    failure: () => nameOf(ffi.getInt32(errno)),
  }
}

function nameOf(errno: number): string {
  return errno > 0 ? getSystemErrorName(-errno) : 'for an unknown reason'
}

const three = ['pointer', 'pointer', 'pointer'] as const

const signatures = {
  __errno_location: { arguments: [], return: 'u64' },
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'u64', 'u32'], return: 'i32' },
  bind: { arguments: ['i32', 'u64', 'u32'], return: 'i32' },
  connect: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
  close: { arguments: ['i32'], return: 'i32' },
  eventfd: { arguments: ['u32', 'i32'], return: 'i32' },
  timerfd_create: { arguments: ['i32', 'i32'], return: 'i32' },
  timerfd_settime: { arguments: ['i32', 'i32', 'u64', 'u64'], return: 'i32' },
  read: { arguments: three, return: 'i32' },
  recv: { arguments: [...three, 'pointer'], return: 'i32' },
  send: { arguments: [...three, 'pointer'], return: 'i32' },
  recvfrom: { arguments: [...three, ...three], return: 'i32' },
  sendto: { arguments: [...three, ...three], return: 'i32' },
  usleep: { arguments: ['pointer'], return: 'i32' },
  epoll_create1: { arguments: ['i32'], return: 'i32' },
  epoll_ctl: { arguments: ['i32', 'i32', 'i32', 'u64'], return: 'i32' },
  epoll_wait: { arguments: [...three, 'pointer'], return: 'i32' },
} as const
