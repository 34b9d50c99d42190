import { limits } from './limits.ts'

/*
 * Where a head is looked at: a room of our own, four octets at a time. V8 knows at which address it lies, and reads from there
 * in half the time it takes for a datagram's own octets.
 */

/** As long as the longest message, and a line which breaks off. */
const room = new Uint8Array(limits.message + 64)
const fours = new DataView(room.buffer)

/** Takes octets in, `limits.message` at most; what was there is gone. */
export function takeIn(octets: Uint8Array): void {
  room.set(octets)
  fours.setInt32(octets.length, 0x0d0d0d0d)
}

/** An octet of what was taken in. */
export function octetAt(at: number): number {
  return room[at] ?? 0
}

/** Index of the CRLF which ends a line; -1 where half a line break comes before it, or none comes. */
export function lineEnd(from: number): number {
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
export class RoomWords {
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

function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)
}
