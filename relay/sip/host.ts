import { type Port, portNumber } from '#contract'
import { digits, digitsEnd, hostNameEnd, lowNameEnd } from './grammar.ts'
import type { Letters } from './letters.ts'

/** A host and the port written after it, as URIs and Via share them. */
export interface HostPort {
  /** Lower case; IPv6 without brackets. */
  readonly host: string
  readonly port: Port | undefined
}

/** The same, and where it ends. */
interface EndedHostPort extends HostPort {
  readonly end: number
}

/**
 * hostport = host [ ":" port ] (RFC 3261 §25.1); undefined when it is none.
 */
export function readHostPort(letters: Letters, from: number, to: number): HostPort | undefined {
  const place = readPlace(letters, from, to)
  return place?.end === to ? { host: place.host, port: place.port } : undefined
}

/** The host and port which begin at an index; undefined where none do. */
export function readPlace(letters: Letters, from: number, to: number): EndedHostPort | undefined {
  const { text, codes } = letters
  const lowEnd = lowNameEnd(codes, from, to)
  // Most hosts are names in lower case already.
  const isPlain = lowEnd > from && (lowEnd === to || hostNameEnd(codes, lowEnd, lowEnd + 1) === lowEnd)
  const end = isPlain ? lowEnd : hostEnd(codes, from, to)
  if (end <= from) return undefined
  const host = isPlain ? text.slice(from, end) : hostText(letters, from, end)
  if (end === to || codes[end] !== 0x3a) return { host, port: undefined, end }
  const portEnd = digitsEnd(codes, end + 1, to)
  const port = digits(codes, end + 1, portEnd, 65_535)
  return port === undefined ? undefined : { host, port: portNumber(port), end: portEnd }
}

/** A host as URIs and Via write it: brackets around IPv6. */
export function writeHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function hostEnd(codes: Uint8Array, from: number, to: number): number {
  return from < to && codes[from] === 0x5b ? bracketEnd(codes, from, to) : hostNameEnd(codes, from, to)
}

function bracketEnd(codes: Uint8Array, from: number, to: number): number {
  for (let i = from + 1; i < to; i++) {
    const code = codes[i] ?? 0
    if (code === 0x5d) return i > from + 2 ? i + 1 : -1
    if (!isHex(code) && code !== 0x3a && code !== 0x2e) return -1
  }
  return -1
}

function hostText({ text, codes }: Letters, from: number, to: number): string {
  if (codes[from] !== 0x5b) return text.slice(from, to).toLowerCase()
  const host = text.slice(from + 1, to - 1).toLowerCase()
  // The ABNF of RFC 3261 breeds a third colon, which is to be borne (RFC 5118 §4.10).
  return host.includes(':::') ? host.replace(':::', '::') : host
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66) || (code >= 0x41 && code <= 0x46)
}
