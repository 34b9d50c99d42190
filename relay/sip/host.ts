import { type Port, portNumber } from '#contract'
import { digits } from './grammar.ts'

/** A host and the port written after it, as URIs and Via share them. */
export interface HostPort {
  /** Lower case; IPv6 without brackets. */
  readonly host: string
  readonly port: Port | undefined
}

/**
 * hostport = host [ ":" port ] (RFC 3261 §25.1); undefined when it is none.
 *
 * Underscores pass, since container networks name hosts that way.
 */
export function readHostPort(text: string, from: number, to: number): HostPort | undefined {
  const hostEnd = text.charCodeAt(from) === 0x5b ? bracketEnd(text, from, to) : nameEnd(text, from, to)
  if (hostEnd <= from) return undefined
  const host = hostText(text, from, hostEnd)
  if (hostEnd === to) return { host, port: undefined }
  if (text.charCodeAt(hostEnd) !== 0x3a) return undefined
  const port = digits(text, hostEnd + 1, to, 65_535)
  return port === undefined ? undefined : { host, port: portNumber(port) }
}

/** A host as URIs and Via write it: brackets around IPv6. */
export function writeHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function nameEnd(text: string, from: number, to: number): number {
  let i = from
  while (i < to && isNameCode(text.charCodeAt(i))) i++
  return i
}

function bracketEnd(text: string, from: number, to: number): number {
  for (let i = from + 1; i < to; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x5d) return i > from + 2 ? i + 1 : -1
    if (!isHex(code) && code !== 0x3a && code !== 0x2e) return -1
  }
  return -1
}

function hostText(text: string, from: number, to: number): string {
  if (text.charCodeAt(from) !== 0x5b) return lowered(text, from, to)
  const host = lowered(text, from + 1, to - 1)
  // The ABNF of RFC 3261 breeds a third colon, which is to be borne (RFC 5118 §4.10).
  return host.includes(':::') ? host.replace(':::', '::') : host
}

/** Most hosts are in lower case already, and asking is cheaper than doing. */
function lowered(text: string, from: number, to: number): string {
  const host = text.slice(from, to)
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x41 && code <= 0x5a) return host.toLowerCase()
  }
  return host
}

function isNameCode(code: number): boolean {
  return isAlphanumeric(code) || code === 0x2d || code === 0x2e || code === 0x5f
}

function isAlphanumeric(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a)
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66) || (code >= 0x41 && code <= 0x46)
}
