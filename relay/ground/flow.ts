import { type FlowTransport, isEncryptedTransport, type Port, portNumber, type TlsTrust } from '#contract'

/** Who a TLS connection must lead to: the domain asked for, never the host found for it (RFC 5922 §4). */
export interface Trust extends TlsTrust {
  readonly name: string
}

/** A SIP proxy of our own by which a request came, and where it sent that from: so its responses go back there. */
export interface ProxyHop {
  readonly address: string
  readonly port: Port
  /** Whose the request is; `unknown`: the proxy's mark of whose cannot be read. */
  readonly from: 'itself' | 'another' | 'unknown'
}

/**
 * Where a message came from or goes to (RFC 5626's flow).
 *
 * With `connection` it is that very TCP, TLS or WebSocket connection or nothing; without, a stream to the address is
 * found or opened. `address` is a literal IP, IPv6 without brackets.
 */
export interface Flow {
  readonly transport: FlowTransport
  readonly address: string
  readonly port: Port
  readonly connection?: number
  /** Of a connection we make or made over TLS: one proved for one domain is no other's. */
  readonly tls?: Trust
  /** The relay of our fleet at its other end, as that proved. */
  readonly neighbour?: string
  /** Absent: the message came straight to us. */
  readonly proxy?: ProxyHop
}

/** Whether the transport delivers by itself: no retransmission needed (RFC 3261 §17). */
export function reliable(flow: Flow): boolean {
  return flow.transport !== 'udp'
}

/** Whether a proxy of ours says this of itself: as a ping, to see who lives. */
export function isProxysOwn({ proxy }: Flow): boolean {
  return proxy?.from === 'itself'
}

/** Whether no one between the two ends of it can read what it carries: keys may. */
export function isEncrypted({ transport }: Pick<Flow, 'transport'>): boolean {
  return isEncryptedTransport(transport)
}

/** `host:port`, brackets around IPv6. */
export function hostPort(address: string, port: Port): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** Whether two flows are one way: the same peer, the same connection where both name one, the same trust. */
export function sameFlow(a: Flow, b: Flow): boolean {
  return (
    a.transport === b.transport &&
    a.address === b.address &&
    a.port === b.port &&
    (a.connection === undefined || b.connection === undefined || a.connection === b.connection) &&
    trustKey(a) === trustKey(b)
  )
}

/** What of a flow's trust two connections must share to be one; '' for none. */
export function trustKey({ tls }: Flow): string {
  return tls === undefined ? '' : `${tls.name} ${tls.verify} ${tls.fingerprint ?? ''}`
}

/** Whether a whole message comes at a time, in a datagram or a WebSocket's message (RFC 7118 §5): so its end is known. */
export function isFramed({ transport }: Pick<Flow, 'transport'>): boolean {
  return transport === 'udp' || isWebSocket({ transport })
}

/** Whether it is a connection which a browser, or another client, made by WebSocket: none leads to it but itself. */
export function isWebSocket({ transport }: Pick<Flow, 'transport'>): boolean {
  return transport === 'ws' || transport === 'wss'
}

/* RFC 3261 §19.1.2, RFC 7118 §5.1. */
const usualPorts = {
  udp: portNumber(5060),
  tcp: portNumber(5060),
  tls: portNumber(5061),
  ws: portNumber(80),
  wss: portNumber(443),
} as const

/** The port where SIP is expected over a transport if none is said (RFC 3261 §19.1.2). */
export function usualPort(transport: FlowTransport): Port {
  return usualPorts[transport]
}
