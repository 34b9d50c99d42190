import { describe, expect, test } from 'vitest'
import { type Header, type Message, type Request, request, response } from '../../../relay/sip/message.ts'
import { type Ladder, relayAddress } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  cancel,
  fromCallee,
  office,
  provider,
  registers,
  ringBob,
  sdp,
  telnyx,
  through,
  within,
} from '../../support/office.ts'
import { leavesNothingBehind, proxied, watch } from '../../support/scene.ts'

leavesNothingBehind()

/*
 * Alice dials Bob's public number. It goes out to Telnyx, whose switch is a proxy: it sends the INVITE back to us
 * under its Via, with the Call-ID, From tag and CSeq we gave it.
 */

describe('a call which a proxy sends back to us with another Request-URI (RFC 3261 §16.3)', () => {
  test('is a call like any other, and rings', () => {
    const { ladder } = spiral()
    expect(ladder.lastRequest(bob).callId).not.toBe(ladder.lastRequest(telnyx).callId)
  })

  test('is two calls which end one after the other, whoever hangs up', () => {
    for (const leaver of ['alice', 'bob'] as const) {
      const { ladder, invited, sent } = spiral()
      const rung = ladder.lastRequest(bob)
      ladder
        .when(bob, answers(rung, bob, 200, { body: sdp('192.0.2.20') }))
        .gives('ACK to Bob', '200 to Telnyx')
      ladder.when(telnyx, upstream(ladder.lastResponse(telnyx))).gives('ACK to Telnyx', '200 to Alice')
      // The ACK of our outgoing leg is the one our incoming leg waits for.
      ladder.when(telnyx, proxied(ladder.lastRequest(telnyx, 'ACK'))).gives()
      const answer = ladder.lastResponse(alice)
      ladder.when(alice, ack(invited, answer)).gives()
      ladder.after(40_000).gives()
      if (leaver === 'alice') {
        ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
        ladder.when(telnyx, proxied(ladder.lastRequest(telnyx, 'BYE'))).gives('200 to Telnyx', 'BYE to Bob')
        ladder.when(bob, answers(ladder.lastRequest(bob, 'BYE'), bob, 200)).gives()
        ladder.when(telnyx, upstream(ladder.lastResponse(telnyx))).gives()
      } else {
        ladder.when(bob, fromCallee(rung, answers(rung, bob, 200), bob, 'BYE', 1))
        ladder.gives('200 to Bob', 'BYE to Telnyx')
        ladder.when(telnyx, proxied(ladder.lastRequest(telnyx, 'BYE'))).gives('200 to Telnyx', 'BYE to Alice')
        ladder.when(alice, answers(ladder.lastRequest(alice, 'BYE'), alice, 200)).gives()
        ladder.when(telnyx, upstream(ladder.lastResponse(telnyx))).gives()
      }
      expect(sent.callId).toBe(ladder.lastRequest(telnyx).callId)
      const calls = new Map(ladder.tells.map(({ call }) => [call.call_id, call]))
      expect([...calls.values()].map(({ hangup_reason }) => hangup_reason)).toEqual(['normal', 'normal'])
    }
  })

  test('has a leg of the same Call-ID as the one it came from: which is whose is told by tag and branch', () => {
    const { ladder, sent, back } = spiral()
    const { calls } = ladder.engine.rooms
    const { callId: sipCallId, from } = sent
    expect(calls.secretHeadersUnder(sipCallId)).toEqual(['x-account'])
    expect(calls.secretHeadersUnder('elsewhere')).toEqual([])
    const last = new Map(ladder.tells.map((tell) => [tell.call.call_id, tell]))
    const legs = [...last.values()].flatMap((tell) => calls.legsOf(tell))
    const [out, came, ...others] = legs.filter((leg) => leg.sipCallId === sipCallId)
    expect(out).toEqual({ sipCallId, localTag: from.tag, came: undefined, secretHeaders: ['x-account'] })
    expect(came).toMatchObject({ came: { fromTag: from.tag, branch: back.via.branch }, secretHeaders: [] })
    expect(came?.localTag).not.toBe(from.tag)
    expect(others).toEqual([])
  })

  test('is taken back with the one it came from', () => {
    const { ladder, invited, back } = spiral()
    ladder.when(bob, answers(ladder.lastRequest(bob), bob, 180)).gives('180 to Telnyx')
    ladder.when(telnyx, upstream(ladder.lastResponse(telnyx))).gives('180 to Alice')
    ladder.when(alice, cancel(invited)).gives('200 to Alice', 'CANCEL to Telnyx', '487 to Alice')
    ladder.when(telnyx, cancel(back)).gives('200 to Telnyx', 'CANCEL to Bob', '487 to Telnyx')
    ladder.when(telnyx, upstream(ladder.lastResponse(telnyx))).gives('ACK to Telnyx')
  })

  test('ends where no hop is left: 483', () => {
    const { ladder } = spiral('0')
    expect(ladder.lastResponse(telnyx).status).toBe(483)
    ladder.when(telnyx, upstream(ladder.lastResponse(telnyx))).gives('ACK to Telnyx', '483 to Alice')
  })

  test('has its hops counted down each time round', () => {
    const { ladder, sent } = spiral('20')
    expect(sent.maxForwards).toBe(69)
    expect(ladder.lastRequest(bob).maxForwards).toBe(19)
  })
})

