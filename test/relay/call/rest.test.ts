import { describe, expect, test } from 'vitest'
import type { CallTell } from '#contract'
import type { Header, Request, Response } from '../../../relay/sip/message.ts'
import { explanationOf } from '../../support/limits.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  bobMobile,
  fromCallee,
  office,
  provider,
  registers,
  ringBob,
  sdp,
  telnyx,
  through,
  twilio,
  within,
} from '../../support/office.ts'
import {
  calling,
  closeMedia,
  leavesNothingBehind,
  reply200,
  talking,
  text,
  watch,
} from '../../support/scene.ts'

leavesNothingBehind()

/** 64·T1 and a moment: by then no transaction of its INVITE is left. */
const overMs = 33_000

/** All a request says. */
function said({ method, requestUri, headers, body, via, from, to, callId, cseq }: Request) {
  return { method, requestUri, headers, body: [...body], via, from, to, callId, cseq }
}

describe('a call which lasts', () => {
  test('lets go of what was needed until nothing of its INVITE was repeated any more, and knows what that said', () => {
    const { ladder, invited, answer } = talking()
    const [active] = ladder.engine.rooms.calls.index.all()
    const { caller, callee } = active?.call ?? {}
    const theirs = caller && said(caller.invite)
    expect(callee?.acks?.values()).toEqual([expect.objectContaining({ repeats: 0 })])
    ladder.after(overMs).gives()
    const proof = caller?.invite.header('proxy-authorization')
    const others = theirs?.headers.filter(([name]) => name !== 'proxy-authorization')
    expect(caller && said(caller.invite)).toEqual({ ...theirs, headers: others })
    expect(proof).toBeUndefined()
    // What names it, its dialog says.
    const { invite, acks, early, earlyDialogs } = callee ?? {}
    expect({ invite, acks, early, earlyDialogs }).toEqual({})
    expect(callee?.state).toBe('answered')
    ladder.when(alice, within(invited, answer, alice, 'BYE', 9)).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'BYE')).whatever()
  })

  test('lets go of why it went where it went, which was told', () => {
    const ladder = watch(office())
    const invited = aliceDials(ladder, '+15551234567')
    ladder.decide({ ...through(provider(telnyx)), explanation: explanationOf([]) }).gives('ask locate')
    ladder.locate(telnyx).whatever()
    const sent = ladder.lastRequest(telnyx, 'INVITE')
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: sdp('203.0.113.1') })).whatever()
    const answer = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, answer)).gives()
    const [active] = ladder.engine.rooms.calls.index.all()
    const { call } = active ?? {}
    expect([call?.record.decision, call?.decision?.explanation]).not.toContain(null)
    ladder.after(overMs).gives()
    expect([call?.record.decision, call?.decision?.explanation, call?.hunts[0].decision]).toEqual([
      null,
      null,
      call?.decision,
    ])
    ladder.when(alice, within(invited, answer, alice, 'BYE', 9)).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'BYE')).whatever()
    expect(ladder.tells.at(-1)?.call).toMatchObject({ status: 'hangup', decision: null })
  })

  test('lets go of who refused it before, and tells of that all the same', () => {
    const ladder = watch(office())
    const invited = aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx), provider(twilio))).whatever()
    ladder.locate(telnyx).whatever()
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 503))
      .whatever()
      .locate(twilio)
    const sent = ladder.whatever().lastRequest(twilio)
    ladder.when(twilio, answers(sent, twilio, 200, { body: sdp('203.0.113.2') })).whatever()
    const answer = ladder.lastResponse(alice)
    ladder.when(alice, ack(invited, answer)).gives()
    const [active] = ladder.engine.rooms.calls.index.all()
    expect(active?.call.branches.map(({ invite }) => invite?.method)).toEqual(['INVITE', 'INVITE'])
    expect(active?.call.hunts[0].failures).toHaveLength(1)
    ladder.after(overMs).gives()
    const { branches, hunts } = active?.call ?? {}
    expect(branches?.map(({ invite, sdp }) => [invite, sdp.sent?.version])).toEqual([
      [undefined, undefined],
      [undefined, 1],
    ])
    expect([hunts?.[0].failures, hunts?.[0].decision?.targets]).toEqual([
      [],
      { kind: 'providers', providers: [] },
    ])
    ladder.when(alice, within(invited, answer, alice, 'BYE', 9)).gives('200 to Alice', 'BYE to Twilio')
    ladder.when(twilio, reply200(ladder, twilio, 'BYE')).whatever()
    expect(ladder.record.attempts).toMatchObject([
      { status: 503, reason: 'Service Unavailable', tries: [{ address: '203.0.113.1:5060', status: 503 }] },
      { status: 200, reason: 'OK', tries: [{ address: '203.0.113.2:5060', status: 200 }] },
    ])
  })

  test('knows the answer to the last offer where that is not what was said last', () => {
    const { ladder, invited, answer } = talking()
    const [active] = ladder.engine.rooms.calls.index.all()
    const caller = active?.call.caller
    const said = text(sdp('198.51.100.1', 10_000, 'a=inactive'))
    if (caller?.exchange) caller.exchange = { ...caller.exchange, answer: { text: said } }
    ladder.after(overMs).gives()
    const again = within(invited, answer, alice, 'INVITE', 50, {
      headers: [['session-expires', '1800']],
      body: invited.body,
    })
    ladder.when(alice, again).gives('200 to Alice')
    expect(text(ladder.lastResponse(alice).body)).toBe(said)
    ladder.when(alice, within(invited, answer, alice, 'ACK', 50)).gives()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 51)).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'BYE')).whatever()
  })

  test('keeps what a phone which answered too late is acknowledged and hung up by, when it or its fork answers again', () => {
    const ladder = watch(office())
    registers(ladder, bob, 'bob')
    registers(ladder, bobMobile, 'bob')
    const invited = aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).whatever()
    const late = ladder.lastRequest(bobMobile, 'INVITE')
    ladder.when(bobMobile, answers(late, bobMobile, 180)).whatever()
    const first = answers(ladder.lastRequest(bob), bob, 200, { body: sdp('192.0.2.20') })
    ladder.when(bob, first).whatever()
    ladder.when(bobMobile, reply200(ladder, bobMobile, 'CANCEL')).whatever()
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).whatever()
    ladder.after(20_000).whatever()
    const [one, other] = ['one', 'two'].map((tag) =>
      answers(late, bobMobile, 200, { body: sdp('192.0.2.21'), tag }),
    ) as [Response, Response]
    ladder.when(bobMobile, one).gives("ACK to Bob's mobile", "BYE to Bob's mobile")
    ladder.when(bobMobile, reply200(ladder, bobMobile, 'BYE')).gives()
    ladder.after(15_000).whatever()
    ladder.when(bobMobile, one).gives("ACK to Bob's mobile")
    ladder.when(bobMobile, other).gives("ACK to Bob's mobile", "BYE to Bob's mobile")
    ladder.when(bobMobile, reply200(ladder, bobMobile, 'BYE')).gives()
    ladder.when(alice, within(invited, ladder.lastResponse(alice), alice, 'BYE', 9)).whatever()
    ladder.when(bob, reply200(ladder, bob, 'BYE')).whatever()
  })

  test('keeps no offer beside the INVITE which it came in, among other parts, and knows it when it comes again', () => {
    const offer = text(sdp('192.0.2.10'))
    const parts = `--o\r\nContent-Type: application/sdp\r\n\r\n${offer}\r\n--o--\r\n`
    const type = 'multipart/mixed;boundary=o'
    const { ladder, invited, sent } = calling({}, { body: new TextEncoder().encode(parts), type })
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: sdp('203.0.113.1') })).whatever()
    ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
    ladder.after(overMs).gives()
    const [active] = ladder.engine.rooms.calls.index.all()
    expect(active?.call.caller.exchange).toMatchObject({ offer: undefined })
    const answer = ladder.lastResponse(alice)
    const refreshes: Header[] = [['session-expires', '1800']]
    const again = (cseq: number, body: Uint8Array) =>
      within(invited, answer, alice, 'INVITE', cseq, { headers: refreshes, body })
    ladder.when(alice, again(50, sdp('192.0.2.10'))).gives('200 to Alice')
    ladder.when(alice, within(invited, answer, alice, 'ACK', 50)).gives()
    ladder.when(alice, again(51, sdp('192.0.2.11'))).gives('INVITE to Telnyx')
  })

  test.each([
    ['its caller', 'Telnyx'],
    ['its callee', 'Alice'],
  ])('is offered something else, and hung up, by %s as ever', (who, other) => {
    const { ladder, invited, answer, sent, accepted } = talking()
    ladder.after(overMs).gives()
    const [party, partner] = who === 'its caller' ? [alice, telnyx] : [telnyx, alice]
    const asks = (method: string, cseq: number, body?: Uint8Array) => {
      const more = body ? { body } : {}
      return who === 'its caller'
        ? within(invited, answer, party, method, cseq, more)
        : fromCallee(sent, accepted, party, method, cseq, more)
    }
    const offer = sdp(party.flow.address, 4_000, 'a=sendonly')
    ladder.when(party, asks('INVITE', 50, offer)).gives(`INVITE to ${other}`)
    const taken = reply200(ladder, partner, 'INVITE', sdp(partner.flow.address))
    ladder.when(partner, taken).gives(`ACK to ${other}`, `200 to ${party.name}`)
    ladder.when(party, asks('ACK', 50)).gives()
    const [active] = ladder.engine.rooms.calls.index.all()
    const leg = who === 'its caller' ? active?.call.caller : active?.call.callee
    const kept = leg?.exchange?.offer
    // Not with the datagram around it.
    expect([kept, kept?.buffer.byteLength]).toEqual([offer, offer.length])
    ladder.when(party, asks('BYE', 51)).whatever()
    ladder.when(partner, reply200(ladder, partner, 'BYE')).whatever()
    expect(ladder.record.status).toBe('hangup')
  })

  test.each([
    ['', undefined],
    [' without an offer', new Uint8Array()],
  ])('does not rest before the INVITE which was answered%s is over: one was refused before it', (_, body) => {
    const credentials = { username: 'acme', password: 'pw', realm: null }
    const { ladder, invited, sent } = calling({ credentials }, body ? { body } : {})
    const challenge: Header[] = [['proxy-authenticate', 'Digest realm="proxy", nonce="n", qop="auth"']]
    ladder.when(telnyx, answers(sent, telnyx, 407, { headers: challenge }))
    ladder.gives('ACK to Telnyx', 'INVITE to Telnyx')
    const proved = ladder.lastRequest(telnyx, 'INVITE')
    ladder.when(telnyx, answers(proved, telnyx, 180)).whatever()
    ladder.after(30_000).whatever()
    const accepted = answers(proved, telnyx, 200, { body: sdp('203.0.113.1') })
    ladder.when(telnyx, accepted).whatever()
    const answer = body ? { body: sdp('192.0.2.10') } : {}
    ladder.when(alice, ack(invited, ladder.lastResponse(alice), answer)).whatever()
    const first = ladder.lastRequest(telnyx, 'ACK')
    ladder.after(2_500).whatever()
    ladder.when(telnyx, accepted).gives('ACK to Telnyx')
    expect(said(ladder.lastRequest(telnyx, 'ACK'))).toEqual(said(first))
    ladder.after(31_000).whatever()
    const [active] = ladder.engine.rooms.calls.index.all()
    expect(active?.call.callee).toMatchObject({ state: 'answered', acks: undefined })
  })
})

