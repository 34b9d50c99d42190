import { hash } from 'node:crypto'
import type { Hashes } from '../ground/effects.ts'

/**
 * The hashes of a relay, by OpenSSL.
 *
 * `nonceKey` is the same on all relays one phone may reach, so that all challenge a name alike which no account has; throws
 * where it is shorter than 16 bytes.
 */
export function openHashes(nonceKey: Uint8Array): Hashes {
  if (nonceKey.length < 16) throw new Error('The nonce key is too short: give at least 16 bytes.')
  return {
    md5: (of) => hash('md5', of),
    sha256: (of) => hash('sha256', of),
    mac: hmacUnder(nonceKey),
  }
}

const blockBytes = 64
const digestBytes = 32

/** HMAC-SHA256 (RFC 2104) under one key, which is laid beside both texts once: Node's own prepares it each time. */
function hmacUnder(key: Uint8Array): Hashes['mac'] {
  const padded = Buffer.alloc(blockBytes)
  padded.set(key.length > blockBytes ? hash('sha256', key, 'buffer') : key)
  const outer = Buffer.alloc(blockBytes + digestBytes)
  let inner = Buffer.alloc(1024)
  for (let i = 0; i < blockBytes; i++) {
    inner[i] = (padded[i] as number) ^ 0x36
    outer[i] = (padded[i] as number) ^ 0x5c
  }
  return (text) => {
    const longest = blockBytes + text.length * 3
    if (longest > inner.length) inner = Buffer.concat([inner.subarray(0, blockBytes)], longest)
    const end = blockBytes + inner.write(text, blockBytes)
    outer.write(hash('sha256', inner.subarray(0, end)), blockBytes, 'hex')
    return hash('sha256', outer)
  }
}
