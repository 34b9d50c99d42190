import { describe, expect, test } from 'vitest'
import type { ProviderTarget, RouteDecision } from '#contract'
import { sessionId } from '../../../relay/ground/media.ts'
import type { Header } from '../../../relay/sip/message.ts'
import type { Ladder } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  cancel,
  customerId,
  fromCallee,
  office,
  policy,
  provider,
  registers,
  ringBob,
  sdp,
  telnyx,
  through,
  twilio,
  within,
} from '../../support/office.ts'
import { closeMedia, leavesNothingBehind, watch } from '../../support/scene.ts'

leavesNothingBehind()

const challenge: Header = ['www-authenticate', 'Digest realm="sip.telnyx.test", nonce="abc", qop="auth"']
const credentials = { username: 'acme', password: 'wrong', realm: null }

/** What is done, and what the caller hears and the record says of it. */
type Row = readonly [string, (ladder: Ladder) => void, number, string, string]

describe('the record of a call to a phone says', () => {
  const rows: Row[] = [
    [
      'that none is registered',
      (ladder) => dials(ladder, ringBob()),
      480,
      'NOT_REGISTERED',
      'The phone of extension bob is not registered.',
    ],
    [
      'that it is busy',
      (ladder) => bobSays(ladder, 486),
      486,
      'BUSY',
      'The phone of extension bob says that it is busy there: 486 Busy Here.',
    ],
    [
      'that it refused',
      (ladder) => bobSays(ladder, 603),
      603,
      'PHONE_REFUSED',
      'The phone of extension bob refused the call: 603 Decline.',
    ],
    [
      'that it is not to be disturbed',
      (ladder) => bobSays(ladder, 480),
      480,
      'PHONE_REFUSED',
      'The phone of extension bob refused the call: 480 Temporarily Unavailable.',
    ],
    [
      'that it has no codec of the caller’s',
      (ladder) => {
        bobSays(ladder, 488)
        // Nor with encryption, as which it is offered once more.
        ladder.when(bob, answers(ladder.lastRequest(bob), bob, 488)).whatever()
      },
      488,
      'NO_COMMON_CODEC',
      'The phone of extension bob takes nothing the caller offers (PCMU, PCMA): 488 Not Acceptable Here.',
    ],
    [
      'that it sends the call where it is not followed',
      (ladder) => bobSays(ladder, 305, [['contact', '<sip:premium@192.0.2.99>']]),
      480,
      'REDIRECTED',
      'The phone of extension bob sends the call elsewhere, which is not followed: 305 Use Proxy to sip:premium@192.0.2.99.',
    ],
    [
      'that it is gone from where it registered',
      (ladder) => {
        rings(ladder)
        ladder.hear({ type: 'unsent', flow: bob.flow, why: 'connection refused' }).whatever()
      },
      480,
      'PHONE_UNREACHABLE',
      'The phone of extension bob cannot be reached at 192.0.2.20:5064 over udp: connection refused.',
    ],
    [
      'that nobody took it',
      (ladder) => {
        rings(ladder)
        ladder.when(bob, answers(ladder.lastRequest(bob, 'INVITE'), bob, 180)).whatever()
        ladder.after(30_000).whatever()
      },
      480,
      'NO_ANSWER',
      'The phone of extension bob did not answer in 30 s.',
    ],
    [
      'that it wants a password of us',
      (ladder) => bobSays(ladder, 401, [challenge]),
      503,
      'CREDENTIALS_MISSING',
      'The phone of extension bob wants a password, and none is configured (401 Unauthorized, realm sip.telnyx.test).',
    ],
  ]
  test.for(rows)('%s', ([, happens, told, reason, message]) => {
    const ladder = watch(office())
    happens(ladder)
    expect(ladder.lastResponse(alice).status).toBe(told)
    expect(ladder.record).toMatchObject({ sip_status: told, reject_reason: reason, reject_message: message })
  })
})

