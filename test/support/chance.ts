import { createHmac, hash } from 'node:crypto'
import type { Chance } from '../../relay/ground/effects.ts'

/** Dice which fall the same way in every run; real hashes. */
export function steadyChance(seed = 1): Chance {
  let count = seed
  return {
    hex: (bytes) => hash('sha512', `hex ${count++}`).slice(0, bytes * 2),
    uuid: () => {
      const text = hash('sha256', `uuid ${count++}`)
      return `${text.slice(0, 8)}-${text.slice(8, 12)}-7${text.slice(13, 16)}-8${text.slice(17, 20)}-${text.slice(20, 32)}`
    },
    below: (below) => Number(BigInt(`0x${hash('sha256', `below ${count++}`).slice(0, 12)}`) % BigInt(below)),
    md5: (of) => hash('md5', of),
    sha256: (of) => hash('sha256', of),
    mac: (text) => createHmac('sha256', 'steady').update(text).digest('hex'),
  }
}
