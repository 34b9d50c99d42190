import type { SrtpKey } from '../ground/media.ts'
import { type CipherMaker, type PacketCipher, sessionKey, suiteSizes } from './srtp-cipher.ts'
import { readWord, writeWord } from './words.ts'

/** RTCP: version, type, length and the sender's SSRC stay readable (RFC 3711 §3.4). */
export const CONTROL_CLEAR = 8

/** Packets of one kind under a master key: RTP's, or RTCP's (`control`). */
export class SrtpLock {
  readonly cipher: PacketCipher
  readonly #aead: boolean
  /** The salt, as words. */
  readonly #a: number
  readonly #b: number
  readonly #c: number
  readonly #d: number

  constructor({ suite, secret }: SrtpKey, make: CipherMaker, control: boolean) {
    const key = sessionKey(suite, secret, control)
    const { salt } = key
    this.cipher = make(key)
    this.#aead = suiteSizes[suite].aead
    this.#a = readWord(salt, 0)
    this.#b = readWord(salt, 4)
    this.#c = readWord(salt, 8)
    this.#d = this.#aead ? 0 : readWord(salt, 12)
  }

  /**
   * The vector: the salt, XOR the SSRC and 48 bits of index, which lie two bytes further to the front in GCM's (RFC 3711
   * §4.1.1; RFC 7714 §8.1, §9.1).
   */
  aim(ssrc: number, high: number, low: number): void {
    const { iv } = this.cipher
    if (this.#aead) {
      writeWord(iv, 0, this.#a ^ (ssrc >>> 16))
      writeWord(iv, 4, this.#b ^ ((ssrc << 16) | (high >>> 16)))
      writeWord(iv, 8, this.#c ^ ((high << 16) | (low & 0xffff)))
    } else {
      writeWord(iv, 0, this.#a)
      writeWord(iv, 4, this.#b ^ ssrc)
      writeWord(iv, 8, this.#c ^ high)
      writeWord(iv, 12, this.#d ^ (low << 16))
    }
  }
}