test('an INVITE of ours which comes back as we sent it is a loop: 482, and the call it came from goes on', () => {
  const { ladder, sent } = calling()
  ladder.when(telnyx, proxied(sent, sent.requestUri)).gives('482 to Telnyx')
  ladder.when(telnyx, answers(sent, telnyx, 180)).gives('180 to Alice')
})

test('the Call-ID of one of our calls in another party’s INVITE makes no loop of it', () => {
  const { ladder, sent } = calling()
  const headers = sent.headers.map(
    ([name, value]): Header => [name, name === 'from' ? '<sip:a@b.test>;tag=x' : value],
  )
  const other = proxied(
    request({ method: 'INVITE', requestUri: sent.requestUri, headers, body: sent.body }),
    sent.requestUri,
  )
  // Refused for the host it asks for, which is not ours.
  ladder.when(telnyx, other).gives('404 to Telnyx')
})

/** Alice's call is at Telnyx. */
function calling(): { ladder: Ladder; invited: Request; sent: Request } {
  const ladder = watch(office())
  registers(ladder, bob, 'bob')
  const invited = aliceDials(ladder, '+15557654321')
  const headers: [string, string][] = [['X-Account', 'hidden']]
  ladder.decide(through(provider(telnyx, { user: '+15557654321', headers }))).gives('ask locate')
  ladder.locate(telnyx).gives('INVITE to Telnyx')
  return { ladder, invited, sent: ladder.lastRequest(telnyx) }
}

/** It is back, and rings Bob, unless it has no hop left. */
function spiral(hops?: string): ReturnType<typeof calling> & { back: Request } {
  const { ladder, invited, sent } = calling()
  const back = proxied(sent, `sip:+15557654321@${relayAddress}`, hops)
  ladder.when(telnyx, back).gives('ask route')
  const arrows = hops === '0' ? ['483 to Telnyx'] : ['INVITE to Bob']
  ladder.decide(ringBob('incoming')).gives('100 to Telnyx', ...arrows)
  return { ladder, invited, sent, back }
}

/** An answer of ours as the proxy sends it back: without its own Via. */
function upstream(answer: Message): Message {
  if (answer.kind === 'request') throw new Error('no answer')
  const vias = answer.headers.filter(([name]) => name === 'via')
  const headers = answer.headers.filter((header) => header !== vias[0])
  return response({ status: answer.status, reason: answer.reason, headers, body: answer.body })
}
