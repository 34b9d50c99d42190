import { describe, expect, test } from 'vitest'
import { type Header, type Response, response } from '../../../relay/sip/message.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  cancel,
  fromCallee,
  office,
  provider,
  sdp,
  telnyx,
  through,
  within,
} from '../../support/office.ts'
import { calling, leavesNothingBehind, reply200, talking, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

const nothing = new Uint8Array(0)
const theirs = sdp('203.0.113.1')
const dtls = described('192.0.2.10', 'm=audio 4000 UDP/TLS/RTP/SAVPF 111 0', 'a=fingerprint:sha-256 00:11')
const audio = ['m=audio 4000 RTP/AVP 0 101', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:101 telephone-event/8000']
const video = ['m=video 4002 RTP/AVP 99', 'a=rtpmap:99 H264/90000']

describe('an offer which cannot be served', () => {
  test('is 488 at once, with what is in its way: nobody is called (RFC 3261 §13.3.1.3)', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567', { body: dtls })
    ladder.decide(through(provider(telnyx))).gives('488 to Alice')
    const refusal = ladder.lastResponse(alice)
    const why = 'm=audio over UDP/TLS/RTP/SAVPF is not carried'
    expect(refusal.header('warning')).toBe(`302 198.51.100.1:5060 "${why}"`)
    expect(refusal.header('reason')).toBe(`SIP;cause=488;text="${why}"`)
    expect(ladder.record).toMatchObject({ hangup_by: 'system', hangup_reason: 'failed', sip_status: 488 })
    expect(ladder.media.filter(({ type }) => type === 'open')).toEqual([])
  })

  test.each(['INVITE', 'UPDATE'])(
    'in %s inside a call is 488 for either side, and the call goes on',
    (method) => {
      const { ladder, invited, answer, sent, accepted } = talking()
      ladder.when(alice, within(invited, answer, alice, method, 3, { body: dtls })).gives('488 to Alice')
      expect(ladder.lastResponse(alice).header('warning')).toMatch(/^302 /)
      ladder
        .when(telnyx, fromCallee(sent, accepted, telnyx, method, 7, { body: dtls }))
        .gives('488 to Telnyx')
      ladder.when(alice, within(invited, answer, alice, 'BYE', 4)).gives('200 to Alice', 'BYE to Telnyx')
    },
  )

  test('in the 2xx of a re-INVITE is declined in its ACK, which leaves nothing to talk by (RFC 6337 §2.3)', () => {
    const { ladder, invited, answer } = talking()
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3)).gives('INVITE to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', dtls))
    ladder.gives('ACK to Telnyx', '488 to Alice', 'BYE to Alice', 'BYE to Telnyx')
    expect(text(ladder.lastRequest(telnyx, 'ACK').body)).toContain('m=audio 0 UDP/TLS/RTP/SAVPF')
    expect(ladder.lastRequest(telnyx, 'BYE').header('reason')).toContain('is not carried')
  })
})

describe('an answer of a person, however untidy', () => {
  const said = text(theirs)
  test.each([
    ['with a space behind each line', said.replaceAll('\r\n', ' \r\n'), 'application/sdp'],
    ['in capitals', said.replace(/^(m=.*)$/m, (line) => line.toUpperCase()), 'application/sdp'],
    ['without a c-line', said.replace(/^c=.*\r\n/m, ''), 'application/sdp'],
    ['without a format', said.replace(/^(m=audio \d+ \S+) .*$/m, '$1'), 'application/sdp'],
    ['without a type', said, ''],
    ['in parts under another boundary', `--a\r\n\r\n${said}`, 'multipart/mixed;boundary=b'],
  ])('%s, is heard by the caller', (_, body, type) => {
    const { ladder, sent } = calling()
    const answer = answers(sent, telnyx, 200, { body: new TextEncoder().encode(body) })
    const { status, reason, headers } = answer
    const typed = headers.filter(([name]) => name !== 'content-type')
    if (type !== '') typed.push(['content-type', type])
    ladder.when(telnyx, response({ status, reason, headers: typed, body: answer.body }))
    ladder.gives('ACK to Telnyx', '200 to Alice')
    expect(kinds(ladder.lastResponse(alice).body)).toEqual(['m=audio 1'])
  })
})

