import { describe, expect, test } from 'vitest'
import type { Header, Response } from '../../../relay/sip/message.ts'
import { ack, alice, answers, cancel, fromCallee, sdp, telnyx, within } from '../../support/office.ts'
import { answered, calling, closeMedia, leavesNothingBehind, reply200, talking } from '../../support/scene.ts'

leavesNothingBehind()

const offer = sdp('192.0.2.10', 4000, 'a=sendonly')
const alices = sdp('192.0.2.10')
const theirs = sdp('203.0.113.1')

describe('before the ACK (RFC 5407 §3.1)', () => {
  test('an INVITE repeated after the 200 is soaked up; the 200 itself comes again by its own clock (§3.1.1)', () => {
    const { ladder, invited } = answered()
    ladder.when(alice, invited).gives()
    ladder.after(500).gives('200 to Alice')
  })

  test('a CANCEL which crossed the 200 is answered, and the call stands until it is hung up (§3.1.2)', () => {
    const { ladder, invited, answer } = answered()
    ladder.when(alice, cancel(invited)).gives('200 to Alice')
    ladder.when(alice, ack(invited, answer)).gives()
    expect(ladder.record.status).toBe('progressing')
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    expect(ladder.record).toMatchObject({ hangup_by: 'caller', hangup_reason: 'normal', sip_status: 200 })
  })

  test('a BYE of the caller which crossed the 200 ends the call, and nothing is repeated (§3.1.3)', () => {
    const { ladder, invited, answer } = answered()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'BYE')).gives()
    ladder.after(40_000).gives()
  })

  test('a BYE of the caller without an ACK is not followed by another of ours when the ACK is overdue', () => {
    const { ladder, invited, answer } = answered()
    ladder.after(1_000).whatever()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).whatever()
    const first = ladder.lastRequest(telnyx, 'BYE')
    // Telnyx never answers its BYE; ours to Telnyx is repeated, and no other is sent.
    ladder.after(40_000).whatever()
    expect(ladder.lastRequest(telnyx, 'BYE').cseq).toEqual(first.cseq)
    expect(() => ladder.lastRequest(alice, 'BYE')).toThrow()
  })

  test('a BYE in the early dialog cancels the callee and ends the INVITE with 487 (RFC 3261 §15)', () => {
    const { ladder, invited, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 180)).gives('180 to Alice')
    const bye = within(invited, ladder.lastResponse(alice), alice, 'BYE', 3)
    ladder.when(alice, bye).gives('200 to Alice', 'CANCEL to Telnyx', '487 to Alice')
    expect(ladder.record).toMatchObject({ hangup_by: 'caller', hangup_reason: 'cancel', answered_at: null })
  })

  test('a re-INVITE of the caller whose ACK was lost is passed on, and the late ACK still counts (§3.1.4)', () => {
    const { ladder, invited, answer } = answered()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: offer })).gives('INVITE to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).gives('ACK to Telnyx', '200 to Alice')
    ladder.when(alice, ack(invited, answer)).gives()
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
    ladder.after(40_000).gives()
    expect(ladder.record.status).toBe('progressing')
  })

  test('a re-INVITE of the callee waits for the ACK of the caller: 491 (§3.1.5, RFC 3261 §14.1)', () => {
    const { ladder, sent, accepted } = answered()
    const hold = fromCallee(sent, accepted, telnyx, 'INVITE', 1, { body: theirs })
    ladder.when(telnyx, hold).gives('491 to Telnyx')
  })

  test('a BYE of the callee which overtook the ACK is answered, and ours to the caller waits (§3.1.6)', () => {
    const { ladder, invited, answer, sent, accepted } = answered()
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 1)).gives('200 to Telnyx')
    ladder.after(500).gives('200 to Alice')
    ladder.when(alice, ack(invited, answer)).gives('BYE to Alice')
    ladder.when(alice, reply200(ladder, alice, 'BYE')).gives()
    expect(ladder.record).toMatchObject({ hangup_by: 'callee', hangup_reason: 'normal' })
  })

  test('a BYE of the callee reaches a caller whose ACK never comes, after 64·T1', () => {
    const { ladder, sent, accepted } = answered()
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 1)).gives('200 to Telnyx')
    ladder.after(31_999).whatever().after(1).gives('BYE to Alice')
    expect(ladder.record).toMatchObject({ hangup_by: 'callee', hangup_reason: 'normal' })
  })

  test('a BYE of the caller which crosses that of the callee settles both', () => {
    const { ladder, invited, answer, sent, accepted } = answered()
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 1)).gives('200 to Telnyx')
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice')
    ladder.after(40_000).gives()
  })
})

