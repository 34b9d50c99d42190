import { type Letters, passingLetters } from './letters.ts'

/*
 * Scanners for the small words of RFC 3261 §25.1. Each reads octets (`letters.ts`) from `at`, before `to`, and gives back
 * an index, so that no piece is cut out before it is wanted. None looks back.
 */

const TOKEN = 1
const HOST = 2
const DIGIT = 4
const URI = 8
const NAME = 16
const LOW_NAME = 32
const USER = 64
const CLASSES = classes()

/** token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~" ) */
export function tokenEnd(codes: Uint8Array, at: number, to: number): number {
  let i = at
  while (i < to && is(codes[i], TOKEN)) i++
  return i
}

/** hostname, in which underscores pass, since container networks name hosts that way. */
export function hostNameEnd(codes: Uint8Array, at: number, to: number): number {
  let i = at
  while (i < to && is(codes[i], NAME)) i++
  return i
}

/** hostname which is in lower case. */
export function lowNameEnd(codes: Uint8Array, at: number, to: number): number {
  let i = at
  while (i < to && is(codes[i], LOW_NAME)) i++
  return i
}

/** *DIGIT */
export function digitsEnd(codes: Uint8Array, at: number, to: number): number {
  let i = at
  while (i < to && is(codes[i], DIGIT)) i++
  return i
}

/** Index of the first which cannot be read as it stands in a URI's user: what ends it or one of its parts, an escape, what no URI holds. */
export function plainUserEnd(codes: Uint8Array, at: number, to: number): number {
  let i = at
  while (i < to && is(codes[i], USER)) i++
  return i
}

/** Index of the first which no URI holds: a space, a control character, a quote, an angle bracket; `to` where there is none. */
export function uriEnd(codes: Uint8Array, at: number, to: number): number {
  let i = at
  while (i < to && is(codes[i], URI)) i++
  return i
}

/** LWS = [*WSP CRLF] 1*WSP, in a value which is unfolded already. */
export function skipSpace(codes: Uint8Array, at: number, to: number): number {
  let i = at
  while (i < to && isSpace(codes[i])) i++
  return i
}

/** Index of an octet, or `to`. */
export function find(codes: Uint8Array, code: number, at: number, to: number): number {
  let i = at
  while (i < to && codes[i] !== code) i++
  return i
}

/** 1*DIGIT as a number; undefined when anything else is in there, or when it is above `most`. */
export function digits(codes: Uint8Array, at: number, to: number, most: number): number | undefined {
  if (at >= to) return undefined
  let value = 0
  for (let i = at; i < to; i++) {
    const code = codes[i] ?? 0
    if (!is(code, DIGIT)) return undefined
    value = value * 10 + code - 48
    if (value > most) return undefined
  }
  return value
}

/** quoted-string = SWS DQUOTE *(qdtext / quoted-pair ) DQUOTE; index after it, -1 when it never closes. */
export function quotedEnd(codes: Uint8Array, at: number, to: number): number {
  for (let i = at + 1; i < to; i++) {
    const code = codes[i]
    if (code === 0x22) return i + 1
    if (code === 0x5c) i++
  }
  return -1
}

/** The same of one which says what stands in it: ASCII, without a quoted-pair; -1 of any other. */
export function plainQuotedEnd(codes: Uint8Array, at: number, to: number): number {
  for (let i = at + 1; i < to; i++) {
    const code = codes[i] ?? 0
    if (code === 0x22) return i + 1
    if (code === 0x5c || code > 0x7f) return -1
  }
  return -1
}

/** What a quoted-string says; any other text says itself. */
export function unquote(text: string): string {
  if (text.charCodeAt(0) !== 0x22) return text
  const inner = text.slice(1, -1)
  return inner.includes('\\') ? inner.replace(/\\([\s\S])/g, '$1') : inner
}

/** What stands between two indexes says: a quoted-string, or any other text. */
export function unquotedAt({ text, codes }: Letters, from: number, to: number): string {
  const isPlain = codes[from] === 0x22 && plainQuotedEnd(codes, from, to) === to
  return isPlain ? text.slice(from + 1, to - 1) : unquote(text.slice(from, to))
}

/** `text` as a quoted-string. */
export function quote(text: string): string {
  return /["\\]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`
}

/**
 * The members of a comma-separated list (RFC 3261 §7.3.1); commas inside quotes or brackets are not separators.
 *
 * A quote or bracket which never closes stands for itself, so that it hides no other member.
 */
export function splitList(text: string, separator = ','): string[] {
  if (!text.includes(separator)) return [text]
  const code = separator.charCodeAt(0)
  const { codes } = passingLetters(text)
  const parts: string[] = []
  let start = 0
  let quotes = true
  for (let i = 0; i < text.length; i++) {
    const here = codes[i]
    if (here === code) {
      parts.push(text.slice(start, i).trim())
      start = i + 1
    } else if (here === 0x22 && quotes) {
      const end = quotedEnd(codes, i, text.length)
      // Behind one which never closes no other does.
      quotes = end > 0
      if (quotes) i = end - 1
    } else if (here === 0x3c) i = bracketEnd(codes, i, text.length)
  }
  parts.push(text.slice(start).trim())
  return parts.filter((part) => part !== '')
}

/** Index of the bracket which closes the one at `at`; `at` itself when another opens first, or none closes. */
function bracketEnd(codes: Uint8Array, at: number, to: number): number {
  for (let i = at + 1; i < to; i++) {
    const code = codes[i]
    if (code === 0x3e) return i
    if (code === 0x3c) return at
  }
  return at
}

/** Whether an octet is a letter, which is given in lower case, in either case. */
export function isLetter(code: number | undefined, low: number): boolean {
  return ((code ?? 0) | 0x20) === low
}

/** Whether a character is SP or HTAB. */
export function isSpace(code: number | undefined): boolean {
  return code === 0x20 || code === 0x09
}

function is(code: number | undefined, kind: number): boolean {
  return ((CLASSES[code ?? 0] ?? 0) & kind) !== 0
}

/** Where a parameter's value ends, -1 where its quotes do not; index of whatever is neither token, host nor quoted-string. */
export function paramValueEnd(codes: Uint8Array, at: number, to: number): number {
  if (at < to && codes[at] === 0x22) return quotedEnd(codes, at, to)
  let i = at
  while (i < to && is(codes[i], TOKEN | HOST)) i++
  return i
}

function classes(): Uint8Array {
  const table = new Uint8Array(256)
  const mark = (letters: string, kind: number) => {
    for (const letter of letters) table[letter.charCodeAt(0)] = (table[letter.charCodeAt(0)] ?? 0) | kind
  }
  mark('ABCDEFGHIJKLMNOPQRSTUVWXYZ', TOKEN | NAME)
  mark('abcdefghijklmnopqrstuvwxyz0123456789', TOKEN | NAME | LOW_NAME)
  mark('-._', NAME | LOW_NAME)
  mark("-.!%*_+`'~", TOKEN)
  mark('[]:', HOST)
  // Contact and Via parameters of real phones: URNs, base64 and IPv6 left unquoted.
  mark('/@$&=', HOST)
  mark('0123456789', DIGIT)
  for (let code = 0x21; code < 256; code++) {
    const letter = String.fromCharCode(code)
    if ('"<>\x7f'.includes(letter)) continue
    mark(letter, '@:%'.includes(letter) ? URI : URI | USER)
  }
  return table
}
