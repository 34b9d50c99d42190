import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { PayloadChange } from '../../../relay/ground/media.ts'
import { offering } from '../../../relay/sdp/codecs.ts'
import type { Media } from '../../../relay/sdp/description.ts'
import { formatOf } from '../../../relay/sdp/formats.ts'
import { inKnownNumbers, inNumbersOf, payloadChanges, withOtherLaw } from '../../../relay/sdp/numbering.ts'
import { composeSdp } from '../../../relay/sdp/offer.ts'
import { mediaOf, type RelayedSdp } from '../../../relay/sdp/relayed.ts'
import { browserSdp } from '../../support/browser-sdp.ts'
import { description, relayedSdp } from './descriptions.ts'

const ours = { address: '203.0.113.7', port: portNumber(20_000), id: 77 }
/** Who speaks these, as in `0 96=opus/48000/2 101=telephone-event/8000`. */
const speaks = (formats: string): RelayedSdp => {
  const pairs = formats.split(' ').map((one) => one.split('='))
  return relayedSdp(
    description(
      'v=0',
      'c=IN IP4 192.0.2.1',
      `m=audio 4000 RTP/AVP ${pairs.map(([number]) => number).join(' ')}`,
      ...pairs.flatMap(([number, encoding]) => (encoding ? [`a=rtpmap:${number} ${encoding}`] : [])),
    ),
  )
}
const media = (formats: string) => mediaOf(speaks(formats))
/** The same the other way round. */
const spoken = ({ formats, lines }: Media) =>
  formats
    .map((number) => {
      const said = lines.find((line) => line.startsWith(`a=rtpmap:${number} `))
      return said ? `${number}=${said.split(' ')[1]}` : number
    })
    .join(' ')
const events = 'telephone-event/8000'

describe('an offer with one law of G.711', () => {
  test.each([
    ['0', '0 8=PCMA/8000'],
    ['8', '8 0=PCMU/8000'],
    [`0 13 101=${events}`, `0 8=PCMA/8000 13 101=${events}`],
    [`96=opus/48000/2 8 18 101=${events}`, `96=opus/48000/2 8 18 0=PCMU/8000 101=${events}`],
    ['97=PCMU/8000', '97=PCMU/8000 8=PCMA/8000'],
    ['0 8', '0 8'],
    ['8 0', '8 0'],
    ['9', '9'],
    ['96=opus/48000/2', '96=opus/48000/2'],
    ['97=PCMU/16000', '97=PCMU/16000'],
  ])('%s is made as %s', (offer, made) => {
    expect(spoken(withOtherLaw(media(offer)))).toBe(made)
  })

  test('is made only with what whom it goes to shall be sent', () => {
    const kept = (names: string[]) => {
      const made = offering(speaks(`0 101=${events}`), names)
      return made && spoken(mediaOf(made))
    }
    expect(kept(['PCMA'])).toBe(`8=PCMA/8000 101=${events}`)
    expect(kept(['PCMU'])).toBe(`0 101=${events}`)
    expect(kept(['PCMA', 'pcmu'])).toBe(`8=PCMA/8000 0 101=${events}`)
    expect(kept(['G729'])).toBeUndefined()
  })

  test('is left alone where it is a fax', () => {
    const fax = { ...media('0'), kind: 'image', proto: 'udptl', formats: ['t38'] }
    expect(withOtherLaw(fax)).toBe(fax)
  })
})

describe('an answer, in the numbers of the offer it answers (RFC 3264 §6.1)', () => {
  test.each([
    ['has them already', `0 8 101=${events}`, `0 101=${events}`, `0 101=${events}`],
    ['numbers tones otherwise', `0 101=${events}`, `0 96=${events}`, `0 101=${events}`],
    ['numbers sound otherwise', '111=opus/48000/2 0', '96=opus/48000/2', '111=opus/48000/2'],
    [
      'swaps two',
      '96=opus/48000/2 97=speex/16000',
      '96=speex/16000 97=opus/48000/2',
      '97=speex/16000 96=opus/48000/2',
    ],
    ['gives a static codec a number', '0', '97=PCMU/8000', '0=PCMU/8000'],
    ['needs no name for its static one', '97=PCMU/8000', '0', '97=PCMU/8000'],
    ['spells in small letters', '0=PCMU/8000', '0=pcmu/8000', '0=pcmu/8000'],
    ['forgets the channels', '111=opus/48000/2', '111=opus/48000', '111=opus/48000'],
    ['means another clock by the same number', '9=G722/8000', '9=G722/16000', '9=G722/16000'],
    ['leaves a number without a name', `0 101=${events}`, '0 101', `0 101=${events}`],
    ['takes the other law', '0', '8=PCMA/8000', '0=PCMU/8000'],
    ['takes both laws, the other first', '0', '8 0', '0'],
    ['takes the other law by a number of its own', '8', '99=PCMU/8000', '8=PCMA/8000'],
    ['takes the other law beside another codec', '9 0', '8 9', '0 9'],
    ['brings what was not offered', '0', `0 18 101=${events}`, '0'],
    ['brings nothing that was offered', '9', '18', '18'],
    ['keeps comfort noise', '0 13', '0 13', '0 13'],
  ])('which %s', (_, offer, answer, made) => {
    expect(spoken(inNumbersOf(media(offer), media(answer)))).toBe(made)
  })

  test('takes the format which says the same of itself', () => {
    const two = relayedSdp(
      description(
        'v=0',
        'c=IN IP4 192.0.2.1',
        'm=audio 4000 RTP/AVP 96 97',
        'a=rtpmap:96 AMR/8000',
        'a=fmtp:96 octet-align=1',
        'a=rtpmap:97 AMR/8000',
      ),
    )
    const made = inNumbersOf(mediaOf(two), media('99=AMR/8000'))
    expect(spoken(made)).toBe('97=AMR/8000')
  })

  test('keeps what is said of a format with it, and drops what is said of another codec', () => {
    const answer = relayedSdp(
      description(
        'v=0',
        'c=IN IP4 192.0.2.1',
        'm=audio 4000 RTP/AVP 8 96',
        'a=rtpmap:8 PCMA/8000',
        'a=fmtp:8 x=1',
        `a=rtpmap:96 ${events}`,
        'a=fmtp:96 0-15',
        'a=ptime:30',
      ),
    )
    const { lines } = inNumbersOf(media(`0 101=${events}`), mediaOf(answer))
    expect(lines).toEqual(['a=rtpmap:0 PCMU/8000', `a=rtpmap:101 ${events}`, 'a=fmtp:101 0-15', 'a=ptime:30'])
  })
})

