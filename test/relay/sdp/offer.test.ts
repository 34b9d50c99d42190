import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { codecs, keepCodecs } from '../../../relay/sdp/codecs.ts'
import { readSdp } from '../../../relay/sdp/description.ts'
import { composeSdp, decline, saysTheSame } from '../../../relay/sdp/offer.ts'
import { mediaOf, relayed } from '../../../relay/sdp/relayed.ts'
import { cryptosOf } from '../../../relay/sdp/sdes.ts'
import { description, fancy, faultOf, phone, relayedSdp, sdpOf } from './descriptions.ts'

const ours = { address: '203.0.113.7', port: portNumber(20_000), id: 77 }
const offered = (text: string) => composeSdp(undefined, relayedSdp(text), ours).text
const crypto = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj'
const head = phone.slice(0, phone.indexOf('m='))
const audio = 'm=audio 4000 RTP/AVP 0\r\n'
const video = 'm=video 4002 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n'
const fax = 'm=image 4100 udptl t38\r\na=T38FaxVersion:0\r\n'
const lines = (text: string) => text.match(/^m=.*$/gm)

describe('an offer on its way through us', () => {
  test('names our address and port, our origin, and keeps all else in place', () => {
    expect(offered(phone)).toBe(
      phone
        .replace('o=alice 53655765 2353687637 IN IP4 192.0.2.1', 'o=- 77 1 IN IP4 203.0.113.7')
        .replace('c=IN IP4 192.0.2.1', 'c=IN IP4 203.0.113.7')
        .replace('m=audio 4000', 'm=audio 20000'),
    )
  })

  test('is one m-line: what we do not pass on nobody has to decline', () => {
    expect(lines(offered(fancy))).toEqual(['m=audio 20000 RTP/AVP 111 0'])
  })

  test.each([
    ['video before it', head + video + audio],
    ['video behind it', head + audio + video],
    ['a picture of fax before it', head + fax + audio],
    ['the same under a key before it', `${head}m=audio 4010 RTP/SAVP 0\r\n${crypto}\r\n${audio}`],
    ['the same for browsers before it', `${head}m=audio 4010 UDP/TLS/RTP/SAVPF 0\r\n${audio}`],
    ['a refused one before it', `${head}m=audio 0 RTP/AVP 8\r\n${audio}`],
    ['one whose port cannot be read before it', `${head}m=audio x RTP/AVP 8\r\n${audio}`],
  ])('finds the sound with %s', (_, text) => {
    expect(lines(offered(text))).toEqual(['m=audio 20000 RTP/AVP 0'])
  })

  test('leaves no way around us: no ICE, no port of RTCP, no other address, and no key: each leg has its own', () => {
    const text = offered(fancy)
    expect(text).not.toMatch(/candidate|ice-|rtcp:|BUNDLE|10\.0\.0\.5/)
    expect(text).not.toContain('a=crypto')
  })

  test('names no person, whose INVITE may hide: s, i, u, e and p are not passed on (RFC 3323 §5.2)', () => {
    const person = 's=Alice\r\ni=of Wonderland\r\nu=http://alice.test/\r\ne=alice@alice.test\r\np=+1 555 0100'
    const text = offered(phone.replace(/^s=.*$/m, person).replace(/^(m=audio.*)$/m, '$1\r\ni=Alice speaks'))
    expect(text).toBe(offered(phone))
    expect(text).toContain('s=-')
  })

  test('names no account: phones write theirs beside the SSRC of what they send (RFC 5576)', () => {
    const named = 'a=ssrc:3068566728 cname:sip:alice@customer.test\r\na=msid:alice track\r\na=ptime'
    expect(offered(phone.replace('a=ptime', named))).toBe(offered(phone))
  })

  test('has what each description must have, whatever was missing (RFC 4566 §5)', () => {
    const bare = 'c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n'
    expect(offered(bare)).toBe(
      'v=0\r\no=- 77 1 IN IP4 203.0.113.7\r\ns=-\r\nc=IN IP4 203.0.113.7\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n',
    )
  })

  test('asks for no early feedback, which most refuse (RFC 4585 §3.1); who offered it is answered by it', () => {
    const early = phone.replace('RTP/AVP', 'RTP/AVPF').replace('a=ptime', 'a=rtcp-fb:* nack\r\na=ptime')
    expect(offered(early)).toBe(offered(phone))
    const answer = composeSdp(undefined, relayedSdp(phone), ours, relayedSdp(early))
    expect(lines(answer.text)).toEqual(['m=audio 20000 RTP/AVPF 0 8 18 101'])
  })

  test('says IP6 where our address is one', () => {
    const { text } = composeSdp(undefined, relayedSdp(phone), { ...ours, address: '2001:db8::7' })
    expect(text).toContain('c=IN IP6 2001:db8::7')
    expect(text).toContain('o=- 77 1 IN IP6 2001:db8::7')
  })

  test('turns a hold by 0.0.0.0 into a direction, since the address is now ours', () => {
    const held = phone.replace('c=IN IP4 192.0.2.1', 'c=IN IP4 0.0.0.0')
    expect(offered(held)).toMatch(/c=IN IP4 203\.0\.113\.7[\s\S]*a=sendonly\r\n$/)
  })
})

