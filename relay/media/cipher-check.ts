import type { SrtpSuite } from '#contract'
import { RTCP_HEADER, RTP_HEADER } from './packet-shape.ts'
import { type CipherMaker, type SessionKey, sessionKey, suiteSizes } from './srtp-cipher.ts'
import { pureCipher } from './srtp-pure.ts'

/** Bytes of a packet. */
const LENGTH = 77
/** RTCP's first index, encrypted. */
const WORD = 1 << 31

/**
 * What is wrong with ciphers of another make; undefined: nothing. They have to write what ours do to the byte, under each
 * suite, to read it again, and to refuse it forged: else calls would be readable, or not be understood.
 */
export function cipherFlaw(make: CipherMaker): string | undefined {
  for (const suite of Object.keys(suiteSizes) as SrtpSuite[])
    for (const control of [false, true]) {
      const secret = bytes(suiteSizes[suite].key + suiteSizes[suite].salt)
      const flaw = flawUnder(make, sessionKey(suite, secret, control))
      if (flaw !== undefined) return `${suite} ${flaw}`
    }
  return undefined
}

function flawUnder(make: CipherMaker, key: SessionKey): string | undefined {
  const cipher = make(key)
  const [packet, right] = [roomy(), roomy()]
  const clear = key.control ? RTCP_HEADER : RTP_HEADER
  const length = cipher.seal(packet, clear, LENGTH, WORD)
  if (length !== pureCipher(key).seal(right, clear, LENGTH, WORD)) return 'has a wrong length'
  if (!isSame(packet, right, length)) return 'encrypts wrongly'
  const forged = packet.slice()
  forged[LENGTH - 1] = ~(forged[LENGTH - 1] as number)
  if (cipher.open(forged, clear, length, WORD) !== -1) return 'takes what is forged'
  if (cipher.open(packet, clear, length, WORD) !== LENGTH) return 'refuses what is authentic'
  return isSame(packet, roomy(), LENGTH) ? undefined : 'decrypts wrongly'
}

function roomy(): Uint8Array {
  const packet = new Uint8Array(2 * LENGTH)
  packet.set(bytes(LENGTH))
  return packet
}

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (7 * at + 3) & 0xff)
}

function isSame(one: Uint8Array, other: Uint8Array, length: number): boolean {
  return one.subarray(0, length).every((byte, at) => byte === other[at])
}
