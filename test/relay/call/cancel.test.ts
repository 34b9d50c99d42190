import { describe, expect, test } from 'vitest'
import type { Request } from '../../../relay/sip/message.ts'
import type { Ladder } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  cancel,
  office,
  provider,
  scanner,
  sdp,
  telnyx,
  through,
} from '../../support/office.ts'
import { closeMedia } from '../../support/scene.ts'

describe('a CANCEL', () => {
  test('goes on to the callee who has rung', () => {
    const { ladder, invited } = ringing()
    ladder.when(alice, cancel(invited)).gives('200 to Alice', 'CANCEL to Telnyx', '487 to Alice')
    const sent = ladder.lastRequest(telnyx, 'INVITE')
    const cancelled = ladder.lastRequest(telnyx, 'CANCEL')
    expect(cancelled.via.branch).toBe(sent.via.branch)
    expect(cancelled.cseq).toEqual({ number: sent.cseq.number, method: 'CANCEL' })
    ladder.when(telnyx, answers(cancelled, telnyx, 200)).gives()
    ladder.when(telnyx, answers(sent, telnyx, 487)).gives('ACK to Telnyx')
    expect(ladder.record).toMatchObject({ status: 'hangup', hangup_by: 'caller', hangup_reason: 'cancel' })
  })

  test('waits for a provisional before it is sent on (RFC 3261 §9.1)', () => {
    const { ladder, invited } = calling()
    ladder.when(alice, cancel(invited)).gives('200 to Alice', '487 to Alice')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 100)).gives('CANCEL to Telnyx')
  })

  test('reaches a callee whose first 100 was lost: the INVITE is repeated until one comes (§9.1)', () => {
    const { ladder, invited } = calling()
    ladder.when(alice, cancel(invited)).gives('200 to Alice', '487 to Alice')
    ladder.after(500).gives('INVITE to Telnyx', '487 to Alice')
    const sent = ladder.lastRequest(telnyx)
    ladder.when(telnyx, answers(sent, telnyx, 100)).gives('CANCEL to Telnyx')
    ladder.when(telnyx, answers(sent, telnyx, 487)).gives('ACK to Telnyx')
  })

  test('is sent to the callee only once', () => {
    const { ladder, invited } = ringing()
    ladder.when(alice, cancel(invited)).whatever()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 183)).gives()
  })

  test('hangs up a callee who answers while it is in flight, and the call stays cancelled', () => {
    const { ladder, invited } = ringing()
    ladder.when(alice, cancel(invited)).whatever()
    const answered = answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 200, { body: sdp('203.0.113.1') })
    ladder.when(telnyx, answered).gives('ACK to Telnyx', 'BYE to Telnyx')
    ladder.when(telnyx, answered).gives('ACK to Telnyx')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'BYE'), telnyx, 200)).gives()
    ladder.after(1_000).whatever()
    expect(ladder.record).toMatchObject({ hangup_reason: 'cancel', answered_at: null })
  })

  test('which comes after the answer changes nothing (RFC 3261 §9.2)', () => {
    const { ladder, invited } = ringing()
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 200, { body: sdp('203.0.113.1') }))
      .gives('ACK to Telnyx', '200 to Alice')
    const answer = ladder.lastResponse(alice)
    ladder.when(alice, cancel(invited)).gives('200 to Alice')
    ladder.when(alice, ack(invited, answer)).gives()
    expect(ladder.record.status).toBe('progressing')
  })

  test('which crosses a refusal is answered 200, for its INVITE is still known (§9.2)', () => {
    const { ladder, invited } = ringing()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 486)).whatever()
    closeMedia(ladder)
    ladder.when(alice, cancel(invited)).gives('200 to Alice')
  })

  test('of somebody else who overheard the call is refused', () => {
    const { ladder, invited } = ringing()
    ladder.when(scanner, cancel(invited)).gives('481 to the scanner')
  })

  test('of no call at all is answered 481', () => {
    const ladder = office()
    const { invited } = ringing()
    ladder.when(alice, cancel(invited)).gives('481 to Alice')
  })

  test('passes on why, so that phones do not count a missed call (RFC 3326)', () => {
    const { ladder, invited } = ringing()
    const reason = 'SIP;cause=200;text="Call completed elsewhere"'
    ladder.when(alice, cancel(invited, [['reason', reason]])).whatever()
    expect(ladder.lastRequest(telnyx, 'CANCEL').header('reason')).toBe(reason)
  })

  test('while the edge is still asked ends the call without another word to it', () => {
    const ladder = office()
    const invited = aliceDials(ladder, '+15551234567')
    ladder.when(alice, cancel(invited)).gives('200 to Alice', '487 to Alice')
    ladder.decide(through(provider(telnyx))).gives()
  })
})

function calling(): { ladder: Ladder; invited: Request } {
  const ladder = office()
  const invited = aliceDials(ladder, '+15551234567')
  ladder
    .decide(through(provider(telnyx)))
    .gives('ask locate')
    .locate(telnyx)
    .gives('INVITE to Telnyx')
  return { ladder, invited }
}

function ringing(): { ladder: Ladder; invited: Request } {
  const { ladder, invited } = calling()
  ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 180)).gives('180 to Alice')
  return { ladder, invited }
}
