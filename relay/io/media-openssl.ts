import { createRequire } from 'node:module'
import type { SrtpSuite } from '#contract'
import { cipherFlaw } from '../media/cipher-check.ts'
import { type CipherMaker, type PacketCipher, type SessionKey, suiteSizes } from '../media/srtp-cipher.ts'
import { pureCipher } from '../media/srtp-pure.ts'
import { readWord, writeWord } from '../media/words.ts'

/** Where a packet lies, from one of its bytes on; undefined: where it may be moved. */
export type AddressOf = (packet: Uint8Array, offset: number) => bigint | undefined

/** The calls of Node's own OpenSSL which SRTP needs. A context keeps its key, and gets a vector per packet. */
interface OpenSsl {
  EVP_CIPHER_CTX_new(): bigint
  EVP_CIPHER_CTX_free(context: bigint): void
  EVP_aes_128_ctr(): bigint
  EVP_aes_128_gcm(): bigint
  EVP_aes_256_gcm(): bigint
  EVP_EncryptInit_ex(context: bigint, type: bigint, engine: bigint, key: bigint, iv: bigint): number
  EVP_EncryptUpdate(context: bigint, out: bigint, written: bigint, from: bigint, size: number): number
  EVP_EncryptFinal_ex(context: bigint, out: bigint, written: bigint): number
  EVP_DecryptInit_ex(context: bigint, type: bigint, engine: bigint, key: bigint, iv: bigint): number
  EVP_DecryptUpdate(context: bigint, out: bigint, written: bigint, from: bigint, size: number): number
  EVP_DecryptFinal_ex(context: bigint, out: bigint, written: bigint): number
  EVP_CIPHER_CTX_ctrl(context: bigint, command: number, size: number, at: bigint): number
  SHA1_Init(state: bigint): number
  SHA1_Update(state: bigint, from: bigint, size: number): number
  SHA1_Final(digest: bigint, state: bigint): number
}

/** OpenSSL, and what it needs to know of memory. */
interface Library {
  readonly ssl: OpenSsl
  readonly whereIs: (memory: ArrayBuffer) => bigint
}

/** Node's own; throws where node:ffi does not work. */
export function nodesOpenSsl(): Library {
  const ffi = createRequire(import.meta.url)('node:ffi') as typeof import('node:ffi')
  return { ssl: ffi.dlopen(null, signatures).functions, whereIs: (memory) => ffi.getRawPointer(memory) }
}

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
    return error instanceof Error ? error.message : String(error)
  }
}

/** Throws where OpenSSL refuses a key. */
function makerOf(ssl: OpenSsl, desk: Desk): CipherMaker {
  return (key) => {
    const { aead } = suiteSizes[key.suite]
    return new AnywhereCipher(
      aead ? new OpenSslGalois(ssl, desk, key) : new OpenSslCounter(ssl, desk, key),
      desk,
    )
  }
}

function madeOf(make: CipherMaker, key: SessionKey): PacketCipher {
  try {
    return make(key)
  } catch {
    return pureCipher(key)
  }
}

/* Offsets in the memory which all ciphers use in turn. */
const VECTOR = 0
const WRITTEN = 16
const KEY = 32
const CLEAR = 64
const TAG = 96
const PADDED = 128
const STATE = 192
/** SHA_CTX in words: five of state, two of length in bits, one block, and how many bytes of that are filled. */
const [STATE_WORDS, STATE_BITS, STATE_FILLED] = [24, 5, 23]
const BLOCK_BITS = 512
/** A block of its own memory for ArrayBuffers, which small ones are not sure of. */
const SIZE = 64 * 1024
/** A packet which lies elsewhere is worked on here. */
const GUEST = 1024
const GUEST_SIZE = 4096

/** What lies in memory while OpenSSL is at work, for one packet at a time. */
class Desk {
  readonly vector: Uint8Array
  readonly key: Uint8Array
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

