import { splitList, unquote } from './grammar.ts'
import { headEnd, readHeaders } from './headers.ts'
import type { Header } from './message.ts'

/** One part of a body of several, or a body which is one (RFC 2046 §5.1). */
export interface Part {
  readonly contentType: string | undefined
  /** What it is for, lower case (RFC 2183, RFC 3261 §20.11); undefined: it does not say. */
  readonly disposition: string | undefined
  /** By which headers name it (RFC 2392), as `<…>`; undefined: none does. */
  readonly id: string | undefined
  readonly body: Uint8Array
}

/** A body's type: `application/sdp`, lower case; undefined when the message does not say. */
export function mediaType(contentType: string | undefined): string | undefined {
  if (contentType === 'application/sdp') return contentType
  const semicolon = contentType?.indexOf(';') ?? -1
  const type = semicolon < 0 ? contentType : contentType?.slice(0, semicolon)
  return type && (/[ \t]/.test(type) ? type.replace(/[ \t]/g, '') : type).toLowerCase()
}

/**
 * The parts of a multipart body: what stands before the first delimiter is none, and the last one may lack the
 * delimiter which closes it. A body whose boundary is not named, or is another, is read by its first delimiter.
 */
export function* partsOf({ contentType, body }: Pick<Part, 'contentType' | 'body'>): Generator<Part> {
  const named = boundary(contentType ?? '')
  const name = named !== undefined && next(body, named, 0) >= 0 ? named : firstDelimiter(body)
  if (name === undefined) return
  for (let open = next(body, name, 0); open >= 0; ) {
    if (closes(body, open + name.length + 2)) return
    const start = lineAfter(body, open)
    const close = next(body, name, start)
    if (start < body.length)
      yield readPart(body.subarray(start, close < 0 ? body.length : lineEnd(body, close)))
    open = close
  }
}

/** Whether a type names a body of several parts. */
export function isMultipart(contentType: string | undefined): boolean {
  return mediaType(contentType)?.startsWith('multipart/') === true
}

/** One part of a body: its headers and octets. */
export interface WrittenPart {
  readonly headers: readonly Header[]
  readonly body: Uint8Array
}

/** The octets of a `multipart/mixed` body (RFC 2046 §5.1); `boundary` may stand in none of its parts. */
export function writeMultipart(parts: readonly WrittenPart[], boundary: string): Uint8Array {
  const pieces = parts.flatMap(({ headers, body }) => [
    utf8.encode(`--${boundary}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`),
    body,
    utf8.encode('\r\n'),
  ])
  return joined([...pieces, utf8.encode(`--${boundary}--\r\n`)])
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

const utf8 = new TextEncoder()
const latin1 = new TextDecoder('latin1')

/** The boundary a multipart type names, 70 characters at most (RFC 2046 §5.1.1). */
function boundary(contentType: string): string | undefined {
  const param = splitList(contentType, ';').find((part) => /^boundary[ \t]*=/i.test(part))
  const value = param?.slice(param.indexOf('=') + 1).trim() ?? ''
  const name = value.startsWith('"') ? unquote(value).trimEnd() : value.replace(/[ \t].*/, '')
  return name === '' || name.length > 70 ? undefined : name
}

/** The word of the first line which could be a delimiter. */
function firstDelimiter(body: Uint8Array): string | undefined {
  return /(?:^|\n)--([\w'()+,./:=?-]{1,70})[ \t]*\r?\n/.exec(latin1.decode(body))?.[1]
}

function readPart(bytes: Uint8Array): Part {
  const at = headOf(bytes)
  const head = latin1.decode(bytes.subarray(0, at)).replace(/\r?\n/g, '\r\n')
  const { headers } = readHeaders(head, 0)
  const of = (name: string) => headers.find(([each]) => each === name)?.[1]
  return {
    contentType: of('content-type'),
    disposition: mediaType(of('content-disposition')),
    id: of('content-id'),
    // A part which is no header at all lacks the blank line before its body.
    body: headers.length === 0 && at === bytes.length ? bytes : bytes.subarray(at),
  }
}

/** Length of a part's head with its blank line, whichever way lines end; a part may have none. */
function headOf(bytes: Uint8Array): number {
  if (bytes[0] === 10) return 1
  if (bytes[0] === 13 && bytes[1] === 10) return 2
  const end = headEnd(bytes, 0)
  for (let i = bytes.indexOf(10); i >= 0 && i + 1 < end; i = bytes.indexOf(10, i + 1))
    if (bytes[i + 1] === 10) return i + 2
  return end
}

/** Index of the next delimiter which begins a line; a longer word which only begins like one is another's. */
function next(body: Uint8Array, name: string, from: number): number {
  const delimiter = utf8.encode(`--${name}`)
  for (let i = body.indexOf(0x2d, from); i >= 0; i = body.indexOf(0x2d, i + 1)) {
    const begins = i === 0 || body[i - 1] === 10
    if (begins && delimiter.every((octet, k) => body[i + k] === octet) && ends(body, i + delimiter.length))
      return i
  }
  return -1
}

/** Whether a delimiter's word is over: `--`, white space or the end of the body comes. */
function ends(body: Uint8Array, at: number): boolean {
  const octet = body[at]
  if (octet === 0x2d) return closes(body, at)
  return octet === undefined || octet === 13 || octet === 10 || octet === 32 || octet === 9
}

function closes(body: Uint8Array, at: number): boolean {
  return body[at] === 0x2d && body[at + 1] === 0x2d
}

function lineAfter(body: Uint8Array, from: number): number {
  const end = body.indexOf(10, from)
  return end < 0 ? body.length : end + 1
}

/** Where the line before a delimiter ends: its line break is the delimiter's (RFC 2046 §5.1.1). */
function lineEnd(body: Uint8Array, delimiter: number): number {
  const lf = body[delimiter - 1] === 10 ? 1 : 0
  return delimiter - lf - (body[delimiter - 2] === 13 ? lf : 0)
}
