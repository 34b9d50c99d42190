import type { Port } from '#contract'
import { rememberLast } from '../ground/remember.ts'
import { decode, encode } from './charset.ts'
import { find, isLetter, plainUserEnd, uriEnd } from './grammar.ts'
import type { HostPort } from './host.ts'
import { readHostPort, readPlace, writeHost } from './host.ts'
import { type Letters, passingLetters } from './letters.ts'
import { FewNames, LateParams, noParams, type Params } from './params.ts'

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
  readonly params: Params
  /** The part after `?`, raw; undefined when absent. */
  readonly headers: string | undefined
}

/**
 * Reads a SIP or SIPS URI (RFC 3261 §19.1.1); undefined when the scheme is another or the rest is malformed.
 *
 * One message says the same several times: a registration in From and To, and its domain in both and the Request-URI.
 */
export const parseUri = rememberLast(4, (text: string): SipUri | undefined =>
  readUri(passingLetters(text), 0, text.length),
)

/** Reads a SIP or SIPS URI between two indexes, as `parseUri` does; undefined when it is another or malformed. */
export function readUri(letters: Letters, from: number, to: number): SipUri | undefined {
  const { text, codes } = letters
  const scheme = sipScheme(codes, from, to)
  if (scheme === undefined) return undefined
  const start = from + scheme.length + 1
  const plainEnd = plainUserEnd(codes, start, to)
  const at = find(codes, 0x40, plainEnd, to)
  const placeAt = at === to ? start : at + 1
  const place = readPlace(letters, placeAt, to)
  if (place === undefined || !isTail(codes, place.end, to)) return undefined
  const tail = place.end
  const question = find(codes, 0x3f, tail, to)
  const params = readUriParams(letters, tail, question)
  if (params === undefined) return undefined
  const { host, port } = place
  const headers = question === to ? undefined : text.slice(question + 1, to)
  if (at === to) return { scheme, user: '', host, port, params, headers }
  if (at === plainEnd) return { scheme, user: text.slice(start, at), host, port, params, headers }
  if (uriEnd(codes, plainEnd, at) < at) return undefined
  const colon = find(codes, 0x3a, start, at)
  const user = unescaped(text.slice(start, colon))
  if (user === undefined) return undefined
  if (colon === at) return { scheme, user, host, port, params, headers }
  const password = unescaped(text.slice(colon + 1, at))
  return password === undefined ? undefined : { scheme, user, password, host, port, params, headers }
}

/** The scheme of any absolute URI in lower case; undefined when `text` is none (RFC 3261 §25.1, absoluteURI). */
export function uriScheme(text: string): string | undefined {
  const colon = text.indexOf(':')
  if (colon < 1 || colon === text.length - 1) return undefined
  if (uriEnd(passingLetters(text).codes, 0, text.length) < text.length) return undefined
  const scheme = text.slice(0, colon)
  return /^[a-zA-Z][a-zA-Z0-9+.-]*$/.test(scheme) ? scheme.toLowerCase() : undefined
}

/** Whether a URI asks for TLS all the way (RFC 3261 §19.1). */
export function isSipsUri(text: string): boolean {
  return /^sips:/i.test(text)
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
  const host = readHostPort(passingLetters(maddr), 0, maddr.length)?.host
  return { host: host ?? uri.host, port: uri.port }
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

function sameParams(a: Params, b: Params): boolean {
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

/** "sip:" or "sips:", without the colon. */
function sipScheme(codes: Uint8Array, from: number, to: number): 'sip' | 'sips' | undefined {
  if (!isLetter(codes[from], 0x73) || !isLetter(codes[from + 1], 0x69) || !isLetter(codes[from + 2], 0x70))
    return undefined
  if (codes[from + 3] === 0x3a) return from + 3 < to ? 'sip' : undefined
  return isLetter(codes[from + 3], 0x73) && codes[from + 4] === 0x3a && from + 4 < to ? 'sips' : undefined
}

/** Whether parameters or headers may stand there, or nothing does. */
function isTail(codes: Uint8Array, from: number, to: number): boolean {
  return from === to || ((codes[from] === 0x3b || codes[from] === 0x3f) && uriEnd(codes, from, to) === to)
}

/** `;name=value` up to `to`; empty ones are passed over, as some gateways leave a semicolon behind. undefined: malformed. */
function readUriParams(letters: Letters, from: number, to: number): Params | undefined {
  if (from >= to) return noParams
  if (areUsual(letters.codes, from, to)) return new LateParams(letters, from, to, laterUriParams)
  return uriParams(letters.text.slice(from, to))
}

const names = new FewNames()

/** Whether parameters are well-formed, few, and mean what is written: without escapes, each of another name. */
function areUsual(codes: Uint8Array, from: number, to: number): boolean {
  names.clear()
  for (let i = from; i < to; ) {
    let end = i + 1
    let nameEnd = 0
    for (; end < to && codes[end] !== 0x3b; end++) {
      const code = codes[end]
      if (code === 0x25 || code === 0xff) return false
      if (code === 0x3d && nameEnd === 0) nameEnd = end
    }
    if (nameEnd === 0) nameEnd = end
    const empty = end === i + 1
    if (!empty && (nameEnd === i + 1 || names.isFull || !names.add(codes, i + 1, nameEnd))) return false
    i = end
  }
  return true
}

function laterUriParams(text: string): Params {
  return uriParams(text) ?? noParams
}

function uriParams(text: string): Params | undefined {
  const params = new Map<string, string>()
  for (let i = 0; i < text.length; ) {
    const next = text.indexOf(';', i + 1)
    const stop = next < 0 ? text.length : next
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
