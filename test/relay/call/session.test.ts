import { describe, expect, test } from 'vitest'
import type { Header } from '../../../relay/sip/message.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  fromCallee,
  office,
  provider,
  sdp,
  telnyx,
  through,
  within,
} from '../../support/office.ts'
import {
  answered,
  calling,
  leavesNothingBehind,
  reply200,
  talking,
  text,
  watch,
} from '../../support/scene.ts'

leavesNothingBehind()

const theirs = sdp('203.0.113.1')
const knows: Header = ['supported', 'timer']
const lasts = (value: string): Header[] => [knows, ['session-expires', value]]
const takesUpdate: Header = ['allow', 'INVITE, ACK, BYE, UPDATE']

describe('a session timer (RFC 4028)', () => {
  test('is agreed with each leg by itself', () => {
    const { ladder, sent } = calling({}, { headers: lasts('600;refresher=uac') })
    expect(sent.header('session-expires')).toBe('1800')
    expect(sent.all('supported')).toContain('timer')
    const accepted = answers(sent, telnyx, 200, { body: theirs, headers: lasts('120;refresher=uas') })
    ladder.when(telnyx, accepted).gives('ACK to Telnyx', '200 to Alice')
    const ok = ladder.lastResponse(alice)
    expect(ok.header('session-expires')).toBe('600;refresher=uac')
    expect(ok.all('require')).toEqual(['timer'])
  })

  test('too short for us is refused before anything is asked, and says what we take (§6)', () => {
    const ladder = watch(office())
    const invited = aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx))).whatever()
    const short = within(invited, ladder.lastResponse(alice), alice, 'INVITE', 9, { headers: lasts('15') })
    const fresh = {
      ...short,
      headers: short.headers.map(
        ([name, value]): Header => [
          name,
          name === 'to' ? value.replace(/;tag=.*/, '') : name === 'call-id' ? 'another' : value,
        ],
      ),
    }
    ladder.when(alice, fresh).gives('422 to Alice')
    expect(ladder.lastResponse(alice).header('min-se')).toBe('90')
    ladder.locate(telnyx).whatever()
  })

  test('too short for a provider is asked for anew, and the caller hears nothing of that (§7.3)', () => {
    const { ladder, sent } = calling()
    const refused = answers(sent, telnyx, 422, { headers: [['min-se', '3600']] })
    ladder.when(telnyx, refused).gives('ACK to Telnyx', 'INVITE to Telnyx')
    const again = ladder.lastRequest(telnyx, 'INVITE')
    expect([again.header('session-expires'), again.header('min-se')]).toEqual(['3600', '3600'])
    expect([again.callId, again.cseq.number]).toEqual([sent.callId, sent.cseq.number + 1])
    ladder
      .when(telnyx, answers(again, telnyx, 422, { headers: [['min-se', '3600']] }))
      .gives('ACK to Telnyx', '422 to Alice')
  })

  test('which we keep is refreshed by UPDATE, without an offer, where the party takes that', () => {
    const { ladder } = talking({}, [...lasts('120;refresher=uac'), takesUpdate])
    ladder.after(59_999).gives().after(1).gives('UPDATE to Telnyx')
    const update = ladder.lastRequest(telnyx, 'UPDATE')
    expect(update.body).toHaveLength(0)
    expect(update.header('session-expires')).toBe('120;refresher=uac')
    ladder
      .when(telnyx, answers(update, telnyx, 200, { tag: '', headers: lasts('120;refresher=uac') }))
      .gives()
    ladder.after(59_999).gives().after(1).gives('UPDATE to Telnyx')
  })

  test('is refreshed by a re-INVITE which says nothing new, elsewhere, or where UPDATE is refused', () => {
    const { ladder, sent } = talking({}, [...lasts('120;refresher=uac'), takesUpdate])
    ladder.after(60_000).gives('UPDATE to Telnyx')
    const refused = answers(ladder.lastRequest(telnyx, 'UPDATE'), telnyx, 501, { tag: '' })
    ladder.when(telnyx, refused).gives('INVITE to Telnyx')
    const again = ladder.lastRequest(telnyx, 'INVITE')
    expect(text(again.body)).toBe(text(sent.body))
    const ok = answers(again, telnyx, 200, { tag: '', body: theirs, headers: lasts('120;refresher=uac') })
    ladder.when(telnyx, ok).gives('ACK to Telnyx')
    ladder.when(telnyx, ok).gives('ACK to Telnyx')
    ladder.after(60_000).gives('INVITE to Telnyx')
  })

  test('whose refresh finds the party gone ends the call on both sides (§10)', () => {
    const { ladder } = talking({}, [...lasts('120;refresher=uac'), takesUpdate])
    ladder.after(60_000).gives('UPDATE to Telnyx')
    ladder.after(31_999).whatever().after(1).gives('BYE to Alice', 'BYE to Telnyx')
    expect(ladder.record).toMatchObject({ hangup_by: 'system', hangup_reason: 'timeout' })
  })

  test('whose refresh a party knows nothing of ends the call for the other', () => {
    const { ladder } = talking({}, [...lasts('120;refresher=uac'), takesUpdate])
    ladder.after(60_000).gives('UPDATE to Telnyx')
    const gone = answers(ladder.lastRequest(telnyx, 'UPDATE'), telnyx, 481, { tag: '' })
    ladder.when(telnyx, gone).gives('BYE to Alice')
  })

  test('which a party does not refresh in time ends the call on both sides, and the record says why (§10)', () => {
    const { ladder } = talking({}, lasts('90;refresher=uas'))
    ladder.after(59_999).gives().after(1).gives('BYE to Alice', 'BYE to Telnyx')
    expect(ladder.record).toMatchObject({
      hangup_by: 'system',
      hangup_reason: 'timeout',
      reject_reason: 'SESSION_EXPIRED',
    })
  })

  test('of the caller is kept by the caller, and the provider hears nothing of it', () => {
    const headers = lasts('90;refresher=uac')
    const { ladder, invited, sent } = calling({}, { headers })
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: theirs })).whatever()
    const ok = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, ok)).gives()
    ladder.after(45_000).gives()
    ladder.when(alice, within(invited, ok, alice, 'UPDATE', 3, { headers })).gives('200 to Alice')
    expect(ladder.lastResponse(alice).header('session-expires')).toBe('90;refresher=uac')
    ladder.after(45_000).gives()
    const again = within(invited, ok, alice, 'INVITE', 4, { headers, body: invited.body })
    ladder.when(alice, again).gives('200 to Alice')
    expect(text(ladder.lastResponse(alice).body)).toBe(text(ok.body))
    ladder.after(500).gives('200 to Alice')
    ladder.when(alice, within(invited, ok, alice, 'ACK', 4)).gives()
    ladder.after(59_499).gives().after(1).gives('BYE to Alice', 'BYE to Telnyx')
  })

  test('of the caller which changes something with its refresh is heard by the other side', () => {
    const headers = lasts('90;refresher=uac')
    const { ladder, invited, sent } = calling({}, { headers })
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: theirs })).whatever()
    const ok = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, ok)).gives()
    const hold = within(invited, ok, alice, 'INVITE', 3, {
      headers,
      body: sdp('192.0.2.10', 4000, 'a=sendonly'),
    })
    ladder.when(alice, hold).gives('INVITE to Telnyx')
  })

  test('is refreshed by what passes from one side to the other, too', () => {
    const { ladder, invited, answer } = talking({}, lasts('90;refresher=uas'))
    ladder.after(50_000).gives()
    const hold = within(invited, answer, alice, 'INVITE', 3, { body: sdp('192.0.2.10', 4000, 'a=sendonly') })
    ladder.when(alice, hold).gives('INVITE to Telnyx')
    expect(ladder.lastRequest(telnyx, 'INVITE').header('session-expires')).toBe('90;refresher=uas')
    const ok = answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 200, {
      tag: '',
      body: theirs,
      headers: lasts('90;refresher=uas'),
    })
    ladder.when(telnyx, ok).gives('ACK to Telnyx', '200 to Alice')
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
    ladder.after(59_999).gives().after(1).gives('BYE to Alice', 'BYE to Telnyx')
  })

  test('which is shorter than we would take already may be refreshed as it is', () => {
    const { ladder, sent, accepted } = talking({}, lasts('15;refresher=uas'))
    ladder.after(5_000).gives()
    const refresh = fromCallee(sent, accepted, telnyx, 'UPDATE', 1, { headers: lasts('15;refresher=uac') })
    ladder.when(telnyx, refresh).gives('200 to Telnyx')
    expect(ladder.lastResponse(telnyx).header('session-expires')).toBe('15;refresher=uac')
    const shorter = fromCallee(sent, accepted, telnyx, 'UPDATE', 2, { headers: lasts('14;refresher=uac') })
    ladder.when(telnyx, shorter).gives('422 to Telnyx')
    ladder.after(9_999).gives().after(1).gives('BYE to Alice', 'BYE to Telnyx')
  })

  test('whose change is too short for the other side goes once more with a longer one', () => {
    const { ladder, invited, answer } = talking({}, lasts('120;refresher=uac'))
    ladder
      .when(alice, within(invited, answer, alice, 'INVITE', 3, { body: sdp('192.0.2.10', 4002) }))
      .gives('INVITE to Telnyx')
    const refused = answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 422, {
      tag: '',
      headers: [['min-se', '600']],
    })
    ladder.when(telnyx, refused).gives('ACK to Telnyx', 'INVITE to Telnyx')
    expect(ladder.lastRequest(telnyx, 'INVITE').header('session-expires')).toBe('600;refresher=uac')
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).gives('ACK to Telnyx', '200 to Alice')
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
  })
})

