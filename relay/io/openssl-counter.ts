import { type PacketCipher, type SessionKey, suiteSizes } from '../media/srtp-cipher.ts'
import { readWord, writeWord } from '../media/words.ts'
import { contextFor, NULL, need, OK, type OpenSsl } from './openssl-calls.ts'
import { type Desk, STATE_BITS } from './openssl-desk.ts'
import { wide } from './wide.ts'

/** AES in counter mode, and HMAC-SHA1 over what comes of it (RFC 3711 §4.1.1, §4.2.1). */
export class OpenSslCounter implements PacketCipher {
  readonly iv: Uint8Array
  readonly #ssl: OpenSsl
  readonly #desk: Desk
  readonly #context: bigint
  /** HMAC's key, hashed once for each of its two turns (RFC 2104): five words. */
  readonly #inner: Int32Array
  readonly #outer: Int32Array
  readonly #tag: number
  /** Bytes of the word which stay in the packet. */
  readonly #word: number

  constructor(ssl: OpenSsl, desk: Desk, { suite, control, key, salt, authentication }: SessionKey) {
    const { tag, controlTag } = suiteSizes[suite]
    this.iv = salt.slice()
    this.#ssl = ssl
    this.#desk = desk
    this.#tag = control ? controlTag : tag
    this.#word = control ? 4 : 0
    this.#context = contextFor(ssl, this)
    desk.key.set(key)
    const done = ssl.EVP_EncryptInit_ex(this.#context, ssl.EVP_aes_128_ctr(), NULL, desk.at.key, NULL)
    desk.key.fill(0)
    need(done)
    this.#inner = this.#begun(authentication, 0x36)
    this.#outer = this.#begun(authentication, 0x5c)
  }

  seal(packet: Uint8Array, clear: number, end: number, word: number): number {
    if (!this.#xor(packet, clear, end)) return -1
    writeWord(packet, end, word)
    if (!this.#authenticate(packet, end + 4)) return -1
    const at = end + this.#word
    const { tag } = this.#desk
    for (let i = 0; i < this.#tag; i++) packet[at + i] = tag[i] as number
    return at + this.#tag
  }

  open(packet: Uint8Array, clear: number, length: number, word: number): number {
    const at = length - this.#tag
    const end = at - this.#word
    const before = readWord(packet, end)
    writeWord(packet, end, word)
    const hashed = this.#authenticate(packet, end + 4)
    writeWord(packet, end, before)
    if (!hashed || !same(packet, at, this.#desk.tag, this.#tag)) return -1
    return this.#xor(packet, clear, end) ? end : -1
  }

  /** False: OpenSSL failed, and nothing of the packet may be used. */
  #xor(packet: Uint8Array, from: number, to: number): boolean {
    const desk = this.#desk
    const { vector, at } = desk
    vector.set(this.iv)
    const place = desk.addressOf(packet, from)
    if (this.#ssl.EVP_EncryptInit_ex(this.#context, NULL, NULL, NULL, at.vector) !== OK) return false
    return this.#ssl.EVP_EncryptUpdate(this.#context, place, at.written, place, wide(to - from)) === OK
  }

  /** False: OpenSSL failed, and the tag says nothing. */
  #authenticate(packet: Uint8Array, length: number): boolean {
    const desk = this.#desk
    const ssl = this.#ssl
    const { at } = desk
    desk.resume(this.#inner)
    if (ssl.SHA1_Update(at.state, desk.addressOf(packet, 0), wide(length)) !== OK) return false
    if (ssl.SHA1_Final(at.tag, at.state) !== OK) return false
    desk.resume(this.#outer)
    return ssl.SHA1_Update(at.state, at.tag, 20n) === OK && ssl.SHA1_Final(at.tag, at.state) === OK
  }

  #begun(key: Uint8Array, pad: number): Int32Array {
    const { padded, state, at } = this.#desk
    for (let i = 0; i < padded.length; i++) padded[i] = (key[i] ?? 0) ^ pad
    const begun = this.#ssl.SHA1_Init(at.state)
    const hashed = this.#ssl.SHA1_Update(at.state, at.padded, wide(padded.length))
    padded.fill(0)
    need(begun, hashed)
    return state.slice(0, STATE_BITS)
  }
}

/** Looks at every byte, whichever differ: how long it takes tells nothing. */
function same(packet: Uint8Array, at: number, tag: Uint8Array, length: number): boolean {
  let different = 0
  for (let i = 0; i < length; i++) different |= (packet[at + i] as number) ^ (tag[i] as number)
  return different === 0
}
