import { createCipheriv, createHmac, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { srtpSuites } from '#contract'
import { Aes } from '../../../relay/media/aes.ts'
import { HmacSha1 } from '../../../relay/media/hmac-sha1.ts'
import {
  type PacketCipher,
  type SessionKey,
  sessionKey,
  suiteSizes,
} from '../../../relay/media/srtp-cipher.ts'
import { pureCipher } from '../../../relay/media/srtp-pure.ts'
import { readWord } from '../../../relay/media/words.ts'
import { ciphers, fromHex, toHex } from './ciphers.ts'

describe('AES in counter mode (RFC 3711 appendix B.2)', () => {
  test('makes the key stream of the appendix', () => {
    const stream = new Uint8Array(1_044_512)
    const aes = new Aes(fromHex('2B7E151628AED2A6ABF7158809CF4F3C'))
    const iv = fromHex('F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000')
    aes.xor(readWord(iv, 0), readWord(iv, 4), readWord(iv, 8), readWord(iv, 12), stream, 0, stream.length)
    expect(toHex(stream.subarray(0, 48))).toBe(
      'e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0',
    )
    expect(toHex(stream.subarray(0xfeff * 16))).toBe(
      'ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae6a2cc3787889374fbeb4c81b17ba6c44',
    )
  })
})

describe('HMAC-SHA1 (RFC 2104)', () => {
  test('is what OpenSSL makes of messages of every length', () => {
    const key = randomBytes(20)
    const hmac = new HmacSha1(key)
    for (let length = 0; length < 200; length++) {
      const message = randomBytes(length)
      hmac.hash(message, length)
      expect(toHex(hmac.digest)).toBe(createHmac('sha1', key).update(message).digest('hex'))
    }
  })
})

describe('deriving keys (RFC 3711 appendix B.3)', () => {
  const secret = fromHex('E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6')

  test('makes the appendix’s keys and salt', () => {
    const { key, salt, authentication } = sessionKey('AES_CM_128_HMAC_SHA1_80', secret, false)
    expect(toHex(key)).toBe('c61e7a93744f39ee10734afe3ff7a087')
    expect(toHex(salt)).toBe('30cbbc08863d8c85d49db34a9ae10000')
    expect(toHex(authentication)).toBe('cebe321f6ff7716b6fd4ab49af256a156d38baa4')
  })

  /** By Node's own AES. */
  function labelled(label: number, length: number): string {
    const iv = Buffer.concat([secret.subarray(16), Buffer.alloc(2)])
    iv.writeUInt8(iv.readUInt8(7) ^ label, 7)
    const cipher = createCipheriv('aes-128-ctr', secret.subarray(0, 16), iv)
    return toHex(cipher.update(Buffer.alloc(length)))
  }

  test('makes others for RTCP', () => {
    const rtcp = sessionKey('AES_CM_128_HMAC_SHA1_80', secret, true)
    expect(toHex(rtcp.key)).toBe(labelled(3, 16))
    expect(toHex(rtcp.authentication)).toBe(labelled(4, 20))
    expect(toHex(rtcp.salt)).toBe(`${labelled(5, 14)}0000`)
  })
})

describe.each(ciphers())('packets under AES-GCM by $name (RFC 7714 §16, §17)', ({ make, packet }) => {
  const rtp =
    '8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573'
  const rtcp =
    '81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef'

  test.each([
    {
      section: '16.1',
      suite: 'AEAD_AES_128_GCM',
      control: false,
      plain: rtp,
      sealed:
        '8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce',
    },
    {
      section: '16.2',
      suite: 'AEAD_AES_256_GCM',
      control: false,
      plain: rtp,
      sealed:
        '8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13',
    },
    {
      section: '17.1',
      suite: 'AEAD_AES_128_GCM',
      control: true,
      plain: rtcp,
      sealed:
        '81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4',
    },
    {
      section: '17.2',
      suite: 'AEAD_AES_256_GCM',
      control: true,
      plain: rtcp,
      sealed:
        '81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4',
    },
  ] as const)('are as §$section has them', ({ suite, control, plain, sealed }) => {
    const cipher = make(keyOf(suite, control))
    cipher.iv.set(fromHex(control ? '517524055203726f207170bb' : '51753c6580c2726f20718414'))
    const clear = control ? 8 : 12
    const before = fromHex(plain)
    const after = fromHex(sealed)
    packet.set(before)
    expect(cipher.seal(packet, clear, before.length, 0x800005d4 | 0)).toBe(after.length)
    expect(toHex(packet.subarray(0, after.length))).toBe(toHex(after))
    expect(cipher.open(packet, clear, after.length, 0x800005d4 | 0)).toBe(before.length)
    expect(toHex(packet.subarray(0, before.length))).toBe(toHex(before))
  })
})

/** The RFC's examples have no master key: these are the session's. */
function keyOf(suite: SessionKey['suite'], control: boolean): SessionKey {
  const key = Uint8Array.from({ length: suiteSizes[suite].key }, (_, i) => i)
  return { suite, control, key, salt: new Uint8Array(12), authentication: new Uint8Array(0) }
}

describe.each(srtpSuites)('%s', (suite) => {
  const { key, salt } = suiteSizes[suite]
  const secret = randomBytes(key + salt)

  test.each([false, true])('is the same by OpenSSL and by TypeScript (RTCP: %s)', (control) => {
    const made = ciphers().map(({ make, packet }) => ({
      cipher: make(sessionKey(suite, secret, control)),
      packet,
    }))
    const clear = control ? 8 : 12
    for (let length = 12; length < 300; length += 7) {
      const plain = randomBytes(length)
      const results = made.map(({ cipher, packet }) => {
        packet.set(plain)
        return toHex(packet.subarray(0, cipher.seal(packet, clear, length, 0x80000001 | 0)))
      })
      expect(new Set(results).size).toBe(1)
    }
  })

  test.each([false, true])('keeps keys apart which are used in turn (RTCP: %s)', (control) => {
    const clear = control ? 8 : 12
    const keys = [secret, randomBytes(key + salt)].map((each) => sessionKey(suite, each, control))
    const plain = randomBytes(60)
    for (const { make, packet } of ciphers()) {
      const mixed = keys.map(make)
      for (const at of [0, 1, 1, 0]) {
        const cipher = mixed[at] as PacketCipher
        const alone = keys[at] as SessionKey
        cipher.iv.set(alone.salt)
        packet.set(plain)
        const length = cipher.seal(packet, clear, 60, 7)
        const right = new Uint8Array(128)
        right.set(plain)
        pureCipher(alone).seal(right, clear, 60, 7)
        expect(toHex(packet.subarray(0, length))).toBe(toHex(right.subarray(0, length)))
        expect(cipher.open(packet, clear, length, 7)).toBe(60)
      }
    }
  })

  test.each([false, true])('ends a length which has no room for a tag (RTCP: %s)', (control) => {
    const clear = control ? 8 : 12
    for (const { name, make, packet } of ciphers().filter((one) => one.name !== 'TypeScript')) {
      const cipher = make(sessionKey(suite, secret, control))
      for (let length = 0; length < clear + suiteSizes[suite].tag; length++)
        expect(cipher.open(packet, clear, length, 7), `${name}, ${length}`).toBe(-1)
    }
  })

  test.each([false, true])('leaves a packet as it was which is not authentic (RTCP: %s)', (control) => {
    const clear = control ? 8 : 12
    for (const { make, packet } of ciphers()) {
      const cipher = make(sessionKey(suite, secret, control))
      packet.set(randomBytes(60))
      const length = cipher.seal(packet, clear, 60, 7)
      const sealed = toHex(packet.subarray(0, length))
      if (control || !suiteSizes[suite].aead) expect(cipher.open(packet, clear, length, 8)).toBe(-1)
      expect(toHex(packet.subarray(0, length))).toBe(sealed)
      for (const at of [0, 7, 12, 59, length - (control ? 10 : 1)]) {
        packet[at] = (packet[at] as number) ^ 1
        expect(cipher.open(packet, clear, length, 7), `byte ${at}`).toBe(-1)
        packet[at] = (packet[at] as number) ^ 1
        expect(toHex(packet.subarray(0, length))).toBe(sealed)
      }
      expect(cipher.open(packet, clear, length, 7)).toBe(60)
    }
  })
})
