import { decode } from './charset.ts'
import { readBody, requestFlaw, requestUriFlaw, responseFlaw, tooManyHops } from './check.ts'
import { digits, isLetter, isSpace, tokenEnd } from './grammar.ts'
import { markHead } from './head-room.ts'
import { HeaderIndex, HeaderList, type Headers } from './header-index.ts'
import { headEnd, readHeaders } from './headers.ts'
import { KnownWords } from './known-words.ts'
import { type Letters, lettersOf } from './letters.ts'
import { flaw, limits } from './limits.ts'
import type { Message, Parsed, ParseFlaw, Request } from './message.ts'
import { noBody, RequestMessage, ResponseMessage } from './message.ts'
import { methodIn } from './methods.ts'
import { reasonPhrase } from './reasons.ts'
import { readUri, type SipUri } from './uri.ts'
import { salvageVia } from './via.ts'

/**
 * Reads one SIP message (RFC 3261 §7, §18.3).
 *
 * `bytes` is exactly one UDP payload, or with `stream` one message as the Framer cut it. Of a datagram
 * everything after Content-Length is ignored, and a missing one means all the rest. The message goes on reading
 * in `bytes`.
 */
export function parseMessage(bytes: Uint8Array, options: { stream?: boolean } = {}): Parsed<Message> {
  const head = readHead(bytes)
  return isStatusLine(head) ? readResponse(head, bytes, options) : readRequest(head, bytes, options)
}

/**
 * A message's first line and its headers, whatever is wrong with them, without its body: for who looks on and answers nothing.
 * undefined: it begins as no message does.
 */
export function glance(bytes: Uint8Array): Message | undefined {
  const head = readHead(bytes)
  const status = isStatusLine(head) ? readStatusLine(head) : undefined
  if (status) return new ResponseMessage(status.status, status.reason, head.headers, noBody)
  const start = readRequestLine(head)
  return start && new RequestMessage(start.method, start.requestUri, head.headers, noBody)
}

/** A message without its body. */
interface Head {
  readonly letters: Letters
  /** The first line, in `letters`. */
  readonly lineAt: number
  readonly lineEnd: number
  readonly headers: Headers
  /** The first thing about its lines for which a request is refused. */
  readonly flaw: ParseFlaw | undefined
  /** Index of the first octet of the body. */
  readonly bodyAt: number
}

function readHead(bytes: Uint8Array): Head {
  const start = skipLineBreaks(bytes)
  return (bytes.length <= limits.message ? readUsual(bytes, start) : undefined) ?? readWithCare(bytes, start)
}

/** A head as nearly all are, from where it stands; undefined: it is another. */
function readUsual(bytes: Uint8Array, start: number): Head | undefined {
  const marked = markHead(bytes, start)
  if (marked === undefined) return undefined
  const { bodyAt } = marked
  // The body has no part in it, since a header's value which is kept keeps the text it was cut out of.
  const text = decode(bytes, 0, bodyAt)
  // The octets of a head are its letters where it is ASCII.
  const isAscii = text.length === bodyAt
  const letters = isAscii ? { text, codes: bytes } : lettersOf(text)
  const found = isAscii ? marked : markHead(letters.codes, start)
  if (found === undefined) return undefined
  const headers = new HeaderIndex(letters, found)
  return { letters, lineAt: start, lineEnd: found.lineEnd, headers, flaw: undefined, bodyAt }
}

/** Any head at all, with what is folded, broken or too long. */
function readWithCare(bytes: Uint8Array, start: number): Head {
  const bodyAt = headEnd(bytes, start)
  const text = decode(bytes, start, Math.min(bodyAt, start + limits.message))
  // Typed by hand, most likely: no SIP, but it can be told so.
  const bare = !text.includes('\r') && text.includes('\n')
  const tidy = bare ? text.replaceAll('\n', '\r\n') : text
  const lineBreak = tidy.indexOf('\r\n')
  const lineEnd = lineBreak < 0 ? tidy.length : lineBreak
  const read = readHeaders(tidy, Math.min(lineEnd + 2, tidy.length))
  const headers = new HeaderList(read.headers)
  const wrong = bare ? flaw('lines', 'end without carriage return') : read.flaw
  return { letters: lettersOf(tidy), lineAt: 0, lineEnd, headers, flaw: wrong, bodyAt }
}

function readRequest(head: Head, bytes: Uint8Array, options: { stream?: boolean }): Parsed<Message> {
  const start = readRequestLine(head)
  if (start === undefined) return fault(flaw('Request-Line', 'is no SIP request'), undefined)
  const { headers, bodyAt } = head
  const body = readBody(headers, bytes, bodyAt, options)
  const { method, requestUri, target } = start
  const request = new RequestMessage(method, requestUri, headers, body.bytes, target, bytes.length)
  const wrong =
    start.flaw ??
    tooLong(bytes) ??
    tooManyHops(headers) ??
    head.flaw ??
    requestFlaw(request) ??
    requestUriFlaw(request) ??
    body.flaw
  return wrong === undefined ? { ok: true, value: request } : fault(wrong, request)
}

