import { describe, expect, test } from 'vitest'
import type { AddressTry, ProviderTarget } from '#contract'
import type { Header } from '../../../relay/sip/message.ts'
import type { Ladder } from '../../support/ladder.ts'
import {
  alice,
  aliceDials,
  answers,
  cancel,
  office,
  provider,
  sdp,
  telnyx,
  through,
  twilio,
} from '../../support/office.ts'
import { leavesNothingBehind, watch } from '../../support/scene.ts'

leavesNothingBehind()

describe('what an attempt tells of each address it tried', () => {
  test('is every response with its offset, and when it began and ended', () => {
    const ladder = hunting()
    const sent = ladder.lastRequest(telnyx)
    ladder
      .after(40)
      .when(telnyx, answers(sent, telnyx, 100))
      .whatever()
    ladder
      .after(60)
      .when(telnyx, answers(sent, telnyx, 503))
      .whatever()
    ladder.after(20).locate(twilio).whatever()
    const second = ladder.lastRequest(twilio)
    ladder
      .after(80)
      .when(twilio, answers(second, twilio, 180))
      .whatever()
    ladder
      .after(1_000)
      .when(twilio, answers(second, twilio, 200, { body: sdp('203.0.113.2') }))
      .whatever()
    expect(tries(ladder)).toEqual([
      [
        {
          address: '203.0.113.1:5060',
          transport: 'udp',
          status: 503,
          reason: 'Service Unavailable',
          codes: [
            { status: 100, ms: 40 },
            { status: 503, ms: 100 },
          ],
          started_ms: 0,
          ended_ms: 100,
        },
      ],
      [
        {
          address: '203.0.113.2:5060',
          transport: 'udp',
          status: 200,
          reason: 'OK',
          codes: [
            { status: 180, ms: 200 },
            { status: 200, ms: 1_200 },
          ],
          started_ms: 120,
          ended_ms: 1_200,
        },
      ],
    ])
  })

  test('keeps the addresses apart, and the attempt says what the last of them came to', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx))).whatever()
    ladder.locate(telnyx, twilio).gives('INVITE to Telnyx')
    ladder.after(3_000).whatever()
    ladder.when(twilio, answers(ladder.lastRequest(twilio), twilio, 486)).whatever()
    expect(ladder.record.attempts).toMatchObject([
      { status: 486, address: '203.0.113.2:5060', started_ms: 0, ended_ms: 3_000 },
    ])
    expect(tries(ladder)).toMatchObject([
      [
        { status: 0, reason: 'no response in 3000 ms', codes: [], started_ms: 0, ended_ms: 3_000 },
        { status: 486, codes: [{ status: 486, ms: 3_000 }], started_ms: 3_000, ended_ms: 3_000 },
      ],
    ])
  })

  test('says why an address could not be reached', () => {
    const ladder = hunting()
    ladder.hear({ type: 'unsent', flow: telnyx.flow, why: 'refused' }).whatever().locate().whatever()
    expect(tries(ladder)).toMatchObject([[{ status: 0, reason: 'refused', codes: [], ended_ms: 0 }], []])
  })

  test('is one try still when a challenge was met', () => {
    const ladder = hunting({ credentials: { username: 'acme', password: 'pw', realm: null } })
    const challenge: Header = ['proxy-authenticate', 'Digest realm="telnyx.test", nonce="abc", qop="auth"']
    const first = ladder.lastRequest(telnyx)
    ladder.when(telnyx, answers(first, telnyx, 407, { headers: [challenge] })).whatever()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 486)).whatever()
    expect(codes(ladder)).toEqual([[[407, 486]]])
  })

  test('tells of an answer which came too late, and stays given up', () => {
    const ladder = hunting()
    const first = ladder.lastRequest(telnyx)
    ladder.after(3_000).whatever().locate(twilio).whatever()
    const second = ladder.lastRequest(twilio)
    const late = answers(first, telnyx, 200, { body: sdp('203.0.113.1') })
    ladder.when(telnyx, late).gives('ACK to Telnyx', 'BYE to Telnyx')
    ladder.when(twilio, answers(second, twilio, 486)).whatever()
    expect(ladder.record.attempts[0]).toMatchObject({ status: 0, decision: 'next' })
    expect(codes(ladder)).toEqual([[[200]], [[486]]])
  })

  test('lets a late failure of one address speak for that address only', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx), provider(twilio))).whatever()
    ladder.locate(telnyx, twilio).gives('INVITE to Telnyx')
    const first = ladder.lastRequest(telnyx)
    ladder.after(3_000).whatever().after(3_000).whatever()
    ladder.when(telnyx, answers(first, telnyx, 500)).gives('ACK to Telnyx')
    ladder.locate().whatever()
    expect(ladder.record.attempts[0]).toMatchObject({ status: 0, reason: 'no response in 3000 ms' })
    expect(tries(ladder)[0]).toMatchObject([{ status: 500 }, { status: 0 }])
  })

  test('ends with the call when the caller leaves', () => {
    const ladder = watch(office())
    const invited = aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx))).whatever()
    ladder.locate(telnyx, twilio).whatever()
    ladder.after(3_500).whatever()
    ladder.when(alice, cancel(invited)).whatever()
    expect(tries(ladder)).toMatchObject([
      [
        { reason: 'no response in 3000 ms', ended_ms: 3_000 },
        { reason: 'cancelled', ended_ms: 3_500 },
      ],
    ])
  })

  test('is not longer for a peer which rings without end', () => {
    const ladder = hunting()
    const sent = ladder.lastRequest(telnyx)
    for (let i = 0; i < 60; i++) ladder.when(telnyx, answers(sent, telnyx, i % 2 ? 182 : 180)).whatever()
    ladder.when(telnyx, answers(sent, telnyx, 486)).whatever()
    expect(tries(ladder)[0]?.[0]?.codes).toHaveLength(16)
  })

  test('is nothing where no codec was left to offer', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx, { codecs: ['OPUS'] }))).gives('488 to Alice')
    expect(tries(ladder)).toEqual([[]])
  })
})

function hunting(more: Partial<ProviderTarget> = {}): Ladder {
  const ladder = watch(office())
  aliceDials(ladder, '+15551234567')
  ladder.decide(through(provider(telnyx, more), provider(twilio))).gives('ask locate')
  return ladder.locate(telnyx).gives('INVITE to Telnyx')
}

function tries(ladder: Ladder): AddressTry[][] {
  return ladder.record.attempts.map((attempt) => attempt.tries)
}

function codes(ladder: Ladder): number[][][] {
  return tries(ladder).map((some) => some.map((one) => one.codes.map(({ status }) => status)))
}
