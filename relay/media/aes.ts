/** Tables of one round, each the last turned by a byte: a byte's way through SubBytes and MixColumns. */
const turned = [0, 8, 16, 24].map((bits) => roundTable(bits)) as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
]
const [T0, T1, T2, T3] = turned
const S = substitutions()

/**
 * The AES block cipher (FIPS 197), forwards only: counter modes need no more. A block is four words, and what comes
 * out stays in `o0` … `o3` until the next; nothing is allocated.
 */
export class Aes {
  o0 = 0
  o1 = 0
  o2 = 0
  o3 = 0
  readonly #keys: Int32Array

  /** `key` has 16 or 32 bytes. */
  constructor(key: Uint8Array) {
    this.#keys = expand(key)
  }

  /** Encrypts the block of the four words. */
  encrypt(i0: number, i1: number, i2: number, i3: number): void {
    const k = this.#keys
    const last = k.length - 4
    let a = i0 ^ (k[0] as number)
    let b = i1 ^ (k[1] as number)
    let c = i2 ^ (k[2] as number)
    let d = i3 ^ (k[3] as number)
    for (let at = 4; at < last; at += 4) {
      const w = mixed(a, b, c, d) ^ (k[at] as number)
      const x = mixed(b, c, d, a) ^ (k[at + 1] as number)
      const y = mixed(c, d, a, b) ^ (k[at + 2] as number)
      d = mixed(d, a, b, c) ^ (k[at + 3] as number)
      a = w
      b = x
      c = y
    }
    this.o0 = substituted(a, b, c, d) ^ (k[last] as number)
    this.o1 = substituted(b, c, d, a) ^ (k[last + 1] as number)
    this.o2 = substituted(c, d, a, b) ^ (k[last + 2] as number)
    this.o3 = substituted(d, a, b, c) ^ (k[last + 3] as number)
  }

  /**
   * Counter mode: XORs `bytes` from `from` up to `to` with the encrypted blocks of the four words, the last of which
   * counts on. Its 32 bits are enough: SRTP's counter has 16 of them (RFC 3711 §4.1.1), GCM's 32.
   */
  xor(i0: number, i1: number, i2: number, i3: number, bytes: Uint8Array, from: number, to: number): void {
    let counter = i3
    let at = from
    for (; at + 16 <= to; at += 16) {
      this.encrypt(i0, i1, i2, counter++)
      xorWord(bytes, at, this.o0)
      xorWord(bytes, at + 4, this.o1)
      xorWord(bytes, at + 8, this.o2)
      xorWord(bytes, at + 12, this.o3)
    }
    if (at === to) return
    this.encrypt(i0, i1, i2, counter)
    for (let i = 0; at < to; at++, i++)
      bytes[at] = (bytes[at] as number) ^ (this.#out(i >> 2) >>> (24 - (i & 3) * 8))
  }

  #out(word: number): number {
    if (word < 2) return word === 0 ? this.o0 : this.o1
    return word === 2 ? this.o2 : this.o3
  }
}

function xorWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = (bytes[at] as number) ^ (word >>> 24)
  bytes[at + 1] = (bytes[at + 1] as number) ^ (word >>> 16)
  bytes[at + 2] = (bytes[at + 2] as number) ^ (word >>> 8)
  bytes[at + 3] = (bytes[at + 3] as number) ^ word
}

/** SubBytes, ShiftRows and MixColumns of one column. */
function mixed(a: number, b: number, c: number, d: number): number {
  return (
    (T0[a >>> 24] as number) ^
    (T1[(b >>> 16) & 255] as number) ^
    (T2[(c >>> 8) & 255] as number) ^
    (T3[d & 255] as number)
  )
}

/** The last round has no MixColumns. */
function substituted(a: number, b: number, c: number, d: number): number {
  return (
    ((S[a >>> 24] as number) << 24) |
    ((S[(b >>> 16) & 255] as number) << 16) |
    ((S[(c >>> 8) & 255] as number) << 8) |
    (S[d & 255] as number)
  )
}

/** Key expansion (FIPS 197 §5.2). */
function expand(key: Uint8Array): Int32Array {
  const words = key.length / 4
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength)
  const keys = new Int32Array(4 * (words + 7))
  for (let i = 0; i < words; i++) keys[i] = view.getInt32(i * 4)
  let round = 1
  for (let i = words; i < keys.length; i++) {
    let word = keys[i - 1] as number
    if (i % words === 0) {
      word = substitutedWord((word << 8) | (word >>> 24)) ^ (round << 24)
      round = doubled(round)
    } else if (words > 6 && i % words === 4) word = substitutedWord(word)
    keys[i] = (keys[i - words] as number) ^ word
  }
  return keys
}

function substitutedWord(word: number): number {
  return substituted(word, word, word, word)
}

/** Times x in GF(2⁸). */
function doubled(byte: number): number {
  return ((byte << 1) ^ (byte >> 7 ? 0x11b : 0)) & 255
}

/** The S-box: the inverse in GF(2⁸), found by walking the powers of 3, and its affine transformation. */
function substitutions(): Uint8Array {
  const box = new Uint8Array(256)
  let power = 1
  let inverse = 1
  do {
    power = (power ^ doubled(power)) & 255
    inverse = divided(inverse)
    const around =
      inverse ^ rotated(inverse, 1) ^ rotated(inverse, 2) ^ rotated(inverse, 3) ^ rotated(inverse, 4)
    box[power] = around ^ 0x63
  } while (power !== 1)
  box[0] = 0x63
  return box
}

/** By 3 in GF(2⁸). */
function divided(byte: number): number {
  const two = byte ^ (byte << 1)
  const four = two ^ (two << 2)
  const eight = (four ^ (four << 4)) & 255
  return eight ^ (eight & 0x80 ? 0x09 : 0)
}

function rotated(byte: number, bits: number): number {
  return ((byte << bits) | (byte >> (8 - bits))) & 255
}

function roundTable(bits: number): Int32Array {
  return Int32Array.from(substitutions(), (s) => {
    const word = (doubled(s) << 24) | (s << 16) | (s << 8) | (doubled(s) ^ s)
    return bits === 0 ? word : (word >>> bits) | (word << (32 - bits))
  })
}
