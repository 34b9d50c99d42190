import { describe, expect, test } from 'vitest'
import { sessionId } from '../../../relay/ground/media.ts'
import type { Request, Response } from '../../../relay/sip/message.ts'
import type { Ladder } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  fromCallee,
  office,
  provider,
  scanner,
  sdp,
  telnyx,
  through,
  within,
} from '../../support/office.ts'

const text = (body: Uint8Array) => new TextDecoder().decode(body)

describe('an answered call', () => {
  test('repeats its 200 to the caller until the ACK comes (RFC 3261 §13.3.1.4)', () => {
    const { ladder, invited, answer } = answered()
    ladder
      .after(500)
      .gives('200 to Alice')
      .after(1_000)
      .gives('200 to Alice')
      .after(2_000)
      .gives('200 to Alice')
    ladder.when(alice, ack(invited, answer)).gives()
    ladder.after(60_000).gives()
  })

  test('acknowledges a repeated 200 of the callee again', () => {
    const { ladder, sent } = answered()
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: sdp('203.0.113.1') })).gives('ACK to Telnyx')
  })

  test('ends on both sides when the caller never acknowledges', () => {
    const { ladder } = answered()
    ladder.after(31_999).whatever().after(1).gives('BYE to Alice', 'BYE to Telnyx')
    expect(ladder.record).toMatchObject({ hangup_by: 'system', hangup_reason: 'failed' })
  })

  test('ends when the caller hangs up', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'BYE'), telnyx, 200)).gives()
    closeMedia(ladder)
    expect(ladder.record).toMatchObject({
      status: 'hangup',
      hangup_by: 'caller',
      hangup_reason: 'normal',
      media: { from_caller: { packets: 100 }, from_callee: { packets: 90, lost: 10 } },
    })
  })

  test('ends when the callee hangs up, and says why', () => {
    const { ladder, sent } = talking()
    const reasons = ['SIP;cause=200;text="bye, then"', 'Q.850;cause=16']
    const answer = answers(sent, telnyx, 200)
    const headers = reasons.map((reason): [string, string] => ['reason', reason])
    ladder.when(telnyx, fromCallee(sent, answer, telnyx, 'BYE', 1, { headers }))
    ladder.gives('200 to Telnyx', 'BYE to Alice')
    expect(ladder.lastRequest(alice, 'BYE').all('reason')).toEqual(reasons)
    expect(ladder.record).toMatchObject({ hangup_by: 'callee' })
  })

  test('holds the BYE to the caller back until its ACK has come (RFC 3261 §15)', () => {
    const { ladder, invited, answer, sent } = answered()
    ladder.when(telnyx, fromCallee(sent, answers(sent, telnyx, 200), telnyx, 'BYE', 1)).gives('200 to Telnyx')
    ladder.when(alice, ack(invited, answer)).gives('BYE to Alice')
  })

  test('answers both when both hang up at once', () => {
    const { ladder, invited, answer, sent } = talking()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).whatever()
    ladder.when(telnyx, fromCallee(sent, answers(sent, telnyx, 200), telnyx, 'BYE', 1)).gives('200 to Telnyx')
  })

  test('does not end for somebody who only overheard its tags', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(scanner, within(invited, answer, scanner, 'BYE', 3)).gives('481 to the scanner')
  })

  test('ends by itself when no sound comes from either side', () => {
    const { ladder } = talking()
    const session = ladder.media[0]?.session ?? 0
    ladder.hear({
      type: 'media',
      report: { type: 'silent', session: sessionId(session), side: 'both', ms: 60_000 },
    })
    ladder.gives('BYE to Alice', 'BYE to Telnyx')
    expect(ladder.record).toMatchObject({ hangup_by: 'system', hangup_reason: 'media_timeout' })
  })

  test('forgets everything when it is over', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).whatever()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'BYE'), telnyx, 200)).whatever()
    closeMedia(ladder)
    ladder.after(70_000).whatever()
    expect(ladder.engine.load).toMatchObject({ calls: 0, legs: 0, transactions: 0 })
    expect(ladder.engine.nextDeadline()).toBeUndefined()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 4)).gives('481 to Alice')
  })
})

