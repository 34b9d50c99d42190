import { readable } from './charset.ts'
import { noParams, quotedEnd, readParams, skipSpace, splitList, unquote } from './grammar.ts'
import type { SipUri } from './uri.ts'
import { isTel, parseUri, uriScheme } from './uri.ts'

/** name-addr or addr-spec with header parameters: From, To, Contact, Route (RFC 3261 §20). */
export interface NameAddr {
  /** Unquoted, in letters for people. */
  readonly display: string
  /** The URI as written between the brackets. */
  readonly uri: string
  /** The URI read; undefined when its scheme is not sip or sips. */
  readonly sip: SipUri | undefined
  /** Header parameters: lower-case names, '' for none given, values as written with their quotes. */
  readonly params: ReadonlyMap<string, string>
  readonly tag: string | undefined
}

/**
 * Reads one address (RFC 3261 §20.10, §25.1); undefined when it is malformed or more than one.
 *
 * The `*` of a Contact is no address. A display name may hold spaces and dots without quotes, but no comma.
 */
export function parseNameAddr(text: string): NameAddr | undefined {
  const start = skipSpace(text, 0)
  const bracket = openingBracket(text, start)
  if (bracket === -2) return undefined
  const close = bracket < 0 ? bareEnd(text, start) : text.indexOf('>', bracket)
  if (close < 0) return undefined
  const uri = text.slice(bracket < 0 ? start : bracket + 1, close)
  const sip = parseUri(uri)
  if (sip === undefined && !foreign(uri)) return undefined
  // A URI without brackets may hold no question mark: it could be the URI's or the header's (§20).
  if (bracket < 0 && sip?.headers !== undefined) return undefined
  const params = paramsOf(text, bracket < 0 ? close : close + 1)
  const tag = params?.get('tag')
  if (params === undefined || tag === '') return undefined
  const display = bracket < 0 ? '' : displayName(text, start, bracket)
  return { display, uri, sip, params, tag }
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

/** The parameters from `at` to the end; undefined when something else stands there. */
function paramsOf(text: string, at: number): ReadonlyMap<string, string> | undefined {
  if (at === text.length) return noParams
  const params = new Map<string, string>()
  return readParams(text, at, params) === text.length ? params : undefined
}

/** Index of `<`, -1 when the URI stands bare, -2 when what stands before the bracket is no display name. */
function openingBracket(text: string, at: number): number {
  if (text.charCodeAt(at) === 0x22) {
    const close = quotedEnd(text, at)
    const bracket = close < 0 ? -1 : skipSpace(text, close)
    return text.charCodeAt(bracket) === 0x3c ? bracket : -2
  }
  for (let i = at; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x3c) return i
    if (code === 0x3b || code === 0x2c) return -1
    if (code === 0x22 || code === 0x3e) return -2
  }
  return -1
}

/** Without brackets everything after the first semicolon is the header's (§20.10). */
function bareEnd(text: string, at: number): number {
  let i = at
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x3b || code === 0x2c || code === 0x20 || code === 0x09) break
  }
  return i
}

function displayName(text: string, start: number, bracket: number): string {
  return readable(unquote(text.slice(start, bracket).trimEnd()))
}

/** A URI of some other scheme; a malformed sip URI is not let through as one. */
function foreign(uri: string): boolean {
  const scheme = uriScheme(uri)
  return scheme !== undefined && scheme !== 'sip' && scheme !== 'sips'
}
