import { type PacketCipher, type SessionKey, suiteSizes } from '../media/srtp-cipher.ts'
import { readWord, writeWord } from '../media/words.ts'
import { contextFor, NULL, need, OK, type OpenSsl } from './openssl-calls.ts'
import { type Desk, KEY_WORDS, STATE_BITS } from './openssl-desk.ts'
import { wide } from './wide.ts'

/** Where in a key's words, behind those of AES, HMAC's two turns are, each hashed once (RFC 2104). */
const [INNER, OUTER] = [KEY_WORDS, KEY_WORDS + STATE_BITS]

/** What every key is used with in turn. Throws where OpenSSL has no memory for it. */
export function counterContext(ssl: OpenSsl, owner: object): bigint {
  const context = contextFor(ssl, owner)
  need(ssl.EVP_EncryptInit_ex(context, ssl.EVP_aes_128_ctr(), NULL, NULL, NULL))
  return context
}

/**
 * AES in counter mode, and HMAC-SHA1 over what comes of it (RFC 3711 §4.1.1, §4.2.1).
 *
 * All a key needs lies together, and OpenSSL is told it anew for each packet: of a thousand calls none is in the processor's
 * cache when its packet comes, and to fetch a context of OpenSSL's from memory takes four times as long.
 */
export class OpenSslCounter implements PacketCipher {
  readonly iv: Uint8Array
  readonly #ssl: OpenSsl
  readonly #desk: Desk
  readonly #context: bigint
  readonly #words = new Int32Array(KEY_WORDS + 2 * STATE_BITS)
  readonly #tag: number
  /** Bytes of the word which stay in the packet. */
  readonly #word: number

  constructor(
    ssl: OpenSsl,
    desk: Desk,
    context: bigint,
    { suite, control, key, salt, authentication }: SessionKey,
  ) {
    const { tag, controlTag } = suiteSizes[suite]
    this.iv = desk.vector
    this.#ssl = ssl
    this.#desk = desk
    this.#tag = control ? controlTag : tag
    this.#word = control ? 4 : 0
    this.#context = context
    desk.key.set(key)
    this.#words.set(desk.keyWords.subarray(0, KEY_WORDS))
    need(ssl.EVP_EncryptInit_ex(context, NULL, NULL, desk.at.key, NULL))
    this.#begin(authentication, 0x36, INNER)
    this.#begin(authentication, 0x5c, OUTER)
    desk.vector.set(salt)
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
    const { at } = desk
    desk.lay(this.#words, KEY_WORDS)
    const place = desk.addressOf(packet, from)
    if (this.#ssl.EVP_EncryptInit_ex(this.#context, NULL, NULL, at.key, at.vector) !== OK) return false
    return this.#ssl.EVP_EncryptUpdate(this.#context, place, at.written, place, wide(to - from)) === OK
  }

  /** False: OpenSSL failed, and the tag says nothing. */
  #authenticate(packet: Uint8Array, length: number): boolean {
    const desk = this.#desk
    const ssl = this.#ssl
    const { at } = desk
    desk.resume(this.#words, INNER)
    if (ssl.SHA1_Update(at.state, desk.addressOf(packet, 0), wide(length)) !== OK) return false
    if (ssl.SHA1_Final(at.tag, at.state) !== OK) return false
    desk.resume(this.#words, OUTER)
    return ssl.SHA1_Update(at.state, at.tag, 20n) === OK && ssl.SHA1_Final(at.tag, at.state) === OK
  }

  #begin(key: Uint8Array, pad: number, turn: number): void {
    const { padded, state, at } = this.#desk
    for (let i = 0; i < padded.length; i++) padded[i] = (key[i] ?? 0) ^ pad
    const begun = this.#ssl.SHA1_Init(at.state)
    const hashed = this.#ssl.SHA1_Update(at.state, at.padded, wide(padded.length))
    padded.fill(0)
    need(begun, hashed)
    this.#words.set(state.subarray(0, STATE_BITS), turn)
  }
}

/** Looks at every byte, whichever differ: how long it takes tells nothing. */
function same(packet: Uint8Array, at: number, tag: Uint8Array, length: number): boolean {
  let different = 0
  for (let i = 0; i < length; i++) different |= (packet[at + i] as number) ^ (tag[i] as number)
  return different === 0
}
