import { describe, expect, test } from 'vitest'
import type { ProviderTarget } from '#contract'
import type { Header, Request } from '../../../relay/sip/message.ts'
import type { Ladder } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  bobMobile,
  cancel,
  office,
  policy,
  provider,
  registers,
  rejected,
  ringBob,
  sdp,
  telnyx,
  through,
  twilio,
} from '../../support/office.ts'
import { closeMedia, leavesNothingBehind, watch } from '../../support/scene.ts'

leavesNothingBehind()

const theirs = sdp('203.0.113.1')

describe('a provider’s final answer', () => {
  test.for([
    [401, 'next'],
    [403, 'next'],
    [407, 'next'],
    [408, 'next'],
    [500, 'next'],
    [502, 'next'],
    [503, 'next'],
    [504, 'next'],
    [302, 'final'],
    [404, 'final'],
    [480, 'final'],
    [484, 'final'],
    [486, 'final'],
    [487, 'final'],
    [488, 'final'],
    [501, 'final'],
    [600, 'final'],
    [603, 'final'],
  ] as const)('%d means %s', ([status, decision]) => {
    const ladder = hunting()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, status)).whatever()
    expect(ladder.record.attempts[0]).toMatchObject({ status, decision })
    expect(ladder.record.status).toBe(decision === 'next' ? 'dialing' : 'hangup')
  })

  test('of 404 means the next one where the provider’s policy says so', () => {
    const ladder = hunting({ policy: { ...policy, next_on: [404] } })
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 404)).gives('ACK to Telnyx', 'ask locate')
  })

  test.for([
    [[503, 503], 503],
    [[500, 503], 503],
    [[403, 503], 503],
    [[401, 401], 503],
    [[408, 408], 503],
    [[503, 404], 404],
    [[503, 302], 480],
    [[503, 603], 603],
    [[502, 502], 502],
  ] as const)('of %j in turn tells Alice %d, the most useful of both', ([[first, second], told]) => {
    const ladder = hunting()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, first)).whatever()
    ladder.locate(twilio).gives('INVITE to Twilio')
    ladder.when(twilio, answers(ladder.lastRequest(twilio), twilio, second))
    ladder.gives('ACK to Twilio', `${told} to Alice`)
    expect(ladder.record).toMatchObject({ status: 'hangup', sip_status: told, answered_at: null })
    expect(ladder.record.attempts).toMatchObject([{ status: first, decision: 'next' }, { status: second }])
  })

  test('goes to Alice with the carrier’s own words (RFC 3326)', () => {
    const ladder = hunting()
    const headers: Header[] = [['reason', 'Q.850;cause=17;text="user busy"']]
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 486, { headers })).whatever()
    expect(ladder.lastResponse(alice).header('reason')).toBe('Q.850;cause=17;text="user busy"')
  })

  test('is not told of as a challenge, for the caller can do nothing about it', () => {
    const ladder = hunting()
    for (const carrier of [telnyx, twilio]) {
      if (carrier === twilio) ladder.locate(twilio).whatever()
      ladder.when(carrier, answers(ladder.lastRequest(carrier), carrier, 407, { headers: [challenge('a')] }))
      ladder.whatever()
    }
    expect(ladder.lastResponse(alice).header('proxy-authenticate')).toBeUndefined()
  })
})

