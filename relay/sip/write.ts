import { encode } from './charset.ts'
import type { Header, Message } from './message.ts'
import { properName } from './names.ts'

/**
 * Writes a message as it travels (RFC 3261 §7): names in their usual spelling, and a Content-Length
 * which is right, whatever the headers said.
 *
 * A line break inside a value becomes a space: no header is smuggled in by way of a name or number.
 */
export function writeMessage(message: Message): Uint8Array {
  let head = startLine(message)
  for (const [name, value] of message.headers) {
    if (name !== 'content-length') head += `${properName(name)}: ${oneLine(value)}\r\n`
  }
  head += `Content-Length: ${message.body.length}\r\n\r\n`
  return join(encode(head), message.body)
}

/** Headers without `names`: what is left when some are to be replaced. */
export function without(headers: readonly Header[], ...names: string[]): Header[] {
  return headers.filter(([name]) => !names.includes(name))
}

function startLine(message: Message): string {
  return message.kind === 'request'
    ? `${message.method} ${oneLine(message.requestUri)} SIP/2.0\r\n`
    : `SIP/2.0 ${message.status} ${oneLine(message.reason)}\r\n`
}

function oneLine(text: string): string {
  return text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]+/g, ' ') : text
}

function join(head: Uint8Array, body: Uint8Array): Uint8Array {
  if (body.length === 0) return head
  const bytes = new Uint8Array(head.length + body.length)
  bytes.set(head)
  bytes.set(body, head.length)
  return bytes
}
