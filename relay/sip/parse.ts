import { digits, isSpace, isToken, skipSpace, tokenEnd } from './grammar.ts'
import type { Flaw, Header, Message, Parsed, Request } from './message.ts'
import { noBody, parseMaxForwards, RequestMessage, ResponseMessage } from './message.ts'
import { headerName } from './names.ts'
import { uriScheme } from './uri.ts'
import { cookie, salvageVia } from './via.ts'

/** Implementation: what we take at most. A stranger's message costs no more than these. */
export const limits = {
  /** Octets of a whole message. */
  message: 65_536,
  /** Header lines. */
  headers: 100,
  /** Characters of one header, folded lines included. */
  header: 8_192,
  /** Via values: as many as there can be hops (§8.1.1.6). */
  vias: 70,
} as const

/**
 * Reads one SIP message (RFC 3261 §7, §18.3).
 *
 * `bytes` is exactly one UDP payload, or with `stream` one message as the Framer cut it. Of a datagram
 * everything after Content-Length is ignored, and a missing one means all the rest.
 */
export function parseMessage(bytes: Uint8Array, options: { stream?: boolean } = {}): Parsed<Message> {
  const start = skipLineBreaks(bytes)
  const bodyAt = headEnd(bytes, start)
  const text = decode(bytes.subarray(start, Math.min(bodyAt, start + limits.message)))
  const lineEnd = text.indexOf('\r\n')
  const line = lineEnd < 0 ? text : text.slice(0, lineEnd)
  const rest = lineEnd < 0 ? text.length : lineEnd + 2
  return isStatusLine(line)
    ? readResponse(line, readHeaders(text, rest), bytes, bodyAt, options)
    : readRequest(line, readHeaders(text, rest), bytes, bodyAt, options)
}

interface Head {
  readonly headers: readonly Header[]
  readonly flaw: Flaw | undefined
}

function readRequest(
  line: string,
  head: Head,
  bytes: Uint8Array,
  bodyAt: number,
  options: { stream?: boolean },
): Parsed<Message> {
  const start = readRequestLine(line)
  if (start === undefined) return fault(flaw('Request-Line', 'is no SIP request'), undefined)
  const body = readBody(head.headers, bytes, bodyAt, options)
  const request = new RequestMessage(start.method, start.requestUri, head.headers, body.bytes)
  const wrong =
    start.flaw ??
    overLimit(bytes, head) ??
    head.flaw ??
    flawOf(request) ??
    requestUriFlaw(request) ??
    body.flaw
  return wrong === undefined ? { ok: true, value: request } : fault(wrong, request)
}

function readResponse(
  line: string,
  head: Head,
  bytes: Uint8Array,
  bodyAt: number,
  options: { stream?: boolean },
): Parsed<Message> {
  const start = readStatusLine(line)
  if (start === undefined) return fault(flaw('Status-Line', 'is no SIP/2.0 status'), undefined)
  const body = readBody(head.headers, bytes, bodyAt, options)
  const response = new ResponseMessage(start.status, start.reason, head.headers, body.bytes)
  const wrong = overLimit(bytes, head) ?? head.flaw ?? flawOf(response) ?? body.flaw
  return wrong === undefined ? { ok: true, value: response } : fault(wrong, undefined)
}

function fault(wrong: Flaw, request: Request | undefined): Parsed<Message> {
  const via = request?.header('via')
  const answerable = via !== undefined && request?.method !== 'ACK' && salvageVia(via) !== undefined
  return { ok: false, fault: { ...wrong, answerable: answerable ? request : undefined } }
}

function flaw(where: string, why: string, status = 400): Flaw {
  return { where, why, status }
}

/** Line breaks before a message are passed over (§7.5). */
function skipLineBreaks(bytes: Uint8Array): number {
  let i = 0
  while (bytes[i] === 13 || bytes[i] === 10) i++
  return i
}