describe('a provider’s challenge (RFC 3261 §22.2, RFC 7616 §3.3)', () => {
  const credentials = { username: 'acme', password: 'pw', realm: null }

  test('is answered once more when only the nonce was stale, and then no more', () => {
    const ladder = hunting({ credentials })
    const challenged = (nonce: string, stale = '') => {
      const refused = answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 407, {
        headers: [challenge(nonce, stale)],
      })
      return ladder.when(telnyx, refused)
    }
    challenged('one').gives('ACK to Telnyx', 'INVITE to Telnyx')
    challenged('two', ', stale=true').gives('ACK to Telnyx', 'INVITE to Telnyx')
    expect(ladder.lastRequest(telnyx).header('proxy-authorization')).toContain('nonce="two"')
    expect(ladder.lastRequest(telnyx).cseq.number).toBe(3)
    challenged('three', ', stale=true').gives('ACK to Telnyx', 'ask locate')
    expect(ladder.record.attempts).toMatchObject([{ status: 407, decision: 'next' }, {}])
  })

  test('which comes again without a word of staleness is a refusal', () => {
    const ladder = hunting({ credentials })
    const refuse = () =>
      answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 401, {
        headers: [['www-authenticate', 'Digest realm="t", nonce="n", algorithm=MD5, qop="auth"']],
      })
    ladder.when(telnyx, refuse()).gives('ACK to Telnyx', 'INVITE to Telnyx')
    ladder.when(telnyx, refuse()).gives('ACK to Telnyx', 'ask locate')
  })

  test('gives the proved INVITE its own time: an earlier 100 does not end it', () => {
    const ladder = hunting({ credentials })
    const first = ladder.lastRequest(telnyx)
    ladder.when(telnyx, answers(first, telnyx, 100)).gives()
    ladder.after(2_000).whatever()
    ladder.when(telnyx, answers(first, telnyx, 407, { headers: [challenge('a')] })).whatever()
    const proved = ladder.lastRequest(telnyx, 'INVITE')
    ladder.after(2_500).whatever()
    ladder.when(telnyx, answers(proved, telnyx, 100)).gives()
    // The first 100 came 8 s ago now, the second 3.5 s ago.
    ladder.after(3_600).gives()
    ladder.after(4_400).gives('CANCEL to Telnyx', 'ask locate')
  })

  test('has its proof repeated in the ACK of the 2xx (§22.1)', () => {
    const ladder = hunting({ credentials })
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 407, { headers: [challenge('a')] }))
      .whatever()
    const proved = ladder.lastRequest(telnyx, 'INVITE')
    ladder.when(telnyx, answers(proved, telnyx, 200, { body: theirs })).whatever()
    const acked = ladder.lastRequest(telnyx, 'ACK')
    expect(acked.header('proxy-authorization')).toBe(proved.header('proxy-authorization'))
    expect(acked.cseq.number).toBe(2)
  })
})

describe('a provider given up', () => {
  test('keeps the reason why in its attempt, although its 487 came', () => {
    const ladder = hunting()
    const first = ladder.lastRequest(telnyx)
    ladder.when(telnyx, answers(first, telnyx, 100)).gives()
    ladder.after(8_000).whatever()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'CANCEL'), telnyx, 200)).gives()
    ladder.when(telnyx, answers(first, telnyx, 487)).gives('ACK to Telnyx')
    ladder.locate(twilio).gives('INVITE to Twilio')
    ladder.when(twilio, answers(ladder.lastRequest(twilio), twilio, 200, { body: theirs })).whatever()
    expect(ladder.record.attempts).toMatchObject([
      { status: 0, reason: 'only 100 for 8000 ms', decision: 'next', pdd_ms: null },
      { status: 200, decision: 'final' },
    ])
  })

  test('by its other address leaves that address’s attempt alone when it speaks late', () => {
    const ladder = office()
    watch(ladder)
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx))).whatever()
    ladder.locate(telnyx, twilio).gives('INVITE to Telnyx')
    const first = ladder.lastRequest(telnyx)
    ladder.after(3_000).whatever()
    const second = ladder.lastRequest(twilio)
    expect(second.via.branch).not.toBe(first.via.branch)
    expect(second.callId).not.toBe(first.callId)
    ladder.when(twilio, answers(second, twilio, 180)).gives('180 to Alice')
    ladder.when(telnyx, answers(first, telnyx, 503)).gives('ACK to Telnyx')
    expect(ladder.record.attempts).toMatchObject([{ status: 0, address: '203.0.113.2:5060' }])
    ladder.when(twilio, answers(second, twilio, 486)).gives('ACK to Twilio', '486 to Alice')
    expect(ladder.record.attempts).toMatchObject([{ status: 486, address: '203.0.113.2:5060' }])
  })

  test('by timer B, where its policy waits longer, is a silence like any other', () => {
    const patient = { policy: { ...policy, first_response_ms: 60_000, search_ms: 120_000 } }
    const ladder = hunting(patient)
    for (const at of [500, 1_000, 2_000, 4_000, 8_000, 16_000]) ladder.after(at).gives('INVITE to Telnyx')
    ladder.after(500).gives('ask locate')
    expect(ladder.record.attempts[0]).toMatchObject({ status: 0, decision: 'next' })
  })
})