describe('a refresh of ours and a change of theirs (RFC 3261 §14.1)', () => {
  test('is tried again 2.1 to 4 s after a 491, for the Call-ID is ours', () => {
    const { ladder } = talking({}, lasts('120;refresher=uac'))
    ladder.after(60_000).gives('INVITE to Telnyx')
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 491, { tag: '' }))
      .gives('ACK to Telnyx')
    const first = ladder.lastRequest(telnyx, 'INVITE')
    ladder.after(2_099).gives().after(1_901).whatever()
    expect(ladder.lastRequest(telnyx, 'INVITE').cseq.number).toBe(first.cseq.number + 1)
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).gives('ACK to Telnyx')
  })

  test('is tried again within two seconds on the caller’s leg, whose Call-ID is not', () => {
    const { ladder, invited, sent } = calling({}, { headers: lasts('120;refresher=uas') })
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: theirs })).whatever()
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
    ladder.after(60_000).gives('INVITE to Alice')
    ladder
      .when(alice, answers(ladder.lastRequest(alice, 'INVITE'), alice, 491, { tag: '' }))
      .gives('ACK to Alice')
    const first = ladder.lastRequest(alice, 'INVITE')
    ladder.after(2_000).whatever()
    expect(ladder.lastRequest(alice, 'INVITE').cseq.number).toBe(first.cseq.number + 1)
    ladder.when(alice, reply200(ladder, alice, 'INVITE', sdp('192.0.2.10'))).gives('ACK to Alice')
  })

  test('which cross: theirs is answered 491, whichever side it comes from, until ours is done', () => {
    const { ladder, invited, answer, sent, accepted } = talking({}, lasts('120;refresher=uac'))
    ladder.after(60_000).gives('INVITE to Telnyx')
    const change = sdp('203.0.113.1', 4002)
    ladder
      .when(telnyx, fromCallee(sent, accepted, telnyx, 'INVITE', 1, { body: change }))
      .gives('491 to Telnyx')
    ladder
      .when(alice, within(invited, answer, alice, 'INVITE', 3, { body: sdp('192.0.2.10', 4002) }))
      .gives('491 to Alice')
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).gives('ACK to Telnyx')
    ladder
      .when(telnyx, fromCallee(sent, accepted, telnyx, 'INVITE', 2, { body: change }))
      .gives('INVITE to Alice')
  })

  test('waits while a change is on its way, which refreshes as well', () => {
    const { ladder, invited, answer } = talking({}, lasts('120;refresher=uac'))
    ladder.after(59_000).gives()
    ladder
      .when(alice, within(invited, answer, alice, 'INVITE', 3, { body: sdp('192.0.2.10', 4002) }))
      .gives('INVITE to Telnyx')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 180, { tag: '' })).gives()
    ladder.after(1_000).gives('100 to Alice').after(4_000).gives()
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).gives('ACK to Telnyx', '200 to Alice')
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
  })

  test.each([
    ['120;refresher=uac', 33_000],
    ['1800;refresher=uac', 181_000],
  ])(
    'of %s which is rung about and never answered is taken back after %i ms, and the party is heard',
    (value, ms) => {
      const half = Number.parseInt(value, 10) * 500
      const { ladder } = talking({}, lasts(value))
      ladder.after(half).gives('INVITE to Telnyx')
      const refresh = ladder.lastRequest(telnyx, 'INVITE')
      ladder.when(telnyx, answers(refresh, telnyx, 180, { tag: '' })).gives()
      ladder
        .after(ms - 1)
        .gives()
        .after(1)
        .gives('CANCEL to Telnyx')
      ladder.when(telnyx, reply200(ladder, telnyx, 'CANCEL')).gives()
      ladder.when(telnyx, answers(refresh, telnyx, 487, { tag: '' })).gives('ACK to Telnyx')
      // It lives: the session goes on, and is refreshed anew.
      ladder.after(half).gives('INVITE to Telnyx')
      ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).gives('ACK to Telnyx')
      ladder.after(40_000).gives()
    },
  )

  test('which is rung about, and whose CANCEL is not heard either, ends the call', () => {
    const { ladder } = talking({}, lasts('120;refresher=uac'))
    ladder.after(60_000).gives('INVITE to Telnyx')
    const refresh = ladder.lastRequest(telnyx, 'INVITE')
    ladder.when(telnyx, answers(refresh, telnyx, 180, { tag: '' })).gives()
    ladder.after(33_000).gives('CANCEL to Telnyx')
    ladder.after(31_999).whatever().after(1).gives('BYE to Alice', 'BYE to Telnyx')
    expect(ladder.record).toMatchObject({ hangup_by: 'system', hangup_reason: 'timeout' })
  })

  test('in the air when the caller hangs up: its 200 is acknowledged all the same (§13.2.2.4)', () => {
    const { ladder, invited, answer } = talking({}, lasts('120;refresher=uac'))
    ladder.after(60_000).gives('INVITE to Telnyx')
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).gives('ACK to Telnyx')
  })
})

test('a 200 before its ACK has a timer already, and no refresh comes before the ACK', () => {
  const { ladder } = answered({}, lasts('120;refresher=uac'))
  ladder.after(31_999).whatever().after(1).gives('BYE to Alice', 'BYE to Telnyx')
})