describe('an offer within a call, in the numbers its party knows (RFC 3264 §8.3.2)', () => {
  test.each([
    ['has them already', `0 101=${events}`, `0 8 101=${events}`, `0 8 101=${events}`],
    ['numbers otherwise', '111=opus/48000/2 0', '96=opus/48000/2 0', '111=opus/48000/2 0'],
    ['uses a known number for another codec', '96=opus/48000/2', '96=AMR/8000', '127=AMR/8000'],
    ['swaps', '96=opus/48000/2 97=AMR/8000', '97=opus/48000/2 96=AMR/8000', '96=opus/48000/2 97=AMR/8000'],
  ])('which %s', (_, last, offer, made) => {
    expect(spoken(inKnownNumbers(media(last), media(offer)))).toBe(made)
  })
})

describe('what is done to packets on their way', () => {
  test.each<[string, string, string, string, PayloadChange[]]>([
    ['nothing between equals', `0 101=${events}`, `0 101=${events}`, `0 101=${events}`, []],
    [
      'numbers become the hearer’s',
      '0 101=telephone-event/8000',
      '0',
      `0 96=${events}`,
      [{ from: 101, to: 96 }],
    ],
    ['a law becomes the hearer’s', '0', '0', '8', [{ from: 0, to: 8, law: 'PCMA' }]],
    ['and so back', '0 8', '8', '0', [{ from: 8, to: 0, law: 'PCMU' }]],
    [
      'numbers of its own, though it was told others, are understood',
      '111=opus/48000/2',
      '96=opus/48000/2',
      '111=opus/48000/2',
      [{ from: 96, to: 111 }],
    ],
    [
      'what the hearer would take for another codec is dropped',
      `0 96=${events}`,
      '0',
      '0 96=opus/48000/2',
      [{ from: 96, to: undefined }],
    ],
    ['what the hearer does not know passes', `0 101=${events}`, '0', '0', []],
    ['comfort noise passes', '0 13', '0 13', '8 13', [{ from: 0, to: 8, law: 'PCMA' }]],
  ])('%s', (_, told, own, heard, changes) => {
    expect(payloadChanges({ told: media(told), own: media(own) }, media(heard))).toEqual(changes)
  })

  test('is the same on a leg which is encrypted, for it is so with us, and nothing to a fax', () => {
    const keyed = { ...media('8'), proto: 'RTP/SAVP' }
    const fax = { ...media('8'), kind: 'image', proto: 'udptl', formats: ['t38'] }
    const speaks = { told: media('0'), own: undefined }
    expect(payloadChanges(speaks, keyed)).toEqual([{ from: 0, to: 8, law: 'PCMA' }])
    expect(payloadChanges(speaks, fax)).toEqual([])
  })
})

