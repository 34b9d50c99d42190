import { describe, expect, test } from 'vitest'
import type { Aim, Side } from '../../../relay/ground/media.ts'
import type { Ladder } from '../../support/ladder.ts'
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
  twilio,
  within,
} from '../../support/office.ts'
import { calling, leavesNothingBehind, reply200, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

const events = 'telephone-event/8000'
const pcmu = speaking('192.0.2.10', '0 101', `101 ${events}`)
const pcma = speaking('203.0.113.1', '8 101', `101 ${events}`)

describe('PCMU at one side and PCMA at the other', () => {
  test('is one call: each is told its own law, and hears it', () => {
    const { ladder, sent } = calling({}, { body: pcmu })
    expect(formats(sent.body)).toBe('0 8 101')
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: pcma })).gives('ACK to Telnyx', '200 to Alice')
    expect(formats(ladder.lastResponse(alice).body)).toBe('0 101')
    expect(aimed(ladder, 'caller').rewrite).toEqual([{ from: 8, to: 0, law: 'PCMU' }])
    expect(aimed(ladder, 'callee').rewrite).toEqual([{ from: 0, to: 8, law: 'PCMA' }])
  })

  test('is one call where the caller leaves the offer to the callee', () => {
    const { ladder, invited, sent } = calling({}, { body: new Uint8Array(0) })
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: pcma })).gives('200 to Alice')
    const offered = ladder.lastResponse(alice)
    expect(formats(offered.body)).toBe('8 0 101')
    ladder.when(alice, ack(invited, offered, { body: pcmu })).gives('ACK to Telnyx')
    expect(formats(ladder.lastRequest(telnyx, 'ACK').body)).toBe('8 101')
    expect(aimed(ladder, 'caller').rewrite).toEqual([{ from: 8, to: 0, law: 'PCMU' }])
    expect(aimed(ladder, 'callee').rewrite).toEqual([{ from: 0, to: 8, law: 'PCMA' }])
  })

  test('goes on being one, whoever asks anew', () => {
    const { ladder, invited, sent } = calling({}, { body: pcmu })
    const accepted = answers(sent, telnyx, 200, { body: pcma })
    ladder.when(telnyx, accepted).whatever()
    const answer = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, answer)).gives()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: pcmu })).gives('INVITE to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', pcma)).gives('ACK to Telnyx', '200 to Alice')
    expect(formats(ladder.lastResponse(alice).body)).toBe('0 101')
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
    ladder
      .when(telnyx, fromCallee(sent, accepted, telnyx, 'INVITE', 7, { body: pcma }))
      .gives('INVITE to Alice')
    expect(formats(ladder.lastRequest(alice, 'INVITE').body)).toBe('8 0 101')
    ladder.when(alice, reply200(ladder, alice, 'INVITE', pcmu)).gives('ACK to Alice', '200 to Telnyx')
    expect(formats(ladder.lastResponse(telnyx).body)).toBe('8 101')
    expect(aimed(ladder, 'callee').rewrite).toEqual([{ from: 0, to: 8, law: 'PCMA' }])
    expect(aimed(ladder, 'caller').rewrite).toEqual([{ from: 8, to: 0, law: 'PCMU' }])
  })

  test('is one call with a provider which is to be sent the other law only', () => {
    const { ladder, sent } = calling({ codecs: ['PCMA'] }, { body: pcmu })
    expect(formats(sent.body)).toBe('8 101')
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: pcma })).gives('ACK to Telnyx', '200 to Alice')
    expect(formats(ladder.lastResponse(alice).body)).toBe('0 101')
  })

  test('is one call where one of them encrypts', () => {
    const key = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5'
    const keyed = new TextEncoder().encode(`${text(pcmu).replace('RTP/AVP', 'RTP/SAVP')}${key}\r\n`)
    const { ladder, sent } = calling({}, { body: keyed })
    expect(formats(sent.body)).toBe('0 8 101')
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: pcma })).gives('ACK to Telnyx', '200 to Alice')
    expect(formats(ladder.lastResponse(alice).body)).toBe('0 101')
    expect(aimed(ladder, 'caller').srtp).toBeDefined()
    expect(aimed(ladder, 'caller').rewrite).toEqual([{ from: 8, to: 0, law: 'PCMU' }])
    expect(aimed(ladder, 'callee').srtp).toBeUndefined()
    expect(aimed(ladder, 'callee').rewrite).toEqual([{ from: 0, to: 8, law: 'PCMA' }])
  })

  test('is told of each in the record as it was heard', () => {
    const { ladder, sent } = calling({}, { body: pcmu })
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: pcma })).whatever()
    counted(ladder, { caller: 0, callee: 8 })
    expect(ladder.record.media).toMatchObject({
      from_caller: { codec: 'PCMU' },
      from_callee: { codec: 'PCMA' },
    })
  })
})

