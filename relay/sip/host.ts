import { type Port, portNumber } from '#contract'
import { digits, hasUpper, hostNameEnd } from './grammar.ts'
import type { Letters } from './letters.ts'

/** A host and the port written after it, as URIs and Via share them. */
export interface HostPort {
  /** Lower case; IPv6 without brackets. */
  readonly host: string
  readonly port: Port | undefined
}

/**
 * hostport = host [ ":" port ] (RFC 3261 §25.1); undefined when it is none.
 */
export function readHostPort(letters: Letters, from: number, to: number): HostPort | undefined {
  const { codes } = letters
  const hostEnd =
    from < to && codes[from] === 0x5b ? bracketEnd(codes, from, to) : hostNameEnd(codes, from, to)
  if (hostEnd <= from) return undefined
  if (hostEnd === to) return { host: hostText(letters, from, hostEnd), port: undefined }
  if (codes[hostEnd] !== 0x3a) return undefined
  const port = digits(codes, hostEnd + 1, to, 65_535)
  return port === undefined ? undefined : { host: hostText(letters, from, hostEnd), port: portNumber(port) }
}

/** A host as URIs and Via write it: brackets around IPv6. */
export function writeHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function bracketEnd(codes: Uint8Array, from: number, to: number): number {
  for (let i = from + 1; i < to; i++) {
    const code = codes[i] ?? 0
    if (code === 0x5d) return i > from + 2 ? i + 1 : -1
    if (!isHex(code) && code !== 0x3a && code !== 0x2e) return -1
  }
  return -1
}

function hostText(letters: Letters, from: number, to: number): string {
  if (letters.codes[from] !== 0x5b) return lowered(letters, from, to)
  const host = lowered(letters, from + 1, to - 1)
  // The ABNF of RFC 3261 breeds a third colon, which is to be borne (RFC 5118 §4.10).
  return host.includes(':::') ? host.replace(':::', '::') : host
}

/** Most hosts are in lower case already, and asking is cheaper than doing. */
function lowered({ text, codes }: Letters, from: number, to: number): string {
  const host = text.slice(from, to)
  return hasUpper(codes, from, to) ? host.toLowerCase() : host
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66) || (code >= 0x41 && code <= 0x46)
}
