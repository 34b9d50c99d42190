import { describe, expect, test } from 'vitest'
import { sipReason } from '../../../relay/call/reason.ts'
import type { Header } from '../../../relay/sip/message.ts'
import type { Ladder, Party } from '../../support/ladder.ts'
import {
  alice,
  aliceDials,
  answers,
  bob,
  customerId,
  invite,
  office,
  policy,
  provider,
  registers,
  rejected,
  ringBob,
  telnyx,
  through,
  twilio,
} from '../../support/office.ts'
import { leavesNothingBehind, watch } from '../../support/scene.ts'

leavesNothingBehind()

describe('a failure which is ours says why (RFC 3326)', () => {
  test('with the decision’s code and sentence, under a usual reason phrase', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+81312345678')
    ladder.decide(rejected(403, 'DESTINATION_NOT_ALLOWED', customerId, 'Calls to jp are not allowed.'))
    ladder.gives('403 to Alice')
    expect(ladder.lastResponse(alice).reason).toBe('Forbidden')
    expect(reasons(ladder)).toEqual([
      'SIP;cause=403;text="DESTINATION_NOT_ALLOWED: Calls to jp are not allowed."',
    ])
  })

  test('to a call from the phone network which is nobody’s', () => {
    const ladder = watch(office())
    ladder
      .when(telnyx, invite(telnyx, 'sip:+15557654321@198.51.100.1', { domain: 'telnyx.test' }))
      .gives('ask route')
    ladder.decide(rejected(403, 'UNKNOWN_SOURCE', null, 'No provider calls from 203.0.113.1.'))
    ladder.gives('403 to Telnyx')
    const [reason] = ladder.lastResponse(telnyx).all('reason')
    expect(reason).toBe('SIP;cause=403;text="UNKNOWN_SOURCE: No provider calls from 203.0.113.1."')
  })

  test('when the edge does not answer, to a phone and to the phone network', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567')
    ladder.noAnswer('route', 'no answer in 800 ms').gives('503 to Alice')
    expect(reasons(ladder)).toEqual(['SIP;cause=503;text="no answer in 800 ms"'])
    ladder
      .when(telnyx, invite(telnyx, 'sip:+15557654321@198.51.100.1', { domain: 'telnyx.test' }))
      .gives('ask route')
    ladder.noAnswer('route').gives('503 to Telnyx')
    expect(ladder.lastResponse(telnyx).all('reason')).toEqual([
      'SIP;cause=503;text="the edge does not answer"',
    ])
  })

  test('when all providers failed, beside what the one which is told of said itself', () => {
    const ladder = hunting()
    fail(ladder, telnyx, 500, [['reason', 'Q.850;cause=41']])
    ladder.locate(twilio).whatever()
    fail(ladder, twilio, 500, [['reason', 'Q.850;cause=34;text="no circuit", SIP;cause=500']])
    expect(ladder.lastResponse(alice).status).toBe(500)
    expect(reasons(ladder)).toEqual([
      'SIP;cause=503;text="all providers failed"',
      'Q.850;cause=34;text="no circuit"',
    ])
  })

  test('when all providers failed, and which of them said what the caller is told', () => {
    const ladder = hunting()
    fail(ladder, telnyx, 403)
    ladder.locate(twilio).whatever()
    fail(ladder, twilio, 403)
    expect(ladder.lastResponse(alice).status).toBe(403)
    expect(reasons(ladder)).toEqual([
      'SIP;cause=403;text="The provider Twilio refused the call: 403 Forbidden."',
    ])
  })

  test('when it rang and nobody answered', () => {
    const ladder = hunting()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 180)).whatever()
    ladder.after(60_000).whatever()
    expect(reasons(ladder)).toEqual(['SIP;cause=480;text="no answer"'])
  })

  test('when the whole search took too long', () => {
    const ladder = hunting({ policy: { ...policy, first_response_ms: 20_000, search_ms: 5_000 } })
    ladder.after(5_000).whatever()
    expect(reasons(ladder)).toEqual(['SIP;cause=503;text="nobody rang in time"'])
  })

  test('when the carrier was lost while it rang', () => {
    const ladder = hunting()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 180)).whatever()
    ladder.hear({ type: 'unsent', flow: telnyx.flow, why: 'reset' }).gives('503 to Alice')
    expect(reasons(ladder)).toEqual(['SIP;cause=503;text="reset"'])
  })

  test('and what the carrier said where the caller is told something else', () => {
    const ladder = hunting()
    fail(ladder, telnyx, 302)
    expect(ladder.lastResponse(alice).status).toBe(480)
    expect(reasons(ladder)).toEqual(['SIP;cause=302;text="Moved Temporarily"'])
  })

  test('when the phone could not be reached', () => {
    const ladder = watch(office())
    registers(ladder, bob, 'bob')
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).whatever()
    ladder.hear({ type: 'unsent', flow: bob.flow, why: 'refused' }).gives('480 to Alice')
    expect(reasons(ladder)).toEqual(['SIP;cause=480;text="refused"'])
  })

  test('and adds nothing where the callee spoke', () => {
    const ladder = hunting()
    fail(ladder, telnyx, 486, [['reason', 'SIP;cause=486;text="on the phone"']])
    expect(reasons(ladder)).toEqual(['SIP;cause=486;text="on the phone"'])
  })
})

describe('the text of a Reason', () => {
  test.for([
    ['say "no" \\ never', String.raw`SIP;cause=404;text="say \"no\" \\ never"`],
    ['one\r\nVia: evil\u0000\u009b', 'SIP;cause=404;text="one Via: evil"'],
    ['Zoë is out', 'SIP;cause=404;text="Zoë is out"'],
    ['x'.repeat(121), `SIP;cause=404;text="${'x'.repeat(119)}…"`],
    ['"'.repeat(121), `SIP;cause=404;text="${'\\"'.repeat(119)}…"`],
    ['😀'.repeat(120), `SIP;cause=404;text="${'😀'.repeat(120)}"`],
    ['😀'.repeat(121), `SIP;cause=404;text="${'😀'.repeat(119)}…"`],
  ] as const)('%j stays one quoted string', ([text, value]) => {
    expect(sipReason(404, text)).toEqual(['reason', value])
  })

  test.each([
    [`${'word '.repeat(23)}Österreich`, `${'word '.repeat(22)}word…`],
    [`${'say "no" '.repeat(13)}said`, `${'say \\"no\\" '.repeat(12)}say \\"no\\"…`],
    [`${'word '.repeat(23)}words`, `${'word '.repeat(23)}words`],
  ])('%j ends behind a word, where it is longer than 120 characters', (text, told) => {
    expect(sipReason(404, text)).toEqual(['reason', `SIP;cause=404;text="${told}"`])
  })
})

function hunting(more: Parameters<typeof provider>[1] = {}): Ladder {
  const ladder = watch(office())
  aliceDials(ladder, '+15551234567')
  ladder.decide(through(provider(telnyx, more), provider(twilio, more))).whatever()
  return ladder.locate(telnyx).gives('INVITE to Telnyx')
}

function fail(ladder: Ladder, carrier: Party, status: number, headers: Header[] = []): void {
  ladder.when(carrier, answers(ladder.lastRequest(carrier), carrier, status, { headers })).whatever()
}

function reasons(ladder: Ladder): string[] {
  return ladder.lastResponse(alice).all('reason')
}
