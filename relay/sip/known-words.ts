/*
 * A few words which are known by their octets, with no text cut out: by how long they are and how they begin and end, then
 * letter by letter.
 */

/** Letters of the longest word. */
const longest = 32

/** Up to 255 words, each with a number from 1 on. Without `sameCase` a letter may be of either. */
export class KnownWords {
  /** The word last added of each slot, by its place, and the one added before to the same; 0: none. */
  readonly #bySlot = new Uint8Array(4096)
  readonly #before = new Uint8Array(256)
  readonly #lengths = new Uint8Array(256)
  readonly #letters = new Uint8Array(256 * longest)
  readonly #numbers = new Uint8Array(256)
  #last = 0
  /** The bit in which an ASCII letter differs from its capital counts, or does not. */
  readonly #mask: number

  constructor(options: { sameCase: boolean }) {
    this.#mask = options.sameCase ? 0xff : 0xdf
  }

  add(word: string, number: number): void {
    const codes = Uint8Array.from(word, (letter) => letter.charCodeAt(0))
    const [at, slot] = [++this.#last, slotOf(codes, 0, codes.length)]
    this.#before[at] = this.#bySlot[slot] ?? 0
    this.#bySlot[slot] = at
    this.#lengths[at] = codes.length
    this.#letters.set(codes, at * longest)
    this.#numbers[at] = number
  }

  /** The number of the word which stands from `from` to `to`, all of it token characters; 0 where it is none of these. */
  find(codes: Uint8Array, from: number, to: number): number {
    for (let at = this.#bySlot[slotOf(codes, from, to)] ?? 0; at > 0; at = this.#before[at] ?? 0)
      if (this.#lengths[at] === to - from && this.#isAt(at, codes, from, to)) return this.#numbers[at] ?? 0
    return 0
  }

  #isAt(at: number, codes: Uint8Array, from: number, to: number): boolean {
    const [letters, mask] = [this.#letters, this.#mask]
    let k = at * longest
    for (let i = from; i < to; i++) if ((((codes[i] ?? 0) ^ (letters[k++] ?? 0)) & mask) !== 0) return false
    return true
  }
}

function slotOf(codes: Uint8Array, from: number, to: number): number {
  return (((to - from) & 15) << 8) ^ (((codes[from] ?? 0) & 31) << 3) ^ ((codes[to - 1] ?? 0) & 31)
}
