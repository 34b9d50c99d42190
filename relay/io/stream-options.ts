import type { Port } from '#contract'
import type { Flow } from '../ground/flow.ts'
import type { Log } from './log.ts'
import type { Visitors } from './visitors.ts'
import type { Wire, WireEnds } from './wire.ts'

/** A wire of connections. */
export interface StreamWire extends Wire {
  /** Shuts a connection once everything sent over it has left. */
  hangUp(flow: Flow): void
}

/** How long a connection may take, and how much it may send, in ms and octets. */
export interface StreamLimits {
  /** From a stranger's connection, and from its handshake, to its first message; from a message's first octet to its last. */
  readonly firstMessageMs: number
  readonly messageMs: number
  /** How long a connection which is not needed may be silent, and a stranger's: all that could be owed to it is over (64·T1). */
  readonly idleMs: number
  readonly strangerIdleMs: number
  readonly dialMs: number
  /** Octets of a stranger's message while not all of it is there: each of thousands holds so many. */
  readonly strangerBytes: number
  /** Octets waiting for a peer which does not read. */
  readonly unreadBytes: number
}

/**
 * How every connection is opened: the system asks whether a silent peer is there after 25 s, and ten times a second apart, so
 * that a phone which was unplugged is missed and the NAT of one which was not stays open.
 */
export const watched = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 25_000 } as const

/** Where no others are asked for. */
export const usualLimits: StreamLimits = {
  firstMessageMs: 5_000,
  messageMs: 30_000,
  idleMs: 600_000,
  strangerIdleMs: 32_000,
  dialMs: 3_000,
  strangerBytes: 16 * 1024,
  unreadBytes: 1024 * 1024,
}

/** Where connections are taken, and what happens with what comes over them. */
export interface StreamOptions extends WireEnds {
  readonly host: string
  readonly port: Port
  readonly log: Log
  closed(flow: Flow): void
  /** Whether a phone or call can be reached by this connection only: its silence is borne. */
  needed?(flow: Flow): boolean
  /** Whether who is at the other end has proved who it is, or calls from a provider's or PBX's address. */
  known?(flow: Flow): boolean
  /** Addresses of proxies whose connections begin by saying on whose behalf they are (PROXY protocol). */
  readonly proxies?: readonly string[]
  /** Who is connected, over this port and others; absent: over this one alone, at most so many as a relay needs. */
  readonly visitors?: Visitors
  readonly limits?: Partial<StreamLimits>
}