  /** SHA-1 goes on from where it was after one block. */
  resume(words: Int32Array): void {
    const { state } = this
    state.set(words)
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

  constructor(inner: PacketCipher, desk: Desk) {
    this.iv = inner.iv
    this.#inner = inner
    this.#desk = desk
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
    if (clear > length || length > Math.min(packet.length, guest.length)) return -1
    if (this.#desk.holds(packet)) return this.#inner.open(packet, clear, length, word)
    guest.set(packet.subarray(0, length))
    const out = this.#inner.open(guest, clear, length, word)
    packet.set(guest.subarray(0, length))
    return out
  }
}

/** AES in counter mode, and HMAC-SHA1 over what comes of it (RFC 3711 §4.1.1, §4.2.1). */
class OpenSslCounter implements PacketCipher {
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
    return this.#ssl.EVP_EncryptUpdate(this.#context, place, at.written, place, to - from) === OK
  }

  /** False: OpenSSL failed, and the tag says nothing. */
  #authenticate(packet: Uint8Array, length: number): boolean {
    const desk = this.#desk
    const ssl = this.#ssl
    const { at } = desk
    desk.resume(this.#inner)
    if (ssl.SHA1_Update(at.state, desk.addressOf(packet, 0), length) !== OK) return false
    if (ssl.SHA1_Final(at.tag, at.state) !== OK) return false
    desk.resume(this.#outer)
    return ssl.SHA1_Update(at.state, at.tag, 20) === OK && ssl.SHA1_Final(at.tag, at.state) === OK
  }

  #begun(key: Uint8Array, pad: number): Int32Array {
    const { padded, state, at } = this.#desk
    for (let i = 0; i < padded.length; i++) padded[i] = (key[i] ?? 0) ^ pad
    const begun = this.#ssl.SHA1_Init(at.state)
    const hashed = this.#ssl.SHA1_Update(at.state, at.padded, padded.length)
    padded.fill(0)
    need(begun, hashed)
    return state.slice(0, STATE_BITS)
  }
}

/** AES in Galois/counter mode (RFC 7714). */
class OpenSslGalois implements PacketCipher {
  readonly iv: Uint8Array
  readonly #ssl: OpenSsl
  readonly #desk: Desk
  readonly #control: boolean
  readonly #sealing: bigint
  readonly #opening: bigint

