import { skipSpace, tokenEnd } from './grammar.ts'
import { limits } from './limits.ts'
import { bitOf, headerNumberIn, spelledNames } from './names.ts'

/*
 * Where a head is looked at: a room of our own, four octets at a time. V8 knows at which address it lies, and reads from there
 * in half the time it takes for a datagram's own octets. Of what is asked for at each octet none is imported: that would be looked
 * up anew each time.
 */

/** Where the parts of a head stand. */
export interface HeadMarks {
  /** Index of the CRLF which ends the first line. */
  readonly lineEnd: number
  /** Those of `HeaderIndex`. */
  readonly marks: readonly number[]
  readonly there: number
  readonly again: number
  /** Index behind the blank line. */
  readonly bodyAt: number
}

/**
 * Finds the headers of a head as nearly all write it: each on one line, none of them too long or too many, a blank line behind
 * them. Each octet is looked at once. undefined: it is another, and has to be read with more care (`readHeaders`).
 */
export function markHead(codes: Uint8Array, from: number): HeadMarks | undefined {
  takeIn(codes)
  const end = lineEnd(from)
  if (end < 0) return undefined
  let filled = 0
  let [there, again] = [0, 0]
  let i = end + 2
  while (octetAt(i) !== 13) {
    const word = words.find(i)
    const colon = word > 0 ? i + words.length(word) : colonBehind(codes, i)
    if (colon < 0 || filled === marked.length) return undefined
    let valueAt = colon + 1
    while (isBlank(octetAt(valueAt))) valueAt++
    let valueEnd = lineEnd(valueAt)
    const next = valueEnd + 2
    if (valueEnd < 0 || next - i > longestHeader || isBlank(octetAt(next))) return undefined
    while (valueEnd > valueAt && isBlank(octetAt(valueEnd - 1))) valueEnd--
    const number = word > 0 ? words.number(word) : numberOrPlace(codes, i)
    const bit = bitOf(number)
    again |= there & bit
    there |= bit
    marked[filled++] = number
    marked[filled++] = valueAt
    marked[filled++] = valueEnd
    i = next
  }
  if (octetAt(i + 1) !== 10) return undefined
  return { lineEnd: end, marks: marked.slice(0, filled), there, again, bodyAt: i + 2 }
}

/** Index of the colon behind a name of whatever letters; -1 where none is. */
function colonBehind(codes: Uint8Array, nameAt: number): number {
  const nameEnd = tokenEnd(codes, nameAt, codes.length)
  const colon = skipSpace(codes, nameEnd, codes.length)
  return nameEnd > nameAt && codes[colon] === 0x3a ? colon : -1
}

function numberOrPlace(codes: Uint8Array, nameAt: number): number {
  return headerNumberIn(codes, nameAt, tokenEnd(codes, nameAt, codes.length)) || -nameAt
}

/** Room for the marks of one head. */
const marked = Array<number>(3 * limits.headers).fill(0)
const longestHeader = limits.header

/** As long as the longest message, and a line which breaks off. */
const room = new Uint8Array(limits.message + 64)
const fours = new DataView(room.buffer)

/** Takes octets in, `limits.message` at most; what was there is gone. */
function takeIn(octets: Uint8Array): void {
  room.set(octets)
  fours.setInt32(octets.length, 0x0d0d0d0d)
}

/** An octet of what was taken in. */
function octetAt(at: number): number {
  return room[at] ?? 0
}

/** Index of the CRLF which ends a line; -1 where half a line break comes before it, or none comes. */
function lineEnd(from: number): number {
  for (let i = from; ; i += 4) {
    const four = fours.getInt32(i, true)
    // A bit for each octet below 14, of which lines hold few; the lowest is true.
    const low = (four - 0x0e0e0e0e) & ~four & 0x80808080
    if (low === 0) continue
    const at = i + lowestOctet(low)
    const octet = octetAt(at)
    if (octet === 13) return octetAt(at + 1) === 10 ? at : -1
    if (octet === 10) return -1
    i = at - 3
  }
}

function lowestOctet(bits: number): number {
  return (31 - Math.clz32(bits & -bits)) >> 3
}

/** Fours of the longest word. */
const longest = 8

/** Up to 255 words, each with a number from 1 on, in letters of either case. */
class RoomWords {
  /** The word last added of each slot, by its place, and the one added before to the same; 0: none. */
  readonly #bySlot = new Uint8Array(1024)
  readonly #before = new Uint8Array(256)
  readonly #lengths = new Uint8Array(256)
  readonly #numbers = new Uint8Array(256)
  /** Of each four of a word what it is, with letters in lower case, and which bits tell. */
  readonly #fours = new Int32Array(256 * longest)
  readonly #bits = new Int32Array(256 * longest)
  #last = 0

  add(word: string, number: number): void {
    const at = ++this.#last
    const codes = Uint8Array.from(`${word}:`, (letter) => letter.charCodeAt(0))
    const slot = slotOf(codes[0], codes[1])
    this.#before[at] = this.#bySlot[slot] ?? 0
    this.#bySlot[slot] = at
    this.#lengths[at] = word.length
    this.#numbers[at] = number
    for (let i = 0; i < word.length; i++) {
      const [k, shift] = [at * longest + (i >> 2), (i & 3) * 8]
      const code = codes[i] ?? 0
      const bits = isLetter(code) ? 0xdf : 0xff
      this.#fours[k] = (this.#fours[k] ?? 0) | ((code & bits) << shift)
      this.#bits[k] = (this.#bits[k] ?? 0) | (bits << shift)
    }
  }

  /** The place of the word which stands there with a colon behind it; 0 where it is none of these. */
  find(from: number): number {
    let at = this.#bySlot[slotOf(octetAt(from), octetAt(from + 1))] ?? 0
    while (at > 0 && !(octetAt(from + this.length(at)) === 0x3a && this.#isAt(at, from)))
      at = this.#before[at] ?? 0
    return at
  }

  length(place: number): number {
    return this.#lengths[place] ?? 0
  }

  number(place: number): number {
    return this.#numbers[place] ?? 0
  }

  #isAt(place: number, from: number): boolean {
    const end = from + this.length(place)
    let k = place * longest
    for (let i = from; i < end; i += 4, k++)
      if ((fours.getInt32(i, true) & (this.#bits[k] ?? 0)) !== this.#fours[k]) return false
    return true
  }
}

function slotOf(first = 0, second = 0): number {
  return ((first & 31) << 5) | (second & 31)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)
}

const words = new RoomWords()
for (const [spelling, number] of spelledNames) words.add(spelling, number)
