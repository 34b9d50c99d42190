import { describe, expect, test } from 'vitest'
import { type Header, type Response, response } from '../../../relay/sip/message.ts'
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
/** Another codec, so that it reads otherwise when it names our address, too. */
const only8 = changed(elsewhere, 'RTP/AVP 0 8 101', 'RTP/AVP 8')

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

  test('is another early dialog to the caller for each description: none is ignored (RFC 3261 §13.2.1)', () => {
    const { ladder, invited, sent } = calling()
    const heard = (status: number, tag: string, body?: Uint8Array) => {
      ladder.when(telnyx, answers(sent, telnyx, status, { tag, ...(body ? { body } : {}) })).whatever()
      const { to, body: told } = ladder.lastResponse(alice)
      return [to.tag ?? '', text(told)] as const
    }
    const [ringing] = heard(180, 'a')
    const [first, one] = heard(183, 'a', theirs)
    const [second, two] = heard(183, 'b', only8)
    expect([ringing === first, first === second, one === two]).toEqual([true, false, false])
    const still = within(invited, under(ladder.lastResponse(alice), first), alice, 'UPDATE', 3, {
      body: theirs,
    })
    ladder.when(alice, still).gives('500 to Alice')
    expect(ladder.lastResponse(alice).header('retry-after')).toBeDefined()
    expect(heard(183, 'a', theirs)).toEqual([first, one])
    expect(heard(200, 'b', only8)).toEqual([second, two])
    const answer = ladder.lastResponse(alice)
    ladder.when(alice, within(invited, under(answer, first), alice, 'BYE', 3)).gives('481 to Alice')
    ladder.when(alice, ack(invited, answer)).gives()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 4)).gives('200 to Alice', 'BYE to Telnyx')
    expect(ladder.lastRequest(telnyx, 'BYE').to.tag).toBe('b')
  })

  test('stays one dialog to the caller where its descriptions read alike once they are ours', () => {
    const { ladder, sent } = calling()
    const tags = [
      [183, 'a', theirs],
      [183, 'b', elsewhere],
      [200, 'b', elsewhere],
    ].map(([status, tag, body]) => {
      const said = { tag: String(tag), body: body as Uint8Array }
      ladder.when(telnyx, answers(sent, telnyx, Number(status), said)).whatever()
      return ladder.lastResponse(alice).to.tag
    })
    expect(new Set(tags).size).toBe(1)
    expect(ladder.media.at(-1)).toMatchObject({ aim: { rtp: { address: '203.0.113.9', port: 6000 } } })
  })

  test('is heard by the sound which came last, where the one that answers never said any', () => {
    const { ladder, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 183, { tag: 'a', body: only8 })).gives('183 to Alice')
    const early = ladder.lastResponse(alice)
    ladder.when(telnyx, answers(sent, telnyx, 200, { tag: 'b' })).gives('ACK to Telnyx', '200 to Alice')
    expect(text(ladder.lastResponse(alice).body)).toBe(text(early.body))
    expect(ladder.lastResponse(alice).to.tag).toBe(early.to.tag)
  })

  test('without end makes no dialogs without end, and its answer is heard all the same', () => {
    const { ladder, sent } = calling()
    const said = (i: number) => changed(theirs, 'a=sendrecv', `a=x:${i}`)
    const early = Array.from({ length: 40 }, (_, i) => {
      ladder.when(telnyx, answers(sent, telnyx, 183, { tag: `t${i}`, body: said(i) })).gives('183 to Alice')
      return ladder.lastResponse(alice)
    })
    expect(new Set(early.map(({ to }) => to.tag)).size).toBe(16)
    ladder.when(telnyx, answers(sent, telnyx, 200, { tag: 't39', body: said(39) })).whatever()
    const answer = ladder.lastResponse(alice)
    expect(text(answer.body)).toContain('a=x:39')
    expect(early.filter(({ to, body }) => to.tag === answer.to.tag && body.length > 0)).toEqual([])
  })

  test('may end an early dialog by 199: the caller’s goes on', () => {
    const { ladder, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 183, { tag: 'one', body: theirs })).gives('183 to Alice')
    ladder.when(telnyx, answers(sent, telnyx, 199, { tag: 'one' })).gives()
    ladder.when(telnyx, answers(sent, telnyx, 180, { tag: 'two' })).gives('180 to Alice')
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

  test('of 200 with other sound than the 183 has another To tag and a higher version, and moves the media', () => {
    const { ladder, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 183, { body: theirs })).whatever()
    const early = ladder.lastResponse(alice).to.tag
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: only8 })).gives('ACK to Telnyx', '200 to Alice')
    expect(text(ladder.lastResponse(alice).body)).toMatch(/o=- \S+ 2 IN/)
    expect(ladder.lastResponse(alice).to.tag).not.toBe(early)
    const aimed = ladder.media.filter((command) => command.type === 'aim' && command.side === 'callee')
    expect(aimed.at(-1)).toMatchObject({ aim: { rtp: { address: '203.0.113.9' } } })
  })

  test.for([
    ['nothing', undefined, 'answered without a session description'],
    ['nonsense', new TextEncoder().encode('this is no sound'), 'the session description cannot be read'],
    ['what it declines', sdp('203.0.113.1', 0), 'm=audio has no port'],
    ['a key to agree on', other('UDP/TLS/RTP/SAVPF'), 'm=audio over UDP/TLS/RTP/SAVPF is not carried'],
    [
      'what was not offered',
      other('RTP/SAVP', 'a=crypto:1 x inline:y'),
      /^m=audio over RTP\/SAVP brings no key which is understood/,
    ],
  ] as const)('of 200 with %s to hear ends on both sides, and rings nowhere else', ([, body, why]) => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567')
    ladder
      .decide(through(provider(telnyx), provider(twilio)))
      .whatever()
      .locate(telnyx)
      .whatever()
    const mute = answers(ladder.lastRequest(telnyx), telnyx, 200, body ? { body } : {})
    ladder.when(telnyx, mute).gives('ACK to Telnyx', 'BYE to Telnyx', '488 to Alice')
    ladder.when(telnyx, mute).gives('ACK to Telnyx')
    expect(ladder.lastRequest(telnyx, 'BYE').header('reason')).toContain('cause=488')
    expect(ladder.lastResponse(alice).header('warning')).toMatch(/^3\d\d 198\.51\.100\.1:5060 "/)
    const reason = typeof why === 'string' ? why : expect.stringMatching(why)
    expect(ladder.record.attempts).toMatchObject([{ status: 200, reason, decision: 'final' }])
    expect(ladder.record).toMatchObject({ hangup_by: 'system', hangup_reason: 'failed', sip_status: 488 })
  })
})