/** Index of the first body octet; where the blank line is missing, all is head. */
export function headEnd(bytes: Uint8Array, from: number): number {
  const last = bytes.length - 3
  for (let i = from; i < last; i++) {
    if (bytes[i] === 13 && bytes[i + 1] === 10 && bytes[i + 2] === 13 && bytes[i + 3] === 10) return i + 4
  }
  return bytes.length
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const latin1 = new TextDecoder('latin1')

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    // Old phones spell names in Latin-1; better an odd letter than a lost call.
    return latin1.decode(bytes)
  }
}

function isStatusLine(line: string): boolean {
  return line.charCodeAt(3) === 0x2f && line.slice(0, 4).toUpperCase() === 'SIP/'
}

/** Status-Line = SIP-Version SP Status-Code SP Reason-Phrase */
function readStatusLine(line: string): { status: number; reason: string } | undefined {
  if (line.slice(0, 8).toUpperCase() !== 'SIP/2.0 ') return undefined
  const space = line.indexOf(' ', 8)
  const end = space < 0 ? line.length : space
  const status = end === 11 ? digits(line, 8, end, 699) : undefined
  if (status === undefined || status < 100) return undefined
  return { status, reason: line.slice(end + 1) }
}

/** Request-Line = Method SP Request-URI SP SIP-Version; undefined when it is not about SIP at all. */
function readRequestLine(
  line: string,
): { method: string; requestUri: string; flaw: Flaw | undefined } | undefined {
  const tidy = line.trimEnd()
  const first = tidy.indexOf(' ')
  const last = tidy.lastIndexOf(' ')
  const version = tidy.slice(last + 1)
  const method = tidy.slice(0, first)
  if (first <= 0 || last === first || !isToken(method)) return undefined
  const requestUri = tidy.slice(first + 1, last)
  if (version === 'SIP/2.0' && tidy === line) return { method, requestUri, flaw: undefined }
  if (!/^SIP\/\d+\.\d+$/i.test(version)) return undefined
  const other = version.toUpperCase() !== 'SIP/2.0'
  if (other) return { method, requestUri, flaw: flaw('Request-Line', `speaks ${version.slice(0, 20)}`, 505) }
  return { method, requestUri, flaw: tidy === line ? undefined : flaw('Request-Line', 'ends in spaces') }
}

/** A Request-URI has no spaces, no brackets and no headers (§7.1, §19.1.5). */
function requestUriFlaw(request: Request): Flaw | undefined {
  const { target } = request
  if (target !== undefined)
    return target.headers === undefined ? undefined : flaw('Request-URI', 'has headers')
  const scheme = uriScheme(request.requestUri)
  return scheme === undefined || scheme === 'sip' || scheme === 'sips'
    ? flaw('Request-URI', 'is malformed')
    : undefined
}

/** Every header up to the limit; a malformed line is remembered and passed over, so that the rest can be answered. */
function readHeaders(text: string, from: number): Head {
  const headers: Header[] = []
  let wrong: Flaw | undefined
  let lines = 0
  for (let i = from; i < text.length && !text.startsWith('\r\n', i); ) {
    if (++lines > limits.headers) return { headers, flaw: flaw('headers', 'are too many', 513) }
    const nameEnd = tokenEnd(text, i)
    const colon = skipSpace(text, nameEnd)
    const end = headerEnd(text, i)
    const next = end + 2
    if (text.charCodeAt(colon) !== 0x3a || nameEnd === i) {
      wrong ??= flaw('headers', 'hold a line without a name')
    } else if (next - i > limits.header) {
      wrong ??= flaw(text.slice(i, Math.min(nameEnd, i + 40)), 'is too long', 513)
    } else {
      const value = headerValue(text, colon + 1, end)
      if (value === undefined) wrong ??= flaw(text.slice(i, nameEnd), 'holds half a line break')
      else headers.push([headerName(text.slice(i, nameEnd)), value])
    }
    i = next
  }
  return { headers, flaw: wrong }
}