describe('after a BYE (RFC 5407 §3.2)', () => {
  test('the BYE of the other side which crossed it is answered 200 (§3.2.1)', () => {
    const { ladder, invited, answer, sent, accepted } = talking()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 1)).gives('200 to Telnyx')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'BYE'), telnyx, 481, { tag: '' })).gives()
    expect(ladder.record).toMatchObject({ hangup_by: 'caller' })
  })

  test('a re-INVITE which crossed it is answered 481, for there is nothing left to change (§3.2.2)', () => {
    const { ladder, invited, answer, sent, accepted } = talking()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    const late = fromCallee(sent, accepted, telnyx, 'INVITE', 1, { body: theirs })
    ladder.when(telnyx, late).gives('481 to Telnyx')
  })

  test('a re-INVITE still open is answered 487 to who asked (RFC 3261 §15.1.2)', () => {
    const { ladder, invited, answer, sent, accepted } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: offer })).gives('INVITE to Telnyx')
    ladder
      .when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 1))
      .gives('200 to Telnyx', '487 to Alice', 'BYE to Alice')
  })

  test('a re-INVITE still open is left alone by its asker hanging up', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: offer })).gives('INVITE to Telnyx')
    const passed = ladder.lastRequest(telnyx, 'INVITE')
    ladder.when(telnyx, answers(passed, telnyx, 100, { tag: '' })).gives()
    ladder
      .when(alice, within(invited, answer, alice, 'BYE', 4))
      .gives('200 to Alice', '487 to Alice', 'BYE to Telnyx')
    ladder.when(telnyx, answers(passed, telnyx, 487, { tag: '' })).gives('ACK to Telnyx')
  })

  test('a 200 for the re-INVITE which crossed it is acknowledged all the same (§3.2.3)', () => {
    const { ladder, invited, answer, sent, accepted } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: offer })).gives('INVITE to Telnyx')
    const passed = ladder.lastRequest(telnyx, 'INVITE')
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 1)).whatever()
    const late = answers(passed, telnyx, 200, { body: theirs, tag: '' })
    ladder.when(telnyx, late).gives('ACK to Telnyx')
    expect(ladder.lastRequest(telnyx, 'ACK').cseq.number).toBe(passed.cseq.number)
    ladder.when(telnyx, late).gives('ACK to Telnyx')
  })

  test('an INFO still open is answered as the other side answers it', () => {
    const { ladder, invited, answer, sent, accepted } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INFO', 3)).gives('INFO to Telnyx')
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 1)).gives('200 to Telnyx', 'BYE to Alice')
    const refused = answers(ladder.lastRequest(telnyx, 'INFO'), telnyx, 481, { tag: '' })
    ladder.when(telnyx, refused).gives('481 to Alice')
  })

  test('a repeated 2xx of the callee is still acknowledged', () => {
    const { ladder, invited, answer, accepted } = talking()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    ladder.when(telnyx, accepted).gives('ACK to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'BYE')).gives()
    closeMedia(ladder)
    ladder.when(telnyx, accepted).gives('ACK to Telnyx')
  })

  test('an ACK which comes late is no news (§3.2.4)', () => {
    const { ladder, invited, answer } = answered()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    ladder.when(alice, ack(invited, answer)).gives()
  })

  test('a BYE nobody answers is repeated for 64·T1 and then forgotten', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    ladder.after(500).gives('BYE to Telnyx').after(31_500).whatever()
    closeMedia(ladder)
    ladder.after(10_000).gives()
    expect(ladder.engine.load).toMatchObject({ legs: 0, transactions: 0 })
  })
})

