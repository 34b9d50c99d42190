import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'

/**
 * The few calls of libc the media thread lives on; sizes are numbers, addresses of memory are BigInts made once.
 *
 * What runs per packet has three arguments at most, and none of them unsigned: Node calls those at a third of the
 * price of others.
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
  read(fd: number, into: bigint, size: number): number
  write(fd: number, from: bigint, size: number): number
  recvmsg(fd: number, message: bigint, flags: number): number
  sendmsg(fd: number, message: bigint, flags: number): number
  usleep(us: number): number
  epoll_create1(flags: number): number
  epoll_ctl(epoll: number, operation: number, fd: number, event: bigint): number
  epoll_wait(epoll: number, events: bigint, most: number, ms: number): number
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
    return error instanceof Error ? error.message : String(error)
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
  read: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
  write: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
  recvmsg: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
  sendmsg: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
  usleep: { arguments: ['i32'], return: 'i32' },
  epoll_create1: { arguments: ['i32'], return: 'i32' },
  epoll_ctl: { arguments: ['i32', 'i32', 'i32', 'u64'], return: 'i32' },
  epoll_wait: { arguments: ['i32', 'u64', 'i32', 'i32'], return: 'i32' },
} as const
