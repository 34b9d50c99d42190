import { createPrivateKey, createPublicKey, hkdfSync, sign, X509Certificate } from 'node:crypto'
import type { KeyPair } from './certificate.ts'

/** A key pair, and the SHA-256 of its certificate by which other relays know it: lower-case hex. */
export interface NeighbourPair extends KeyPair {
  readonly fingerprint: string
}

/**
 * What a relay shows other relays: an Ed25519 key which follows from its relay's key, and a certificate which that signs
 * itself. Both are the same at every start, so that nothing is kept on a disk, and are others under another relay's key.
 */
export function neighbourPair(relayKey: string, relayId: string): NeighbourPair {
  const seed = Buffer.from(hkdfSync('sha256', relayKey, '', 'trunkline neighbour key', 32))
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  const name = sequence(set(sequence(commonName, tagged(0x0c, Buffer.from(relayId)))))
  const named = sequence(serial, ed25519, name, always, name, spki)
  const signed = sequence(named, ed25519, tagged(0x03, Buffer.concat([noUnusedBits, sign(null, named, key)])))
  const certificate = new X509Certificate(signed)
  return {
    cert: certificate.toString(),
    key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    fingerprint: fingerprintOf(certificate),
  }
}

/** Of a certificate, as relays tell it one another: lower-case hex. */
export function fingerprintOf({ fingerprint256 }: Pick<X509Certificate, 'fingerprint256'>): string {
  return fingerprint256.replaceAll(':', '').toLowerCase()
}

/* DER as far as one certificate of version 1 has it (RFC 5280 §4.1, RFC 8410). */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const noUnusedBits = Buffer.from([0])
const ed25519 = sequence(tagged(0x06, Buffer.from('2b6570', 'hex')))
const commonName = tagged(0x06, Buffer.from('550403', 'hex'))
const serial = tagged(0x02, Buffer.from([1]))
/** It is believed for as long as the edge names its fingerprint, and no longer: its own dates say nothing. */
const always = sequence(time('20200101000000Z'), time('99991231235959Z'))

function time(text: string): Buffer {
  return tagged(0x18, Buffer.from(text))
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts))
}

function set(part: Buffer): Buffer {
  return tagged(0x31, part)
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content
  const long = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...long]), content])
}