/** Index of the CRLF which ends a header: the first not followed by white space (§7.3.1). */
function headerEnd(text: string, from: number): number {
  let end = text.indexOf('\r\n', from)
  while (end >= 0 && isSpace(text.charCodeAt(end + 2))) end = text.indexOf('\r\n', end + 2)
  return end < 0 ? text.length : end
}

/** The value unfolded and trimmed; undefined when a bare CR or LF is in it. */
function headerValue(text: string, from: number, to: number): string | undefined {
  let start = from
  let end = to
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  const value = text.slice(start, end)
  if (!value.includes('\n') && !value.includes('\r')) return value
  const unfolded = value
    .split('\r\n')
    .map((part) => part.trim())
    .join(' ')
    .trim()
  return unfolded.includes('\n') || unfolded.includes('\r') ? undefined : unfolded
}

function overLimit(bytes: Uint8Array, head: Head): Flaw | undefined {
  if (bytes.length > limits.message) return flaw('message', 'is too long', 513)
  let vias = 0
  for (const [name, value] of head.headers) {
    if (name === 'via') vias += value.includes(',') ? value.split(',').length : 1
  }
  return vias > limits.vias ? flaw('Via', 'has too many hops', 513) : undefined
}

const mandatory = ['via', 'from', 'to', 'call-id', 'cseq'] as const

/** Headers which say one thing only (§7.3.1); twice is a contradiction. */
const single = new Set(['from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-type', 'expires'])

/** What every message must have, once and readable (§8.1.1). */
function flawOf(message: RequestMessage | ResponseMessage): Flaw | undefined {
  for (const name of mandatory) if (message.header(name) === undefined) return flaw(name, 'is missing')
  const twice = repeated(message.headers)
  if (twice !== undefined) return flaw(twice, 'stands there twice')
  const where = message.unreadable()
  if (where !== undefined) return flaw(where, 'is malformed')
  if (message.via.branch === cookie) return flaw('Via', 'has an empty branch')
  const hops = message.header('max-forwards')
  return hops !== undefined && parseMaxForwards(hops) === undefined
    ? flaw('Max-Forwards', 'is no number')
    : undefined
}

function repeated(headers: readonly Header[]): string | undefined {
  const seen: string[] = []
  for (const [name] of headers) {
    if (!single.has(name)) continue
    if (seen.includes(name)) return name
    seen.push(name)
  }
  return undefined
}

function readBody(
  headers: readonly Header[],
  bytes: Uint8Array,
  at: number,
  options: { stream?: boolean },
): { bytes: Uint8Array; flaw: Flaw | undefined } {
  const length = contentLength(
    headers.filter(([name]) => name === 'content-length').map(([, value]) => value),
  )
  const there = bytes.length - at
  if (length === 'broken') return { bytes: noBody, flaw: flaw('Content-Length', 'is no single number') }
  if (length === 'missing' && options.stream) {
    return { bytes: noBody, flaw: flaw('Content-Length', 'is missing on a stream') }
  }
  if (length === 'missing') return { bytes: there > 0 ? bytes.subarray(at) : noBody, flaw: undefined }
  if (length + at > limits.message) return { bytes: noBody, flaw: flaw('message', 'is too long', 513) }
  if (length > there) return { bytes: noBody, flaw: flaw('Content-Length', 'promises more than there is') }
  return { bytes: length === 0 ? noBody : bytes.subarray(at, at + length), flaw: undefined }
}

/** What the Content-Length headers of one message agree upon (§18.3, §20.14). */
export function contentLength(values: readonly string[]): number | 'missing' | 'broken' {
  if (values.length === 0) return 'missing'
  const lengths = values.map((value) => digits(value, 0, value.length, Number.MAX_SAFE_INTEGER))
  const [length] = lengths
  return length === undefined || lengths.some((other) => other !== length) ? 'broken' : length
}
