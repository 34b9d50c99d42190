import { type FlowTransport, isEncryptedTransport, type Port, type Transport } from '#contract'
import type { Entropy, Hashes } from '../ground/effects.ts'
import { type Flow, hostPort } from '../ground/flow.ts'
import type { StraightReach } from '../sdp/straight.ts'
import { noParams } from '../sip/params.ts'
import { writeUri } from '../sip/uri.ts'

/** Where we listen: UDP and TCP; TLS connections, and WebSockets plain and over TLS, where we take them. */
interface ListeningPorts {
  readonly port: Port
  readonly tlsPort?: Port | undefined
  readonly wsPort?: Port | undefined
  readonly wssPort?: Port | undefined
}

/** Who we are on the wire, and the random numbers and hashes we were handed. */
export interface SipEndpoint extends ListeningPorts {
  /** What Via, Contact and SDP say: a literal IP. */
  readonly address: string
  /** Where packets of sound are sent which another program carries; undefined: we carry them, at `address`. */
  readonly mediaAddress?: string | undefined
  /** Fingerprints of the certificates by which keys are agreed on with browsers (DTLS-SRTP); words, or undefined: they are not. */
  readonly dtls?: readonly string[] | string | undefined
  /** Between which addresses sound goes straight to phones at other relays, and to other relays from phones here; undefined: none. */
  readonly straight?: StraightReach | undefined
  /** True: Opus is turned into G.711 here, and back; words, or undefined: it is not. */
  readonly opus?: true | string | undefined
  readonly relayId: string
  readonly entropy: Entropy
  readonly hashes: Hashes
  /** UTC ms at monotonic 0; the engine puts it right when the edge tells the time. */
  epoch: number
}

/** Between which addresses sound goes straight; undefined: none. Where another program carries ours, it is not known in time that a phone is not heard. */
export function straightReachOf({ straight, mediaAddress }: SipEndpoint): StraightReach | undefined {
  return mediaAddress === undefined ? straight : undefined
}

/** What our descriptions say, which tell where we hear. */
export function mediaAddressOf({ mediaAddress, address }: SipEndpoint): string {
  return mediaAddress ?? address
}

/**
 * By what a party may be spoken with: anything; TLS alone, since its call is to have no hop without (RFC 3261 §26.2.2);
 * or that in a dialog which a sips URI began, where our Contact is one too (RFC 5630 §5.1.2).
 */
export type Signalling = 'any' | 'tls' | 'sips'

/**
 * Our Contact towards a flow's transport. Where no TLS connection could be made to us it does not ask
 * for one: a request which finds ours gone then still finds us.
 */
export function contactOf(
  endpoint: SipEndpoint,
  transport: FlowTransport,
  signalling: Signalling = 'any',
): string {
  const taken = transport !== 'tls' || endpoint.tlsPort !== undefined
  // RFC 7118 §5.2: of both kinds of WebSocket.
  const named = transport === 'wss' ? 'ws' : transport
  const suffix = transport === 'udp' || !taken ? '' : `;transport=${named}`
  const place = hostPort(endpoint.address, portFor(endpoint, transport))
  // It says TLS by itself (RFC 5630 §3.1.4); a WebSocket is named still (RFC 7118 §5.2).
  if (signalling === 'sips' && isEncryptedTransport(transport))
    return `<sips:${place}${transport === 'wss' ? suffix : ''}>`
  return `<sip:${place}${suffix}>`
}

/** The port we listen on for a transport; where we do not, the one for UDP and TCP. */
export function portFor(ports: ListeningPorts, transport: FlowTransport): Port {
  const { port, tlsPort = port, wsPort = port, wssPort = port } = ports
  return { udp: port, tcp: port, tls: tlsPort, ws: wsPort, wss: wssPort }[transport]
}

/** `sip:user@host`, with port and transport where they are given and not the default. */
export function sipUri(user: string, host: string, port?: Port | null, transport?: Transport | null): string {
  const params = transport && transport !== 'udp' ? new Map([['transport', transport]]) : noParams
  return writeUri({
    scheme: 'sip',
    user,
    host,
    port: port ?? undefined,
    params,
    headers: undefined,
  })
}

/** A Via for a new transaction over `flow`; its branch is never used twice (§8.1.1.7). */
export function viaOf(endpoint: SipEndpoint, flow: Flow): string {
  const sentBy = hostPort(endpoint.address, portFor(endpoint, flow.transport))
  return `SIP/2.0/${flow.transport.toUpperCase()} ${sentBy};rport;branch=z9hG4bK${endpoint.entropy.hex(10)}`
}