describe('RTCP on the port of RTP (RFC 5761 §5.1.1)', () => {
  const muxing = relayedSdp(description('v=0', 'c=IN IP4 192.0.2.1', 'm=audio 4000 RTP/AVP 0', 'a=rtcp-mux'))
  const plain = speaks('0')

  test('is between each leg and us: who offers it is answered so, whatever the other says', () => {
    expect(composeSdp(undefined, plain, ours, muxing).text).toContain('a=rtcp-mux\r\n')
    expect(composeSdp(undefined, muxing, ours, plain).text).not.toContain('rtcp-mux')
  })

  test('is offered where the other party offers it of its own will, as browsers do not', () => {
    expect(composeSdp(undefined, muxing, ours).text.match(/^a=rtcp.*$/gm)).toEqual(['a=rtcp-mux'])
    expect(composeSdp(undefined, plain, ours).text).not.toContain('rtcp-mux')
    const browsers = relayedSdp(new TextDecoder().decode(browserSdp()), { dtls: true })
    expect(composeSdp(undefined, browsers, ours).text).not.toContain('rtcp-mux')
    const past = composeSdp(undefined, muxing, { ...ours, straight: true })
    expect(past.text.match(/^a=rtcp.*$/gm)).toEqual(['a=rtcp-mux'])
  })

  test('stays so in an offer of ours to that leg', () => {
    const answered = composeSdp(undefined, plain, ours, muxing)
    expect(composeSdp(answered, plain, ours).text).toContain('a=rtcp-mux\r\n')
  })
})

describe('a direction in an answer (RFC 3264 §6.1)', () => {
  test.each([
    ['sendonly', 'sendrecv', 'recvonly'],
    ['sendonly', 'sendonly', 'inactive'],
    ['recvonly', 'sendrecv', 'sendonly'],
    ['inactive', 'sendrecv', 'inactive'],
    ['sendrecv', 'recvonly', 'recvonly'],
    ['sendonly', 'recvonly', 'recvonly'],
  ])('to %s, said as %s, is told as %s', (offered, said, told) => {
    const one = (direction: string) =>
      relayedSdp(description('v=0', 'c=IN IP4 192.0.2.1', 'm=audio 4000 RTP/AVP 0', `a=${direction}`))
    const { text } = composeSdp(undefined, one(said), ours, one(offered))
    expect(text.match(/a=(send|recv|inactive)\w*/g)).toEqual([`a=${told}`])
  })
})

test('whatever both speak, an answer has only numbers of the offer, each once, unless they have nothing in common', () => {
  const names = ['PCMU/8000', 'PCMA/8000', 'opus/48000/2', 'G722/8000', 'AMR/8000', events]
  const side = fc
    .uniqueArray(fc.tuple(fc.integer({ min: 96, max: 127 }), fc.constantFrom(...names)), {
      minLength: 1,
      selector: ([number]) => number,
    })
    .map((pairs) => media(pairs.map(([number, name]) => `${number}=${name}`).join(' ')))
  fc.assert(
    fc.property(side, side, (offer, answer) => {
      const made = inNumbersOf(offer, answer)
      expect(new Set(made.formats).size).toBe(made.formats.length)
      if (made === answer) return
      expect(offer.formats).toEqual(expect.arrayContaining([...made.formats]))
      for (const { from, to } of payloadChanges({ told: made, own: offer }, answer)) {
        expect(offer.formats).toContain(String(from))
        if (to !== undefined) expect(answer.formats).toContain(String(to))
      }
    }),
  )
})

test('whatever is agreed on, each hears by its own numbers what the other said by those it was told', () => {
  const names = ['PCMU/8000', 'PCMA/8000', 'opus/48000/2', 'G722/8000', 'G729/8000', events]
  const some = fc.shuffledSubarray(names, { minLength: 1 })
  const numbers = fc.shuffledSubarray(
    Array.from({ length: 32 }, (_, at) => 96 + at),
    { minLength: 8, maxLength: 8 },
  )
  const written = (encodings: readonly string[], numbered: readonly number[]) =>
    media(encodings.map((name, at) => `${numbered[at]}=${name}`).join(' '))
  fc.assert(
    fc.property(some, numbers, numbers, fc.nat(), (speaks, first, second, seed) => {
      const offer = written(speaks, first)
      const offeredOn = withOtherLaw(offer)
      const takes = offeredOn.formats
        .map((number) => formatOf(offeredOn, number).encoding)
        .filter((_, at, all) => at === seed % all.length || (seed >> at) % 2 === 0)
      if (takes.every((name) => name === events)) return
      const answer = written(takes, second)
      const told = inNumbersOf(offer, answer)
      hearsAll({ told, own: offer }, answer)
      // The callee speaks what it took, by the numbers it was offered, or by its own.
      const spoken = offeredOn.formats.filter((number) =>
        takes.includes(formatOf(offeredOn, number).encoding),
      )
      hearsAll({ told: { ...offeredOn, formats: spoken }, own: undefined }, offer)
    }),
  )
})

/** Every number the speaker was told comes to the hearer as a number which is the same codec there, or its law. */
function hearsAll(speaker: { told: Media; own: Media | undefined }, hearer: Media): void {
  const changes = payloadChanges(speaker, hearer)
  for (const number of speaker.told.formats) {
    const change = changes.find(({ from }) => from === Number(number))
    const heard = formatOf(hearer, String(change ? change.to : number))
    const { name, codec } = formatOf(speaker.told, number)
    if (change?.law) expect([name, heard.name].sort()).toEqual(['PCMA', 'PCMU'])
    else expect(heard.codec).toBe(codec)
    if (change?.law) expect(heard.name).toBe(change.law)
  }
}
