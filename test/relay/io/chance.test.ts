import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { openChance } from '../../../relay/io/chance.ts'

const chance = openChance(new Uint8Array(16))

describe('chance', () => {
  test('hashes text as the RFCs’ vectors say (RFC 1321 A.5, FIPS 180-4, RFC 4231)', () => {
    expect(chance.md5('message digest')).toBe('f96b697d7cb7938d525a2f31aaf161d0')
    expect(chance.sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    const jefe = openChance(new TextEncoder().encode('Jefe'.padEnd(64, '\0')))
    expect(jefe.mac('what do ya want for nothing?')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
  })

  test('makes UUIDs which sort by time and are never the same (RFC 9562 §5.7)', () => {
    const at = Date.UTC(2026, 0, 1)
    const ids = Array.from({ length: 2_000 }, (_, i) => chance.uuid(at + i))
    expect(new Set(ids).size).toBe(ids.length)
    expect([...ids].sort()).toEqual(ids)
    for (const id of ids) expect(z.uuidv7().safeParse(id).success).toBe(true)
  })

  test('draws hex of the length asked for, each time another', () => {
    const drawn = Array.from({ length: 1_000 }, () => chance.hex(8))
    for (const text of drawn) expect(text).toMatch(/^[0-9a-f]{16}$/)
    expect(new Set(drawn).size).toBe(drawn.length)
  })

  test('draws every number below a bound, and no other', () => {
    const drawn = new Set(Array.from({ length: 500 }, () => chance.below(5)))
    expect([...drawn].sort()).toEqual([0, 1, 2, 3, 4])
  })

  test('refuses a nonce key which could be guessed', () => {
    expect(() => openChance(new Uint8Array(15))).toThrow('at least 16 bytes')
  })
})
