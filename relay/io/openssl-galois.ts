import type { SrtpSuite } from '#contract'
import { type PacketCipher, type SessionKey, suiteSizes } from '../media/srtp-cipher.ts'
import { writeWord } from '../media/words.ts'
import { contextFor, NULL, need, OK, type OpenSsl } from './openssl-calls.ts'
import type { Desk } from './openssl-desk.ts'
import { wide } from './wide.ts'

const GALOIS_TAG = 16
/** EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_TAG */
const [GET_TAG, SET_TAG] = [0x10n, 0x11n]

/** What every key of a suite is used with in turn. */
export interface GaloisContexts {
  readonly sealing: bigint
  readonly opening: bigint
}

/** Throws where OpenSSL has no memory for them. */
export function galoisContexts(ssl: OpenSsl, suite: SrtpSuite, owner: object): GaloisContexts {
  const [sealing, opening] = [contextFor(ssl, owner), contextFor(ssl, owner)]
  const type = galoisOf(ssl, suite)
  need(
    ssl.EVP_EncryptInit_ex(sealing, type, NULL, NULL, NULL),
    ssl.EVP_DecryptInit_ex(opening, type, NULL, NULL, NULL),
  )
  return { sealing, opening }
}

/** AES in Galois/counter mode (RFC 7714); what it has of its key, and why, is as in `openssl-counter.ts`. */
export class OpenSslGalois implements PacketCipher {
  readonly iv: Uint8Array
  readonly #ssl: OpenSsl
  readonly #desk: Desk
  readonly #control: boolean
  readonly #contexts: GaloisContexts
  readonly #words: Int32Array

  constructor(ssl: OpenSsl, desk: Desk, contexts: GaloisContexts, { control, key, salt }: SessionKey) {
    this.iv = desk.vector
    this.#ssl = ssl
    this.#desk = desk
    this.#control = control
    this.#contexts = contexts
    this.#words = new Int32Array(key.length / 4)
    desk.key.set(key)
    this.#words.set(desk.keyWords.subarray(0, this.#words.length))
    need(
      ssl.EVP_EncryptInit_ex(contexts.sealing, NULL, NULL, desk.at.key, NULL),
      ssl.EVP_DecryptInit_ex(contexts.opening, NULL, NULL, desk.at.key, NULL),
    )
    desk.vector.set(salt)
  }

  seal(packet: Uint8Array, clear: number, end: number, word: number): number {
    const desk = this.#desk
    const { at } = desk
    const ssl = this.#ssl
    const context = this.#contexts.sealing
    desk.lay(this.#words, this.#words.length)
    const readable = this.#readable(packet, word)
    const place = desk.addressOf(packet, clear)
    if (ssl.EVP_EncryptInit_ex(context, NULL, NULL, at.key, at.vector) !== OK) return -1
    if (ssl.EVP_EncryptUpdate(context, NULL, at.written, readable, wide(this.#control ? 12 : clear)) !== OK)
      return -1
    if (ssl.EVP_EncryptUpdate(context, place, at.written, place, wide(end - clear)) !== OK) return -1
    if (ssl.EVP_EncryptFinal_ex(context, at.tag, at.written) !== OK) return -1
    const tag = desk.addressOf(packet, end)
    if (ssl.EVP_CIPHER_CTX_ctrl(context, GET_TAG, wide(GALOIS_TAG), tag) !== OK) return -1
    if (!this.#control) return end + GALOIS_TAG
    writeWord(packet, end + GALOIS_TAG, word)
    return end + GALOIS_TAG + 4
  }

  open(packet: Uint8Array, clear: number, length: number, word: number): number {
    const end = length - GALOIS_TAG - (this.#control ? 4 : 0)
    const desk = this.#desk
    const { at } = desk
    const ssl = this.#ssl
    const readable = this.#readable(packet, word)
    const tag = desk.addressOf(packet, end)
    const context = this.#contexts.opening
    desk.lay(this.#words, this.#words.length)
    if (ssl.EVP_DecryptInit_ex(context, NULL, NULL, at.key, at.vector) !== OK) return -1
    if (ssl.EVP_DecryptUpdate(context, NULL, at.written, readable, wide(this.#control ? 12 : clear)) !== OK)
      return -1
    if (ssl.EVP_CIPHER_CTX_ctrl(context, SET_TAG, wide(GALOIS_TAG), tag) !== OK) return -1
    if (!this.#xor(packet, clear, end)) return -1
    if (ssl.EVP_DecryptFinal_ex(context, at.tag, at.written) === OK) return end
    // Decrypted twice is as it was: it may be tried with another index.
    ssl.EVP_DecryptInit_ex(context, NULL, NULL, NULL, at.vector)
    this.#xor(packet, clear, end)
    return -1
  }

  #xor(packet: Uint8Array, from: number, to: number): boolean {
    const place = this.#desk.addressOf(packet, from)
    return (
      this.#ssl.EVP_DecryptUpdate(
        this.#contexts.opening,
        place,
        this.#desk.at.written,
        place,
        wide(to - from),
      ) === OK
    )
  }

  /** What is authenticated without being encrypted: RTP's header, or RTCP's with the word. */
  #readable(packet: Uint8Array, word: number): bigint {
    const desk = this.#desk
    const { clear, at } = desk
    if (!this.#control) return desk.addressOf(packet, 0)
    for (let i = 0; i < 8; i++) clear[i] = packet[i] as number
    writeWord(clear, 8, word)
    return at.clear
  }
}

function galoisOf(ssl: OpenSsl, suite: SrtpSuite): bigint {
  return suiteSizes[suite].key === 32 ? ssl.EVP_aes_256_gcm() : ssl.EVP_aes_128_gcm()
}