describe('an answer on its way through us (RFC 3264 §6)', () => {
  const answering = (offer: string, answer = phone) =>
    lines(composeSdp(undefined, relayedSdp(answer, { answered: true }), ours, relayedSdp(offer)).text)

  test('has a line for each of the offer’s, in its order, all declined but one', () => {
    const offer = `${head}m=audio 4010 UDP/TLS/RTP/SAVPF 111\r\n${video}${audio}${fax}`
    expect(answering(offer)).toEqual([
      'm=audio 0 UDP/TLS/RTP/SAVPF 111',
      'm=video 0 RTP/AVP 99',
      'm=audio 20000 RTP/AVP 0',
      'm=image 0 udptl t38',
    ])
  })

  test('speaks the protocol of the line it answers', () => {
    expect(answering(phone.replace('RTP/AVP', 'RTP/AVPF'))).toEqual(['m=audio 20000 RTP/AVPF 0 8 18 101'])
  })

  test('which declines all has every line of the offer', () => {
    const offer = sdpOf(head + video + audio)
    const text = decline(offer, { ...ours, port: portNumber(0) }, undefined)
    expect(lines(text)).toEqual(['m=video 0 RTP/AVP 99', 'm=audio 0 RTP/AVP 0'])
    const later = decline(
      offer,
      { ...ours, port: portNumber(0) },
      composeSdp(undefined, relayedSdp(phone), ours),
    )
    expect(later).toBe(text.replace(/^(o=- \S+) 1/m, '$1 2'))
  })
})

describe('an offer within a call (RFC 3264 §8)', () => {
  const first = composeSdp(undefined, relayedSdp(phone), ours, relayedSdp(head + video + audio))
  const next = (text: string, last = first) => composeSdp(last, relayedSdp(text), ours)

  test('leaves the sound in the place it has', () => {
    expect(lines(next(head + audio + video).text)).toEqual([
      'm=video 0 RTP/AVP 99',
      'm=audio 20000 RTP/AVP 0',
    ])
  })

  test('leaves it there, too, where another of its kind was declined before it', () => {
    const keyed = `${head}m=audio 4010 UDP/TLS/RTP/SAVPF 111\r\n${audio}`
    const last = composeSdp(undefined, relayedSdp(phone), ours, relayedSdp(keyed))
    expect(lines(next(head + audio, last).text)).toEqual([
      'm=audio 0 UDP/TLS/RTP/SAVPF 111',
      'm=audio 20000 RTP/AVP 0',
    ])
  })

  test('lets the fax follow the voice in its place, and the voice follow the fax (§8.3.3)', () => {
    const faxed = next(`${head}m=audio 0 RTP/AVP 0\r\n${fax}`)
    expect(lines(faxed.text)).toEqual(['m=video 0 RTP/AVP 99', 'm=image 20000 udptl t38'])
    expect(lines(next(head + audio, faxed).text)).toEqual(['m=video 0 RTP/AVP 99', 'm=audio 20000 RTP/AVP 0'])
    const beside = relayedSdp(`${head}m=audio 0 RTP/AVP 0\r\n${fax}`)
    const answered = composeSdp(undefined, beside, ours, beside)
    expect(lines(next(head + audio, answered).text)).toEqual([
      'm=audio 20000 RTP/AVP 0',
      'm=image 0 udptl t38',
    ])
  })
})