describe('a callee which numbers codecs in another way (RFC 3264 §6.1)', () => {
  const otherwise = speaking('203.0.113.1', '96 97', '96 opus/48000/2', `97 ${events}`)
  const browserLike = speaking('192.0.2.10', '111 0 101', '111 opus/48000/2', `101 ${events}`)

  test('is heard by the caller’s numbers, and hears its own', () => {
    const { ladder, sent } = calling({}, { body: browserLike })
    expect(formats(sent.body)).toBe('111 0 8 101')
    ladder
      .when(telnyx, answers(sent, telnyx, 200, { body: otherwise }))
      .gives('ACK to Telnyx', '200 to Alice')
    expect(formats(ladder.lastResponse(alice).body)).toBe('111 101')
    expect(aimed(ladder, 'callee').rewrite).toEqual([
      { from: 101, to: 97 },
      { from: 111, to: 96 },
    ])
    // It speaks by what it was told, or by its own: either is understood.
    expect(aimed(ladder, 'caller').rewrite).toEqual([
      { from: 8, to: 0, law: 'PCMU' },
      { from: 96, to: 111 },
      { from: 97, to: 101 },
    ])
  })

  test('does so, too, where another was called before it', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567', { body: browserLike })
    ladder
      .decide(through(provider(telnyx), provider(twilio)))
      .gives('ask locate')
      .locate(telnyx)
      .whatever()
    const first = ladder.lastRequest(telnyx, 'INVITE')
    ladder.when(telnyx, answers(first, telnyx, 503)).whatever()
    ladder.locate(twilio).whatever()
    const second = ladder.lastRequest(twilio, 'INVITE')
    expect(formats(second.body)).toBe(formats(first.body))
    ladder.when(twilio, answers(second, twilio, 200, { body: otherwise })).whatever()
    expect(formats(ladder.lastResponse(alice).body)).toBe('111 101')
    expect(aimed(ladder, 'callee').rewrite).toContainEqual({ from: 111, to: 96 })
  })

  test('is known by them, too, after it has refused a fax', () => {
    const { ladder, invited, sent } = calling({}, { body: browserLike })
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: otherwise })).whatever()
    const answer = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, answer)).gives()
    const fax = new TextEncoder().encode(
      text(browserLike).replace(/m=audio[\s\S]*/, 'm=image 4000 udptl t38\r\na=T38FaxVersion:0\r\n'),
    )
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: fax })).gives('INVITE to Telnyx')
    const refused = ladder.lastRequest(telnyx, 'INVITE')
    expect(text(refused.body)).toContain('m=image')
    ladder.when(telnyx, answers(refused, telnyx, 488, { tag: '' })).gives('ACK to Telnyx', '488 to Alice')
    counted(ladder, { caller: 111, callee: 111 })
    expect(ladder.record.media).toMatchObject({
      from_caller: { codec: 'OPUS' },
      from_callee: { codec: 'OPUS' },
    })
  })

  test('costs those who number alike nothing', () => {
    const { ladder, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: sdp('203.0.113.1') })).whatever()
    expect([aimed(ladder, 'caller'), aimed(ladder, 'callee')].map(({ rewrite }) => rewrite)).toEqual([
      undefined,
      undefined,
    ])
    expect(ladder.media.filter(({ type }) => type === 'aim')).toHaveLength(2)
  })
})

