import type { Transport } from '#contract'

/**
 * Where a message came from or goes to (RFC 5626's flow).
 *
 * With `connection` it is that very TCP connection or nothing; without, a stream to the address is
 * found or opened. `address` is a literal IP, IPv6 without brackets.
 */
export interface Flow {
  readonly transport: Transport
  readonly address: string
  readonly port: number
  readonly connection?: number
}

/** Whether the transport delivers by itself: no retransmission needed (RFC 3261 §17). */
export function reliable(flow: Flow): boolean {
  return flow.transport !== 'udp'
}

/** `host:port`, brackets around IPv6. */
export function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

export function sameFlow(a: Flow, b: Flow): boolean {
  return (
    a.transport === b.transport &&
    a.address === b.address &&
    a.port === b.port &&
    (a.connection === undefined || b.connection === undefined || a.connection === b.connection)
  )
}
