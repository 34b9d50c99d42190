import { createHmac, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { openHashes } from '../../../relay/io/hashes.ts'

describe('hashes', () => {
  test('hashes text as the RFCs’ vectors say (RFC 1321 A.5, FIPS 180-4, RFC 4231)', () => {
    const hashes = openHashes(new Uint8Array(16))
    expect(hashes.md5('message digest')).toBe('f96b697d7cb7938d525a2f31aaf161d0')
    expect(hashes.sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    const jefe = openHashes(new TextEncoder().encode('Jefe'.padEnd(64, '\0')))
    expect(jefe.mac('what do ya want for nothing?')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
  })

  test('signs as OpenSSL does, whatever the length of key and text', () => {
    for (const bytes of [16, 32, 63, 64, 65, 200]) {
      const key = randomBytes(bytes)
      const { mac } = openHashes(key)
      for (const text of ['', 'nonce', 'ü€😀', 'a'.repeat(400), '€'.repeat(5_000), 'after a long one'])
        expect(mac(text)).toBe(createHmac('sha256', key).update(text).digest('hex'))
    }
  })

  test('refuses a nonce key which could be guessed', () => {
    expect(() => openHashes(new Uint8Array(15))).toThrow('at least 16 bytes')
  })
})
