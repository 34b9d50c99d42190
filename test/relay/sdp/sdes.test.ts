import { describe, expect, test } from 'vitest'
import { readSdp } from '../../../relay/sdp/description.ts'
import {
  agreedOn,
  cryptosOf,
  cryptosToOffer,
  cryptoToAnswer,
  keyOf,
  writeCrypto,
} from '../../../relay/sdp/sdes.ts'
import { relayedSdp } from './descriptions.ts'

const key30 = 'd0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj'
const other30 = 'YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2'
const key28 = 'AAECAwQFBgcICQoLDA0OD1F1aWQgcHJvIHF1bw=='
const key44 = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9RdWlkIHBybyBxdW8='
const cm = 'AES_CM_128_HMAC_SHA1_80'

describe('a key in a description (a=crypto, RFC 4568 §9)', () => {
  test.each([
    ['alone', `1 ${cm} inline:${key30}`],
    ['of another suite', `1 AES_CM_128_HMAC_SHA1_32 inline:${key30}`],
    ['of GCM', `1 AEAD_AES_128_GCM inline:${key28}`],
    ['of GCM without its padding', `1 AEAD_AES_128_GCM inline:${key28.replace(/=/g, '')}`],
    ['of GCM with 256 bits', `1 AEAD_AES_256_GCM inline:${key44}`],
    ['with a lifetime', `1 ${cm} inline:${key30}|2^31`],
    ['with a lifetime in packets', `1 ${cm} inline:${key30}|1048576`],
    ['with a hint', `1 ${cm} inline:${key30} WSH=128`],
    ['with a parameter which may be ignored', `1 ${cm} inline:${key30} -NEW=7`],
    ['in small letters and with many spaces', `1   ${cm.toLowerCase()}   INLINE:${key30} `],
    ['of a long tag', `999999999 ${cm} inline:${key30}`],
  ])('is used %s', (_, line) => {
    expect(keys(line)).toHaveLength(1)
  })

  test('is the key with its salt, and has a name where it brings one', () => {
    const [named] = keys(`7 ${cm} inline:${key30}|2^20|1066:4`)
    expect(named).toMatchObject({ tag: '7', suite: cm, mki: Uint8Array.of(0, 0, 4, 42) })
    expect(Buffer.from(named?.secret ?? []).toString('base64')).toBe(key30)
    expect(keys(`1 ${cm} inline:${key30}|1:1`)[0]?.mki).toEqual(Uint8Array.of(1))
  })

  test.each([
    ['without a tag', `${cm} inline:${key30}`],
    ['of a tag that is none', `a ${cm} inline:${key30}`],
    ['of a tag too long', `1234567890 ${cm} inline:${key30}`],
    ['of a suite we cannot do', `1 F8_128_HMAC_SHA1_80 inline:${key30}`],
    ['of another method', `1 ${cm} uri:${key30}`],
    ['too short', `1 ${cm} inline:${key28}`],
    ['too long', `1 ${cm} inline:${key44}`],
    ['which is not base64', `1 ${cm} inline:${key30.slice(1)}!`],
    ['which is not a whole number of bytes', `1 ${cm} inline:${key30}A`],
    ['of several', `1 ${cm} inline:${key30}|2^20|1:4;inline:${other30}|2^20|2:4`],
    ['which soon expires', `1 ${cm} inline:${key30}|2^10`],
    ['which lives too long', `1 ${cm} inline:${key30}|2^49`],
    ['with a lifetime that is none', `1 ${cm} inline:${key30}|soon`],
    ['with a lifetime of nothing', `1 ${cm} inline:${key30}|`],
    ['with two lifetimes', `1 ${cm} inline:${key30}|2^20|2^20`],
    ['whose name has no length', `1 ${cm} inline:${key30}|2^20|1:`],
    ['whose name is longer than 128 bytes', `1 ${cm} inline:${key30}|1:129`],
    ['whose name does not fit', `1 ${cm} inline:${key30}|256:1`],
    ['with a derivation rate', `1 ${cm} inline:${key30} KDR=1`],
    ['which encrypts nothing', `1 ${cm} inline:${key30} UNENCRYPTED_SRTP`],
    ['which encrypts no RTCP', `1 ${cm} inline:${key30} UNENCRYPTED_SRTCP`],
    ['which authenticates nothing', `1 ${cm} inline:${key30} WSH=64 UNAUTHENTICATED_SRTP`],
    ['with error correction', `1 ${cm} inline:${key30} FEC_ORDER=FEC_SRTP`],
    ['with what is not known', `1 ${cm} inline:${key30} NEW=7`],
    ['of a window which is none', `1 ${cm} inline:${key30} WSH=x`],
  ])('is not used %s', (_, line) => {
    expect(keys(line)).toEqual([])
  })

  test('is not used under a tag which comes twice; the others are', () => {
    const lines = [
      `1 ${cm} inline:${key30}`,
      `1 AEAD_AES_128_GCM inline:${key28}`,
      `2 ${cm} inline:${other30}`,
    ]
    expect(keys(...lines).map(({ tag }) => tag)).toEqual(['2'])
  })

  test('is read as it was written', () => {
    const [offer] = cryptosToOffer(nothing, counted())
    if (offer === undefined) throw new Error('nothing was offered')
    expect(keys(writeCrypto(offer).slice('a=crypto:'.length))).toEqual([offer])
  })
})

