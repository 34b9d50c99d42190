import { decode } from './charset.ts'
import { readBody, requestFlaw, requestUriFlaw, responseFlaw, tooManyHops } from './check.ts'
import { digits, isSpace, isToken } from './grammar.ts'
import type { Head } from './headers.ts'
import { headEnd, readHeaders } from './headers.ts'
import { flaw, limits } from './limits.ts'
import type { Message, Parsed, ParseFlaw, Request } from './message.ts'
import { noBody, RequestMessage, ResponseMessage } from './message.ts'
import { salvageVia } from './via.ts'

/**
 * Reads one SIP message (RFC 3261 §7, §18.3).
 *
 * `bytes` is exactly one UDP payload, or with `stream` one message as the Framer cut it. Of a datagram
 * everything after Content-Length is ignored, and a missing one means all the rest.
 */
export function parseMessage(bytes: Uint8Array, options: { stream?: boolean } = {}): Parsed<Message> {
  const { line, head, bodyAt } = readStart(bytes)
  return isStatusLine(line)
    ? readResponse(line, head, bytes, bodyAt, options)
    : readRequest(line, head, bytes, bodyAt, options)
}

/**
 * A message's first line and its headers, whatever is wrong with them, without its body: for who looks on and answers nothing.
 * undefined: it begins as no message does.
 */
export function glance(bytes: Uint8Array): Message | undefined {
  const { line, head } = readStart(bytes)
  const status = isStatusLine(line) ? readStatusLine(line) : undefined
  if (status) return new ResponseMessage(status.status, status.reason, head.headers, noBody)
  const start = readRequestLine(line)
  return start && new RequestMessage(start.method, start.requestUri, head.headers, noBody)
}

function readStart(bytes: Uint8Array): {
  readonly line: string
  readonly head: Head
  readonly bodyAt: number
} {
  const start = skipLineBreaks(bytes)
  const bodyAt = headEnd(bytes, start)
  const text = decode(bytes.subarray(start, Math.min(bodyAt, start + limits.message)))
  // Typed by hand, most likely: no SIP, but it can be told so.
  const bare = !text.includes('\r') && text.includes('\n')
  const tidy = bare ? text.replaceAll('\n', '\r\n') : text
  const lineEnd = tidy.indexOf('\r\n')
  const line = lineEnd < 0 ? tidy : tidy.slice(0, lineEnd)
  const read = readHeaders(tidy, lineEnd < 0 ? tidy.length : lineEnd + 2)
  const head = bare ? { ...read, flaw: flaw('lines', 'end without carriage return') } : read
  return { line, head, bodyAt }
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
    tooLong(bytes) ??
    tooManyHops(head) ??
    head.flaw ??
    requestFlaw(request) ??
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
  const body = readBody(head.headers, bytes, bodyAt, { ...options, response: true })
  const response = new ResponseMessage(start.status, start.reason, head.headers, body.bytes)
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

function isStatusLine(line: string): boolean {
  return line.charCodeAt(3) === 0x2f && line.slice(0, 4).toUpperCase() === 'SIP/'
}

/** Status-Line = SIP-Version SP Status-Code SP Reason-Phrase */
function readStatusLine(line: string): { status: number; reason: string } | undefined {
  if (line.slice(0, 7).toUpperCase() !== 'SIP/2.0' || !isSpace(line.charCodeAt(7))) return undefined
  const end = spaceAt(line, 8)
  const status = end === 11 ? digits(line, 8, end, 699) : undefined
  if (status === undefined || status < 100) return undefined
  return { status, reason: line.slice(end + 1) }
}

/** Request-Line = Method SP Request-URI SP SIP-Version, a tab as good as SP; undefined when it is not about SIP at all. */
function readRequestLine(
  line: string,
): { method: string; requestUri: string; flaw: ParseFlaw | undefined } | undefined {
  const tidy = line.trimEnd()
  const first = spaceAt(tidy, 0)
  const last = Math.max(tidy.lastIndexOf(' '), tidy.lastIndexOf('\t'))
  const version = tidy.slice(last + 1)
  const method = tidy.slice(0, first)
  if (first === 0 || last <= first || !isToken(method)) return undefined
  const requestUri = tidy.slice(first + 1, last)
  if (version === 'SIP/2.0' && tidy === line) return { method, requestUri, flaw: undefined }
  if (!/^SIP\/\d+\.\d+$/i.test(version)) return undefined
  const other = version.toUpperCase() !== 'SIP/2.0'
  if (other) return { method, requestUri, flaw: flaw('Request-Line', `speaks ${version.slice(0, 20)}`, 505) }
  return { method, requestUri, flaw: tidy === line ? undefined : flaw('Request-Line', 'ends in spaces') }
}

/** Index of the first space or tab from `from`, or of the end. */
function spaceAt(line: string, from: number): number {
  let i = from
  while (i < line.length && !isSpace(line.charCodeAt(i))) i++
  return i
}
