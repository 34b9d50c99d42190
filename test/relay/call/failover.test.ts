import { describe, expect, test } from 'vitest'
import type { Header } from '../../../relay/sip/message.ts'
import type { Ladder } from '../../support/ladder.ts'
import { counted, limitedBy } from '../../support/limits.ts'
import {
  alice,
  aliceDials,
  answers,
  cancel,
  office,
  policy,
  provider,
  sdp,
  telnyx,
  through,
  twilio,
} from '../../support/office.ts'

describe('an outbound call with two providers', () => {
  test('goes to the second when the first answers 503', () => {
    const ladder = hunting()
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 503))
      .gives('ACK to Telnyx', 'ask locate')
      .locate(twilio)
      .gives('INVITE to Twilio')
      .when(twilio, answers(ladder.lastRequest(twilio), twilio, 180))
      .gives('180 to Alice')
      .when(twilio, answers(ladder.lastRequest(twilio), twilio, 200, { body: sdp('203.0.113.2') }))
      .gives('ACK to Twilio', '200 to Alice')
    expect(ladder.record.attempts).toMatchObject([
      { provider_name: 'Telnyx', status: 503, decision: 'next', address: '203.0.113.1:5060' },
      { provider_name: 'Twilio', status: 200, decision: 'final', address: '203.0.113.2:5060' },
    ])
    expect(ladder.record.status).toBe('progressing')
  })

  test('goes to the second when the first says nothing for three seconds', () => {
    const ladder = hunting()
    ladder.after(2_999).gives('INVITE to Telnyx', 'INVITE to Telnyx')
    ladder.after(1).gives('ask locate').locate(twilio).gives('INVITE to Twilio')
    expect(ladder.record.attempts[0]).toMatchObject({ status: 0, decision: 'next' })
  })

  test('goes to the second when the first says only 100 for eight seconds, and cancels the first', () => {
    const ladder = hunting()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 100)).gives()
    ladder.after(7_999).gives()
    ladder.after(1).gives('CANCEL to Telnyx', 'ask locate')
  })

  test('goes to the second when the first cannot be reached', () => {
    const ladder = hunting()
    ladder.hear({ type: 'unsent', flow: telnyx.flow, why: 'refused' }).gives('ask locate')
    expect(ladder.record.attempts[0]).toMatchObject({ status: 0, reason: 'refused', decision: 'next' })
  })

  test('goes to the second when the name of the first leads nowhere', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx), provider(twilio))).gives('ask locate')
    ladder.locate().gives('ask locate').locate(twilio).gives('INVITE to Twilio')
  })

  test('tries the other addresses of a provider inside the same attempt', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx))).gives('ask locate')
    ladder.locate(telnyx, twilio).gives('INVITE to Telnyx')
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 503))
      .gives('ACK to Telnyx', 'INVITE to Twilio')
    ladder
      .when(twilio, answers(ladder.lastRequest(twilio), twilio, 486))
      .gives('ACK to Twilio', '486 to Alice')
    expect(ladder.record.attempts).toMatchObject([
      { provider_name: 'Telnyx', status: 486, decision: 'final' },
    ])
  })

  test('tells the caller 486 at once, because busy is the callee speaking', () => {
    const ladder = hunting()
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 486))
      .gives('ACK to Telnyx', '486 to Alice')
    expect(ladder.record).toMatchObject({ hangup_reason: 'busy', hangup_by: 'callee', status: 'hangup' })
  })

  test('never advances once it rang, because nobody shall ring twice', () => {
    const ladder = hunting()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 180)).gives('180 to Alice')
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 503))
      .gives('ACK to Telnyx', '503 to Alice')
    expect(ladder.record.attempts).toHaveLength(1)
  })

  test('tells the most useful failure when every provider has failed', () => {
    const ladder = hunting()
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 500))
      .whatever()
      .locate(twilio)
      .whatever()
    ladder
      .when(twilio, answers(ladder.lastRequest(twilio), twilio, 486))
      .gives('ACK to Twilio', '486 to Alice')
  })

  test('waits for the last one, for there is none to move on to, and tells 503 when all were silent', () => {
    const ladder = hunting()
    ladder.after(3_000).whatever().locate(twilio).whatever()
    ladder.after(26_900).whatever()
    expect(ladder.record.status).toBe('dialing')
    ladder.after(100).gives('503 to Alice')
    expect(ladder.record).toMatchObject({ hangup_reason: 'timeout', hangup_by: 'system', sip_status: 503 })
  })

  test('is answered by the last one however late that speaks, after a silence or only 100', () => {
    for (const said of [[], [100]]) {
      const ladder = hunting()
      ladder.after(3_000).whatever().locate(twilio).whatever()
      const sent = ladder.lastRequest(twilio)
      for (const status of said) ladder.when(twilio, answers(sent, twilio, status))
      ladder.after(20_000).whatever()
      ladder
        .when(twilio, answers(sent, twilio, 200, { body: sdp('203.0.113.2') }))
        .gives('ACK to Twilio', '200 to Alice')
      expect(ladder.record.attempts).toMatchObject([{ status: 0, decision: 'next' }, { status: 200 }])
    }
  })

  test('moves on from no one where the others are full', () => {
    const full = provider(twilio)
    const limits = limitedBy({ [full.provider_id]: { max_channels: 0 } })
    const ladder = office({ limits })
    aliceDials(ladder, '+15551234567')
    ladder
      .decide(counted(through(provider(telnyx), full)))
      .whatever()
      .locate(telnyx)
      .whatever()
    ladder.after(10_000).whatever()
    const body = sdp('203.0.113.1')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 200, { body }))
    ladder.gives('ACK to Telnyx', '200 to Alice')
  })

  test('asks for nothing more once the caller has cancelled', () => {
    const ladder = office()
    const invited = aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx), provider(twilio))).gives('ask locate')
    ladder.when(alice, cancel(invited)).gives('200 to Alice', '487 to Alice')
    ladder.locate(telnyx).gives()
    expect(ladder.record).toMatchObject({ hangup_reason: 'cancel', hangup_by: 'caller' })
  })

  test('hangs up a provider which answers after it was given up, since nobody is there to talk to', () => {
    const ladder = hunting()
    const first = ladder.lastRequest(telnyx)
    ladder.after(3_000).whatever().locate(twilio).whatever()
    ladder
      .when(telnyx, answers(first, telnyx, 200, { body: sdp('203.0.113.1') }))
      .gives('ACK to Telnyx', 'BYE to Telnyx')
  })

  test('cancels a provider which rings after it was given up', () => {
    const ladder = hunting()
    const first = ladder.lastRequest(telnyx)
    ladder.after(3_000).whatever().locate(twilio).whatever()
    ladder.when(telnyx, answers(first, telnyx, 180)).gives('CANCEL to Telnyx')
  })

  test('stops the whole search after its time and says so', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567')
    const slow = { policy: { ...policy, search_ms: 5_000, first_response_ms: 20_000 } }
    ladder
      .decide(through(provider(telnyx, slow)))
      .whatever()
      .locate(telnyx)
      .whatever()
    ladder.after(4_000).whatever().after(1_000).gives('503 to Alice')
    expect(ladder.record).toMatchObject({ hangup_reason: 'timeout' })
  })

  test('ends with 480 when it rang and nobody answered', () => {
    const ladder = hunting()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 180)).whatever()
    ladder.after(59_999).gives()
    ladder.after(1).gives('CANCEL to Telnyx', '480 to Alice')
    expect(ladder.record).toMatchObject({ hangup_reason: 'noanswer' })
  })

  test('leaves a provider alone for as long as its Retry-After asks', () => {
    const ladder = hunting()
    const resting = answers(ladder.lastRequest(telnyx), telnyx, 503, { headers: [['retry-after', '60']] })
    ladder.when(telnyx, resting).whatever().locate(twilio).whatever()
    ladder.when(twilio, answers(ladder.lastRequest(twilio), twilio, 486)).whatever()
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx), provider(twilio))).gives('ask locate')
    ladder.locate(telnyx).gives('ask locate').locate(twilio).gives('INVITE to Twilio')
  })

  test('heeds a Retry-After which comes too late, too', () => {
    const ladder = hunting()
    const first = ladder.lastRequest(telnyx)
    ladder.after(3_000).whatever().locate(twilio).whatever()
    const resting = answers(first, telnyx, 503, { headers: [['retry-after', '60']] })
    ladder.when(telnyx, resting).gives('ACK to Telnyx')
    ladder.when(twilio, answers(ladder.lastRequest(twilio), twilio, 486)).whatever()
    again(ladder).locate(telnyx).gives('ask locate').locate(twilio).gives('INVITE to Twilio')
  })

  test('tries a resting address all the same when there is no other', () => {
    const ladder = hunting()
    for (const carrier of [telnyx, twilio]) {
      if (carrier === twilio) ladder.locate(twilio).whatever()
      const resting = { headers: [['retry-after', '60'] as Header] }
      ladder.when(carrier, answers(ladder.lastRequest(carrier), carrier, 503, resting)).whatever()
    }
    again(ladder).locate(telnyx).gives('ask locate').locate(twilio).gives('INVITE to Twilio')
  })

  test('takes the same address of another account for another: what was said to one is nothing to the next', () => {
    const ladder = hunting()
    const resting = answers(ladder.lastRequest(telnyx), telnyx, 503, { headers: [['retry-after', '60']] })
    ladder.when(telnyx, resting).whatever().locate(twilio).whatever()
    ladder.when(twilio, answers(ladder.lastRequest(twilio), twilio, 486)).whatever()
    aliceDials(ladder, '+15551234567')
    const other = provider(telnyx, { provider_id: '66666666-4444-4444-8444-444444444444' })
    ladder.decide(through(other, provider(twilio))).gives('ask locate')
    ladder.locate(telnyx).gives('INVITE to Telnyx')
  })

  test('never advances once it rang, not even from a carrier which is silent after its challenge was met', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567')
    const credentials = { username: 'acme', password: 'pw', realm: null }
    ladder.decide(through(provider(telnyx, { credentials }), provider(twilio))).whatever()
    ladder.locate(telnyx).whatever()
    const first = ladder.lastRequest(telnyx)
    ladder.when(telnyx, answers(first, telnyx, 180)).gives('180 to Alice')
    const challenge: Header = ['proxy-authenticate', 'Digest realm="telnyx.test", nonce="abc", qop="auth"']
    ladder.when(telnyx, answers(first, telnyx, 407, { headers: [challenge] }))
    ladder.gives('ACK to Telnyx', 'INVITE to Telnyx').after(2_999).whatever().after(1).gives('503 to Alice')
    expect(ladder.record.attempts).toMatchObject([{ decision: 'final', reason: 'no response in 3000 ms' }])
  })

  test('blames nobody but us when our credentials are refused', () => {
    const ladder = hunting()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 180)).gives('180 to Alice')
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 407))
      .gives('ACK to Telnyx', '503 to Alice')
    expect(ladder.record).toMatchObject({ hangup_by: 'system', hangup_reason: 'failed' })
  })

  test('builds each INVITE from the call, never from the last attempt', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567')
    const first = provider(telnyx, { user: '9915551234567', headers: [['X-Account', 'one']] })
    ladder
      .decide(through(first, provider(twilio)))
      .whatever()
      .locate(telnyx)
      .whatever()
    expect(ladder.lastRequest(telnyx).requestUri).toBe('sip:9915551234567@sip.telnyx.test')
    expect(ladder.lastRequest(telnyx).header('x-account')).toBe('one')
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 503))
      .whatever()
      .locate(twilio)
      .whatever()
    const second = ladder.lastRequest(twilio)
    expect(second.requestUri).toBe('sip:+15551234567@sip.twilio.test')
    expect(second.header('x-account')).toBeUndefined()
    expect(second.callId).not.toBe(ladder.lastRequest(telnyx).callId)
    expect(second.header('p-asserted-identity')).toContain('+15557654321')
  })

  test("answers a provider's challenge once, inside the same attempt", () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567')
    const credentials = { username: 'acme', password: 'pw', realm: null }
    ladder
      .decide(through(provider(telnyx, { credentials }), provider(twilio)))
      .whatever()
      .locate(telnyx)
      .whatever()
    const challenge = () =>
      answers(ladder.lastRequest(telnyx), telnyx, 407, {
        headers: [
          ['proxy-authenticate', 'Digest realm="telnyx.test", nonce="abc", qop="auth", algorithm=MD5'],
        ],
      })
    ladder.when(telnyx, challenge()).gives('ACK to Telnyx', 'INVITE to Telnyx')
    const proved = ladder.lastRequest(telnyx, 'INVITE')
    expect(proved.header('proxy-authorization')).toContain('username="acme"')
    expect(proved.cseq.number).toBe(2)
    ladder.when(telnyx, challenge()).gives('ACK to Telnyx', 'ask locate')
    expect(ladder.record.attempts[0]).toMatchObject({ status: 407, decision: 'next' })
  })

  test('never follows a redirection to wherever a provider points (3xx)', () => {
    const ladder = hunting()
    const elsewhere = answers(ladder.lastRequest(telnyx), telnyx, 302, {
      headers: [['contact', '<sip:premium@evil.test>']],
    })
    ladder.when(telnyx, elsewhere).gives('ACK to Telnyx', '480 to Alice')
    expect(ladder.record.hangup_reason).toBe('failed')
    expect(ladder.record.attempts).toMatchObject([{ reason: 'Moved Temporarily to sip:premium@evil.test' }])
  })

  test('goes to the second when the first takes none of the offered codecs', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567')
    ladder
      .decide(through(provider(telnyx, { codecs: ['OPUS'] }), provider(twilio)))
      .gives('ask locate')
      .locate(twilio)
      .gives('INVITE to Twilio')
    ladder
      .when(twilio, answers(ladder.lastRequest(twilio), twilio, 486))
      .gives('ACK to Twilio', '486 to Alice')
    expect(ladder.record.attempts).toMatchObject([
      { status: 488, reason: 'no codec left', decision: 'next', tries: [] },
      { status: 486, decision: 'final' },
    ])
  })

  test('refuses with 488 towards a provider which takes none of the offered codecs', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx, { codecs: ['OPUS'] }))).gives('488 to Alice')
  })
})

/** Alice dials once more. */
function again(ladder: Ladder): Ladder {
  aliceDials(ladder, '+15551234567')
  return ladder.decide(through(provider(telnyx), provider(twilio))).gives('ask locate')
}

/** Alice dialled, two providers, and Telnyx has the INVITE. */
function hunting(): Ladder {
  const ladder = office()
  aliceDials(ladder, '+15551234567')
  ladder.decide(through(provider(telnyx), provider(twilio))).gives('ask locate')
  return ladder.locate(telnyx).gives('INVITE to Telnyx')
}
