import type { Port } from '#contract'
import { rememberLast } from '../ground/remember.ts'
import { decode, encode } from './charset.ts'
import { noParams } from './grammar.ts'
import type { HostPort } from './host.ts'
import { readHostPort, writeHost } from './host.ts'

/** A SIP or SIPS URI taken apart (RFC 3261 §19.1). */
export interface SipUri {
  readonly scheme: 'sip' | 'sips'
  /** Unescaped; empty when the URI names only a host. */
  readonly user: string
  /** Unescaped; deprecated by the RFC and nearly always absent. */
  readonly password?: string
  /** Lower case; IPv6 without brackets. */
  readonly host: string
  /** undefined: not written, which is not the same as 5060 (§19.1.4). */
  readonly port: Port | undefined
  /** Lower-case names, values unescaped; a parameter without value is ''. */
  readonly params: ReadonlyMap<string, string>
  /** The part after `?`, raw; undefined when absent. */
  readonly headers: string | undefined
}

/**
 * Reads a SIP or SIPS URI (RFC 3261 §19.1.1); undefined when the scheme is another or the rest is malformed.
 *
 * One message says the same several times: a registration in From and To, and its domain in both and the Request-URI.
 */
export const parseUri = rememberLast(4, (text: string): SipUri | undefined => {
  const scheme = sipScheme(text)
  if (scheme === undefined || unfit(text)) return undefined
  const at = text.indexOf('@')
  const start = scheme.length + 1
  const tail = firstOf(text, at < 0 ? start : at + 1)
  const place = readHostPort(text, at < 0 ? start : at + 1, tail)
  const person = readUserinfo(text, start, at)
  const question = text.indexOf('?', tail)
  const params = readUriParams(text, tail, question < 0 ? text.length : question)
  if (place === undefined || person === undefined || params === undefined) return undefined
  const { user, password } = person
  const headers = question < 0 ? undefined : text.slice(question + 1)
  const { host, port } = place
  if (password === undefined) return { scheme, user, host, port, params, headers }
  return { scheme, user, password, host, port, params, headers }
})

/** The scheme of any absolute URI in lower case; undefined when `text` is none (RFC 3261 §25.1, absoluteURI). */
export function uriScheme(text: string): string | undefined {
  const colon = text.indexOf(':')
  if (colon < 1 || colon === text.length - 1 || unfit(text)) return undefined
  const scheme = text.slice(0, colon)
  return /^[a-zA-Z][a-zA-Z0-9+.-]*$/.test(scheme) ? scheme.toLowerCase() : undefined
}

/** Whether a URI is a telephone number's (RFC 3966). */
export function isTel(text: string): boolean {
  return uriScheme(text) === 'tel'
}

/** A URI as written, without the headers it may end in; any other text as it is. */
export function withoutHeaders(text: string): string {
  const headers = parseUri(text)?.headers
  return headers === undefined ? text : text.slice(0, -headers.length - 1)
}

/** Where a request for this URI goes: to its maddr where it has one, whatever host it names (RFC 3261 §19.1.1). */
export function whereTo(uri: SipUri): HostPort {
  const maddr = uri.params.get('maddr') ?? ''
  return { host: readHostPort(maddr, 0, maddr.length)?.host ?? uri.host, port: uri.port }
}

/** Writes a URI, escaping what may not stand bare. */
export function writeUri(uri: SipUri): string {
  let text = `${uri.scheme}:`
  if (uri.user !== '' || uri.password !== undefined) {
    text += escaped(uri.user, USER)
    if (uri.password !== undefined) text += `:${escaped(uri.password, PASSWORD)}`
    text += '@'
  }
  text += writeHost(uri.host)
  if (uri.port !== undefined) text += `:${uri.port}`
  for (const [name, value] of uri.params) {
    text += value === '' ? `;${escaped(name, PARAM)}` : `;${escaped(name, PARAM)}=${escaped(value, PARAM)}`
  }
  return uri.headers === undefined ? text : `${text}?${uri.headers}`
}

/** Whether two URIs are equivalent (RFC 3261 §19.1.4). */
export function sameUri(a: SipUri, b: SipUri): boolean {
  return (
    a.scheme === b.scheme &&
    a.user === b.user &&
    a.password === b.password &&
    a.host === b.host &&
    a.port === b.port &&
    sameParams(a.params, b.params) &&
    sameHeaders(a.headers, b.headers)
  )
}

/** Parameters which must match even where only one side has them. */
const binding = ['user', 'ttl', 'method', 'maddr', 'transport']