describe('a description nothing can be relayed of', () => {
  test.each([
    ['nobody can read', 'hello', 400, 399],
    ['has no m-line', head, 488, 304],
    ['declines all there is', `${head}m=audio 0 RTP/AVP 0\r\n`, 488, 304],
    ['wants its keys agreed on over DTLS', phone.replace('RTP/AVP', 'UDP/TLS/RTP/SAVPF'), 488, 302],
    ['wants them so without saying so', phone.replace('RTP/AVP', 'RTP/SAVPF'), 488, 302],
    ['travels over TCP', phone.replace('RTP/AVP', 'TCP/RTP/AVP'), 488, 302],
    ['names no format', phone.replace('RTP/AVP 0 8 18 101', 'RTP/AVP'), 488, 305],
    ['names formats which are none', phone.replace('RTP/AVP 0 8 18 101', 'RTP/AVP PCMU'), 488, 305],
    ['names half an address', phone.replace('c=IN IP4 192.0.2.1', 'c=IN IP4'), 488, 399],
    ['names an impossible one', phone.replace('c=IN IP4 192.0.2.1', 'c=IN IP4 192.0.2.256'), 488, 399],
    ['names one of another network', phone.replace('c=IN IP4', 'c=ATM NSAP'), 488, 399],
    ['names one of another family', phone.replace('c=IN IP4 192.0.2.1', 'c=IN IP6 2001:db8::1'), 488, 301],
    ['wants it sent to a group', phone.replace('c=IN IP4 192.0.2.1', 'c=IN IP4 224.2.1.1/127'), 488, 330],
    ['wants it sent to nobody', phone.replace('c=IN IP4 192.0.2.1', 'c=IN IP4 240.0.0.1'), 488, 399],
  ])('because it %s says which, and how it is refused', (_, text, status, code) => {
    expect(faultOf(text)).toMatchObject({ status, code })
    expect(faultOf(text)?.why).toMatch(/^\S.*\S$/)
  })

  test('says so in few words, whatever it says itself', () => {
    const long = phone.replace('RTP/AVP', `\u0007${'x'.repeat(5_000)}`)
    expect(faultOf(long)?.why).toHaveLength(100)
    expect(faultOf(long)?.why).not.toMatch(/\p{Cc}/u)
  })

  test('is an offer: of an answer an address is forgiven, for it is heard where it signals', () => {
    const answered = true
    expect(faultOf(phone.replace('c=IN IP4 192.0.2.1\r\n', ''), { answered })).toBeUndefined()
    expect(faultOf(phone.replace('RTP/AVP', 'UDP/TLS/RTP/SAVPF'), { answered })).toBeDefined()
  })

  test('is none which only forgot its c-line: who sent it is heard from where it signals', () => {
    expect(faultOf(phone.replace('c=IN IP4 192.0.2.1\r\n', ''))).toBeUndefined()
  })

  test('is none which takes the sound and names no format: it takes those which were offered', () => {
    const [offered] = relayedSdp(phone).sdp.media
    const answer = relayedSdp(`${head}m=audio 6000 RTP/AVP\r\n`, { answered: true, offered })
    expect(answer.sdp.media[0]).toMatchObject({ port: 6000, formats: ['0', '8', '18', '101'] })
    expect(codecs(answer.sdp)).toEqual(['PCMU', 'PCMA', 'G729'])
  })

  test('may be one which answers something else than was offered', () => {
    const [, plain] = [video, audio].map((text) => relayedSdp(head + text).sdp.media[0])
    const answered = { answered: true, offered: plain }
    expect(faultOf(head + video, answered)?.code).toBe(302)
    expect(faultOf(`${head}m=audio 4010 RTP/SAVP 0\r\n${crypto}\r\n`, answered)?.code).toBe(302)
    expect(faultOf(phone.replace('RTP/AVP', 'RTP/AVPF'), answered)).toBeUndefined()
  })
})

