import { describe, expect, test } from 'vitest'
import { playedCodecOf } from '../../../relay/sdp/played.ts'
import { mediaOf } from '../../../relay/sdp/relayed.ts'
import { description, relayedSdp } from './descriptions.ts'

const media = (line: string, ...lines: string[]) =>
  mediaOf(relayedSdp(description('v=0', 'c=IN IP4 192.0.2.1', `m=audio 4000 ${line}`, ...lines)))
const pcmu = { codec: 'PCMU', type: 0, ms: 20 }
const pcma = { codec: 'PCMA', type: 8, ms: 20 }

describe('sounds are played to a party', () => {
  test.each([
    ['by the first law it takes', media('RTP/AVP 8 0'), pcma],
    [
      'behind codecs which are not spoken here',
      media('RTP/AVP 9 18 0 101', 'a=rtpmap:101 telephone-event/8000'),
      pcmu,
    ],
    ['by its own number', media('RTP/AVP 96', 'a=rtpmap:96 PCMA/8000'), { ...pcma, type: 96 }],
    ['not at all, where it takes neither', media('RTP/AVP 9 18', 'a=rtpmap:9 G722/8000'), undefined],
    ['not at 16 kHz', media('RTP/AVP 97', 'a=rtpmap:97 PCMU/16000'), undefined],
    ['not in a fax', media('udptl t38'), undefined],
  ])('%s', (_, said, expected) => {
    expect(playedCodecOf(said, undefined)).toEqual(expected)
  })

  test('by a law which it was told of, too, whatever the numbers', () => {
    const said = media('RTP/AVP 0 8')
    expect(playedCodecOf(said, media('RTP/AVP 96', 'a=rtpmap:96 PCMA/8000'))).toEqual(pcma)
    expect(playedCodecOf(said, media('RTP/AVP 9'))).toBeUndefined()
  })

  test.each([
    [['a=ptime:30'], 30],
    [['a=ptime:10'], 10],
    [['a=ptime:25'], 20],
    [['a=ptime:240'], 60],
    [['a=ptime:0'], 20],
    [['a=ptime:x'], 20],
    [['a=maxptime:10'], 10],
    [['a=ptime:60', 'a=maxptime:45'], 40],
    [['a=maxptime:5'], 20],
    [['a=ptime:30', 'a=maxptime:22.5'], 20],
    [['a=maxptime:Infinity'], 20],
    [['a=ptime:60', `a=maxptime:${'9'.repeat(400)}`], 60],
    [[`a=ptime:${'9'.repeat(400)}`], 20],
  ])('in packets as it asks for: %j', (lines, ms) => {
    expect(playedCodecOf(media('RTP/AVP 0', ...lines), undefined)).toEqual({ ...pcmu, ms })
  })
})
