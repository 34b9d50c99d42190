import { isSpace, skipSpace, tokenEnd } from './grammar.ts'
import { flaw, limits } from './limits.ts'
import type { Flaw, Header } from './message.ts'
import { headerName } from './names.ts'

/** The headers of a message, and the first thing that is wrong with them. */
export interface Head {
  readonly headers: readonly Header[]
  readonly flaw: Flaw | undefined
}

/** Every header up to the limit; a malformed line is remembered and passed over, so that the rest can be answered. */
export function readHeaders(text: string, from: number): Head {
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

/** Index of the first body octet; where the blank line is missing, all is head. */
export function headEnd(bytes: Uint8Array, from: number): number {
  for (let i = from + 3; i < bytes.length; ) {
    const octet = bytes[i]
    if (octet === 10 && bytes[i - 1] === 13 && bytes[i - 2] === 10 && bytes[i - 3] === 13) return i + 1
    // Any other octet than CR and LF is at least four short of the end of a blank line.
    i += octet === 13 ? 1 : octet === 10 ? 2 : 4
  }
  return bytes.length
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const latin1 = new TextDecoder('latin1')

/** The text of a message's head. */
export function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    // Old phones spell names in Latin-1; better an odd letter than a lost call.
    return latin1.decode(bytes)
  }
}
