import { readWord } from './words.ts'

/**
 * GHASH (NIST SP 800-38D §6.4) under one key: what GCM authenticates with. The sum stays in `y0` … `y3`; the tables
 * hold the multiples of H by every four bits, so a block costs 32 look-ups and nothing is allocated.
 */
export class Ghash {
  y0 = 0
  y1 = 0
  y2 = 0
  y3 = 0
  readonly #table = new Int32Array(16 * 4)

  /** The four words of H. */
  constructor(h0: number, h1: number, h2: number, h3: number) {
    const table = this.#table
    let [a, b, c, d] = [h0, h1, h2, h3]
    for (let i = 8; i > 0; i >>= 1) {
      table.set([a, b, c, d], i * 4)
      const carry = -(d & 1) & 0xe1000000
      d = (d >>> 1) | (c << 31)
      c = (c >>> 1) | (b << 31)
      b = (b >>> 1) | (a << 31)
      a = (a >>> 1) ^ carry
    }
    for (let i = 2; i < 16; i++) {
      const high = 1 << (31 - Math.clz32(i))
      if (high === i) continue
      for (let w = 0; w < 4; w++)
        table[i * 4 + w] = (table[high * 4 + w] as number) ^ (table[(i - high) * 4 + w] as number)
    }
  }

  reset(): void {
    this.y0 = 0
    this.y1 = 0
    this.y2 = 0
    this.y3 = 0
  }

  /** Takes in the bytes from `from` up to `to`, the last block filled with zeros. */
  update(bytes: Uint8Array, from: number, to: number): void {
    let at = from
    for (; at + 16 <= to; at += 16)
      this.block(
        readWord(bytes, at),
        readWord(bytes, at + 4),
        readWord(bytes, at + 8),
        readWord(bytes, at + 12),
      )
    if (at === to) return
    this.block(
      partOf(bytes, at, to),
      partOf(bytes, at + 4, to),
      partOf(bytes, at + 8, to),
      partOf(bytes, at + 12, to),
    )
  }

  /** Takes in the block of the four words. */
  block(i0: number, i1: number, i2: number, i3: number): void {
    const a = this.y0 ^ i0
    const b = this.y1 ^ i1
    const c = this.y2 ^ i2
    const d = this.y3 ^ i3
    this.reset()
    this.#word(d)
    this.#word(c)
    this.#word(b)
    this.#word(a)
  }

  /** Horner's rule over the eight nibbles of a word, the last of which are the highest powers. */
  #word(word: number): void {
    const table = this.#table
    let { y0, y1, y2, y3 } = this
    for (let bits = 0; bits < 32; bits += 4) {
      const rest = REDUCED[y3 & 15] as number
      const at = ((word >>> bits) & 15) * 4
      y3 = ((y3 >>> 4) | (y2 << 28)) ^ (table[at + 3] as number)
      y2 = ((y2 >>> 4) | (y1 << 28)) ^ (table[at + 2] as number)
      y1 = ((y1 >>> 4) | (y0 << 28)) ^ (table[at + 1] as number)
      y0 = (y0 >>> 4) ^ rest ^ (table[at] as number)
    }
    this.y0 = y0
    this.y1 = y1
    this.y2 = y2
    this.y3 = y3
  }
}

/** What the four bits which fall off the end come back as. */
const REDUCED = Int32Array.from({ length: 16 }, (_, bits) => {
  let word = bits
  let carry = 0
  for (let i = 0; i < 4; i++) {
    carry = (carry >>> 1) ^ (-(word & 1) & 0xe1000000)
    word >>>= 1
  }
  return carry
})

/** A word of which only the bytes before `to` are there. */
function partOf(bytes: Uint8Array, at: number, to: number): number {
  let word = 0
  for (let i = 0; i < 4; i++) word = (word << 8) | (at + i < to ? (bytes[at + i] as number) : 0)
  return word
}
