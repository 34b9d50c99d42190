import { Aes } from './aes.ts'
import { Ghash } from './ghash.ts'
import { HmacSha1 } from './hmac-sha1.ts'
import { type CipherMaker, type PacketCipher, type SessionKey, suiteSizes } from './srtp-cipher.ts'
import { readWord, writeWord } from './words.ts'

/** Ciphers in TypeScript alone, for where OpenSSL cannot be called: twice as fast as Node's own per packet. */
export const pureCipher: CipherMaker = (key) =>
  suiteSizes[key.suite].aead ? new GaloisCipher(key) : new CounterCipher(key)

/** AES in counter mode, and HMAC-SHA1 over what comes of it (RFC 3711 §4.1.1, §4.2.1). */
class CounterCipher implements PacketCipher {
  readonly iv: Uint8Array
  readonly #aes: Aes
  readonly #hmac: HmacSha1
  readonly #tag: number
  /** Bytes of the word which stay in the packet. */
  readonly #word: number

  constructor({ suite, control, key, salt, authentication }: SessionKey) {
    const { tag, controlTag } = suiteSizes[suite]
    this.iv = salt.slice()
    this.#aes = new Aes(key)
    this.#hmac = new HmacSha1(authentication)
    this.#tag = control ? controlTag : tag
    this.#word = control ? 4 : 0
  }

  seal(packet: Uint8Array, clear: number, end: number, word: number): number {
    this.#xor(packet, clear, end)
    writeWord(packet, end, word)
    this.#hmac.hash(packet, end + 4)
    const at = end + this.#word
    for (let i = 0; i < this.#tag; i++) packet[at + i] = this.#hmac.digest[i] as number
    return at + this.#tag
  }

  open(packet: Uint8Array, clear: number, length: number, word: number): number {
    const at = length - this.#tag
    const end = at - this.#word
    const before = readWord(packet, end)
    writeWord(packet, end, word)
    this.#hmac.hash(packet, end + 4)
    writeWord(packet, end, before)
    if (!this.#matches(packet, at)) return -1
    this.#xor(packet, clear, end)
    return end
  }

  /** Looks at every byte, whichever differ: how long it takes tells nothing. */
  #matches(packet: Uint8Array, at: number): boolean {
    let different = 0
    for (let i = 0; i < this.#tag; i++)
      different |= (packet[at + i] as number) ^ (this.#hmac.digest[i] as number)
    return different === 0
  }

  #xor(packet: Uint8Array, from: number, to: number): void {
    const { iv } = this
    this.#aes.xor(readWord(iv, 0), readWord(iv, 4), readWord(iv, 8), readWord(iv, 12), packet, from, to)
  }
}

/** AES in Galois/counter mode (RFC 7714). */
class GaloisCipher implements PacketCipher {
  readonly iv: Uint8Array
  readonly #aes: Aes
  readonly #ghash: Ghash
  readonly #control: boolean
  readonly #tag = new Uint8Array(TAG)

  constructor({ control, key, salt }: SessionKey) {
    this.iv = salt.slice()
    const aes = new Aes(key)
    this.#aes = aes
    aes.encrypt(0, 0, 0, 0)
    this.#ghash = new Ghash(aes.o0, aes.o1, aes.o2, aes.o3)
    this.#control = control
  }

  seal(packet: Uint8Array, clear: number, end: number, word: number): number {
    this.#xor(packet, clear, end)
    this.#authenticate(packet, clear, end, word)
    packet.set(this.#tag, end)
    if (!this.#control) return end + TAG
    writeWord(packet, end + TAG, word)
    return end + TAG + 4
  }

  open(packet: Uint8Array, clear: number, length: number, word: number): number {
    const end = length - TAG - (this.#control ? 4 : 0)
    this.#authenticate(packet, clear, end, word)
    let different = 0
    for (let i = 0; i < TAG; i++) different |= (packet[end + i] as number) ^ (this.#tag[i] as number)
    if (different !== 0) return -1
    this.#xor(packet, clear, end)
    return end
  }

  /** The tag of what is readable, the word where it stands in the packet, and what is encrypted. */
  #authenticate(packet: Uint8Array, clear: number, end: number, word: number): void {
    const { iv } = this
    const ghash = this.#ghash
    const aes = this.#aes
    ghash.reset()
    if (this.#control) ghash.block(readWord(packet, 0), readWord(packet, 4), word, 0)
    else ghash.update(packet, 0, clear)
    ghash.update(packet, clear, end)
    ghash.block(0, (this.#control ? clear + 4 : clear) * 8, 0, (end - clear) * 8)
    aes.encrypt(readWord(iv, 0), readWord(iv, 4), readWord(iv, 8), 1)
    writeWord(this.#tag, 0, ghash.y0 ^ aes.o0)
    writeWord(this.#tag, 4, ghash.y1 ^ aes.o1)
    writeWord(this.#tag, 8, ghash.y2 ^ aes.o2)
    writeWord(this.#tag, 12, ghash.y3 ^ aes.o3)
  }

  #xor(packet: Uint8Array, from: number, to: number): void {
    const { iv } = this
    this.#aes.xor(readWord(iv, 0), readWord(iv, 4), readWord(iv, 8), 2, packet, from, to)
  }
}

const TAG = 16
