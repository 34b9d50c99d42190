import type { FlowTransport, Port } from '#contract'
import { type Flow, hostPort } from '../ground/flow.ts'

/** One bound port which carries SIP. */
export interface Wire {
  readonly address: { readonly address: string; readonly port: Port }
  /** Sends, or reports through `unsent` unless it is `loose`, for which nothing is opened either; never throws. */
  send(flow: Flow, bytes: Uint8Array, loose?: boolean): void
  close(): Promise<void>
}

/** What a wire reports: whole messages, and what could not be sent. */
export interface WireEnds {
  receive(flow: Flow, bytes: Uint8Array): void
  unsent(flow: Flow, why: string): void
}

const whyByCode: Record<string, string> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  EMSGSIZE: 'too long for one datagram',
  ETIMEDOUT: 'no connection in time',
  EINVAL: 'no way leads there from the address in SIP_HOST; 127.0.0.1 reaches this machine alone',
  EACCES: 'not permitted',
  EPERM: 'not permitted',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'no version of TLS in common',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'no version of TLS in common',
}

/** A system error in a few words. */
export function whyUnsent(error: NodeJS.ErrnoException & { reason?: string }): string {
  const { code = '', reason, message } = error
  const words = code.startsWith('ERR_SSL_') ? `TLS failed: ${reason}` : message
  return whyByCode[code] ?? words
}

const settings: Readonly<Record<FlowTransport, string>> = {
  udp: 'SIP_PORT',
  tcp: 'SIP_PORT',
  tls: 'SIP_TLS_PORT',
  ws: 'SIP_WS_PORT',
  wss: 'SIP_WSS_PORT',
}

/** Why a port could not be opened, in a sentence for the operator. */
export function bindError(
  transport: FlowTransport,
  error: NodeJS.ErrnoException,
  host: string,
  port: Port,
  setting = settings[transport],
): Error {
  const place = `${transport.toUpperCase()} ${hostPort(host, port)}`
  if (error.code === 'EADDRINUSE')
    return new Error(`${place} is in use by another program: stop that, or choose another with ${setting}.`, {
      cause: error,
    })
  return new Error(`${place} cannot be opened: ${error.message}.`, { cause: error })
}

/** IPv4 as itself, though it came in on an IPv6 socket. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

/** Whether octets are line breaks and no more: they keep a connection open (RFC 5626 §3.5.1, §4.4.1). */
export function isBreaks(bytes: Uint8Array): boolean {
  return bytes.every((octet) => octet === 13 || octet === 10)
}
