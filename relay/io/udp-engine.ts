import type { Port } from '#contract'
import type { Flow } from '../ground/flow.ts'

/** How SIP's datagrams leave and come: by the C library, or by Node's own sockets. */
export type UdpEngineName = 'ffi' | 'dgram'

/** Why a datagram could not be sent. Never called within the sender's own turn. */
export type Unsendable = (error: NodeJS.ErrnoException) => void

/** A socket bound to a port, and others at that port, connected to one destination each. */
export interface UdpEngine {
  /** The literal IP address it is bound to. */
  readonly address: string
  /** Sends from the unconnected socket; what becomes of it is told where `failed` is given. */
  send(flow: Flow, bytes: Uint8Array, failed?: Unsendable): void
  /** A socket connected to the flow's address and port; undefined: there is no descriptor left, or no way there. */
  connect(flow: Flow): UdpPeer | undefined
  close(): Promise<void>
}

/** A socket which is told by the kernel that there is no other at its end. */
export interface UdpPeer {
  send(bytes: Uint8Array, failed: Unsendable): void
  close(): void
}

/** Whom an engine calls. */
export interface UdpEars {
  /** A datagram; `bytes` are the hearer's own. `address`: IPv4 as itself, though it came in on an IPv6 socket. */
  hear(bytes: Uint8Array, address: string, port: Port): void
  /** What was sent to a connected flow some time ago did not arrive. */
  lost(flow: Flow, error: NodeJS.ErrnoException): void
  /** The unconnected socket fails. */
  failing(error: NodeJS.ErrnoException): void
}
