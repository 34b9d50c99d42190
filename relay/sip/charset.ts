/*
 * Text on the wire is UTF-8, but for old equipment which writes Latin-1 (RFC 3261 §7). An octet which is no
 * UTF-8 stands in our strings as one private letter, U+F780 to U+F7FF, so that every header is read by itself and
 * goes back octet for octet as it came. A letter of that range which came as such is kept as its three octets.
 */

const HELD = /[\uf780-\uf7ff]/
/** What stands for octets which are no UTF-8. */
const LOST = '\ufffd'
const loose = new TextDecoder('utf-8', { ignoreBOM: true })
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const latin1 = new TextDecoder('latin1')
const encoder = new TextEncoder()

/** Octets as sockets of Node's give them: these know their text in a third of the time a decoder needs. */
interface SocketOctets extends Uint8Array {
  utf8Slice(from?: number, to?: number): string
}

/** The text of octets; `encode` gives exactly these octets back. */
export function decode(bytes: Uint8Array, from = 0, to = bytes.length): string {
  const text =
    'utf8Slice' in bytes
      ? (bytes as SocketOctets).utf8Slice(from, to)
      : loose.decode(bytes.subarray(from, to))
  // No octet was without a letter, and none of the letters is one of ours.
  if (!text.includes(LOST) && (text.length === to - from || !HELD.test(text))) return text
  return utf8.decode(held(bytes.subarray(from, to)))
}

/** The octets of a text as they travel. */
export function encode(text: string): Uint8Array {
  return encodeBefore(text, nothing)
}

/** The same with others behind them. */
export function encodeBefore(text: string, behind: Uint8Array): Uint8Array {
  const longest = text.length * 3 + behind.length
  if (longest > pieceBytes / 4) return joined(released(encoder.encode(text), text), behind)
  if (used + longest > pieceBytes) {
    piece = new Uint8Array(pieceBytes)
    used = 0
  }
  const from = used
  const { written } = encoder.encodeInto(text, piece.subarray(from))
  used += written
  if (written > text.length && HELD.test(text))
    return joined(released(piece.subarray(from, used), text), behind)
  piece.set(behind, used)
  used += behind.length
  return piece.subarray(from, used)
}

const nothing = new Uint8Array(0)
const pieceBytes = 16 * 1024
/** Short texts share a piece of memory: one of its own for each costs twice as much as the writing. */
let piece = new Uint8Array(pieceBytes)
let used = 0

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (second.length === 0) return first
  const bytes = new Uint8Array(first.length + second.length)
  bytes.set(first)
  bytes.set(second, first.length)
  return bytes
}

/** What a text says to people: one with octets which are no UTF-8 was written in Latin-1. */
export function readable(text: string): string {
  return holds(text) ? latin1.decode(encode(text)) : text
}

/** What `HELD` asks, faster of the few letters of a name. */
function holds(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0xf780 && code <= 0xf7ff) return true
  }
  return false
}

/** UTF-8 in which each octet that was none is a private letter. */
function held(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length * 3)
  let end = 0
  for (let i = 0; i < bytes.length; ) {
    const length = letterLength(bytes, i)
    for (let k = 0; k < length; k++) out[end++] = bytes[i++] ?? 0
    if (length > 0) continue
    const octet = bytes[i++] ?? 0
    out[end++] = 0xef
    out[end++] = 0x9e | ((octet >> 6) & 1)
    out[end++] = 0x80 | (octet & 0x3f)
  }
  return out.subarray(0, end)
}

/** UTF-8 of a text with each private letter as the octet it stands for. */
function released(bytes: Uint8Array, text: string): Uint8Array {
  if (bytes.length === text.length || !HELD.test(text)) return bytes
  const out = new Uint8Array(bytes.length)
  let end = 0
  for (let i = 0; i < bytes.length; ) {
    const isHeld = isPrivate(bytes, i)
    out[end++] = isHeld
      ? 0x80 | (((bytes[i + 1] ?? 0) & 1) << 6) | ((bytes[i + 2] ?? 0) & 0x3f)
      : (bytes[i] ?? 0)
    i += isHeld ? 3 : 1
  }
  return out.subarray(0, end)
}

/** Octets of the letter which starts at `at`; 0 when it is no UTF-8, or a private letter of ours (RFC 3629 §4). */
function letterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  if (first < 0xc2 || first > 0xf4 || isPrivate(bytes, at)) return 0
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  for (let k = 1; k < length; k++) if (((bytes[at + k] ?? 0) & 0xc0) !== 0x80) return 0
  const second = bytes[at + 1] ?? 0
  const tooShort = (first === 0xe0 && second < 0xa0) || (first === 0xf0 && second < 0x90)
  const surrogate = first === 0xed && second > 0x9f
  return tooShort || surrogate || (first === 0xf4 && second > 0x8f) ? 0 : length
}

/** U+F780 to U+F7FF. */
function isPrivate(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at] === 0xef && (bytes[at + 1] === 0x9e || bytes[at + 1] === 0x9f) && bytes[at + 2] !== undefined
  )
}
