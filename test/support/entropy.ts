import { createHmac, hash } from 'node:crypto'
import type { Entropy, Hashes } from '../../relay/ground/effects.ts'

/** Random numbers which fall the same way in every run. */
export function steadyEntropy(seed = 1): Entropy {
  let count = seed
  return {
    hex: (bytes) => hash('sha512', `hex ${count++}`).slice(0, bytes * 2),
    uuid: () => {
      const text = hash('sha256', `uuid ${count++}`)
      return `${text.slice(0, 8)}-${text.slice(8, 12)}-7${text.slice(13, 16)}-8${text.slice(17, 20)}-${text.slice(20, 32)}`
    },
    below: (below) => Number(BigInt(`0x${hash('sha256', `below ${count++}`).slice(0, 12)}`) % BigInt(below)),
  }
}

/** Real hashes, under a key which is the same in every run. */
export const steadyHashes: Hashes = {
  md5: (of) => hash('md5', of),
  sha256: (of) => hash('sha256', of),
  mac: (text) => createHmac('sha256', 'steady').update(text).digest('hex'),
}