describe('the record of a call to a number says', () => {
  const rows: Row[] = [
    [
      'that the carrier wants a password, and none is configured',
      (ladder) => telnyxSays(ladder, 401, {}, [challenge]),
      503,
      'CREDENTIALS_MISSING',
      'The provider Telnyx wants a password, and none is configured (401 Unauthorized, realm sip.telnyx.test).',
    ],
    [
      'that the carrier does not take the password',
      (ladder) => {
        telnyxSays(ladder, 401, { credentials }, [challenge])
        ladder
          .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 401, { headers: [challenge] }))
          .whatever()
      },
      503,
      'CREDENTIALS_REFUSED',
      'The provider Telnyx does not take the username and password (401 Unauthorized, realm sip.telnyx.test).',
    ],
    [
      'that the carrier asks of another realm than the password is for',
      (ladder) =>
        telnyxSays(ladder, 407, { credentials: { ...credentials, realm: 'elsewhere.test' } }, [
          ['proxy-authenticate', 'Digest realm="sip.telnyx.test", nonce="abc", qop="auth"'],
        ]),
      503,
      'CREDENTIALS_REFUSED',
      'The provider Telnyx wants a proof which cannot be given (407 Proxy Authentication Required, realm sip.telnyx.test).',
    ],
    [
      'that the carrier forbids it',
      (ladder) => telnyxSays(ladder, 403),
      403,
      'PROVIDER_REFUSED',
      'The provider Telnyx refused the call: 403 Forbidden.',
    ],
    [
      'why the carrier forbids it, as it says itself',
      (ladder) =>
        telnyxSays(ladder, 403, {}, [
          ['reason', 'Q.850;cause=21'],
          ['warning', `399 telnyx "Your address is not provisioned${'!'.repeat(500)}"`],
        ]),
      403,
      'PROVIDER_REFUSED',
      `The provider Telnyx refused the call: 403 Forbidden (${`Q.850;cause=21, 399 telnyx "Your address is not provisioned${'!'.repeat(500)}`.slice(0, 119)}…).`,
    ],
    [
      'that the carrier knows no such number',
      (ladder) => telnyxSays(ladder, 404),
      404,
      'PROVIDER_REFUSED',
      'The provider Telnyx refused the call: 404 Not Found.',
    ],
    [
      'that the number is busy',
      (ladder) => telnyxSays(ladder, 486),
      486,
      'BUSY',
      'The provider Telnyx says that it is busy there: 486 Busy Here.',
    ],
    [
      'that the carrier takes none of the caller’s codecs',
      (ladder) => telnyxSays(ladder, 488),
      488,
      'NO_COMMON_CODEC',
      'The provider Telnyx takes nothing the caller offers (PCMU, PCMA): 488 Not Acceptable Here.',
    ],
    [
      'that of the caller’s codecs none may be sent to the carrier',
      (ladder) => {
        dials(ladder, through(provider(telnyx, { codecs: ['G729'] })))
      },
      488,
      'NO_COMMON_CODEC',
      'The caller offers PCMU, PCMA, and the provider Telnyx is to be sent only G729.',
    ],
    [
      'that the carrier’s host is none',
      (ladder) => {
        dials(ladder, through(provider(telnyx)))
        const why = 'DNS knows no sip.telnyx.test'
        ladder.answer({ ask: 'locate', answer: { flows: [], why } }).whatever()
      },
      503,
      'HOST_NOT_FOUND',
      'The provider Telnyx cannot be found at sip.telnyx.test: DNS knows no sip.telnyx.test.',
    ],
    [
      'that nobody listens at the carrier’s port',
      (ladder) => {
        dials(ladder, through(provider(telnyx)))
        ladder.locate(telnyx).whatever()
        ladder.hear({ type: 'unsent', flow: telnyx.flow, why: 'connection refused' }).whatever()
      },
      503,
      'PROVIDER_UNREACHABLE',
      'The provider Telnyx cannot be reached at 203.0.113.1:5060 over udp: connection refused.',
    ],
    [
      'that the carrier said nothing',
      (ladder) => {
        dials(ladder, through(provider(telnyx, { policy: { ...policy, search_ms: 60_000 } })))
        ladder.locate(telnyx).whatever().after(32_000).whatever()
      },
      503,
      'PROVIDER_UNREACHABLE',
      'The provider Telnyx cannot be reached at 203.0.113.1:5060 over udp: no final response.',
    ],
    [
      'that the carrier took the call, and then was lost',
      (ladder) => {
        dials(ladder, through(provider(telnyx)))
        ladder.locate(telnyx).whatever()
        ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 100)).whatever()
        ladder.hear({ type: 'unsent', flow: telnyx.flow, why: 'reset' }).whatever()
      },
      503,
      'PROVIDER_SILENT',
      'The provider Telnyx took the call at 203.0.113.1:5060 over udp, and never answered further: reset.',
    ],
    [
      'of each carrier what it did, where all failed',
      (ladder) => {
        dials(ladder, through(provider(telnyx), provider(twilio)))
        ladder.locate(telnyx).whatever()
        ladder
          .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 401, { headers: [challenge] }))
          .whatever()
        ladder.locate(twilio).whatever()
        ladder.when(twilio, answers(ladder.lastRequest(twilio), twilio, 503)).whatever()
      },
      503,
      'ALL_PROVIDERS_FAILED',
      'The provider Telnyx wants a password, and none is configured (401 Unauthorized, realm sip.telnyx.test). ' +
        'The provider Twilio refused the call: 503 Service Unavailable.',
    ],
    [
      'that nobody rang while there was time',
      (ladder) => {
        dials(ladder, through(provider(telnyx), provider(twilio)))
        ladder.locate(telnyx).whatever()
        ladder
          .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 502))
          .whatever()
          .locate(twilio)
          .whatever()
        ladder.after(30_000).whatever()
      },
      503,
      'SEARCH_TIMED_OUT',
      'Nobody rang in 30 s. The provider Telnyx refused the call: 502 Bad Gateway. ' +
        'The provider Twilio cannot be reached at 203.0.113.2:5060 over udp: nothing came back.',
    ],
    [
      'of a carrier which took the call and did nothing more',
      (ladder) => {
        dials(ladder, through(provider(telnyx)))
        ladder.locate(telnyx).whatever()
        ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 100)).whatever()
        ladder.after(30_000).whatever()
      },
      503,
      'SEARCH_TIMED_OUT',
      'Nobody rang in 30 s. The provider Telnyx took the call at 203.0.113.1:5060 over udp, and never answered further: ' +
        'only 100 came back.',
    ],
    [
      'of a carrier which is still being looked for',
      (ladder) => {
        dials(ladder, through(provider(telnyx)))
        ladder.after(30_000).whatever()
      },
      503,
      'SEARCH_TIMED_OUT',
      'Nobody rang in 30 s. The provider Telnyx cannot be found at sip.telnyx.test: DNS took too long.',
    ],
    [
      'that the caller’s description cannot be served',
      (ladder) => dials(ladder, through(provider(telnyx)), new TextEncoder().encode('nonsense')),
      400,
      'SOUND_UNUSABLE',
      'What the caller says of its sound cannot be used: the session description cannot be read.',
    ],
  ]
  test.for(rows)('%s', ([, happens, told, reason, message]) => {
    const ladder = watch(office())
    happens(ladder)
    expect(ladder.lastResponse(alice).status).toBe(told)
    expect(ladder.record).toMatchObject({ sip_status: told, reject_reason: reason, reject_message: message })
  })

  test('which carrier it went over: the one which took it', () => {
    const ladder = watch(office())
    dials(ladder, through(provider(telnyx), provider(twilio)))
    ladder.locate(telnyx).whatever()
    expect(ladder.record.provider_id).toBe(provider(telnyx).provider_id)
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 503))
      .whatever()
      .locate(twilio)
      .whatever()
    const body = sdp('203.0.113.2')
    ladder.when(twilio, answers(ladder.lastRequest(twilio), twilio, 200, { body })).whatever()
    expect(ladder.record).toMatchObject({
      status: 'progressing',
      provider_id: provider(twilio).provider_id,
      reject_reason: null,
      reject_message: null,
    })
  })
})

