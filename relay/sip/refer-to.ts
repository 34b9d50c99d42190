import { type NameAddr, parseNameAddr } from './address.ts'
import { passingLetters } from './letters.ts'
import type { Request } from './message.ts'
import { fillParams } from './params.ts'
import { isTel, unescaped, writeUri } from './uri.ts'

/** A dialog in whose place another is to come (RFC 3891 §6.1), as the party to be replaced in it is known there. */
export interface Replaces {
  readonly callId: string
  readonly toTag: string
  readonly fromTag: string
  /** Only while it is early. */
  readonly earlyOnly: boolean
}

/** Whom a REFER leads to. */
export interface ReferTarget {
  /** What to call: without headers, and without a method. */
  readonly uri: string
  readonly address: NameAddr
  /** The dialog which the call to it would replace; undefined: none. */
  readonly replaces: Replaces | undefined
}

/** Why a Refer-To cannot be followed. */
export interface BadReferTo {
  readonly status: 400 | 403 | 416
  readonly why: string
}

/** Reads the Refer-To of a REFER: exactly one, which leads to a call (RFC 3515 §2.4.2). */
export function readReferTo(request: Request): ReferTarget | BadReferTo {
  const [value, ...others] = request.all('refer-to')
  if (value === undefined) return { status: 400, why: 'Refer-To is missing' }
  if (others.length > 0) return { status: 400, why: 'there is more than one Refer-To' }
  // Phones leave the brackets out where there must be some (RFC 3261 §20).
  const address = parseNameAddr(value.includes('<') ? value : `<${value.trim()}>`)
  if (!address) return { status: 400, why: 'Refer-To cannot be read' }
  const { sip, uri } = address
  if (!sip) {
    if (isTel(uri)) return { uri, address, replaces: undefined }
    return { status: 416, why: 'Refer-To leads to no sip, sips or tel URI' }
  }
  const method = sip.params.get('method')?.toUpperCase() ?? 'INVITE'
  if (method !== 'INVITE')
    return { status: 403, why: `Refer-To asks for ${method.slice(0, 32)}, not for a call` }
  const params = new Map([...sip.params].filter(([name]) => name !== 'method'))
  const replaces = headerIn(sip.headers ?? '', 'replaces')
  const dialog = replaces === undefined ? undefined : parseReplaces(replaces)
  if (replaces !== undefined && !dialog) return { status: 400, why: 'Replaces in Refer-To cannot be read' }
  const bare = { ...sip, params, headers: undefined }
  return { uri: writeUri(bare), address: { ...address, sip: bare, uri: writeUri(bare) }, replaces: dialog }
}

/** The dialog in whose place an INVITE is to come, or why that cannot be read; undefined: it brings no Replaces. */
export function readReplaces(request: Request): Replaces | BadReferTo | undefined {
  const [value, ...others] = request.all('replaces')
  if (value === undefined) return undefined
  if (others.length > 0) return { status: 400, why: 'there is more than one Replaces' }
  return parseReplaces(value) ?? { status: 400, why: 'Replaces cannot be read' }
}

/** Reads a Replaces header; undefined when it is malformed, or names no dialog. */
function parseReplaces(value: string): Replaces | undefined {
  const end = value.indexOf(';')
  const callId = value.slice(0, end < 0 ? undefined : end).trim()
  const params = new Map<string, string>()
  const read = end < 0 ? -1 : fillParams(passingLetters(value), end, value.length, params)
  const [toTag, fromTag] = [params.get('to-tag'), params.get('from-tag')]
  if (read !== value.length || callId === '' || /\s/.test(callId) || !toTag || fromTag === undefined)
    return undefined
  return { callId, toTag, fromTag, earlyOnly: params.has('early-only') }
}

/** A header which a URI holds behind its question mark, unescaped (RFC 3261 §19.1.1); empty where it cannot be read. */
function headerIn(headers: string, name: string): string | undefined {
  for (const pair of headers.split('&')) {
    const equals = pair.indexOf('=')
    if (equals >= 0 && pair.slice(0, equals).toLowerCase() === name)
      return unescaped(pair.slice(equals + 1)) ?? ''
  }
  return undefined
}