describe('sound', () => {
  test('is offered at our address to the callee, and at another port to the caller', () => {
    const { ladder, sent, answer } = answered()
    const [open] = ladder.media
    if (open?.type !== 'open') throw new Error('no media')
    expect(text(sent.body)).toContain(`m=audio ${open.ports.callee} RTP/AVP`)
    expect(text(sent.body)).toContain('c=IN IP4 198.51.100.1')
    expect(text(answer.body)).toContain(`m=audio ${open.ports.caller} RTP/AVP`)
    expect(ladder.media.map(({ type }) => type)).toEqual(['open', 'aim', 'aim'])
  })

  test('follows the answer in the ACK when the caller left the offer to the callee', () => {
    const ladder = office()
    const invited = aliceDials(ladder, '+15551234567', { body: new Uint8Array(0) })
    ladder
      .decide(through(provider(telnyx)))
      .whatever()
      .locate(telnyx)
      .gives('INVITE to Telnyx')
    expect(ladder.lastRequest(telnyx).body).toHaveLength(0)
    const ok = answers(ladder.lastRequest(telnyx), telnyx, 200, { body: sdp('203.0.113.1') })
    ladder.when(telnyx, ok).gives('200 to Alice')
    const answer = ladder.lastResponse(alice)
    expect(text(answer.body)).toContain('198.51.100.1')
    ladder.when(alice, ack(invited, answer, { body: sdp('192.0.2.10') })).gives('ACK to Telnyx')
    expect(text(ladder.lastRequest(telnyx, 'ACK').body)).toContain('198.51.100.1')
  })

  test('of a delayed offer without an answer ends the call', () => {
    const ladder = office()
    const invited = aliceDials(ladder, '+15551234567', { body: new Uint8Array(0) })
    ladder
      .decide(through(provider(telnyx)))
      .whatever()
      .locate(telnyx)
      .whatever()
    const ok = answers(ladder.lastRequest(telnyx), telnyx, 200, { body: sdp('203.0.113.1') })
    ladder.when(telnyx, ok).whatever()
    ladder
      .when(alice, ack(invited, ladder.lastResponse(alice)))
      .gives('BYE to Alice', 'ACK to Telnyx', 'BYE to Telnyx')
  })

  test('comes early where the provider sends it early', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567')
    ladder
      .decide(through(provider(telnyx)))
      .whatever()
      .locate(telnyx)
      .whatever()
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 183, { body: sdp('203.0.113.1') }))
      .gives('183 to Alice')
    expect(text(ladder.lastResponse(alice).body)).toContain('198.51.100.1')
  })

  test('which finds no free port is refused with 503', () => {
    const ladder = office({ rtpPorts: [10_000, 10_001] })
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx))).gives('503 to Alice')
  })
})

describe('a re-INVITE', () => {
  test('of the caller goes through with our address in it, and so does the answer', () => {
    const { ladder, invited, answer } = talking()
    const hold = within(invited, answer, alice, 'INVITE', 3, { body: sdp('192.0.2.10', 4000, 'a=sendonly') })
    ladder.when(alice, hold).gives('INVITE to Telnyx')
    const passed = ladder.lastRequest(telnyx, 'INVITE')
    expect(text(passed.body)).toContain('a=sendonly')
    expect(text(passed.body)).toContain('198.51.100.1')
    const ok = answers(passed, telnyx, 200, { body: sdp('203.0.113.1', 4000, 'a=recvonly'), tag: '' })
    ladder.when(telnyx, ok).gives('ACK to Telnyx', '200 to Alice')
    expect(text(ladder.lastResponse(alice).body)).toContain('a=recvonly')
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
    ladder.after(40_000).gives()
    expect(ladder.media.filter(({ type }) => type === 'aim')).toHaveLength(4)
  })

  test('of the callee goes through the same way', () => {
    const { ladder, sent } = talking()
    ladder
      .when(
        telnyx,
        fromCallee(sent, answers(sent, telnyx, 200), telnyx, 'INVITE', 1, { body: sdp('203.0.113.1') }),
      )
      .gives('INVITE to Alice')
    const passed = ladder.lastRequest(alice, 'INVITE')
    ladder
      .when(alice, answers(passed, alice, 200, { body: sdp('192.0.2.10'), tag: '' }))
      .gives('ACK to Alice', '200 to Telnyx')
  })

  test('which is refused leaves the call as it was (RFC 3261 §14.1)', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: sdp('192.0.2.10') })).whatever()
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 488, { tag: '' }))
      .gives('ACK to Telnyx', '488 to Alice')
    expect(ladder.record.status).toBe('progressing')
  })

  test('crossing another one is answered 491 (RFC 3261 §14.2)', () => {
    const { ladder, invited, answer, sent } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: sdp('192.0.2.10') })).whatever()
    ladder
      .when(
        telnyx,
        fromCallee(sent, answers(sent, telnyx, 200), telnyx, 'INVITE', 1, { body: sdp('203.0.113.1') }),
      )
      .gives('491 to Telnyx')
  })

  test('before the last one was answered gets 500 with Retry-After (RFC 3261 §14.2)', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: sdp('192.0.2.10') })).whatever()
    ladder
      .when(alice, within(invited, answer, alice, 'INVITE', 4, { body: sdp('192.0.2.10') }))
      .gives('500 to Alice')
    expect(Number(ladder.lastResponse(alice).header('retry-after'))).toBeLessThanOrEqual(10)
  })

  test('to a side which knows nothing of the call any more ends it (RFC 3261 §12.2.1.2)', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: sdp('192.0.2.10') })).whatever()
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 481, { tag: '' }))
      .gives('ACK to Telnyx', '481 to Alice', 'BYE to Alice')
  })
})

