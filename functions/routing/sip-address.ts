import { type Port, portNumber, type Transport, transports } from '#contract'

/** Where a SIP URI leads. */
export interface SipAddress {
  user: string
  /** In lower case; an IPv6 address without brackets. */
  hostname: string
  port: Port | null
  /** null: found by RFC 3263. */
  transport: Transport | null
}

/**
 * A SIP URI as people configure it and phones redirect to it (RFC 3261 §19.1); undefined for any other text. `sips:`
 * means TLS. What else its parameters and headers ask for is not read.
 */
export function readSipUri(text: string): SipAddress | undefined {
  const [, scheme = '', user = '', hostname = '', port, params = ''] = uri.exec(text.trim()) ?? []
  if (hostname === '') return undefined
  const asked = /;transport=([a-z]+)/i.exec(params)?.[1]?.toLowerCase()
  const transport = transports.find((one) => one === asked) ?? null
  if ((asked !== undefined && transport === null) || Number(port) > 65_535 || port === '0') return undefined
  return {
    user: unescaped(user),
    hostname: hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase(),
    port: port === undefined ? null : portNumber(Number(port)),
    transport: /^sips$/i.test(scheme) ? 'tls' : transport,
  }
}

const uri =
  /^(sips?):(?:([^@\s<>"]{1,128})@)?([A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,5}))?((?:;[^?\s<>"]*)?)(?:\?[^\s<>"]*)?$/i

/** The user without password and escapes. */
function unescaped(user: string): string {
  const [name = ''] = user.split(':')
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
