import { randomFillSync, randomInt } from 'node:crypto'
import type { UtcMs } from '#contract'
import type { Entropy } from '../ground/effects.ts'

/** Random numbers of the system. */
export const entropy: Entropy = {
  hex: (bytes) => randomHex(bytes),
  uuid: uuidv7,
  below: (below) => randomInt(below),
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

/** RFC 9562 §5.7: 48 bits of milliseconds, then random ones. */
function uuidv7(at: UtcMs): string {
  const time = Math.floor(at).toString(16).padStart(12, '0')
  const random = randomHex(10)
  const variant = ((Number.parseInt(random.slice(3, 4), 16) & 0x3) | 0x8).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`
}