describe('inside a call', () => {
  test('INFO passes through with what it tells', () => {
    const { ladder, invited, answer } = talking()
    const body = new TextEncoder().encode('<media_control/>\r\n')
    const info = within(invited, answer, alice, 'INFO', 3, {
      body,
      headers: [['content-type', 'application/media_control+xml']],
    })
    ladder.when(alice, info).gives('INFO to Telnyx')
    // No target is refreshed by it: RFC 6086 has no Contact there.
    expect(ladder.lastRequest(telnyx, 'INFO').header('contact')).toBeUndefined()
    expect(text(ladder.lastRequest(telnyx, 'INFO').body)).toBe(text(body))
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx, 'INFO'), telnyx, 200, { tag: '' }))
      .gives('200 to Alice')
  })

  test('OPTIONS are answered here', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'OPTIONS', 3)).gives('200 to Alice')
    expect(ladder.lastResponse(alice).all('allow')).toContain('PRACK')
    expect(ladder.lastResponse(alice).all('supported')).toContain('timer')
  })

  test('SUBSCRIBE asks for an event which we do not have: 489 (RFC 6665 §4.2.1.1)', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'SUBSCRIBE', 3)).gives('489 to Alice')
  })

  test('a request with an old number is refused (RFC 3261 §12.2.2)', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'OPTIONS', 9)).whatever()
    ladder.when(alice, within(invited, answer, alice, 'INFO', 5)).gives('500 to Alice')
  })
})

interface Scene {
  ladder: Ladder
  invited: Request
  /** The INVITE as Telnyx got it. */
  sent: Request
  /** Our 200 to Alice. */
  answer: Response
}

function answered(): Scene {
  const ladder = office()
  const invited = aliceDials(ladder, '+15551234567')
  ladder
    .decide(through(provider(telnyx)))
    .gives('ask locate')
    .locate(telnyx)
    .gives('INVITE to Telnyx')
  const sent = ladder.lastRequest(telnyx)
  ladder
    .when(telnyx, answers(sent, telnyx, 200, { body: sdp('203.0.113.1') }))
    .gives('ACK to Telnyx', '200 to Alice')
  return { ladder, invited, sent, answer: ladder.lastResponse(alice) }
}

function talking(): Scene {
  const scene = answered()
  scene.ladder.when(alice, ack(scene.invited, scene.answer)).gives()
  return scene
}

function closeMedia(ladder: Ladder): void {
  const session = ladder.media[0]?.session ?? 0
  const heard = { bytes: 0, dropped: 0, jitterMs: 0 }
  ladder.hear({
    type: 'media',
    report: {
      type: 'closed',
      session: sessionId(session),
      caller: { ...heard, packets: 100, lost: 0 },
      callee: { ...heard, packets: 90, lost: 10 },
    },
  })
}