describe('an INVITE which can go nowhere', () => {
  test('is 483 without a hop left, and one hop less is sent on (RFC 7332)', () => {
    const ladder = watch(office())
    hops(ladder, '0')
    ladder.decide(through(provider(telnyx))).gives('483 to Alice')
    hops(ladder, '2')
    ladder
      .decide(through(provider(telnyx)))
      .whatever()
      .locate(telnyx)
      .gives('INVITE to Telnyx')
    expect(ladder.lastRequest(telnyx).maxForwards).toBe(1)
  })

  test('is 400 when nobody can read its sound', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567', { body: new TextEncoder().encode('hello') })
    ladder.decide(through(provider(telnyx))).gives('400 to Alice')
  })

  test('is 488 with a Warning when no codec is left for the last provider (RFC 3261 §13.3.1.3)', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx, { codecs: ['G729'] }))).gives('488 to Alice')
    expect(ladder.lastResponse(alice).header('warning')).toMatch(/^305 /)
  })

  test('is 503 with Retry-After when the edge does not answer', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567')
    ladder.noAnswer('route').gives('503 to Alice')
    expect(Number(ladder.lastResponse(alice).header('retry-after'))).toBeGreaterThan(0)
  })

  test.for([
    ['was cancelled while the edge was asked', leave],
    ['had no hop left', starve],
  ] as const)('gives its ports back when it %s', ([, end]) => {
    const ladder = watch(office({ rtpPorts: [10_000, 10_003] }))
    for (let i = 0; i < 3; i++) {
      end(ladder)
      closeMedia(ladder)
      ladder.after(64_000).whatever()
    }
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx))).gives('ask locate')
  })
})

describe('several phones of one extension', () => {
  test('ring no longer than the extension says, whenever each began', () => {
    const { ladder } = ringing()
    ladder.after(20_000).whatever()
    ladder.when(bobMobile, answers(ladder.lastRequest(bobMobile), bobMobile, 180)).gives()
    ladder.after(9_999).gives()
    ladder.after(1).gives("CANCEL to Bob's mobile", 'CANCEL to Bob', '480 to Alice')
    expect(ladder.record).toMatchObject({ hangup_by: 'system', hangup_reason: 'noanswer', sip_status: 480 })
    expect(ladder.record.attempts).toMatchObject([
      { status: 0, reason: 'no answer' },
      { status: 0, reason: 'no answer' },
    ])
  })

  test('close the attempts of those which lost when one answers', () => {
    const { ladder, invited } = ringing()
    ladder.after(1_000).whatever()
    const won = ladder.lastRequest(bob, 'INVITE')
    ladder.when(bob, answers(won, bob, 200, { body: sdp('192.0.2.20') })).whatever()
    const [first, second] = ladder.record.attempts
    expect(first).toMatchObject({ status: 200, decision: 'final', pdd_ms: 0 })
    expect(second).toMatchObject({ status: 0, reason: 'answered elsewhere', decision: 'final' })
    expect(second?.ended_ms).toBe(first?.ended_ms)
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
  })

  test('are told why they are let go, the one too which was not heard of yet (RFC 3326)', () => {
    const ladder = watch(office())
    registers(ladder, bob, 'bob')
    registers(ladder, bobMobile, 'bob')
    const invited = aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).whatever()
    const other = ladder.lastRequest(bobMobile, 'INVITE')
    const body = sdp('192.0.2.20')
    ladder.when(bob, answers(ladder.lastRequest(bob, 'INVITE'), bob, 200, { body })).whatever()
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
    ladder.when(bobMobile, answers(other, bobMobile, 180)).gives("CANCEL to Bob's mobile")
    expect(ladder.lastRequest(bobMobile, 'CANCEL').header('reason')).toContain('Call completed elsewhere')
  })

  test('forward the call where each of them redirects to, and end where that may not be (RFC 3261 §21.3)', () => {
    const { ladder } = ringing()
    const away: Header[] = [['contact', '<sip:premium@192.0.2.99>']]
    ladder
      .when(bob, answers(ladder.lastRequest(bob, 'INVITE'), bob, 302, { headers: away }))
      .gives('ACK to Bob', 'ask route')
    ladder.decide(rejected(403, 'FORWARD_NOT_ALLOWED')).gives()
    const second = ladder.lastRequest(bobMobile, 'INVITE')
    ladder.when(bobMobile, answers(second, bobMobile, 302, { headers: away }))
    ladder.gives("ACK to Bob's mobile", 'ask route')
    ladder.decide(rejected(403, 'FORWARD_NOT_ALLOWED')).gives('480 to Alice')
    expect(ladder.lastResponse(alice).all('reason')).toEqual([
      'SIP;cause=403;text="FORWARD_NOT_ALLOWED: FORWARD_NOT_ALLOWED"',
    ])
    expect(ladder.record).toMatchObject({
      hangup_by: 'system',
      hangup_reason: 'rejected',
      reject_reason: 'FORWARD_NOT_ALLOWED',
    })
    expect(ladder.record.attempts).toMatchObject(
      Array(2).fill({ status: 302, reason: 'Moved Temporarily to sip:premium@192.0.2.99' }),
    )
  })

  test('are busy where one redirects and the other is busy', () => {
    const { ladder } = ringing()
    ladder.when(bob, answers(ladder.lastRequest(bob, 'INVITE'), bob, 302)).gives('ACK to Bob')
    const second = ladder.lastRequest(bobMobile, 'INVITE')
    ladder.when(bobMobile, answers(second, bobMobile, 486)).gives("ACK to Bob's mobile", '486 to Alice')
    expect(ladder.record).toMatchObject({ hangup_reason: 'busy', reject_reason: 'BUSY' })
  })

  test('are all let go when one which answers cannot be heard: nobody is rung twice for it', () => {
    const { ladder } = ringing()
    const mute = answers(ladder.lastRequest(bob, 'INVITE'), bob, 200)
    ladder.when(bob, mute).gives('ACK to Bob', 'BYE to Bob', "CANCEL to Bob's mobile", '488 to Alice')
    const other = ladder.lastRequest(bobMobile, 'INVITE')
    ladder.when(bobMobile, answers(other, bobMobile, 487)).gives("ACK to Bob's mobile")
  })
})

