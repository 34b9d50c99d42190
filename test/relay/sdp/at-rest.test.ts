import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { saidAtRest, sentAtRest } from '../../../relay/sdp/at-rest.ts'
import { composeSdp, saidAgain, saysTheSame } from '../../../relay/sdp/offer.ts'
import { fancy, phone, relayedSdp } from './descriptions.ts'

const ours = { address: '203.0.113.7', port: portNumber(20_000), id: 77 }
const declined = phone.replace('m=audio 4000', 'm=image 0 udptl t38\r\na=T38FaxVersion:0\r\nm=audio 4000')

describe('a description at rest', () => {
  test.each([
    ['a phone', phone],
    ['one of several m-lines, of which some name no format', declined.replace('udptl t38', 'udptl')],
    ['a browser-like phone', fancy],
  ])('of %s says what it said', (_, text) => {
    const said = relayedSdp(text)
    const resting = saidAtRest(said)
    expect([resting.sdp, resting.at]).toEqual([said.sdp, said.at])
    expect(saidAtRest(resting)).toBe(resting)
    const sent = composeSdp(undefined, said, ours)
    const restingSent = sentAtRest(sent, resting)
    const { media, version, straight } = restingSent
    expect({ text: restingSent.text, media, version, straight }).toEqual({
      text: sent.text,
      media: sent.media,
      version: sent.version,
      straight: sent.straight,
    })
    expect(restingSent.said).toBe(resting)
    expect(sentAtRest(restingSent, resting)).toBe(restingSent)
  })

  test('which we sent is what the next one of ours goes on from, and goes back to', () => {
    const sent = composeSdp(undefined, relayedSdp(phone), ours)
    const resting = sentAtRest(sent, saidAtRest(sent.said))
    expect(composeSdp(resting, relayedSdp(phone), ours)).toEqual(sent)
    const other = composeSdp(resting, relayedSdp(phone.replace('0 8 18', '8')), ours)
    expect([other.version, saysTheSame(other, resting)]).toEqual([2, false])
    const [again, before] = [saidAgain(resting, other), saidAgain(sent, other)]
    expect([again.text, again.media, again.version]).toEqual([before.text, before.media, 3])
  })

  test('of a browser, whose way its sound goes, stays as it is', () => {
    const media = relayedSdp(phone).sdp.media[0]
    if (!media) throw new Error('there is an m-line')
    const sent = composeSdp(undefined, relayedSdp(phone), ours)
    const led = { ...sent, tag: { at: 0, mid: '0', media } }
    const resting = saidAtRest(sent.said)
    expect(sentAtRest(led, resting)).toEqual({ ...led, said: resting })
  })
})
