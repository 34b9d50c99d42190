import { encodeBefore } from './charset.ts'
import type { Header, Message } from './message.ts'
import { lineBegin } from './names.ts'

/**
 * Writes a message as it travels (RFC 3261 §7): names in their usual spelling, and a Content-Length
 * which is right, whatever the headers said.
 *
 * A line break inside a value becomes a space: no header is smuggled in by way of a name or number.
 */
export function writeMessage(message: Message): Uint8Array {
  const { body } = message
  let head = startLine(message)
  for (const [name, value] of message.headers)
    if (name !== 'content-length') head += lineBegin(name) + oneLine(value)
  return encodeBefore(`${head}\r\nContent-Length: ${body.length}\r\n\r\n`, body)
}

/** Headers without `names`: what is left when some are to be replaced. */
export function without(headers: readonly Header[], ...names: string[]): Header[] {
  return headers.filter(([name]) => !names.includes(name))
}

function startLine(message: Message): string {
  return message.kind === 'request'
    ? `${message.method} ${oneLine(message.requestUri)} SIP/2.0`
    : `SIP/2.0 ${message.status} ${oneLine(message.reason)}`
}

function oneLine(text: string): string {
  return text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]+/g, ' ') : text
}
