import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import { saidBy } from './said-by.ts'

/** The calls of libc which SIP over UDP lives on. What runs per message takes all in the form of `wide.ts`. */
export interface UdpLibc {
  socket(family: number, type: number, protocol: number): number
  setsockopt(fd: number, level: number, name: number, value: bigint, size: number): number
  bind(fd: number, address: bigint, size: number): number
  connect(fd: number, address: bigint, size: number): number
  close(fd: number): number
  sendto(fd: bigint, from: bigint, size: bigint, flags: bigint, address: bigint, addressSize: bigint): number
  recvmmsg(fd: bigint, headers: bigint, most: bigint, flags: bigint, timeout: bigint): number
  epoll_create1(flags: number): number
  epoll_ctl(epoll: number, operation: number, fd: number, event: bigint): number
  epoll_wait(epoll: bigint, events: bigint, most: bigint, ms: bigint): number
}

/** The C library, what is needed to call it, and how Node's own loop is woken. */
export interface UdpLoaded {
  readonly libc: UdpLibc
  /** Where a buffer lies. It must be a large one of its own: small ones may move. */
  addressOf(memory: ArrayBuffer): bigint
  /** The name of what the last call failed with: EADDRINUSE. */
  failure(): string
  /** Wakes Node's loop whenever there is something to read, until what it gives back is called. Throws where that cannot be. */
  wakeFor(fd: number): () => void
}

/** Loads libc and libuv from the process itself; a sentence when that does not work here. */
export function loadUdpLibc(): UdpLoaded | string {
  if (process.platform !== 'linux') return `libc is only called on Linux, this is ${process.platform}`
  // A worker's loop must be empty when its thread ends, which may be at any time.
  if (!isMainThread) return 'a worker thread cannot lend its loop'
  try {
    return load(createRequire(import.meta.url)('node:ffi') as typeof import('node:ffi'))
  } catch (error) {
    return saidBy(error)
  }
}

/** uv_handle_type, uv_poll_event. */
const [UV_POLL, UV_READABLE] = [8, 1]

function load(ffi: typeof import('node:ffi')): UdpLoaded {
  const { functions } = ffi.dlopen(null, signatures)
  const errno = functions.__errno_location()
  const loop = ffi.getCurrentEventLoop()
  return {
    libc: functions,
    addressOf: (memory) => ffi.getRawPointer(memory),
    failure: () => nameOf(ffi.getInt32(errno)),
    wakeFor(fd) {
      const handle = functions.malloc(functions.uv_handle_size(UV_POLL))
      if (handle === 0n) throw new Error('there is no memory for a handle')
      const ready = functions.uv_poll_init(loop, handle, fd)
      if (ready < 0) {
        functions.free(handle)
        throw new Error(`uv_poll_init ${nameOf(-ready)}`)
      }
      // Called back is what does nothing: that the loop woke is all which is wanted, and no JavaScript runs outside a turn.
      const started = functions.uv_poll_start(handle, UV_READABLE, functions.uv_is_active.pointer)
      const close = () => functions.uv_close(handle, functions.free.pointer)
      if (started === 0) return close
      close()
      throw new Error(`uv_poll_start ${nameOf(-started)}`)
    },
  }
}

function nameOf(errno: number): string {
  return errno > 0 ? getSystemErrorName(-errno) : 'for an unknown reason'
}

const two = ['pointer', 'pointer'] as const

const signatures = {
  __errno_location: { arguments: [], return: 'u64' },
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'u64', 'u32'], return: 'i32' },
  bind: { arguments: ['i32', 'u64', 'u32'], return: 'i32' },
  connect: { arguments: ['i32', 'u64', 'u32'], return: 'i32' },
  close: { arguments: ['i32'], return: 'i32' },
  sendto: { arguments: [...two, ...two, ...two], return: 'i32' },
  recvmmsg: { arguments: [...two, ...two, 'pointer'], return: 'i32' },
  epoll_create1: { arguments: ['i32'], return: 'i32' },
  epoll_ctl: { arguments: ['i32', 'i32', 'i32', 'u64'], return: 'i32' },
  epoll_wait: { arguments: [...two, ...two], return: 'i32' },
  malloc: { arguments: ['u64'], return: 'u64' },
  free: { arguments: ['u64'], return: 'void' },
  uv_handle_size: { arguments: ['i32'], return: 'u64' },
  uv_poll_init: { arguments: ['u64', 'u64', 'i32'], return: 'i32' },
  uv_poll_start: { arguments: ['u64', 'i32', 'u64'], return: 'i32' },
  uv_is_active: { arguments: ['u64'], return: 'i32' },
  uv_close: { arguments: ['u64', 'u64'], return: 'void' },
} as const