describe('a carrier which wants a password where none is configured', () => {
  test('is told of in the attempt and to the caller: 503, with the reason in words (RFC 3326)', () => {
    const ladder = watch(office())
    telnyxSays(ladder, 407)
    expect(ladder.lastResponse(alice).all('reason')).toEqual([
      'SIP;cause=407;text="the carrier wants a password, and none is configured"',
    ])
    expect(ladder.record.attempts).toMatchObject([
      {
        status: 407,
        reason: 'Proxy Authentication Required (wants a password, and none is configured)',
        cause: {
          reason: 'CREDENTIALS_MISSING',
          message: expect.stringContaining('wants a password, and none is configured'),
        },
      },
    ])
  })
})

describe('a carrier which redirects', () => {
  test('is said to have, and where to in the record alone: the caller hears no place it could call past us', () => {
    const ladder = watch(office())
    telnyxSays(ladder, 302, {}, [['contact', '<sip:premium@192.0.2.99>']])
    expect(ladder.lastResponse(alice).all('reason')).toEqual(['SIP;cause=302;text="Moved Temporarily"'])
    expect(ladder.record).toMatchObject({ reject_reason: 'REDIRECTED', attempts: [{ status: 302 }] })
    expect(ladder.record.reject_message).toContain('sip:premium@192.0.2.99')
  })
})