describe('the codecs of a provider', () => {
  test('are offered in its order, not in the caller’s', () => {
    const { sent } = calling({ codecs: ['PCMA', 'PCMU'] })
    expect(formats(sent.body)).toBe('8 0 101')
  })
})

describe('RTCP on the port of RTP (RFC 5761)', () => {
  const mux = sdp('192.0.2.10', 4000, 'a=rtcp-mux')

  test('is agreed with the side which offers it, and offered to the other, which may leave it', () => {
    const { ladder, sent } = calling({}, { body: mux })
    expect(text(sent.body)).toContain('a=rtcp-mux\r\n')
    expect(text(sent.body)).not.toContain('a=rtcp:')
    ladder
      .when(telnyx, answers(sent, telnyx, 200, { body: sdp('203.0.113.1', 4000, 'a=rtcp:4007') }))
      .whatever()
    expect(text(ladder.lastResponse(alice).body)).toContain('a=rtcp-mux\r\n')
    expect(aimed(ladder, 'caller')).toMatchObject({ mux: true })
    expect(aimed(ladder, 'callee')).toMatchObject({ mux: false, rtcp: { port: 4007 } })
  })

  test('is not offered where the caller does not, and not said to whom did not', () => {
    const { ladder, sent } = calling({}, { body: sdp('192.0.2.10') })
    expect(text(sent.body)).not.toContain('rtcp-mux')
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: sdp('203.0.113.1') })).whatever()
    expect(text(ladder.lastResponse(alice).body)).not.toContain('rtcp-mux')
  })

  test('is as the fork has it which is heard (RFC 5761 §5.1.3)', () => {
    const { ladder, sent } = calling({}, { body: mux })
    const forks = { one: 'a=rtcp-mux', other: 'a=sendrecv', third: 'a=rtcp-mux' }
    const heard = Object.entries(forks).map(([tag, line]) => {
      const body = sdp('203.0.113.1', 4000, line)
      ladder.when(telnyx, answers(sent, telnyx, 183, { body, tag })).whatever()
      return aimed(ladder, 'callee').mux
    })
    expect(heard).toEqual([true, false, true])
  })

  test('is over with a re-INVITE which says nothing of it, at that side alone', () => {
    const { ladder, invited, sent } = calling({}, { body: mux })
    const theirs = sdp('203.0.113.1', 4000, 'a=rtcp-mux')
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: theirs })).whatever()
    const answer = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, answer)).whatever()
    const again = within(invited, answer, alice, 'INVITE', 3, { body: sdp('192.0.2.10') })
    ladder.when(alice, again).gives('INVITE to Telnyx')
    expect(text(ladder.lastRequest(telnyx, 'INVITE').body)).toContain('a=rtcp-mux\r\n')
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).gives('ACK to Telnyx', '200 to Alice')
    expect(text(ladder.lastResponse(alice).body)).not.toContain('rtcp-mux')
    expect(aimed(ladder, 'caller').mux).toBe(false)
    expect(aimed(ladder, 'callee').mux).toBe(true)
  })

  test('is over in a call which may open no other socket: its sound goes on without RTCP, until there is one', () => {
    const ladder = watch(office({ mediaSockets: 6 }))
    const theirs = { body: sdp('203.0.113.1', 4000, 'a=rtcp-mux') }
    const dials = () => {
      const invited = aliceDials(ladder, '+15551234567', { body: mux })
      ladder.decide(through(provider(telnyx))).whatever()
      ladder.locate(telnyx).whatever()
      const sent = ladder.lastRequest(telnyx, 'INVITE')
      ladder.when(telnyx, answers(sent, telnyx, 200, theirs)).whatever()
      const answer = ladder.lastResponse(alice)
      ladder.when(alice, ack(invited, answer)).whatever()
      return { invited, answer }
    }
    const offers = ({ invited, answer }: ReturnType<typeof dials>, cseq: number, body: Uint8Array) => {
      const again = within(invited, answer, alice, 'INVITE', cseq, { body: sdp('192.0.2.10', 4000 + cseq) })
      ladder.when(alice, again).gives('INVITE to Telnyx')
      ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', body)).gives('ACK to Telnyx', '200 to Alice')
      ladder.when(alice, within(invited, answer, alice, 'ACK', cseq)).gives()
      return aimed(ladder, 'caller')
    }
    const [first, second] = [dials(), dials()]
    // Four are open. The first call takes the two others.
    expect(offers(first, 3, sdp('203.0.113.1')).isWithoutRtcp).toBeUndefined()
    expect(aimed(ladder, 'callee').isWithoutRtcp).toBeUndefined()
    expect(offers(second, 3, theirs.body)).toMatchObject({ mux: false, isWithoutRtcp: true })
    ladder.when(alice, within(first.invited, first.answer, alice, 'BYE', 4)).whatever()
    ladder
      .when(telnyx, reply200(ladder, telnyx, 'BYE'))
      .after(2_000)
      .whatever()
    expect(offers(second, 5, theirs.body).isWithoutRtcp).toBeUndefined()
  })

  test('leaves the descriptors of its RTCP to another call', () => {
    const ladder = watch(office({ mediaSockets: 6 }))
    const muxed = (line: string) => ({ body: sdp('203.0.113.1', 4000, line) })
    const dials = (line: string) => {
      aliceDials(ladder, '+15551234567', { body: mux })
      ladder.decide(through(provider(telnyx))).whatever()
      ladder.locate(telnyx).whatever()
      const sent = ladder.lastRequest(telnyx, 'INVITE')
      ladder.when(telnyx, answers(sent, telnyx, 200, muxed(line))).whatever()
    }
    dials('a=rtcp-mux')
    dials('a=sendrecv')
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx))).gives('503 to Alice')
    expect(ladder.media.filter(({ type }) => type === 'open')).toHaveLength(2)
  })
})

