/** Where a packet lies, from one of its bytes on; undefined: where it may be moved. */
export type AddressOf = (packet: Uint8Array, offset: number) => bigint | undefined

/* Offsets in the memory which all ciphers use in turn. */
const VECTOR = 0
const WRITTEN = 16
const KEY = 32
const CLEAR = 64
const TAG = 96
const PADDED = 128
const STATE = 192
/** SHA_CTX in words: five of state, two of length in bits, one block, and how many bytes of that are filled. */
const [STATE_WORDS, STATE_FILLED] = [24, 23]
/** Words of an AES-128 key. */
export const KEY_WORDS = 4
/** How many words of state there are. */
export const STATE_BITS = 5
const BLOCK_BITS = 512
/** A block of its own memory for ArrayBuffers, which small ones are not sure of. */
const SIZE = 64 * 1024
/** A packet which lies elsewhere is worked on here. */
const GUEST = 1024
const GUEST_SIZE = 4096

/** What lies in memory while OpenSSL is at work, for one packet at a time. */
export class Desk {
  /** All ciphers' initialization vector. */
  readonly vector: Uint8Array
  readonly key: Uint8Array
  /** The same in words. */
  readonly keyWords: Int32Array
  readonly clear: Uint8Array
  readonly tag: Uint8Array
  readonly padded: Uint8Array
  /** OpenSSL's SHA_CTX. */
  readonly state: Int32Array
  readonly guest: Uint8Array
  readonly #base: bigint
  readonly #outside: AddressOf
  readonly at: Readonly<Record<'vector' | 'written' | 'key' | 'clear' | 'tag' | 'padded' | 'state', bigint>>

  constructor(whereIs: (memory: ArrayBuffer) => bigint, addressOf: AddressOf) {
    const memory = new ArrayBuffer(SIZE)
    const base = whereIs(memory)
    const at = (offset: number) => base + BigInt(offset)
    const part = (offset: number, length: number) => new Uint8Array(memory, offset, length)
    this.vector = part(VECTOR, 16)
    this.key = part(KEY, 32)
    this.keyWords = new Int32Array(memory, KEY, 8)
    this.clear = part(CLEAR, 12)
    this.tag = part(TAG, 20)
    this.padded = part(PADDED, 64)
    this.state = new Int32Array(memory, STATE, STATE_WORDS)
    this.guest = part(GUEST, GUEST_SIZE)
    this.#base = at(GUEST)
    this.#outside = addressOf
    this.at = {
      vector: at(VECTOR),
      written: at(WRITTEN),
      key: at(KEY),
      clear: at(CLEAR),
      tag: at(TAG),
      padded: at(PADDED),
      state: at(STATE),
    }
  }

  /** Has a key where OpenSSL will look for it: the first words of these. */
  lay(words: Int32Array, count: number): void {
    const { keyWords } = this
    for (let i = 0; i < count; i++) keyWords[i] = words[i] as number
  }

  /** SHA-1 goes on from where it was after one block: five words, from `at` on. */
  resume(words: Int32Array, at: number): void {
    const { state } = this
    for (let i = 0; i < STATE_BITS; i++) state[i] = words[at + i] as number
    state[STATE_BITS] = BLOCK_BITS
    state[STATE_BITS + 1] = 0
    state[STATE_FILLED] = 0
  }

  /** Whether a packet can be worked on where it lies. */
  holds(packet: Uint8Array): boolean {
    return this.#outside(packet, 0) !== undefined
  }

  /** Where a packet lies which it holds, or that of the guest; throws RangeError: OpenSSL must not write there. */
  addressOf(packet: Uint8Array, offset: number): bigint {
    const address = this.#outside(packet, offset)
    if (address !== undefined) return address
    if (packet !== this.guest || offset >= GUEST_SIZE) throw new RangeError(`no packet has a byte ${offset}`)
    return this.#base + BigInt(offset)
  }
}