describe('an answered call which we end says', () => {
  test('which Contact the caller was given whose ACK never came', () => {
    const ladder = watch(office())
    takenBy(ladder)
    ladder.after(32_000).whatever()
    expect(ladder.record).toMatchObject({ hangup_reason: 'failed', reject_reason: 'NOT_ACKNOWLEDGED' })
    expect(ladder.record.reject_message).toContain('<sip:198.51.100.1:5060>')
    expect(ladder.record.reject_message).toContain('PUBLIC_IP')
  })

  test('the same where the callee left meanwhile: the record hears it late, and the log', () => {
    const ladder = watch(office())
    takenBy(ladder)
    const sent = ladder.lastRequest(telnyx)
    ladder.when(telnyx, fromCallee(sent, answers(sent, telnyx, 200), telnyx, 'BYE', 7)).whatever()
    expect(ladder.record).toMatchObject({ hangup_by: 'callee', reject_reason: null })
    ladder.after(32_000).whatever()
    expect(ladder.record).toMatchObject({
      hangup_by: 'callee',
      hangup_reason: 'normal',
      reject_reason: 'NOT_ACKNOWLEDGED',
      reject_message: expect.stringContaining('<sip:198.51.100.1:5060>'),
    })
    expect(ladder.notes.filter(({ event }) => event === 'call.unacknowledged')).toHaveLength(1)
  })

  test('that neither side was heard', () => {
    const ladder = watch(office())
    const invited = takenBy(ladder)
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
    const [{ session = 0 } = {}] = ladder.media
    ladder
      .hear({
        type: 'media',
        report: { type: 'silent', session: sessionId(session), side: 'both', ms: 60_000 },
      })
      .whatever()
    expect(ladder.record).toMatchObject({
      hangup_reason: 'media_timeout',
      reject_reason: 'MEDIA_TIMEOUT',
      reject_message: 'Neither side was heard for 60 s.',
    })
  })
})

describe('the log has one line for a call which is over', () => {
  test('with the reason, the sentence and every status, where it failed', () => {
    const ladder = watch(office())
    telnyxSays(ladder, 403)
    closeMedia(ladder)
    expect(ends(ladder)).toMatchObject([
      {
        customer_id: customerId,
        direction: 'outgoing',
        to: '+15551234567',
        by: 'system',
        reason: 'failed',
        status: 403,
        reject_reason: 'PROVIDER_REFUSED',
        message: 'The provider Telnyx refused the call: 403 Forbidden.',
        attempts: 1,
        codes: '203.0.113.1:5060/udp 403',
      },
    ])
  })

  test('where it was talked in', () => {
    const ladder = watch(office())
    const invited = takenBy(ladder)
    const answer = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, answer)).gives()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).whatever()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'BYE'), telnyx, 200)).whatever()
    expect(ends(ladder)).toEqual([])
    closeMedia(ladder)
    ladder.after(60_000)
    expect(ends(ladder)).toMatchObject([
      { reason: 'normal', by: 'caller', codes: '203.0.113.1:5060/udp 200' },
    ])
  })

  test('where the media thread never has its last word', () => {
    const ladder = office()
    telnyxSays(ladder, 486)
    ladder.after(60_000)
    expect(ends(ladder)).toMatchObject([{ reason: 'busy' }])
  })

  test('where the caller left before anything was decided to be dialled', () => {
    const ladder = office()
    const invited = aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx))).whatever()
    ladder.when(alice, cancel(invited)).whatever()
    closeMedia(ladder)
    ladder.after(60_000)
    expect(ends(ladder)).toMatchObject([{ reason: 'cancel', by: 'caller', reject_reason: null }])
  })
})

function ends({ notes }: Ladder) {
  return notes.filter(({ event }) => event === 'call.ended').map(({ fields }) => fields)
}

function dials(ladder: Ladder, decision: RouteDecision, body = sdp('192.0.2.10')): void {
  aliceDials(ladder, '+15551234567', { body })
  ladder.decide(decision).whatever()
}

function rings(ladder: Ladder): void {
  registers(ladder, bob, 'bob')
  dials(ladder, ringBob())
}

function bobSays(ladder: Ladder, status: number, headers: Header[] = []): void {
  rings(ladder)
  ladder.when(bob, answers(ladder.lastRequest(bob, 'INVITE'), bob, status, { headers })).whatever()
}

function telnyxSays(
  ladder: Ladder,
  status: number,
  more: Partial<ProviderTarget> = {},
  headers: Header[] = [],
): void {
  dials(ladder, through(provider(telnyx, more)))
  ladder.locate(telnyx).whatever()
  ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, status, { headers })).whatever()
}

/** Telnyx takes a call of Alice's; gives her INVITE. */
function takenBy(ladder: Ladder) {
  const invited = aliceDials(ladder, '+15551234567')
  ladder
    .decide(through(provider(telnyx)))
    .whatever()
    .locate(telnyx)
    .whatever()
  const body = sdp('203.0.113.1')
  ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 200, { body })).whatever()
  return invited
}