describe('an offer of keys', () => {
  test('has one of each suite, and no two alike', () => {
    const offer = cryptosToOffer(nothing, counted())
    expect(offer.map(({ tag, suite }) => [tag, suite])).toEqual([
      ['1', 'AES_CM_128_HMAC_SHA1_80'],
      ['2', 'AEAD_AES_128_GCM'],
      ['3', 'AEAD_AES_256_GCM'],
      ['4', 'AES_CM_128_HMAC_SHA1_32'],
    ])
    expect(offer.map(({ secret }) => secret.length)).toEqual([30, 28, 44, 30])
    expect(new Set(offer.map(({ secret }) => secret[0])).size).toBe(4)
  })

  test('made again keeps them, what is agreed on first (§7.1.4)', () => {
    const offer = cryptosToOffer(nothing, counted())
    const [, second] = offer
    if (second === undefined) throw new Error('one suite was offered')
    const agreed = { theirs: keyOf(second), ours: keyOf(second) }
    const again = cryptosToOffer({ ours: offer, agreed }, counted(100))
    expect(again[0]).toEqual(second)
    expect(new Set(again.map(({ secret }) => secret))).toEqual(new Set(offer.map(({ secret }) => secret)))
  })
})

describe('an answer to an offer of keys (§5.1.2)', () => {
  test('takes the first which can be used, under its tag and with a key of its own', () => {
    const offered = keys(
      `1 F8_128_HMAC_SHA1_80 inline:${key30}`,
      `5 AEAD_AES_128_GCM inline:${key28}`,
      `2 ${cm} inline:${key30}`,
    )
    const answer = cryptoToAnswer(offered, undefined, counted())
    expect(answer).toMatchObject({ tag: '5', suite: 'AEAD_AES_128_GCM' })
    expect(answer?.secret).not.toEqual(offered[0]?.secret)
  })

  test('is none where none can be used', () => {
    expect(cryptoToAnswer([], undefined, counted())).toBeUndefined()
  })

  test('keeps our key while theirs stays, and renews it with theirs (§7.1.4)', () => {
    const [first] = keys(`1 ${cm} inline:${key30}`)
    const [second] = keys(`1 ${cm} inline:${other30}`)
    const ours = first && cryptoToAnswer([first], undefined, counted())
    if (!first || !second || !ours) throw new Error('no answer was made')
    const agreed = { theirs: keyOf(first), ours: keyOf(ours) }
    expect(cryptoToAnswer([{ ...first, tag: '9' }], agreed, counted(100))).toEqual({ ...ours, tag: '9' })
    expect(cryptoToAnswer([second], agreed, counted(100))?.secret).not.toEqual(ours.secret)
  })

  test('agrees on the line whose tag and suite it has, on no other', () => {
    const [theirs] = keys(`1 ${cm} inline:${key30}`)
    const [ours] = keys(`1 ${cm} inline:${other30}`)
    if (!theirs || !ours) throw new Error('a line was not read')
    expect(agreedOn([theirs], [ours])).toEqual({ theirs: keyOf(theirs), ours: keyOf(ours) })
    expect(agreedOn([{ ...theirs, tag: '2' }], [ours])).toBeUndefined()
    expect(agreedOn([{ ...theirs, suite: 'AES_CM_128_HMAC_SHA1_32' }], [ours])).toBeUndefined()
  })
})

const nothing = { ours: [], agreed: undefined }

function keys(...lines: string[]) {
  const attributes = lines.map((line) => `a=crypto:${line}`).join('\r\n')
  const said = `v=0\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n${attributes}\r\n`
  const media = readSdp(said)?.media[0] ?? relayedSdp(said).sdp.media[0]
  if (media === undefined) throw new Error('the description was not read')
  return cryptosOf(media)
}

/** Secrets whose bytes are all alike, and no two of which are. */
function counted(first = 1) {
  let next = first
  return (bytes: number) => new Uint8Array(bytes).fill(next++)
}