  constructor(ssl: OpenSsl, desk: Desk, { suite, control, key, salt }: SessionKey) {
    this.iv = salt.slice()
    this.#ssl = ssl
    this.#desk = desk
    this.#control = control
    this.#sealing = contextFor(ssl, this)
    this.#opening = contextFor(ssl, this)
    const type = galoisOf(ssl, suite)
    desk.key.set(key)
    const sealing = ssl.EVP_EncryptInit_ex(this.#sealing, type, NULL, desk.at.key, NULL)
    const opening = ssl.EVP_DecryptInit_ex(this.#opening, type, NULL, desk.at.key, NULL)
    desk.key.fill(0)
    need(sealing, opening)
  }

  seal(packet: Uint8Array, clear: number, end: number, word: number): number {
    const desk = this.#desk
    const { vector, at } = desk
    const ssl = this.#ssl
    const context = this.#sealing
    vector.set(this.iv)
    const readable = this.#readable(packet, word)
    const place = desk.addressOf(packet, clear)
    if (ssl.EVP_EncryptInit_ex(context, NULL, NULL, NULL, at.vector) !== OK) return -1
    if (ssl.EVP_EncryptUpdate(context, NULL, at.written, readable, this.#control ? 12 : clear) !== OK)
      return -1
    if (ssl.EVP_EncryptUpdate(context, place, at.written, place, end - clear) !== OK) return -1
    if (ssl.EVP_EncryptFinal_ex(context, at.tag, at.written) !== OK) return -1
    const tag = desk.addressOf(packet, end)
    if (ssl.EVP_CIPHER_CTX_ctrl(context, GET_TAG, GALOIS_TAG, tag) !== OK) return -1
    if (!this.#control) return end + GALOIS_TAG
    writeWord(packet, end + GALOIS_TAG, word)
    return end + GALOIS_TAG + 4
  }

  open(packet: Uint8Array, clear: number, length: number, word: number): number {
    const end = length - GALOIS_TAG - (this.#control ? 4 : 0)
    const desk = this.#desk
    const { vector, at } = desk
    const ssl = this.#ssl
    vector.set(this.iv)
    const readable = this.#readable(packet, word)
    const tag = desk.addressOf(packet, end)
    const context = this.#opening
    if (ssl.EVP_DecryptInit_ex(context, NULL, NULL, NULL, at.vector) !== OK) return -1
    if (ssl.EVP_DecryptUpdate(context, NULL, at.written, readable, this.#control ? 12 : clear) !== OK)
      return -1
    if (ssl.EVP_CIPHER_CTX_ctrl(context, SET_TAG, GALOIS_TAG, tag) !== OK) return -1
    if (!this.#xor(packet, clear, end)) return -1
    if (ssl.EVP_DecryptFinal_ex(context, at.tag, at.written) === OK) return end
    // Decrypted twice is as it was: it may be tried with another index.
    ssl.EVP_DecryptInit_ex(context, NULL, NULL, NULL, at.vector)
    this.#xor(packet, clear, end)
    return -1
  }

  #xor(packet: Uint8Array, from: number, to: number): boolean {
    const place = this.#desk.addressOf(packet, from)
    return this.#ssl.EVP_DecryptUpdate(this.#opening, place, this.#desk.at.written, place, to - from) === OK
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

/** OpenSSL's memory for one cipher, which is given back when that is collected: never before, and never not at all. */
function contextFor(ssl: OpenSsl, cipher: PacketCipher): bigint {
  const context = ssl.EVP_CIPHER_CTX_new()
  if (context === NULL) throw new Error('OpenSSL has no memory for a key')
  contexts.register(cipher, () => ssl.EVP_CIPHER_CTX_free(context))
  return context
}

/** A key which was not taken would leave all it should encrypt readable. */
function need(...done: number[]): void {
  if (done.some((each) => each !== OK)) throw new Error('OpenSSL does not take a key')
}

const contexts = new FinalizationRegistry((free: () => void) => free())

function galoisOf(ssl: OpenSsl, suite: SrtpSuite): bigint {
  return suiteSizes[suite].key === 32 ? ssl.EVP_aes_256_gcm() : ssl.EVP_aes_128_gcm()
}

/** Looks at every byte, whichever differ: how long it takes tells nothing. */
function same(packet: Uint8Array, at: number, tag: Uint8Array, length: number): boolean {
  let different = 0
  for (let i = 0; i < length; i++) different |= (packet[at + i] as number) ^ (tag[i] as number)
  return different === 0
}

const NULL = 0n
/** What its calls return when they did what was asked. */
const OK = 1
const GALOIS_TAG = 16
/** EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_TAG */
const [GET_TAG, SET_TAG] = [0x10, 0x11]

const four = ['pointer', 'pointer', 'pointer', 'pointer'] as const

const signatures = {
  EVP_CIPHER_CTX_new: { arguments: [], return: 'pointer' },
  EVP_CIPHER_CTX_free: { arguments: ['pointer'], return: 'void' },
  EVP_aes_128_ctr: { arguments: [], return: 'pointer' },
  EVP_aes_128_gcm: { arguments: [], return: 'pointer' },
  EVP_aes_256_gcm: { arguments: [], return: 'pointer' },
  EVP_EncryptInit_ex: { arguments: [...four, 'pointer'], return: 'i32' },
  EVP_EncryptUpdate: { arguments: [...four, 'i32'], return: 'i32' },
  EVP_EncryptFinal_ex: { arguments: ['pointer', 'pointer', 'pointer'], return: 'i32' },
  EVP_DecryptInit_ex: { arguments: [...four, 'pointer'], return: 'i32' },
  EVP_DecryptUpdate: { arguments: [...four, 'i32'], return: 'i32' },
  EVP_DecryptFinal_ex: { arguments: ['pointer', 'pointer', 'pointer'], return: 'i32' },
  EVP_CIPHER_CTX_ctrl: { arguments: ['pointer', 'i32', 'i32', 'pointer'], return: 'i32' },
  SHA1_Init: { arguments: ['pointer'], return: 'i32' },
  SHA1_Update: { arguments: ['pointer', 'pointer', 'i32'], return: 'i32' },
  SHA1_Final: { arguments: ['pointer', 'pointer'], return: 'i32' },
} as const