describe('an answer which cannot be used', () => {
  test.each([
    ['nonsense', new TextEncoder().encode('nonsense')],
    ['what was not offered', dtls],
    ['what it declines', sdp('203.0.113.1', 0)],
  ])(
    'to a re-INVITE, as %s, leaves the other side as it was, and has who asked heard by its offer',
    (_, body) => {
      const { ladder, invited, answer } = talking()
      const aimed = ladder.media.length
      const offer = described('192.0.2.10', ...video, ...audio)
      ladder
        .when(alice, within(invited, answer, alice, 'INVITE', 3, { body: offer }))
        .gives('INVITE to Telnyx')
      ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', body)).gives('ACK to Telnyx', '200 to Alice')
      expect(kinds(ladder.lastResponse(alice).body)).toEqual(['m=video 0', 'm=audio 1'])
      expect(ladder.media.slice(aimed)).toMatchObject([{ type: 'aim', side: 'caller' }])
      ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
    },
  )

  test('in the ACK of a delayed offer says why the call ends, on both sides', () => {
    const { ladder, invited, sent } = calling({}, { body: nothing })
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: theirs })).gives('200 to Alice')
    ladder.when(alice, ack(invited, ladder.lastResponse(alice), { body: sdp('192.0.2.10', 0) }))
    ladder.gives('BYE to Alice', 'ACK to Telnyx', 'BYE to Telnyx')
    expect(ladder.lastRequest(alice, 'BYE').header('reason')).toBe('SIP;cause=488;text="m=audio has no port"')
    expect(kinds(ladder.lastRequest(telnyx, 'ACK').body)).toEqual(['m=audio 0'])
  })
})

describe('an offer which comes in a 2xx (RFC 3261 §13.2.2.4)', () => {
  test.each([
    ['with a tag', undefined],
    ['of a callee which knows no tags', ''],
  ])('waits for the caller’s answer, however often it comes: %s', (_, tag) => {
    const { ladder, invited, sent } = calling({}, { body: nothing })
    const ok = answers(sent, telnyx, 200, { body: theirs, ...(tag === undefined ? {} : { tag }) })
    const accepted = tag === '' ? untagged(ok) : ok
    ladder.when(telnyx, accepted).gives('200 to Alice')
    ladder.when(telnyx, accepted).gives()
    ladder.when(alice, ack(invited, ladder.lastResponse(alice), { body: sdp('192.0.2.10') }))
    ladder.gives('ACK to Telnyx')
    expect(kinds(ladder.lastRequest(telnyx, 'ACK').body)).toEqual(['m=audio 1'])
    ladder.when(telnyx, accepted).gives('ACK to Telnyx')
    expect(kinds(ladder.lastRequest(telnyx, 'ACK').body)).toEqual(['m=audio 1'])
  })

  test('is declined in its ACK where nobody wants the call any more, or another has it', () => {
    const { ladder, invited, sent } = calling({}, { body: nothing })
    ladder.when(alice, cancel(invited)).gives('200 to Alice', '487 to Alice')
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: theirs, tag: 'a' }))
    ladder.gives('ACK to Telnyx', 'BYE to Telnyx')
    expect(kinds(ladder.lastRequest(telnyx, 'ACK').body)).toEqual(['m=audio 0'])
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: theirs, tag: 'b' }))
    ladder.gives('ACK to Telnyx', 'BYE to Telnyx')
    expect(kinds(ladder.lastRequest(telnyx, 'ACK').body)).toEqual(['m=audio 0'])
  })
})

