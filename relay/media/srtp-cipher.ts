import type { SrtpSuite } from '#contract'
import { Aes } from './aes.ts'

/** What a suite is made of, in bytes (RFC 3711 §5, RFC 4568 §6.2, RFC 7714 §12). */
export interface SuiteSizes {
  readonly key: number
  readonly salt: number
  /** Of RTP's and of RTCP's authentication. */
  readonly tag: number
  readonly controlTag: number
  /** Encrypts and authenticates in one (GCM); else AES counter mode and HMAC-SHA1. */
  readonly aead: boolean
}

/** By suite. */
export const suiteSizes: Readonly<Record<SrtpSuite, SuiteSizes>> = {
  AES_CM_128_HMAC_SHA1_80: { key: 16, salt: 14, tag: 10, controlTag: 10, aead: false },
  AES_CM_128_HMAC_SHA1_32: { key: 16, salt: 14, tag: 4, controlTag: 10, aead: false },
  AEAD_AES_128_GCM: { key: 16, salt: 12, tag: 16, controlTag: 16, aead: true },
  AEAD_AES_256_GCM: { key: 32, salt: 12, tag: 16, controlTag: 16, aead: true },
}

/** Keys of packets of one kind, derived from the master key (RFC 3711 §4.3.1). */
export interface SessionKey {
  readonly suite: SrtpSuite
  /** RTCP's: it has the index behind it, and 80 bits of tag at least. */
  readonly control: boolean
  readonly key: Uint8Array
  /** Of the length of an initialization vector; GCM's 12 bytes, counter mode's 14 and two zeros. */
  readonly salt: Uint8Array
  /** Of HMAC-SHA1; empty for GCM. */
  readonly authentication: Uint8Array
}

/**
 * Encrypts and decrypts packets in place, under one session key. `clear` is the length of what stays readable, and
 * `word` what is authenticated without being part of it: an RTP packet's roll-over counter (GCM has that in the
 * vector), or RTCP's index with its E bit, which does stand in the packet.
 */
export interface PacketCipher {
  /** The initialization vector, to be written before each packet, the whole of it: several ciphers may share one. */
  readonly iv: Uint8Array
  /** Encrypts what ends at `end`; returns the length with the tag, for which there must be room. */
  seal(packet: Uint8Array, clear: number, end: number, word: number): number
  /** The length of what was encrypted; -1: it is not authentic, and left as it was. */
  open(packet: Uint8Array, clear: number, length: number, word: number): number
}

/** Makes ciphers: OpenSSL's or ours. */
export type CipherMaker = (key: SessionKey) => PacketCipher

/** Session keys out of a master key with its salt (RFC 3711 §4.3; for GCM, RFC 7714 §11). */
export function sessionKey(suite: SrtpSuite, secret: Uint8Array, control: boolean): SessionKey {
  const { key, salt, aead } = suiteSizes[suite]
  const master = new Aes(secret.subarray(0, key))
  const label = control ? 3 : 0
  const derive = (offset: number, length: number) =>
    derived(master, secret.subarray(key), label + offset, length)
  const vector = new Uint8Array(aead ? 12 : 16)
  vector.set(derive(2, salt))
  return {
    suite,
    control,
    key: derive(0, key),
    salt: vector,
    authentication: aead ? new Uint8Array(0) : derive(1, 20),
  }
}

/** The key stream of the master salt with a label in its eighth byte (RFC 3711 §4.3.3). */
function derived(master: Aes, salt: Uint8Array, label: number, length: number): Uint8Array {
  const block = new Uint8Array(16)
  block.set(salt)
  const view = new DataView(block.buffer)
  view.setUint8(7, view.getUint8(7) ^ label)
  const out = new Uint8Array(length)
  const word = (at: number) => view.getInt32(at)
  master.xor(word(0), word(4), word(8), word(12), out, 0, length)
  return out
}
