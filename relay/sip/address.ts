import { readable } from './charset.ts'
import { find, isSpace, plainQuotedEnd, quotedEnd, skipSpace, splitList, unquote } from './grammar.ts'
import { type Letters, passingLetters } from './letters.ts'
import { findParams, type Params } from './params.ts'
import type { SipUri } from './uri.ts'
import { isTel, readUri, uriScheme } from './uri.ts'

/** name-addr or addr-spec with header parameters: From, To, Contact, Route (RFC 3261 §20). */
export interface NameAddr {
  /** Unquoted, in letters for people. */
  readonly display: string
  /** The URI as written between the brackets. */
  readonly uri: string
  /** The URI read; undefined when its scheme is not sip or sips. */
  readonly sip: SipUri | undefined
  /** Header parameters: lower-case names, '' for none given, values as written with their quotes. */
  readonly params: Params
  readonly tag: string | undefined
}

/**
 * Reads one address (RFC 3261 §20.10, §25.1); undefined when it is malformed or more than one.
 *
 * The `*` of a Contact is no address. A display name may hold spaces and dots without quotes, but no comma.
 */
export function parseNameAddr(text: string): NameAddr | undefined {
  return readNameAddr(passingLetters(text), 0, text.length)
}

/** Reads the one address between two indexes, as `parseNameAddr` does; undefined when it is malformed or more than one. */
export function readNameAddr(letters: Letters, from: number, to: number): NameAddr | undefined {
  const { text, codes } = letters
  const start = skipSpace(codes, from, to)
  const bracket = openingBracket(codes, start, to)
  if (bracket === -2) return undefined
  const isBare = bracket < 0
  const uriAt = isBare ? start : bracket + 1
  const end = isBare ? bareEnd(codes, start, to) : find(codes, 0x3e, uriAt, to)
  if (!isBare && end === to) return undefined
  const sip = readUri(letters, uriAt, end)
  // A URI without brackets may hold no question mark: it could be the URI's or the header's (§20).
  if (isBare && sip?.headers !== undefined) return undefined
  const found = findParams(letters, isBare ? end : end + 1, to, 'tag')
  if (found?.end !== to || found.wanted === '') return undefined
  const display = isBare ? '' : displayName(letters, start, bracket)
  const uri = text.slice(uriAt, end)
  if (sip === undefined && !foreign(uri)) return undefined
  return { display, uri, sip, params: found.params, tag: found.wanted }
}

/** The addresses of a list, from one header value or several; a member which cannot be read hides no other. */
export function parseNameAddrs(values: string | readonly string[]): NameAddr[] {
  const addresses: NameAddr[] = []
  for (const value of typeof values === 'string' ? [values] : values)
    for (const member of splitList(value)) {
      const address = parseNameAddr(member)
      if (address !== undefined) addresses.push(address)
    }
  return addresses
}

/**
 * The hops a Record-Route, Service-Route or Path names, as written. One we cannot read may be read by the proxy which wrote it, so its
 * URI stays as it is; what names no SIP URI at all is passed over.
 */
export function hopsOf(
  message: { all(name: string): string[] },
  name: 'record-route' | 'service-route' | 'path',
): string[] {
  return message.all(name).flatMap((value) => {
    if (parseNameAddr(value)?.sip !== undefined) return [value]
    return /<sips?:[^<>]+>/i.exec(value)?.slice(0, 1) ?? []
  })
}

/**
 * Whom an address names, in letters for people: the user of a SIP URI, or of a `tel:` URI all behind the scheme, its
 * parameters included, as it would stand in one (RFC 3261 §19.1.6). Empty where it names no user.
 */
export function userOf({ sip, uri }: Pick<NameAddr, 'sip' | 'uri'>): string {
  return readable(sip?.user ?? (isTel(uri) ? uri.slice(uri.indexOf(':') + 1) : ''))
}

/** Index of `<`, -1 when the URI stands bare, -2 when what stands before the bracket is no display name. */
function openingBracket(codes: Uint8Array, at: number, to: number): number {
  if (at < to && codes[at] === 0x22) {
    const close = quotedEnd(codes, at, to)
    const bracket = close < 0 ? to : skipSpace(codes, close, to)
    return bracket < to && codes[bracket] === 0x3c ? bracket : -2
  }
  for (let i = at; i < to; i++) {
    const code = codes[i]
    if (code === 0x3c) return i
    if (code === 0x3b || code === 0x2c) return -1
    if (code === 0x22 || code === 0x3e) return -2
  }
  return -1
}

/** Without brackets everything after the first semicolon is the header's (§20.10). */
function bareEnd(codes: Uint8Array, at: number, to: number): number {
  let i = at
  for (; i < to; i++) {
    const code = codes[i]
    if (code === 0x3b || code === 0x2c || isSpace(code)) break
  }
  return i
}

function displayName({ text, codes }: Letters, start: number, bracket: number): string {
  if (start === bracket) return ''
  const plainEnd = codes[start] === 0x22 ? plainQuotedEnd(codes, start, bracket) : -1
  if (plainEnd > 0 && skipSpace(codes, plainEnd, bracket) === bracket)
    return text.slice(start + 1, plainEnd - 1)
  return readable(unquote(text.slice(start, bracket).trimEnd()))
}

/** A URI of some other scheme; a malformed sip URI is not let through as one. */
function foreign(uri: string): boolean {
  const scheme = uriScheme(uri)
  return scheme !== undefined && scheme !== 'sip' && scheme !== 'sips'
}