describe('two changes at once (RFC 5407 §3.3)', () => {
  test('crossing re-INVITEs: the second is answered 491, the first goes through (§3.3.1)', () => {
    const { ladder, invited, answer, sent, accepted } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: offer })).gives('INVITE to Telnyx')
    const passed = ladder.lastRequest(telnyx, 'INVITE')
    const crossing = fromCallee(sent, accepted, telnyx, 'INVITE', 1, { body: theirs })
    ladder.when(telnyx, crossing).gives('491 to Telnyx')
    ladder.when(telnyx, answers(passed, telnyx, 200, { body: theirs, tag: '' }))
    ladder.gives('ACK to Telnyx', '200 to Alice')
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
    const again = fromCallee(sent, accepted, telnyx, 'INVITE', 2, { body: theirs })
    ladder.when(telnyx, again).gives('INVITE to Alice')
    ladder.when(alice, reply200(ladder, alice, 'INVITE', sdp('192.0.2.10')))
    ladder.gives('ACK to Alice', '200 to Telnyx')
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'ACK', 2)).gives()
  })

  test('both sides answering 491 to each other leaves the call as it was', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: offer })).gives('INVITE to Telnyx')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 491, { tag: '' }))
    ladder.gives('ACK to Telnyx', '491 to Alice')
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 4, { body: offer })).gives('INVITE to Telnyx')
  })

  test.each(['INVITE', 'UPDATE'])(
    'a re-INVITE whose ACK is overtaken by an %s of its sender is settled by that',
    (next) => {
      const { ladder, invited, answer } = talking()
      const isInvite = next === 'INVITE'
      const asks = (method: string, cseq: number) =>
        within(invited, answer, alice, method, cseq, { body: cseq === 3 ? offer : alices })
      ladder.when(alice, asks('INVITE', 3)).gives('INVITE to Telnyx')
      ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).gives('ACK to Telnyx', '200 to Alice')
      ladder.when(alice, asks(next, 4)).gives(`${next} to Telnyx`)
      ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
      // Its 2xx is not repeated either.
      ladder.after(600).gives(...(isInvite ? ['100 to Alice'] : []), `${next} to Telnyx`)
      const acked = isInvite ? ['ACK to Telnyx'] : []
      ladder.when(telnyx, reply200(ladder, telnyx, next, theirs)).gives(...acked, '200 to Alice')
      if (isInvite) ladder.when(alice, within(invited, answer, alice, 'ACK', 4)).gives()
      ladder.after(40_000).gives()
      expect(ladder.record.status).toBe('progressing')
    },
  )

  test('one whose ACK is to bring the answer is not', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3)).gives('INVITE to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).gives('200 to Alice')
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 4, { body: offer })).gives('500 to Alice')
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3, { body: alices })).gives('ACK to Telnyx')
  })

  test('an UPDATE which crosses a re-INVITE is answered 491 (§3.3.2)', () => {
    const { ladder, invited, answer, sent, accepted } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: offer })).gives('INVITE to Telnyx')
    const update = fromCallee(sent, accepted, telnyx, 'UPDATE', 1, { body: theirs })
    ladder.when(telnyx, update).gives('491 to Telnyx')
  })

  test('an UPDATE passes with its sound, and so does its answer (RFC 3311 §5)', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'UPDATE', 3, { body: offer })).gives('UPDATE to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'UPDATE', theirs)).gives('200 to Alice')
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 4, { body: offer })).gives('INVITE to Telnyx')
  })
})

describe('before the answer', () => {
  const reliably: Header[] = [
    ['require', '100rel'],
    ['rseq', '1'],
  ]

  test('a re-INVITE of the callee while our PRACK is in the air is 491, one of the caller is to come later', () => {
    const { ladder, sent, invited } = calling()
    const said = answers(sent, telnyx, 183, { body: theirs, headers: reliably })
    ladder.when(telnyx, said).gives('PRACK to Telnyx', '183 to Alice')
    ladder.when(telnyx, fromCallee(sent, said, telnyx, 'INVITE', 1, { body: theirs })).gives('491 to Telnyx')
    const early = ladder.lastResponse(alice)
    ladder.when(alice, within(invited, early, alice, 'INVITE', 3, { body: offer })).gives('500 to Alice')
    ladder.when(telnyx, reply200(ladder, telnyx, 'PRACK')).gives()
    ladder.when(telnyx, answers(sent, telnyx, 200)).gives('ACK to Telnyx', '200 to Alice')
  })

  test('a CANCEL which crosses a reliable provisional: that is let go, and not acknowledged', () => {
    const { ladder, sent, invited } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 100, { tag: '' })).gives()
    ladder.when(alice, cancel(invited)).gives('200 to Alice', 'CANCEL to Telnyx', '487 to Alice')
    ladder.when(telnyx, answers(sent, telnyx, 180, { headers: reliably })).gives()
    ladder.when(telnyx, answers(sent, telnyx, 487)).gives('ACK to Telnyx')
  })

  test('two forks which answer at once: the first is heard, the other hung up, however often it repeats', () => {
    const { ladder, sent, invited } = calling()
    const [one, two] = ['one', 'two'].map((tag) => answers(sent, telnyx, 200, { body: theirs, tag })) as [
      Response,
      Response,
    ]
    ladder.when(telnyx, one).gives('ACK to Telnyx', '200 to Alice')
    ladder.when(telnyx, two).gives('ACK to Telnyx', 'BYE to Telnyx')
    expect(ladder.lastRequest(telnyx, 'BYE').to.tag).toBe('two')
    ladder.when(telnyx, two).gives('ACK to Telnyx')
    ladder.when(telnyx, one).gives('ACK to Telnyx')
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
    ladder.after(40_000).whatever()
    expect(ladder.record.status).toBe('progressing')
  })
})
