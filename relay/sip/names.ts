/*
 * How headers are called. The wire spells them in any case and some of them with one letter
 * (RFC 3261 §7.3.1, §7.3.3); within the relay each has one name: long, lower case. One with something to remember
 * has a number, too, from 1 on.
 */

import { KnownWords } from './known-words.ts'

/** Whether one of these is there is known of a message by a bit: nearly every message is asked for them. */
const oftenAsked: readonly Spelling[] = [
  ['Via', 'v'],
  ['From', 'f'],
  ['To', 't'],
  ['Call-ID', 'i'],
  ['CSeq'],
  ['Max-Forwards'],
  ['Contact', 'm'],
  ['Content-Length', 'l'],
  ['Content-Type', 'c'],
  ['Expires'],
  ['Route'],
  ['Record-Route'],
  ['Require'],
  ['Authorization'],
  ['Proxy-Authorization'],
  ['Path'],
  ['P-Asserted-Identity'],
  ['Diversion'],
  ['Content-Disposition'],
  ['Content-Encoding', 'e'],
  ['Accept'],
  ['Supported', 'k'],
  ['Session-Expires', 'x'],
  ['Privacy'],
  ['Replaces'],
  ['User-Agent'],
  ['Reason'],
  ['Refer-To', 'r'],
  ['Event', 'o'],
  ['Allow'],
]

const seldomAsked: readonly Spelling[] = [
  ['Accept-Contact', 'a'],
  ['Accept-Encoding'],
  ['Accept-Language'],
  ['Alert-Info'],
  ['Allow-Events', 'u'],
  ['Authentication-Info'],
  ['Call-Info'],
  ['Content-Language'],
  ['Date'],
  ['Error-Info'],
  ['Flow-Timer'],
  ['Geolocation'],
  ['Geolocation-Routing'],
  ['History-Info'],
  ['Identity', 'y'],
  ['In-Reply-To'],
  ['MIME-Version'],
  ['Min-Expires'],
  ['Min-SE'],
  ['Organization'],
  ['P-Preferred-Identity'],
  ['Priority'],
  ['Proxy-Authenticate'],
  ['Proxy-Require'],
  ['RAck'],
  ['Referred-By', 'b'],
  ['Reject-Contact', 'j'],
  ['Reply-To'],
  ['Request-Disposition', 'd'],
  ['Retry-After'],
  ['RSeq'],
  ['Server'],
  ['Service-Route'],
  ['Session-ID'],
  ['SIP-ETag'],
  ['SIP-If-Match'],
  ['Subject', 's'],
  ['Subscription-State'],
  ['Timestamp'],
  ['Unsupported'],
  ['Warning'],
  ['WWW-Authenticate'],
]

/** The usual spelling of a header with something to remember; a letter where it has a compact form. */
type Spelling = readonly [proper: string, compact?: string]

const spellings = [...oftenAsked, ...seldomAsked]
const lastBit = oftenAsked.length

/** Headers whose commas separate members (RFC 3261 §7.3.1); in all others a comma is text. */
const lists = new Set([
  'accept',
  'accept-contact',
  'accept-encoding',
  'accept-language',
  'alert-info',
  'allow',
  'allow-events',
  'call-info',
  'contact',
  'content-encoding',
  'content-language',
  'diversion',
  'error-info',
  'geolocation',
  'history-info',
  'in-reply-to',
  'p-asserted-identity',
  'p-preferred-identity',
  'path',
  'proxy-require',
  'reason',
  'record-route',
  'reject-contact',
  'require',
  'route',
  'service-route',
  'supported',
  'unsupported',
  'via',
  'warning',
])

/** Headers a request is answered by: of these none is passed over because of what is wrong with it. */
const heeded = new Set([
  'accept',
  'authorization',
  'call-id',
  'contact',
  'content-disposition',
  'content-encoding',
  'content-length',
  'content-type',
  'cseq',
  'expires',
  'from',
  'max-forwards',
  'path',
  'privacy',
  'proxy-authorization',
  'record-route',
  'require',
  'to',
  'via',
])

/** The one name of each number. */
const names: readonly string[] = ['', ...spellings.map(([spelling]) => spelling.toLowerCase())]
const numbers = new Map(names.map((name, number) => [name, number]))
const proper = new Map(spellings.map(([spelling], at) => [names[at + 1] ?? '', spelling]))
const lineBegins = new Map<string, string>()
const compactForms = new Map<string, string>()
const known = new KnownWords({ sameCase: false })
/** Every spelling, long or compact, with its name's number. */
export const spelledNames: (readonly [spelling: string, number: number])[] = []
for (const [at, [spelling, compact]] of spellings.entries()) {
  spelledNames.push([spelling, at + 1])
  if (compact === undefined) continue
  spelledNames.push([compact, at + 1])
  compactForms.set(compact, names[at + 1] ?? '')
}
for (const [spelling, number] of spelledNames) known.add(spelling, number)

/** The number of the header whose spelling stands from `from` to `to`, in whatever case; 0 where no table knows it. */
export function headerNumberIn(codes: Uint8Array, from: number, to: number): number {
  return known.find(codes, from, to)
}

/** The number of a header by its one name; 0 where no table knows it. */
export function headerNumber(name: string): number {
  return numbers.get(name) ?? 0
}

/** The bit of a header by its number; 0 where it has none. */
export function bitOf(number: number): number {
  return number > 0 && number <= lastBit ? 1 << number : 0
}

/** The one name of a header by its number. */
export function nameOf(number: number): string {
  return names[number] ?? ''
}

/** The one name of a header, however it was spelled. */
export function headerName(spelling: string): string {
  const lower = spelling.toLowerCase()
  return compactForms.get(lower) ?? lower
}

/** A header's name as it is written on the wire. */
export function properName(name: string): string {
  return proper.get(name) ?? invented(name)
}

/** What stands between the header before and the value of one of this name. */
export function lineBegin(name: string): string {
  const known = lineBegins.get(name)
  if (known !== undefined) return known
  const begin = `\r\n${properName(name)}: `
  // Remembered, but not without bound: strangers invent names.
  if (lineBegins.size < 1000) lineBegins.set(name, begin)
  return begin
}

/** A name no table knows: only token characters survive, so that none can carry a line break along. */
function invented(name: string): string {
  return name.replace(/[^\w.!%*+`'~-]+/g, '').replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())
}

/** Whether a request which says this in a way which cannot be read must be refused. */
export function isHeeded(name: string): boolean {
  return heeded.has(name)
}

/** Whether a header is a comma-separated list. */
export function isList(name: string): boolean {
  return lists.has(name)
}
