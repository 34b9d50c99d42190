import { readWord, writeWord } from './words.ts'

/** What SHA-1 begins with (FIPS 180-4 §5.3.1). */
const INITIAL = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]
/** Bytes. */
const BLOCK = 64
const DIGEST = 20

/**
 * HMAC-SHA1 (RFC 2104) under one key, for many messages: the key's two blocks are hashed once. What comes out stays in
 * `digest` until the next; nothing is allocated.
 */
export class HmacSha1 {
  readonly digest = new Uint8Array(DIGEST)
  readonly #inner: Int32Array
  readonly #outer: Int32Array
  readonly #h = new Int32Array(5)
  readonly #w = new Int32Array(80)
  /** The last bytes of a message with what SHA-1 puts behind them: one block or two. */
  readonly #tail = new Uint8Array(2 * BLOCK)

  /** Of a `key` of more than 64 bytes its hash is taken (RFC 2104 §2). */
  constructor(key: Uint8Array) {
    const short = key.length > BLOCK ? this.#hashed(key) : key
    this.#inner = this.#begun(short, 0x36)
    this.#outer = this.#begun(short, 0x5c)
  }

  /** Hashes the first `length` bytes of a message. */
  hash(message: Uint8Array, length: number): void {
    this.#h.set(this.#inner)
    this.#digest(message, length, BLOCK)
    this.#h.set(this.#outer)
    this.#digest(this.digest, DIGEST, BLOCK)
  }

  #hashed(key: Uint8Array): Uint8Array {
    this.#h.set(INITIAL)
    this.#digest(key, key.length, 0)
    return this.digest.slice()
  }

  /** `before`: how many bytes have gone into the state. */
  #digest(message: Uint8Array, length: number, before: number): void {
    let at = 0
    for (; at + BLOCK <= length; at += BLOCK) this.#compress(message, at)
    this.#finish(message, at, length, before)
    this.#write()
  }

  /** The state after the key's block. */
  #begun(key: Uint8Array, pad: number): Int32Array {
    const block = new Uint8Array(BLOCK)
    for (let i = 0; i < BLOCK; i++) block[i] = (key[i] ?? 0) ^ pad
    this.#h.set(INITIAL)
    this.#compress(block, 0)
    return this.#h.slice()
  }

  /** The bytes from `from` to `to`, a one, zeros, and the length of all in bits, what went before counted. */
  #finish(message: Uint8Array, from: number, to: number, before: number): void {
    const tail = this.#tail
    tail.fill(0)
    for (let at = from; at < to; at++) tail[at - from] = message[at] as number
    tail[to - from] = 0x80
    const end = to - from < BLOCK - 8 ? BLOCK : 2 * BLOCK
    writeWord(tail, end - 4, (before + to) * 8)
    for (let at = 0; at < end; at += BLOCK) this.#compress(tail, at)
  }

  #write(): void {
    for (let i = 0; i < 5; i++) writeWord(this.digest, i * 4, this.#h[i] as number)
  }

  /** FIPS 180-4 §6.1.2, its four kinds of round each in a loop of its own. */
  #compress(bytes: Uint8Array, from: number): void {
    const w = this.#w
    schedule(w, bytes, from)
    const h = this.#h
    let a = h[0] as number
    let b = h[1] as number
    let c = h[2] as number
    let d = h[3] as number
    let e = h[4] as number
    for (let i = 0; i < 20; i++) {
      const next = (turned(a, 5) + (d ^ (b & (c ^ d))) + e + 0x5a827999 + (w[i] as number)) | 0
      e = d
      d = c
      c = turned(b, 30)
      b = a
      a = next
    }
    for (let i = 20; i < 40; i++) {
      const next = (turned(a, 5) + (b ^ c ^ d) + e + 0x6ed9eba1 + (w[i] as number)) | 0
      e = d
      d = c
      c = turned(b, 30)
      b = a
      a = next
    }
    for (let i = 40; i < 60; i++) {
      const next = (turned(a, 5) + ((b & c) | (d & (b | c))) + e + 0x8f1bbcdc + (w[i] as number)) | 0
      e = d
      d = c
      c = turned(b, 30)
      b = a
      a = next
    }
    for (let i = 60; i < 80; i++) {
      const next = (turned(a, 5) + (b ^ c ^ d) + e + 0xca62c1d6 + (w[i] as number)) | 0
      e = d
      d = c
      c = turned(b, 30)
      b = a
      a = next
    }
    this.#add(a, b, c, d, e)
  }

  #add(a: number, b: number, c: number, d: number, e: number): void {
    const h = this.#h
    h[0] = (h[0] as number) + a
    h[1] = (h[1] as number) + b
    h[2] = (h[2] as number) + c
    h[3] = (h[3] as number) + d
    h[4] = (h[4] as number) + e
  }
}

function schedule(w: Int32Array, bytes: Uint8Array, from: number): void {
  for (let i = 0; i < 16; i++) w[i] = readWord(bytes, from + i * 4)
  for (let i = 16; i < 80; i++)
    w[i] = turned(
      (w[i - 3] as number) ^ (w[i - 8] as number) ^ (w[i - 14] as number) ^ (w[i - 16] as number),
      1,
    )
}

function turned(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
