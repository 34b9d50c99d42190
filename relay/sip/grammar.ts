/*
 * Scanners for the small words of RFC 3261 §25.1. Each reads `text` from an index and gives back an
 * index, so that no piece is cut out before it is wanted. None looks back.
 */

const TOKEN = 1
const HOST = 2
const DIGIT = 4
const CLASSES = classes()

/** token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~" ) */
export function tokenEnd(text: string, at: number): number {
  let i = at
  while (i < text.length && is(text.charCodeAt(i), TOKEN)) i++
  return i
}

/** Whether all of `text` is one token. */
export function isToken(text: string): boolean {
  return text.length > 0 && tokenEnd(text, 0) === text.length
}

/** LWS = [*WSP CRLF] 1*WSP, in a value which is unfolded already. */
export function skipSpace(text: string, at: number): number {
  let i = at
  while (i < text.length && isSpace(text.charCodeAt(i))) i++
  return i
}

/** 1*DIGIT as a number; undefined when anything else is in there, or when it is above `most`. */
export function digits(text: string, from: number, to: number, most: number): number | undefined {
  if (from >= to) return undefined
  let value = 0
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    if (!is(code, DIGIT)) return undefined
    value = value * 10 + code - 48
    if (value > most) return undefined
  }
  return value
}

/** quoted-string = SWS DQUOTE *(qdtext / quoted-pair ) DQUOTE; index after it, -1 when it never closes. */
export function quotedEnd(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x22) return i + 1
    if (code === 0x5c) i++
  }
  return -1
}

/** What a quoted-string says; any other text says itself. */
export function unquote(text: string): string {
  if (text.charCodeAt(0) !== 0x22) return text
  const inner = text.slice(1, -1)
  return inner.includes('\\') ? inner.replace(/\\([\s\S])/g, '$1') : inner
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
  const parts: string[] = []
  let start = 0
  let quotes = true
  for (let i = 0; i < text.length; i++) {
    const here = text.charCodeAt(i)
    if (here === code) {
      parts.push(text.slice(start, i).trim())
      start = i + 1
    } else if (here === 0x22 && quotes) {
      const end = quotedEnd(text, i)
      // Behind one which never closes no other does.
      quotes = end > 0
      if (quotes) i = end - 1
    } else if (here === 0x3c) i = bracketEnd(text, i)
  }
  parts.push(text.slice(start).trim())
  return parts.filter((part) => part !== '')
}

/** Index of the bracket which closes the one at `at`; `at` itself when another opens first, or none closes. */
function bracketEnd(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x3e) return i
    if (code === 0x3c) return at
  }
  return at
}

/** No parameters: shared, since most addresses have none. */
export const noParams: ReadonlyMap<string, string> = new Map()

/**
 * generic-param = token [ EQUAL ( token / host / quoted-string ) ], each after a SEMI.
 *
 * Fills `params` with lower-case names and values as written, quotes included. Gives back the index
 * of the end or of a comma; -1 when something else stands there, or a name stands there twice.
 */
export function readParams(text: string, at: number, params: Map<string, string>): number {
  let i = skipSpace(text, at)
  while (i < text.length && text.charCodeAt(i) === 0x3b) {
    const nameAt = skipSpace(text, i + 1)
    const nameEnd = tokenEnd(text, nameAt)
    if (nameEnd === nameAt) return -1
    const name = text.slice(nameAt, nameEnd).toLowerCase()
    if (params.has(name)) return -1
    i = skipSpace(text, nameEnd)
    if (text.charCodeAt(i) !== 0x3d) {
      params.set(name, '')
      continue
    }
    const valueAt = skipSpace(text, i + 1)
    const valueEnd = paramValueEnd(text, valueAt)
    if (valueEnd < 0) return -1
    params.set(name, text.slice(valueAt, valueEnd))
    i = skipSpace(text, valueEnd)
  }
  return i === text.length || text.charCodeAt(i) === 0x2c ? i : -1
}

function paramValueEnd(text: string, at: number): number {
  if (text.charCodeAt(at) === 0x22) return quotedEnd(text, at)
  let i = at
  while (i < text.length && is(text.charCodeAt(i), TOKEN | HOST)) i++
  return i
}

/** `;name=value` for each parameter, values as they are. */
export function writeParams(params: ReadonlyMap<string, string>): string {
  let text = ''
  for (const [name, value] of params) text += value === '' ? `;${name}` : `;${name}=${value}`
  return text
}

/** Whether a character is SP or HTAB. */
export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09
}

function is(code: number, kind: number): boolean {
  return code < 128 && ((CLASSES[code] ?? 0) & kind) !== 0
}

function classes(): Uint8Array {
  const table = new Uint8Array(128)
  const mark = (letters: string, kind: number) => {
    for (const letter of letters) table[letter.charCodeAt(0)] = (table[letter.charCodeAt(0)] ?? 0) | kind
  }
  mark('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', TOKEN)
  mark("-.!%*_+`'~", TOKEN)
  mark('[]:', HOST)
  // Contact and Via parameters of real phones: URNs, base64 and IPv6 left unquoted.
  mark('/@$&=', HOST)
  mark('0123456789', DIGIT)
  return table
}