/** What a party says which speaks only these. */
function speaking(address: string, formats: string, ...named: string[]): Uint8Array {
  const lines = named.map((one) => `a=rtpmap:${one}\r\n`).join('')
  return new TextEncoder().encode(
    `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio 4000 RTP/AVP ${formats}\r\n${lines}`,
  )
}

function formats(body: Uint8Array): string | undefined {
  return /^m=audio [1-9]\d* RTP\/S?AVP (.*?)\r?$/m.exec(text(body))?.[1]
}

/** How a side was aimed at last. */
function aimed(ladder: Ladder, side: Side): Aim {
  const last = ladder.media.findLast((command) => command.type === 'aim' && command.side === side)
  if (last?.type !== 'aim') throw new Error(`the ${side} was never aimed at`)
  return last.aim
}

function counted(ladder: Ladder, types: Record<Side, number>): void {
  const session = ladder.media.find(({ type }) => type === 'open')?.session
  if (session === undefined) throw new Error('no session was opened')
  const heard = (payloadType: number) => ({
    packets: 500,
    bytes: 86_000,
    lost: 0,
    dropped: 0,
    jitterMs: 1,
    stream: {
      reordered: 0,
      gaps: 0,
      longestGapMs: 20,
      firstMs: 10,
      payloadType,
      roundTripMs: undefined,
      reported: undefined,
    },
  })
  const report = {
    type: 'counted' as const,
    session,
    caller: heard(types.caller),
    callee: heard(types.callee),
  }
  ladder.hear({ type: 'media', report })
}
