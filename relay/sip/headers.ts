import { isSpace, skipSpace, tokenEnd } from './grammar.ts'
import { passingLetters } from './letters.ts'
import { flaw, limits } from './limits.ts'
import type { Header, ParseFlaw } from './message.ts'
import { headerName, isHeeded, properName } from './names.ts'

/** The headers of a message, and the first thing a request is refused for. */
export interface Head {
  readonly headers: readonly Header[]
  readonly flaw: ParseFlaw | undefined
}

/** Every header up to the limit. A line which is none is passed over, and so is one which is not heeded (RFC 3261 §8.2.2). */
export function readHeaders(text: string, from: number): Head {
  const headers: Header[] = []
  const { codes } = passingLetters(text)
  let wrong: ParseFlaw | undefined
  let lines = 0
  for (let i = from; i < text.length && !text.startsWith('\r\n', i); ) {
    if (++lines > limits.headers) return { headers, flaw: flaw('headers', 'are too many', 513) }
    const start = i
    const nameEnd = tokenEnd(codes, start, text.length)
    const colon = skipSpace(codes, nameEnd, text.length)
    const end = headerEnd(text, start)
    const next = end + 2
    i = next
    if (text.charCodeAt(colon) !== 0x3a || nameEnd === start) continue
    if (next - start > limits.header) {
      wrong ??= flaw(text.slice(start, Math.min(nameEnd, start + 40)), 'is too long', 513)
      continue
    }
    const name = headerName(text.slice(start, nameEnd))
    const value = headerValue(text, colon + 1, end)
    if (value !== undefined) headers.push([name, value])
    else if (isHeeded(name)) wrong ??= flaw(properName(name), 'holds half a line break')
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