describe('the origin of a leg (RFC 3264 §8)', () => {
  test('keeps its version while the body stays', () => {
    const first = composeSdp(undefined, relayedSdp(phone), ours)
    const second = composeSdp(first, relayedSdp(phone.replace('2353687637', '2353687638')), ours)
    expect(second.text).toBe(first.text)
    expect(first.text).toContain('o=- 77 1 IN IP4')
  })

  test('rises by one when the body changed', () => {
    const first = composeSdp(undefined, relayedSdp(phone), ours)
    const second = composeSdp(first, relayedSdp(`${phone}a=sendonly\r\n`), ours)
    const third = composeSdp(second, relayedSdp(phone), ours)
    expect([first.version, second.version, third.version]).toEqual([1, 2, 3])
    expect(third.text).toContain('o=- 77 3 IN IP4')
    expect([saysTheSame(third, first), saysTheSame(third, second)]).toEqual([true, false])
  })
})

describe('codecs', () => {
  test('are named best first, static ones without rtpmap too, tones and comfort noise left out', () => {
    expect(codecs(sdpOf(phone))).toEqual(['PCMU', 'PCMA', 'G729'])
    expect(codecs(sdpOf(fancy))).toEqual(['OPUS', 'PCMU'])
    expect(codecs(sdpOf(phone.replace('m=audio 4000', 'm=audio 0')))).toEqual([])
  })

  test('are those of the sound, wherever it stands', () => {
    expect(codecs(sdpOf(head + video + audio))).toEqual(['PCMU'])
  })

  test('are cut down to what a provider takes, with the tones kept and no word of the others', () => {
    const kept = keepCodecs(relayedSdp(phone), ['pcma', 'OPUS'])
    const text = kept && composeSdp(undefined, kept, ours).text
    expect(text).toContain('m=audio 20000 RTP/AVP 8 101\r\n')
    expect(text).toContain('a=fmtp:101 0-16')
    expect(text).not.toMatch(/PCMU|G729|fmtp:18/)
  })

  test('leave nothing to offer when the provider takes none of them', () => {
    expect(keepCodecs(relayedSdp(phone), ['OPUS'])).toBeUndefined()
  })

  test('are all kept when the provider names none', () => {
    expect(keepCodecs(relayedSdp(phone), [])).toEqual(relayedSdp(phone))
  })
})

test('whatever a description says, ours names no place but us, and only one line of it is not declined', () => {
  const line = fc.oneof(
    fc.constantFrom(
      ...phone.split('\r\n'),
      ...fancy.split('\r\n'),
      ...fax.split('\r\n'),
      'm=audio 9 RTP/AVP',
      'c=IN IP4 x',
    ),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(line), fc.boolean(), (some, answered) => {
      const read = relayed(readSdp([phone, ...some].join('\n')), { address: ours.address, answered })
      if (!read.ok) return
      for (const offer of [undefined, read.value]) {
        const keys = { lines: cryptosOf(mediaOf(read.value)).slice(0, 1), strict: false }
        const { text } = composeSdp(undefined, read.value, { ...ours, keys }, offer)
        expect(text.match(/^[co]=.*$/gm)).toEqual(['o=- 77 1 IN IP4 203.0.113.7', 'c=IN IP4 203.0.113.7'])
        expect(text.match(/^m=\S+ (?!0 ).*$/gm)).toEqual([expect.stringMatching(/^m=\S+ 20000 /)])
        expect(relayed(readSdp(text), { address: ours.address }).ok).toBe(true)
      }
    }),
  )
})

test('a description of a description is read again as it was written', () => {
  const text = description(
    'v=0',
    'o=- 1 1 IN IP4 192.0.2.1',
    's=-',
    'c=IN IP4 192.0.2.1',
    't=0 0',
    audio.trim(),
  )
  expect(offered(offered(text))).toBe(offered(text))
})
