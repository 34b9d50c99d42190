import { describe, expect, test } from 'vitest'
import { codecs, commonCodec, keepCodecs } from '../../../relay/media/codecs.ts'
import { compose, relayed, rewrite } from '../../../relay/media/offer.ts'
import { description, fancy, phone, sdpOf, textOf } from './descriptions.ts'

const ours = { address: '203.0.113.7', port: 20_000, origin: { id: 77, version: 3 } }

describe('an offer or answer on its way through us', () => {
  test('names our address and port, our origin, and keeps all else in place', () => {
    expect(textOf(rewrite(sdpOf(phone), ours))).toBe(
      phone
        .replace('o=alice 53655765 2353687637 IN IP4 192.0.2.1', 'o=- 77 3 IN IP4 203.0.113.7')
        .replace('c=IN IP4 192.0.2.1', 'c=IN IP4 203.0.113.7')
        .replace('m=audio 4000', 'm=audio 20000'),
    )
  })

  test('refuses every m-line but the first which travels, keeping its place (RFC 3264 §6)', () => {
    const text = textOf(rewrite(sdpOf(fancy), ours))
    expect(text.match(/^m=.*$/gm)).toEqual(['m=audio 20000 RTP/SAVPF 111 0', 'm=video 0 RTP/SAVPF 96'])
  })

  test('leaves no way around us: no ICE, no mux, no other address; SDES keys pass', () => {
    const text = textOf(rewrite(sdpOf(fancy), ours))
    expect(text).not.toMatch(/candidate|ice-|rtcp|BUNDLE|10\.0\.0\.5/)
    expect(text).toContain('a=crypto:1 AES_CM_128_HMAC_SHA1_80')
  })

  test('gets a c-line in its proper place when it came without', () => {
    const bare = phone.replace('c=IN IP4 192.0.2.1\r\n', '')
    expect(textOf(rewrite(sdpOf(bare), ours))).toContain('s=-\r\nc=IN IP4 203.0.113.7\r\nt=0 0')
  })

  test('says IP6 where our address is one', () => {
    const text = textOf(rewrite(sdpOf(phone), { ...ours, address: '2001:db8::7' }))
    expect(text).toContain('c=IN IP6 2001:db8::7')
    expect(text).toContain('o=- 77 3 IN IP6 2001:db8::7')
  })

  test('turns a hold by 0.0.0.0 into a direction, since the address is now ours', () => {
    const held = sdpOf(phone.replace('c=IN IP4 192.0.2.1', 'c=IN IP4 0.0.0.0'))
    expect(textOf(rewrite(held, ours))).toMatch(/c=IN IP4 203\.0\.113\.7[\s\S]*a=sendonly\r\n$/)
  })

  test('relays the fax which replaces the sound', () => {
    const fax = description('m=audio 0 RTP/AVP 0', 'm=image 4100 udptl t38', 'a=T38FaxVersion:0')
    const text = textOf(rewrite(sdpOf(phone.replace(/m=[\s\S]*/, fax)), ours))
    expect(text).toMatch(/m=audio 0 RTP\/AVP 0\r\nm=image 20000 udptl t38\r\na=T38FaxVersion:0/)
  })

  test('has nothing to relay when its media travels otherwise', () => {
    expect(relayed(sdpOf(phone.replace('RTP/AVP', 'TCP/RTP/AVP')))).toBeUndefined()
    expect(relayed(sdpOf(phone.replace('m=audio 4000', 'm=audio 0')))).toBeUndefined()
    expect(relayed(sdpOf(phone.replace('RTP/AVP', 'UDP/TLS/RTP/SAVPF')))).toBeUndefined()
  })
})

describe('the origin of a leg (RFC 3264 §8)', () => {
  const leg = { address: '203.0.113.7', port: 20_000, id: 9 }

  test('keeps its version while the body stays', () => {
    const first = compose(undefined, sdpOf(phone), leg)
    const second = compose(first, sdpOf(phone.replace('2353687637', '2353687638')), leg)
    expect(second).toEqual(first)
    expect(first.text).toContain('o=- 9 1 IN IP4')
  })

  test('rises by one when the body changed', () => {
    const first = compose(undefined, sdpOf(phone), leg)
    const second = compose(first, sdpOf(`${phone}a=sendonly\r\n`), leg)
    const third = compose(second, sdpOf(phone), leg)
    expect([first.version, second.version, third.version]).toEqual([1, 2, 3])
    expect(third.text).toContain('o=- 9 3 IN IP4')
    expect(third.body).toBe(first.body)
  })
})

describe('codecs', () => {
  test('are named best first, static ones without rtpmap too, tones and comfort noise left out', () => {
    expect(codecs(sdpOf(phone))).toEqual(['PCMU', 'PCMA', 'G729'])
    expect(codecs(sdpOf(fancy))).toEqual(['OPUS', 'PCMU'])
    expect(codecs(sdpOf(phone.replace('m=audio 4000', 'm=audio 0')))).toEqual([])
  })

  test('are cut down to what a provider takes, with the tones kept and no word of the others', () => {
    const kept = keepCodecs(sdpOf(phone), ['pcma', 'OPUS'])
    const text = kept && textOf(kept)
    expect(text).toContain('m=audio 4000 RTP/AVP 8 101\r\n')
    expect(text).toContain('a=fmtp:101 0-16')
    expect(text).not.toMatch(/PCMU|G729|fmtp:18/)
  })

  test('leave nothing to offer when the provider takes none of them', () => {
    expect(keepCodecs(sdpOf(phone), ['OPUS'])).toBeUndefined()
  })

  test('are all kept when the provider names none', () => {
    expect(keepCodecs(sdpOf(phone), [])).toEqual(sdpOf(phone))
  })

  test('agree on the first of the answer which the offer had', () => {
    const answer = (format: string) => sdpOf(phone.replace('RTP/AVP 0 8 18 101', `RTP/AVP ${format}`))
    expect(commonCodec(sdpOf(phone), answer('8 101'))).toBe('PCMA')
    expect(commonCodec(sdpOf(phone), answer('3'))).toBeUndefined()
    expect(commonCodec(sdpOf(phone), answer('101'))).toBeUndefined()
  })
})
