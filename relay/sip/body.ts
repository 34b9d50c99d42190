import { quotedEnd, unquote } from './grammar.ts'
import { headEnd } from './headers.ts'
import { limits } from './limits.ts'
import type { Message } from './message.ts'

/** A body's type: `application/sdp`, lower case; undefined when the message does not say. */
export function mediaType(contentType: string | undefined): string | undefined {
  const semicolon = contentType?.indexOf(';') ?? -1
  const type = semicolon < 0 ? contentType : contentType?.slice(0, semicolon)
  return type?.replace(/[ \t]/g, '').toLowerCase()
}

/** The session description a message brings, alone or as a part of a multipart body (RFC 5621 §3); undefined when it brings none. */
export function sdpBody(message: Message): Uint8Array | undefined {
  if (message.body.length === 0) return undefined
  const contentType = message.header('content-type')
  const type = mediaType(contentType)
  if (type === 'application/sdp') return message.body
  if (contentType === undefined || !type?.startsWith('multipart/')) return undefined
  return parts(message.body, boundary(contentType)).find(isSdp)?.body
}

interface Part {
  readonly head: string
  readonly body: Uint8Array
}

function isSdp(part: Part): boolean {
  const line = part.head.split('\r\n').find((header) => /^(?:content-type|c)[ \t]*:/i.test(header))
  return mediaType(line?.slice(line.indexOf(':') + 1)) === 'application/sdp'
}

/** The boundary a multipart type names, 70 characters at most (RFC 2046 §5.1.1). */
function boundary(contentType: string): string | undefined {
  const at = contentType.toLowerCase().indexOf('boundary')
  const equals = at < 0 ? -1 : contentType.indexOf('=', at)
  if (equals < 0) return undefined
  const rest = contentType.slice(equals + 1).trimStart()
  const end = rest.startsWith('"') ? quotedEnd(rest, 0) : rest.search(/[; \t]|$/)
  const name = end < 0 ? '' : unquote(rest.slice(0, end))
  return name === '' || name.length > 70 ? undefined : name
}

const utf8 = new TextEncoder()
const latin1 = new TextDecoder('latin1')

function parts(body: Uint8Array, name: string | undefined): Part[] {
  if (name === undefined) return []
  const delimiter = utf8.encode(`--${name}`)
  const found: Part[] = []
  let open = nextDelimiter(body, delimiter, 0)
  while (open >= 0 && found.length < limits.parts) {
    const start = lineAfter(body, open + delimiter.length)
    const close = nextDelimiter(body, delimiter, start)
    if (close < 0) break
    found.push(readPart(body.subarray(start, Math.max(start, close - 2))))
    open = close
  }
  return found
}

function readPart(bytes: Uint8Array): Part {
  const bare = bytes[0] === 13 && bytes[1] === 10
  const at = bare ? 2 : headEnd(bytes, 0)
  return { head: latin1.decode(bytes.subarray(0, at)), body: bytes.subarray(at) }
}

/** Index of the next delimiter which begins a line. */
function nextDelimiter(body: Uint8Array, delimiter: Uint8Array, from: number): number {
  for (let i = body.indexOf(0x2d, from); i >= 0; i = body.indexOf(0x2d, i + 1)) {
    if ((i === 0 || body[i - 1] === 10) && delimiter.every((octet, k) => body[i + k] === octet)) return i
  }
  return -1
}

function lineAfter(body: Uint8Array, from: number): number {
  const end = body.indexOf(10, from)
  return end < 0 ? body.length : end + 1
}