describe('an early sound nobody could hear', () => {
  test('rings without it, and the answer which comes after is heard', () => {
    const { ladder, sent } = calling()
    const deaf = answers(sent, telnyx, 183, { body: other('UDP/TLS/RTP/SAVPF') })
    ladder.when(telnyx, deaf).gives('183 to Alice')
    expect(ladder.lastResponse(alice).body).toHaveLength(0)
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: theirs })).gives('ACK to Telnyx', '200 to Alice')
  })

  test('of the callee’s own offer waits for its answer (RFC 3261 §13.2.1)', () => {
    const { ladder, sent } = calling({}, { body: new Uint8Array(0) })
    ladder.when(telnyx, answers(sent, telnyx, 183, { body: theirs })).gives('183 to Alice')
    expect(ladder.lastResponse(alice).body).toHaveLength(0)
    ladder.when(telnyx, answers(sent, telnyx, 200)).gives('200 to Alice')
    expect(text(ladder.lastResponse(alice).body)).toContain('m=audio')
  })
})

test('an offer in a 2xx which cannot be served is declined in its ACK, and the call ends (RFC 3261 §13.2.2.4)', () => {
  const { ladder, sent } = calling({}, { body: new Uint8Array(0) })
  ladder.when(telnyx, answers(sent, telnyx, 200, { body: other('UDP/TLS/RTP/SAVPF') }))
  ladder.gives('ACK to Telnyx', 'BYE to Telnyx', '488 to Alice')
  expect(text(ladder.lastRequest(telnyx, 'ACK').body)).toMatch(/^m=audio 0 UDP\/TLS\/RTP\/SAVPF 0 8 101\r$/m)
})

function changed(body: Uint8Array, from: string, to: string): Uint8Array {
  return new TextEncoder().encode(text(body).replace(from, to))
}

/** Sound over another transport. */
function other(proto: string, more = 'a=fingerprint:sha-256 00'): Uint8Array {
  return changed(sdp('203.0.113.1', 4000, more), 'RTP/AVP', proto)
}

/** An answer as it would stand in another of its dialogs. */
function under(answer: Response, tag: string): Response {
  const to = answer.header('to')?.replace(/tag=.*/, `tag=${tag}`)
  const headers = answer.headers.map(([name, value]): Header => [name, name === 'to' && to ? to : value])
  return response({ status: answer.status, headers })
}
