import { createHmac, createSecretKey, hash, randomFillSync, randomInt } from 'node:crypto'
import type { Chance } from '../ground/effects.ts'

/**
 * The real dice and hashes.
 *
 * `nonceKey` is the same on all relays one phone may reach, so that each takes the others' nonces.
 */
export function openChance(nonceKey: Uint8Array): Chance {
  if (nonceKey.length < 16) throw new Error('The nonce key is too short: give at least 16 bytes.')
  const key = createSecretKey(nonceKey)
  return {
    hex: randomHex,
    uuid: uuidv7,
    below: (below) => randomInt(below),
    md5: (of) => hash('md5', of),
    sha256: (of) => hash('sha256', of),
    mac: (text) => createHmac('sha256', key).update(text).digest('hex'),
  }
}

const pool = Buffer.allocUnsafe(4096)
let used = pool.length

/** Random bytes are drawn 4 kB at a time: a draw costs a system call. */
function randomHex(bytes: number): string {
  if (bytes > pool.length) throw new RangeError(`cannot draw ${bytes} random bytes at once`)
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.toString('hex', used - bytes, used)
}

/** RFC 9562 §5.7: 48 bits of milliseconds, then chance. */
function uuidv7(at: number): string {
  const time = Math.floor(at).toString(16).padStart(12, '0')
  const chance = randomHex(10)
  const variant = ((Number.parseInt(chance.slice(3, 4), 16) & 0x3) | 0x8).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${chance.slice(0, 3)}-${variant}${chance.slice(4, 7)}-${chance.slice(7, 19)}`
}
