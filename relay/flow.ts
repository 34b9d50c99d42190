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

/**
 * Whom an address counts as where somebody's deeds are counted: itself, or with IPv6 its /64,
 * for whoever has one of these addresses has all of them.
 */
export function neighbourhood(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const [before, after] = [groups(head), groups(tail ?? '')]
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  return [...before, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4).join(':')
}

function groups(text: string): string[] {
  return text === '' ? [] : text.split(':').map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
}
