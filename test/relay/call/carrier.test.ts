import { describe, expect, test } from 'vitest'
import {
  ack,
  alice,
  aliceDials,
  answers,
  office,
  provider,
  sdp,
  telnyx,
  through,
  twilio,
  within,
} from '../../support/office.ts'
import { calling, leavesNothingBehind, reply200, talking, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

const theirs = sdp('203.0.113.1')
const elsewhere = sdp('203.0.113.9', 6000)

describe('a carrier which forks (RFC 3261 §13.2.2.4)', () => {
  test('has every further 2xx acknowledged and hung up, each in its own dialog', () => {
    const { ladder, sent } = talking()
    const other = answers(sent, telnyx, 200, { body: elsewhere, tag: 'other' })
    ladder.when(telnyx, other).gives('ACK to Telnyx', 'BYE to Telnyx')
    const bye = ladder.lastRequest(telnyx, 'BYE')
    expect(bye.to.tag).toBe('other')
    expect(ladder.lastRequest(telnyx, 'ACK').to.tag).toBe('other')
    ladder.when(telnyx, other).gives('ACK to Telnyx')
    ladder.when(telnyx, answers(bye, telnyx, 200, { tag: '' })).gives()
    expect(ladder.record).toMatchObject({ status: 'progressing' })
    expect(ladder.record.attempts).toMatchObject([{ status: 200, decision: 'final' }])
  })

  test('has a further 2xx acknowledged and hung up after the call, too', () => {
    const { ladder, invited, answer, sent } = talking()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'BYE')).gives()
    const other = answers(sent, telnyx, 200, { body: elsewhere, tag: 'other' })
    ladder.when(telnyx, other).gives('ACK to Telnyx', 'BYE to Telnyx')
    expect(ladder.lastRequest(telnyx, 'BYE').to.tag).toBe('other')
  })

  test('without end is not followed without end', () => {
    const { ladder, sent } = talking()
    for (let i = 0; i < 100; i++) ladder.when(telnyx, answers(sent, telnyx, 200, { tag: `t${i}` })).whatever()
    expect(ladder.engine.load.transactions).toBeLessThan(30)
  })

  test('may answer in another early dialog than the one which rang first', () => {
    const { ladder, invited, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 180, { tag: 'one' })).gives('180 to Alice')
    ladder.when(telnyx, answers(sent, telnyx, 183, { tag: 'two', body: elsewhere })).gives('183 to Alice')
    ladder.when(telnyx, answers(sent, telnyx, 200, { tag: 'one', body: theirs }))
    ladder.gives('ACK to Telnyx', '200 to Alice')
    const answer = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, answer)).gives()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    expect(ladder.lastRequest(telnyx, 'BYE').to.tag).toBe('one')
  })

  test('has the early sound of the dialog which answers taken, not of the one heard last', () => {
    const { ladder, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 183, { tag: 'one', body: theirs })).gives('183 to Alice')
    ladder.when(telnyx, answers(sent, telnyx, 183, { tag: 'two', body: elsewhere })).gives('183 to Alice')
    ladder.when(telnyx, answers(sent, telnyx, 200, { tag: 'one' })).gives('ACK to Telnyx', '200 to Alice')
    const aimed = ladder.media.filter((command) => command.type === 'aim' && command.side === 'callee')
    expect(aimed.at(-1)).toMatchObject({ aim: { rtp: { address: '203.0.113.1', port: 4000 } } })
  })
})

describe('an answer (RFC 3264, 6337)', () => {
  test('of 200 without sound after a 183 with it is the sound of the 183', () => {
    const { ladder, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 183, { body: theirs })).gives('183 to Alice')
    const early = text(ladder.lastResponse(alice).body)
    ladder.when(telnyx, answers(sent, telnyx, 180)).gives('180 to Alice')
    ladder.when(telnyx, answers(sent, telnyx, 200)).gives('ACK to Telnyx', '200 to Alice')
    expect(text(ladder.lastResponse(alice).body)).toBe(early)
  })

  test('of 200 with other sound than the 183 has a higher version and moves the media', () => {
    const { ladder, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 183, { body: theirs })).whatever()
    const only8 = new TextEncoder().encode(text(elsewhere).replace('RTP/AVP 0 8 101', 'RTP/AVP 8'))
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: only8 })).gives('ACK to Telnyx', '200 to Alice')
    expect(text(ladder.lastResponse(alice).body)).toMatch(/o=- \S+ 2 IN/)
    expect(ladder.media.at(-1)).toMatchObject({ type: 'aim', aim: { rtp: { address: '203.0.113.9' } } })
  })

  test.for([
    ['nothing', undefined],
    ['nonsense', new TextEncoder().encode('this is no sound')],
  ] as const)('of 200 with %s to hear is hung up, and the next provider is tried', ([, body]) => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567')
    ladder
      .decide(through(provider(telnyx), provider(twilio)))
      .whatever()
      .locate(telnyx)
      .whatever()
    const mute = answers(ladder.lastRequest(telnyx), telnyx, 200, body ? { body } : {})
    ladder.when(telnyx, mute).gives('ACK to Telnyx', 'BYE to Telnyx', 'ask locate')
    ladder.when(telnyx, mute).gives('ACK to Telnyx')
    ladder.locate(twilio).gives('INVITE to Twilio')
    expect(ladder.record.attempts[0]).toMatchObject({
      status: 200,
      reason: 'answered without a session description',
      decision: 'next',
    })
  })
})