describe('who calls (RFC 3323, 3325)', () => {
  test('is said by us: what the phone claims of itself goes nowhere', () => {
    const headers: Header[] = [
      ['p-asserted-identity', '<sip:+18005550000@evil.test>'],
      ['p-preferred-identity', '<sip:+18005550000@evil.test>'],
      ['remote-party-id', '<sip:+18005550000@evil.test>'],
    ]
    const ladder = hunting({}, headers)
    const sent = ladder.lastRequest(telnyx)
    expect(sent.all('p-asserted-identity')).toEqual(['<sip:+15557654321@198.51.100.1:5060>'])
    expect(JSON.stringify(sent.headers)).not.toContain('18005550000')
  })

  test('is hidden from everybody but the provider when the caller asks', () => {
    const ladder = hunting({}, [['privacy', 'id']])
    const sent = ladder.lastRequest(telnyx)
    expect(sent.header('from')).toMatch(/^"Anonymous" <sip:anonymous@anonymous\.invalid>/)
    expect(sent.header('privacy')).toBe('id')
    expect(sent.header('p-asserted-identity')).toContain('+15557654321')
  })
})

function challenge(nonce: string, more = ''): Header {
  return [
    'proxy-authenticate',
    `Digest realm="telnyx.test", nonce="${nonce}", qop="auth", algorithm=MD5${more}`,
  ]
}

/** Telnyx is being called, Twilio waits. */
function hunting(more: Partial<ProviderTarget> = {}, headers: Header[] = []): Ladder {
  const ladder = watch(office())
  aliceDials(ladder, '+15551234567', { headers })
  ladder.decide(through(provider(telnyx, more), provider(twilio))).whatever()
  return ladder.locate(telnyx).gives('INVITE to Telnyx')
}

/** Bob's phone rings, his mobile does not yet. */
function ringing(): { ladder: Ladder; invited: Request } {
  const ladder = watch(office())
  registers(ladder, bob, 'bob')
  registers(ladder, bobMobile, 'bob')
  const invited = aliceDials(ladder, 'bob')
  ladder.decide(ringBob()).whatever()
  ladder.when(bob, answers(ladder.lastRequest(bob, 'INVITE'), bob, 180)).gives('180 to Alice')
  ladder.when(bobMobile, answers(ladder.lastRequest(bobMobile), bobMobile, 100)).gives()
  return { ladder, invited }
}

/** Alice dials with so many hops left. */
function hops(ladder: Ladder, left: string): Request {
  return aliceDials(ladder, '+15551234567', { hops: left })
}

function leave(ladder: Ladder): void {
  const invited = aliceDials(ladder, '+15551234567')
  ladder.when(alice, cancel(invited)).gives('200 to Alice', '487 to Alice')
  ladder.decide(through(provider(telnyx))).gives()
}

function starve(ladder: Ladder): void {
  hops(ladder, '0')
  ladder.decide(through(provider(telnyx))).gives('483 to Alice')
}
