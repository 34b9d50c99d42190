import type { SrtpKey } from '../ground/media.ts'
import {
  type CipherMaker,
  type PacketCipher,
  type SessionKey,
  sessionKey,
  suiteSizes,
} from './srtp-cipher.ts'
import { readWord, writeWord } from './words.ts'

/** RTCP: version, type, length and the sender's SSRC stay readable (RFC 3711 §3.4). */
export const CONTROL_CLEAR = 8

/** Packets of one kind under one key: RTP's or RTCP's. */
class SrtpLock {
  readonly cipher: PacketCipher
  readonly #salt: Uint8Array
  readonly #at: number

  constructor(key: SessionKey, make: CipherMaker) {
    this.cipher = make(key)
    this.#salt = key.salt
    this.#at = suiteSizes[key.suite].aead ? 2 : 4
  }

  /** The vector: the salt, XOR the SSRC and 48 bits of index (RFC 3711 §4.1.1; RFC 7714 §8.1, §9.1). */
  aim(ssrc: number, high: number, low: number): void {
    const { iv } = this.cipher
    const salt = this.#salt
    const at = this.#at
    writeWord(iv, at, readWord(salt, at) ^ ssrc)
    writeWord(iv, at + 4, readWord(salt, at + 4) ^ high)
    iv[at + 8] = (salt[at + 8] as number) ^ (low >>> 8)
    iv[at + 9] = (salt[at + 9] as number) ^ low
  }
}

/** What a master key opens: RTP, and RTCP. */
export class SrtpLocks {
  readonly rtp: SrtpLock
  readonly rtcp: SrtpLock

  constructor({ suite, secret }: SrtpKey, make: CipherMaker) {
    this.rtp = new SrtpLock(sessionKey(suite, secret, false), make)
    this.rtcp = new SrtpLock(sessionKey(suite, secret, true), make)
  }
}
