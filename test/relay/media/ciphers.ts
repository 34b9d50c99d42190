import { createRequire } from 'node:module'
import { Arena } from '../../../relay/io/media-arena.ts'
import { opensslCipher } from '../../../relay/io/media-openssl.ts'
import type { CipherMaker } from '../../../relay/media/srtp-cipher.ts'
import { pureCipher } from '../../../relay/media/srtp-pure.ts'

/** A cipher maker, and memory for one packet which it can work in. */
export interface CipherUnderTest {
  readonly name: string
  readonly make: CipherMaker
  readonly packet: Uint8Array
}

/** OpenSSL's ciphers and ours; which must not differ in a single byte. */
export function ciphers(): CipherUnderTest[] {
  const ffi = createRequire(import.meta.url)('node:ffi') as typeof import('node:ffi')
  const arena = new Arena(true, (memory) => ffi.getRawPointer(memory))
  const openssl = opensslCipher((packet, offset) => arena.addressOf(packet, offset))
  if (typeof openssl === 'string') throw new Error(openssl)
  return [
    { name: 'OpenSSL', make: openssl, packet: arena.packet },
    { name: 'OpenSSL elsewhere', make: openssl, packet: new Uint8Array(2048) },
    { name: 'TypeScript', make: pureCipher, packet: new Uint8Array(2048) },
  ]
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replace(/\s+/g, ''), 'hex'))
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
