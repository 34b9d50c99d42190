import type { NameAddr } from '../../../relay/sip/address.ts'
import { readable } from '../../../relay/sip/charset.ts'
import { unquote } from '../../../relay/sip/grammar.ts'
import { type SipUri, unescaped } from '../../../relay/sip/uri.ts'
import type { Via } from '../../../relay/sip/via.ts'

/*
 * What addresses and Vias say, read slowly: as the grammar has it, piece by piece, by regular expressions. What the relay reads
 * in one go has to say the same.
 */

/** Parameters in their order. */
type Pairs = [name: string, value: string][]

/** A URI as `parseUri` gives it, its parameters in a row; undefined: it is another or malformed. */
export function plainUri(text: string) {
  const [, scheme, rest = ''] = /^(sips?):([\s\S]*)$/i.exec(text) ?? []
  if (scheme === undefined || !isUri(text)) return undefined
  const at = rest.indexOf('@')
  const [info, behind] = [rest.slice(0, Math.max(at, 0)), rest.slice(at + 1)]
  const [, written = '', tail = '', headers] = /^([^;?]*)([^?]*)(?:\?([\s\S]*))?$/.exec(behind) ?? []
  const [place, params] = [plainPlace(written), plainUriParams(tail)]
  const [name = '', ...secret] = info.split(':')
  const user = unescaped(name)
  const password = secret.length === 0 ? undefined : (unescaped(secret.join(':')) ?? null)
  if (!place || !params || user === undefined || password === null) return undefined
  return { scheme: scheme.toLowerCase(), user, password, ...place, params, headers }
}

/** One address as `parseNameAddr` gives it, its parameters in a row; undefined: it is malformed, or more than one. */
export function plainAddress(text: string) {
  const value = text.replace(/^[ \t]+/, '')
  const quoted = /^"(?:[^"\\]|\\[\s\S])*"[ \t]*(?=<)/.exec(value)?.[0]
  const bracketed = /^([^<>";,]*)<([^>]*)>([\s\S]*)$/.exec(value.slice(quoted?.length ?? 0))
  const bare = /^(?![^;,]*[<>"])([^;, \t]*)([\s\S]*)$/.exec(value)
  const [name, uri = '', rest = ''] = bracketed?.slice(1) ?? ['', ...(bare?.slice(1) ?? [])]
  if ((!bracketed && !bare) || (quoted !== undefined && name !== '')) return undefined
  const [sip, params] = [plainUri(uri), plainParams(rest, /$/y)]
  const tag = params?.find(([each]) => each === 'tag')?.[1]
  if (!params || tag === '' || (!bracketed && sip?.headers !== undefined)) return undefined
  if (sip === undefined && !isForeign(uri)) return undefined
  return { display: readable(unquote((quoted ?? name ?? '').trimEnd())), uri, sip, params, tag }
}

/** The first Via of a value as `parseVia` gives it, its parameters in a row; undefined: it is malformed. */
export function plainVia(text: string) {
  const slash = '[ \\t]*/[ \\t]*'
  const head = new RegExp(`^(${token})${slash}(${token})${slash}(${token})[ \\t]+([^;,]*)([\\s\\S]*)$`)
  const [, name = '', version, transport = '', sentBy = '', rest = ''] = head.exec(text) ?? []
  const tight = sentBy.split(':').map((part) => part.trim())
  const [place, params] = [plainPlace(tight.join(':')), plainParams(rest, /$|,/y)]
  if (!place || !params) return undefined
  const branch = params.find(([each]) => each === 'branch')?.[1]
  const protocol = `${name.toUpperCase()}/${version}`
  const via = { transport: transport.toUpperCase(), ...place, branch, params }
  return protocol === 'SIP/2.0' ? via : { ...via, protocol }
}

/** What was read of a URI, an address or a Via, with its parameters in a row. */
export function inRows(read: SipUri | NameAddr | Via | undefined): unknown {
  if (read === undefined) return undefined
  const params = [...read.params]
  return 'sip' in read ? { ...read, params, sip: inRows(read.sip) } : { ...read, params }
}

const token = "[\\w.!%*+`'~-]+"
const paramValue = '"(?:[^"\\\\]|\\\\[\\s\\S])*"|[\\w.!%*+`\'~:/@$&=\\[\\]-]*'

function plainPlace(text: string) {
  const [all, name, numeric = '', digits] = /^(?:([\w.-]+)|\[([\da-f:.]{2,})\])(?::(\d+))?$/i.exec(text) ?? []
  const port = digits === undefined ? undefined : Number(digits)
  if (all === undefined || (port ?? 0) > 65_535) return undefined
  return { host: (name ?? numeric.replace(':::', '::')).toLowerCase(), port }
}

function plainUriParams(text: string): Pairs | undefined {
  const pairs = text.split(';').filter((each) => each !== '')
  const read = pairs.map((each) => {
    const [name = '', ...value] = each.split('=')
    return [unescaped(name)?.toLowerCase(), unescaped(value.join('='))]
  })
  return onceEach(read)
}

/** Header parameters, behind which `end` stands; undefined: they are malformed. */
function plainParams(text: string, end: RegExp): Pairs | undefined {
  const param = new RegExp(`;[ \\t]*(${token})[ \\t]*(?:=[ \\t]*(${paramValue})[ \\t]*)?`, 'y')
  const read: string[][] = []
  let at = /^[ \t]*/.exec(text)?.[0].length ?? 0
  for (let next = param.exec(text.slice(at)); next !== null; next = param.exec(text.slice(at))) {
    read.push([next[1]?.toLowerCase() ?? '', next[2] ?? ''])
    at += next[0].length
    param.lastIndex = 0
  }
  end.lastIndex = at
  return end.test(text) ? onceEach(read) : undefined
}

/** The same, where each has a name of its own, and nothing is unreadable. */
function onceEach(pairs: readonly (readonly (string | undefined)[])[]): Pairs | undefined {
  const params = new Map<string, string>()
  for (const [name, value] of pairs) {
    if (!name || value === undefined || params.has(name)) return undefined
    params.set(name, value)
  }
  return [...params]
}

function isForeign(uri: string): boolean {
  const scheme = /^([a-z][a-z\d+.-]*):[\s\S]/i.exec(uri)?.[1]?.toLowerCase()
  return scheme !== undefined && scheme !== 'sip' && scheme !== 'sips' && isUri(uri)
}

function isUri(text: string): boolean {
  return [...text].every((letter) => letter > ' ' && !'"<>\x7f'.includes(letter))
}
