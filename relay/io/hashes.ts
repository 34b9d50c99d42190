import { createHmac, createSecretKey, hash } from 'node:crypto'
import type { Hashes } from '../ground/effects.ts'

/**
 * The hashes of a relay, by OpenSSL.
 *
 * `nonceKey` is the same on all relays one phone may reach, so that each takes the others' nonces; throws where it is
 * shorter than 16 bytes.
 */
export function openHashes(nonceKey: Uint8Array): Hashes {
  if (nonceKey.length < 16) throw new Error('The nonce key is too short: give at least 16 bytes.')
  const key = createSecretKey(nonceKey)
  return {
    md5: (of) => hash('md5', of),
    sha256: (of) => hash('sha256', of),
    mac: (text) => createHmac('sha256', key).update(text).digest('hex'),
  }
}