describe('several m-lines (RFC 3264 §6, §8)', () => {
  test('are each answered in their place, and only the sound is passed on', () => {
    const { ladder, sent } = calling({}, { body: described('192.0.2.10', ...video, ...audio) })
    expect(kinds(sent.body)).toEqual(['m=audio 1'])
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: theirs })).whatever()
    expect(kinds(ladder.lastResponse(alice).body)).toEqual(['m=video 0', 'm=audio 1'])
    expect(ladder.media).toContainEqual(
      expect.objectContaining({
        side: 'caller',
        aim: expect.objectContaining({ rtp: { address: '192.0.2.10', port: 4000 } }),
      }),
    )
  })

  test('with video first do not cost a running call its voice, whoever offers them', () => {
    const { ladder, invited, answer, sent, accepted } = talking()
    const offer = described('192.0.2.10', ...video, ...audio)
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: offer })).gives('INVITE to Telnyx')
    expect(kinds(ladder.lastRequest(telnyx, 'INVITE').body)).toEqual(['m=audio 1'])
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', theirs)).whatever()
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
    const other = fromCallee(sent, accepted, telnyx, 'INVITE', 7, {
      body: described('203.0.113.1', ...audio, ...video),
    })
    ladder.when(telnyx, other).gives('INVITE to Alice')
    expect(kinds(ladder.lastRequest(alice, 'INVITE').body)).toEqual(['m=video 0', 'm=audio 1'])
    const both = described('192.0.2.10', 'm=video 0 RTP/AVP 99', ...audio)
    ladder.when(alice, reply200(ladder, alice, 'INVITE', both)).gives('ACK to Alice', '200 to Telnyx')
    expect(kinds(ladder.lastResponse(telnyx).body)).toEqual(['m=audio 1', 'm=video 0'])
    expect(ladder.media.slice(-2)).toMatchObject([
      { side: 'callee', aim: { rtp: { address: '203.0.113.1', port: 4000 } } },
      { side: 'caller', aim: { rtp: { address: '192.0.2.10', port: 4000 } } },
    ])
  })

  test('of an offer which came in a 2xx are answered in the ACK, each in its place', () => {
    const { ladder, invited, sent } = calling({}, { body: nothing })
    const body = described('203.0.113.1', ...video, ...audio)
    ladder.when(telnyx, answers(sent, telnyx, 200, { body })).gives('200 to Alice')
    expect(kinds(ladder.lastResponse(alice).body)).toEqual(['m=audio 1'])
    ladder.when(alice, ack(invited, ladder.lastResponse(alice), { body: sdp('192.0.2.10') }))
    ladder.gives('ACK to Telnyx')
    expect(kinds(ladder.lastRequest(telnyx, 'ACK').body)).toEqual(['m=video 0', 'm=audio 1'])
  })

  test('of an offer which came in a 2xx are each declined in its ACK where the caller hangs up instead', () => {
    const { ladder, invited, sent } = calling({}, { body: nothing })
    const body = described('203.0.113.1', ...video, ...audio)
    ladder.when(telnyx, answers(sent, telnyx, 200, { body })).gives('200 to Alice')
    ladder
      .when(alice, within(invited, ladder.lastResponse(alice), alice, 'BYE', 3))
      .gives('200 to Alice', 'ACK to Telnyx', 'BYE to Telnyx')
    expect(kinds(ladder.lastRequest(telnyx, 'ACK').body)).toEqual(['m=video 0', 'm=audio 0'])
  })

  test('may be fewer in an answer than in its offer: the sound is found all the same', () => {
    const { ladder, sent } = calling({}, { body: described('192.0.2.10', ...audio, ...video) })
    const body = described('203.0.113.1', 'm=video 0 RTP/AVP 99', ...audio)
    ladder.when(telnyx, answers(sent, telnyx, 200, { body })).gives('ACK to Telnyx', '200 to Alice')
    expect(kinds(ladder.lastResponse(alice).body)).toEqual(['m=audio 1', 'm=video 0'])
  })
})

/** As RFC 2543 has it. */
function untagged(answer: Response): Response {
  const headers = answer.headers.map(
    ([name, value]): Header => [name, name === 'to' ? value.replace(/;tag=.*/, '') : value],
  )
  return response({ status: answer.status, headers, body: answer.body })
}

function described(address: string, ...lines: string[]): Uint8Array {
  const head = ['v=0', `o=- 1 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0']
  return new TextEncoder().encode([...head, ...lines, ''].join('\r\n'))
}

/** Each m-line's kind, and whether it is declined (0) or not (1). */
function kinds(body: Uint8Array): string[] {
  return [...text(body).matchAll(/^(m=\w+) (\d+)/gm)].map(
    ([, kind, port]) => `${kind} ${port === '0' ? 0 : 1}`,
  )
}