describe('a call which is over', () => {
  test('keeps what answers a 2xx which comes again, or of another callee, and lets go of the rest', () => {
    const { ladder, invited, answer, sent, accepted } = talking()
    const [active] = ladder.engine.rooms.calls.index.all()
    const acked = said(ladder.lastRequest(telnyx, 'ACK'))
    ladder.when(alice, within(invited, answer, alice, 'BYE', 9)).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'BYE')).whatever()
    closeMedia(ladder)
    // Who keeps its messages asks for its legs when it is told for the last time.
    expect(ladder.engine.rooms.calls.legsOf(ladder.tells.at(-1) as CallTell)).toHaveLength(2)
    ladder.after(6_000).whatever()
    const { caller, branches, decision, record } = active?.call ?? {}
    expect([caller?.aimed, caller?.invite.headers, branches, decision, record?.decision]).toEqual([
      undefined,
      [],
      [],
      undefined,
      null,
    ])
    ladder.when(telnyx, accepted).gives('ACK to Telnyx')
    expect(said(ladder.lastRequest(telnyx, 'ACK'))).toEqual(acked)
    const other = answers(sent, telnyx, 200, { body: sdp('203.0.113.9'), tag: 'another' })
    ladder.when(telnyx, other).gives('ACK to Telnyx', 'BYE to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'BYE')).gives()
  })
})
