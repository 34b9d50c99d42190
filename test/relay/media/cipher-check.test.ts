import { describe, expect, test } from 'vitest'
import { noteOf } from '../../../relay/io/media.ts'
import { opensslCipher } from '../../../relay/io/media-openssl.ts'
import { nodesOpenSsl } from '../../../relay/io/openssl-calls.ts'
import { cipherFlaw } from '../../../relay/media/cipher-check.ts'
import { type CipherMaker, type PacketCipher, sessionKey } from '../../../relay/media/srtp-cipher.ts'
import { pureCipher } from '../../../relay/media/srtp-pure.ts'
import { ciphers } from './ciphers.ts'

const nowhere = () => undefined
type Ssl = ReturnType<typeof nodesOpenSsl>['ssl']

describe('a cipher is checked before it is used', () => {
  test.each(ciphers())('and $name is right', ({ make }) => {
    expect(cipherFlaw(make)).toBeUndefined()
  })

  test.each<[string, (right: PacketCipher) => Partial<PacketCipher>, RegExp]>([
    ['which leaves all readable', () => ({ seal: (_, __, end) => end + 10 }), /encrypts wrongly/],
    ['which has no tag', () => ({ seal: (_, __, end) => end }), /has a wrong length/],
    ['which takes everything', () => ({ open: () => 77 }), /takes what is forged/],
    ['which takes nothing', () => ({ open: () => -1 }), /refuses what is authentic/],
    [
      'which reads wrongly',
      (right) => ({
        open(packet, clear, length, word) {
          const out = right.open(packet, clear, length, word)
          if (out > 0) packet[clear] = 0
          return out
        },
      }),
      /decrypts wrongly/,
    ],
  ])('and one %s is not', (_, change, flaw) => {
    const make: CipherMaker = (key) => {
      const right = bound(pureCipher(key))
      return { ...right, ...change(right) }
    }
    expect(cipherFlaw(make)).toMatch(flaw)
  })
})

describe('OpenSSL', () => {
  test.each<[string, Partial<Ssl>, RegExp]>([
    ['takes no key', { EVP_EncryptInit_ex: () => 0 }, /does not take a key/],
    ['takes no key to decrypt', { EVP_DecryptInit_ex: () => 0 }, /does not take a key/],
    ['hashes nothing', { SHA1_Init: () => 0 }, /does not take a key/],
    ['has no memory', { EVP_CIPHER_CTX_new: () => 0n }, /no memory/],
    ['says that it took a key', { EVP_EncryptUpdate: () => 1 }, /AES_CM_128_HMAC_SHA1_80 encrypts wrongly/],
    ['says that it failed', { EVP_EncryptUpdate: () => 0 }, /has a wrong length/],
  ])('is not used where it %s', (_, change, why) => {
    const { ssl, whereIs } = nodesOpenSsl()
    expect(opensslCipher(nowhere, () => ({ ssl: { ...ssl, ...change }, whereIs }))).toMatch(why)
  })

  test.each<[keyof Ssl, 'seal' | 'open']>([
    ['EVP_EncryptInit_ex', 'seal'],
    ['EVP_EncryptUpdate', 'seal'],
    ['EVP_EncryptFinal_ex', 'seal'],
    ['EVP_CIPHER_CTX_ctrl', 'seal'],
    ['EVP_DecryptInit_ex', 'open'],
    ['EVP_DecryptUpdate', 'open'],
    ['EVP_CIPHER_CTX_ctrl', 'open'],
    ['SHA1_Update', 'seal'],
    ['SHA1_Final', 'seal'],
    ['SHA1_Update', 'open'],
  ])(
    'whose %s fails later on has the packet dropped, and a key it does not take gets a cipher of ours',
    (call, what) => {
      const { ssl, whereIs } = nodesOpenSsl()
      const works: Ssl = { ...ssl }
      const make = opensslCipher(nowhere, () => ({ ssl: works, whereIs }))
      if (typeof make === 'string') throw new Error(make)
      const suite = call.startsWith('SHA1') ? 'AES_CM_128_HMAC_SHA1_80' : 'AEAD_AES_128_GCM'
      const key = sessionKey(suite, new Uint8Array(30).fill(7), false)
      const [cipher, packet] = [make(key), new Uint8Array(300).fill(5)]
      const length = cipher.seal(packet, 12, 172, 0)
      Object.assign(works, { [call]: () => 0 })
      if (what === 'seal') expect(cipher.seal(packet, 12, 172, 0)).toBe(-1)
      else expect(cipher.open(packet, 12, length, 0)).toBe(-1)
      if (call.includes('Init') || call === 'SHA1_Update')
        expect(make(key).seal(new Uint8Array(300).fill(5), 12, 172, 0)).toBe(length)
    },
  )

  test('which is not used is told of when the media thread starts', () => {
    const started = { engine: 'ffi', why: undefined, cipher: 'typescript' } as const
    expect(noteOf({ ...started, cipherWhy: 'AEAD_AES_128_GCM encrypts wrongly' })).toMatchObject({
      level: 'warn',
      fields: { cipher: 'typescript', cipher_why: 'AEAD_AES_128_GCM encrypts wrongly' },
    })
    expect(noteOf({ ...started, cipherWhy: undefined }).level).toBe('info')
  })
})

function bound(cipher: PacketCipher): PacketCipher {
  return { iv: cipher.iv, seal: cipher.seal.bind(cipher), open: cipher.open.bind(cipher) }
}
