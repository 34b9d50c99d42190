import { cipherFlaw } from '../media/cipher-check.ts'
import { type CipherMaker, type PacketCipher, type SessionKey, suiteSizes } from '../media/srtp-cipher.ts'
import { pureCipher } from '../media/srtp-pure.ts'
import { nodesOpenSsl, type OpenSsl } from './openssl-calls.ts'
import { counterContext, OpenSslCounter } from './openssl-counter.ts'
import { type AddressOf, Desk } from './openssl-desk.ts'
import { galoisContexts, OpenSslGalois } from './openssl-galois.ts'
import { saidBy } from './said-by.ts'

/**
 * Ciphers of Node's own OpenSSL, in place where a packet's memory does not move; a sentence when it does not work here, or
 * does not do what ours do. A key for which it fails later on gets a cipher of ours.
 */
export function opensslCipher(addressOf: AddressOf, load = nodesOpenSsl): CipherMaker | string {
  try {
    const { ssl, whereIs } = load()
    const make = makerOf(ssl, new Desk(whereIs, addressOf))
    return cipherFlaw(make) ?? ((key) => madeOf(make, key))
  } catch (error) {
    return saidBy(error)
  }
}

/** Throws where OpenSSL refuses a key. */
function makerOf(ssl: OpenSsl, desk: Desk): CipherMaker {
  const context = counterContext(ssl, desk)
  const short = galoisContexts(ssl, 'AEAD_AES_128_GCM', desk)
  const long = galoisContexts(ssl, 'AEAD_AES_256_GCM', desk)
  return (key) => {
    const { aead, tag, controlTag } = suiteSizes[key.suite]
    const cipher = aead
      ? new OpenSslGalois(ssl, desk, key.suite === 'AEAD_AES_256_GCM' ? long : short, key)
      : new OpenSslCounter(ssl, desk, context, key)
    return new AnywhereCipher(cipher, desk, key.control ? controlTag + 4 : tag)
  }
}

function madeOf(make: CipherMaker, key: SessionKey): PacketCipher {
  try {
    return make(key)
  } catch {
    return pureCipher(key)
  }
}

/** Most that is written behind a packet: its tag, and a word. */
const BEHIND = 20

/**
 * A cipher for packets wherever they lie: what may be moved meanwhile is worked on elsewhere, and brought back. Lengths
 * which lie end here (-1): OpenSSL would follow them out of the packet's memory.
 */
class AnywhereCipher implements PacketCipher {
  readonly iv: Uint8Array
  readonly #inner: PacketCipher
  readonly #desk: Desk
  /** Octets behind what was encrypted. */
  readonly #behind: number

  constructor(inner: PacketCipher, desk: Desk, behind: number) {
    this.iv = inner.iv
    this.#inner = inner
    this.#desk = desk
    this.#behind = behind
  }

  seal(packet: Uint8Array, clear: number, end: number, word: number): number {
    const { guest } = this.#desk
    if (clear > end || end + BEHIND > Math.min(packet.length, guest.length)) return -1
    if (this.#desk.holds(packet)) return this.#inner.seal(packet, clear, end, word)
    guest.set(packet.subarray(0, end))
    const length = this.#inner.seal(guest, clear, end, word)
    if (length > 0) packet.set(guest.subarray(0, length))
    return length
  }

  open(packet: Uint8Array, clear: number, length: number, word: number): number {
    const { guest } = this.#desk
    if (clear + this.#behind > length || length > Math.min(packet.length, guest.length)) return -1
    if (this.#desk.holds(packet)) return this.#inner.open(packet, clear, length, word)
    guest.set(packet.subarray(0, length))
    const out = this.#inner.open(guest, clear, length, word)
    packet.set(guest.subarray(0, length))
    return out
  }
}