function readResponse(head: Head, bytes: Uint8Array, options: { stream?: boolean }): Parsed<Message> {
  const start = readStatusLine(head)
  if (start === undefined) return fault(flaw('Status-Line', 'is no SIP/2.0 status'), undefined)
  const { headers, bodyAt } = head
  const body = readBody(headers, bytes, bodyAt, { ...options, response: true })
  const response = new ResponseMessage(start.status, start.reason, headers, body.bytes)
  const wrong = tooLong(bytes) ?? responseFlaw(response) ?? body.flaw
  return wrong === undefined ? { ok: true, value: response } : fault(wrong, undefined)
}

function tooLong(bytes: Uint8Array): ParseFlaw | undefined {
  return bytes.length > limits.message ? flaw('message', 'is too long', 513) : undefined
}

function fault(wrong: ParseFlaw, request: Request | undefined): Parsed<Message> {
  const via = request?.header('via')
  const answerable = via !== undefined && request?.method !== 'ACK' && salvageVia(via) !== undefined
  return { ok: false, fault: { ...wrong, answerable: answerable ? request : undefined } }
}

/** Line breaks before a message are passed over (§7.5). */
function skipLineBreaks(bytes: Uint8Array): number {
  let i = 0
  while (bytes[i] === 13 || bytes[i] === 10) i++
  return i
}

function isStatusLine({ letters: { codes }, lineAt, lineEnd }: Head): boolean {
  if (lineEnd < lineAt + 4 || codes[lineAt + 3] !== 0x2f) return false
  return (
    isLetter(codes[lineAt], 0x73) && isLetter(codes[lineAt + 1], 0x69) && isLetter(codes[lineAt + 2], 0x70)
  )
}

/** Status-Line = SIP-Version SP Status-Code SP Reason-Phrase */
function readStatusLine({ letters, lineAt, lineEnd }: Head): { status: number; reason: string } | undefined {
  const { text, codes } = letters
  const [versionEnd, statusEnd] = [lineAt + 7, lineAt + 11]
  const isUsual = isVersion(codes, lineAt, versionEnd)
  if (!isUsual && text.slice(lineAt, versionEnd).toUpperCase() !== 'SIP/2.0') return undefined
  if (!isSpace(codes[versionEnd])) return undefined
  const end = spaceAt(codes, versionEnd + 1, lineEnd)
  const status = end === statusEnd ? digits(codes, versionEnd + 1, end, 699) : undefined
  if (status === undefined || status < 100) return undefined
  const [said, usual] = [text.slice(Math.min(end + 1, lineEnd), lineEnd), reasonPhrase(status)]
  // A text cut from the message keeps that, where it is kept in a record.
  return { status, reason: said === usual ? usual : said }
}

/** A request's first line. */
interface RequestLine {
  readonly method: string
  readonly requestUri: string
  /** null where it is no SIP URI. */
  readonly target: SipUri | null
  readonly flaw: ParseFlaw | undefined
}

/** Request-Line = Method SP Request-URI SP SIP-Version, a tab as good as SP; undefined when it is not about SIP at all. */
function readRequestLine({ letters, lineAt, lineEnd }: Head): RequestLine | undefined {
  const { text, codes } = letters
  const isUsual = isVersion(codes, lineEnd - 7, lineEnd)
  const end = isUsual ? lineEnd : lineAt + text.slice(lineAt, lineEnd).trimEnd().length
  const first = spaceAt(codes, lineAt, end)
  let last = end - 1
  while (last > first && !isSpace(codes[last])) last--
  if (first === lineAt || last <= first || tokenEnd(codes, lineAt, first) !== first) return undefined
  const line = {
    method: methodIn(letters, lineAt, first),
    requestUri: text.slice(first + 1, last),
    target: readUri(letters, first + 1, last) ?? null,
    flaw: undefined,
  }
  if (isUsual && last + 8 === end) return line
  const version = text.slice(last + 1, end)
  if (!/^SIP\/\d+\.\d+$/i.test(version)) return undefined
  const other = version.toUpperCase() !== 'SIP/2.0'
  if (other) return { ...line, flaw: flaw('Request-Line', `speaks ${version.slice(0, 20)}`, 505) }
  return { ...line, flaw: end === lineEnd ? undefined : flaw('Request-Line', 'ends in spaces') }
}

const versions = new KnownWords({ sameCase: true })
versions.add('SIP/2.0', 1)

function isVersion(codes: Uint8Array, from: number, to: number): boolean {
  return from >= 0 && versions.find(codes, from, to) > 0
}

/** Index of the first space or tab from `from`, or of the end. */
function spaceAt(codes: Uint8Array, from: number, to: number): number {
  let i = from
  while (i < to && !isSpace(codes[i])) i++
  return i
}
