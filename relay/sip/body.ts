import { splitList, unquote } from './grammar.ts'
import { headEnd, readHeaders } from './headers.ts'
import { limits } from './limits.ts'
import type { Message } from './message.ts'

/** A body's type: `application/sdp`, lower case; undefined when the message does not say. */
export function mediaType(contentType: string | undefined): string | undefined {
  const semicolon = contentType?.indexOf(';') ?? -1
  const type = semicolon < 0 ? contentType : contentType?.slice(0, semicolon)
  return type?.replace(/[ \t]/g, '').toLowerCase()
}

/**
 * The session description a message brings, alone or as a part of a multipart body, in whatever depth (RFC 5621 §3);
 * undefined when it brings none.
 */
export function sdpBody(message: Message): Uint8Array | undefined {
  if (message.body.length === 0) return undefined
  const types = message.all('content-type')
  // An answer is not lost because it does not say well what it is.
  const contentType = message.kind === 'response' ? (types.find(isType) ?? sdpType(message.body)) : types[0]
  return sdpIn({ contentType, body: message.body }, { left: limits.parts })
}

interface Part {
  readonly contentType: string | undefined
  readonly body: Uint8Array
}

function sdpIn({ contentType, body }: Part, parts: { left: number }): Uint8Array | undefined {
  const type = mediaType(contentType)
  if (type === 'application/sdp') return body
  const name = type?.startsWith('multipart/') ? boundary(contentType ?? '') : undefined
  if (name === undefined) return undefined
  for (const part of partsOf(body, name)) {
    if (--parts.left < 0) return undefined
    const found = sdpIn(part, parts)
    if (found !== undefined) return found
  }
  return undefined
}

function isType(contentType: string): boolean {
  return /^[^/]+\/[^/]+$/.test(mediaType(contentType) ?? '')
}

/** Every session description begins with its version (RFC 8866 §5.1). */
function sdpType(body: Uint8Array): string | undefined {
  return body[0] === 0x76 && body[1] === 0x3d && body[2] === 0x30 ? 'application/sdp' : undefined
}

/** The boundary a multipart type names, 70 characters at most (RFC 2046 §5.1.1). */
function boundary(contentType: string): string | undefined {
  const param = splitList(contentType, ';').find((part) => /^boundary[ \t]*=/i.test(part))
  const value = param?.slice(param.indexOf('=') + 1).trim() ?? ''
  const name = value.startsWith('"') ? unquote(value) : value.replace(/[ \t].*/, '')
  return name === '' || name.length > 70 ? undefined : name
}

const utf8 = new TextEncoder()
const latin1 = new TextDecoder('latin1')

/** Each part a delimiter closes. */
function* partsOf(body: Uint8Array, name: string): Generator<Part> {
  const delimiter = utf8.encode(`--${name}`)
  let open = nextDelimiter(body, delimiter, 0)
  while (open >= 0) {
    const start = lineAfter(body, open + delimiter.length)
    const close = nextDelimiter(body, delimiter, start)
    if (close < 0) return
    yield readPart(body.subarray(start, Math.max(start, close - 2)))
    open = close
  }
}

function readPart(bytes: Uint8Array): Part {
  const bare = bytes[0] === 13 && bytes[1] === 10
  const at = bare ? 2 : headEnd(bytes, 0)
  const { headers } = readHeaders(latin1.decode(bytes.subarray(0, at)), 0)
  return { contentType: headers.find(([name]) => name === 'content-type')?.[1], body: bytes.subarray(at) }
}

/** Index of the next delimiter which begins a line; a longer word which only begins like one is another's. */
function nextDelimiter(body: Uint8Array, delimiter: Uint8Array, from: number): number {
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
  if (octet === 0x2d) return body[at + 1] === 0x2d
  return octet === undefined || octet === 13 || octet === 10 || octet === 32 || octet === 9
}

function lineAfter(body: Uint8Array, from: number): number {
  const end = body.indexOf(10, from)
  return end < 0 ? body.length : end + 1
}