function sameParams(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size === 0 && b.size === 0) return true
  if (binding.some((name) => a.has(name) !== b.has(name))) return false
  for (const [name, value] of a) {
    const other = b.get(name)
    if (other !== undefined && other.toLowerCase() !== value.toLowerCase()) return false
  }
  return true
}

function sameHeaders(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  return headerSet(a) === headerSet(b)
}

function headerSet(headers: string): string {
  const pairs = headers.split('&').map((pair) => {
    const equals = pair.indexOf('=')
    const name = equals < 0 ? pair : pair.slice(0, equals)
    return `${name.toLowerCase()}=${equals < 0 ? '' : (unescaped(pair.slice(equals + 1)) ?? pair)}`
  })
  return pairs.sort().join('&')
}

function sipScheme(text: string): 'sip' | 'sips' | undefined {
  // 0x20 makes an ASCII letter lower case.
  if ((text.charCodeAt(0) | 0x20) !== 0x73 || (text.charCodeAt(1) | 0x20) !== 0x69) return undefined
  if ((text.charCodeAt(2) | 0x20) !== 0x70) return undefined
  if (text.charCodeAt(3) === 0x3a) return 'sip'
  return (text.charCodeAt(3) | 0x20) === 0x73 && text.charCodeAt(4) === 0x3a ? 'sips' : undefined
}

/** No URI holds a space, a control character, a quote or an angle bracket. */
function unfit(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code <= 0x20 || code === 0x22 || code === 0x3c || code === 0x3e || code === 0x7f) return true
  }
  return false
}

/** Where host and port end: at the first `;` or `?`. */
function firstOf(text: string, from: number): number {
  let i = from
  while (i < text.length && text.charCodeAt(i) !== 0x3b && text.charCodeAt(i) !== 0x3f) i++
  return i
}

function readUserinfo(
  text: string,
  start: number,
  at: number,
): { user: string; password?: string } | undefined {
  if (at < 0) return { user: '' }
  const colon = text.indexOf(':', start)
  const userEnd = colon >= 0 && colon < at ? colon : at
  const user = unescaped(text.slice(start, userEnd))
  if (user === undefined) return undefined
  if (userEnd === at) return { user }
  const password = unescaped(text.slice(userEnd + 1, at))
  return password === undefined ? undefined : { user, password }
}

/** `;name=value` up to `end`; empty ones are passed over, as some gateways leave a semicolon behind. */
function readUriParams(text: string, from: number, end: number): ReadonlyMap<string, string> | undefined {
  if (from >= end) return noParams
  const params = new Map<string, string>()
  for (let i = from; i < end; ) {
    const next = text.indexOf(';', i + 1)
    const stop = next < 0 || next > end ? end : next
    if (stop > i + 1) {
      const equals = text.indexOf('=', i)
      const split = equals < 0 || equals > stop ? stop : equals
      const name = unescaped(text.slice(i + 1, split))?.toLowerCase()
      const value = split === stop ? '' : unescaped(text.slice(split + 1, stop))
      if (name === undefined || name === '' || value === undefined || params.has(name)) return undefined
      params.set(name, value)
    }
    i = stop
  }
  return params
}

/** Text of a URI without its escapes (`%` and two hex digits); undefined when a `%` stands for nothing. */
export function unescaped(text: string): string | undefined {
  if (!text.includes('%')) return text
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined
  const octets: number[] = []
  const bytes = encode(text)
  for (let i = 0; i < bytes.length; i++) {
    const octet = bytes[i] ?? 0
    const isEscape = octet === 0x25
    octets.push(isEscape ? hexOf(bytes[i + 1]) * 16 + hexOf(bytes[i + 2]) : octet)
    if (isEscape) i += 2
  }
  return decode(Uint8Array.from(octets))
}

/** What a hex digit stands for. */
function hexOf(code = 0x30): number {
  return code < 0x40 ? code - 0x30 : (code & 0x0f) + 9
}

/** unreserved and user-unreserved; then password and paramchar in their turn (RFC 3261 §25.1). */
const USER = /[^A-Za-z0-9\-_.!~*'()&=+$,;?/]+/g
const PASSWORD = /[^A-Za-z0-9\-_.!~*'()&=+$,]+/g
const PARAM = /[^A-Za-z0-9\-_.!~*'()[\]/:&+$]+/g

function escaped(text: string, unfit: RegExp): string {
  return text.replace(unfit, escapeAll)
}

function escapeAll(text: string): string {
  let out = ''
  for (const byte of encode(text)) out += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  return out
}
