import { describe, expect, test } from 'vitest'
import type { RouteDecision } from '#contract'
import type { Header, Request, Response } from '../../../relay/sip/message.ts'
import type { Ladder } from '../../support/ladder.ts'
import {
  account,
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  cancel,
  extensionIds,
  fromCallee,
  invite,
  office,
  prove,
  provider,
  sdp,
  telnyx,
  through,
  within,
} from '../../support/office.ts'
import { leavesNothingBehind, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

/** Alice talks with Telnyx. */
function talk(more: Partial<RouteDecision> = {}) {
  const ladder = watch(office())
  const invited = aliceDials(ladder, '+15551234567')
  const decision = {
    ...through(provider(telnyx)),
    extension_id: extensionIds.alice,
    transfer: 'local',
    ...more,
  }
  ladder
    .decide(decision as RouteDecision)
    .whatever()
    .locate(telnyx)
  const sent = ladder.lastRequest(telnyx, 'INVITE')
  const accepted = answers(sent, telnyx, 200, { body: sdp('203.0.113.1') })
  ladder.whatever().when(telnyx, accepted).whatever()
  const answer = ladder.lastResponse(alice)
  ladder.when(alice, ack(invited, answer)).gives()
  return { ladder, invited, sent, accepted, answer }
}

const named = (invited: Request, answer: Response, more = ''): Header => [
  'replaces',
  `${invited.callId};to-tag=${answer.to.tag};from-tag=${invited.from.tag}${more}`,
]

/** Bob proves himself, and calls so. */
function bobCalls(ladder: Ladder, headers: Header[], body?: Uint8Array): Request {
  const first = invite(bob, 'alice', { headers, ...(body ? { body } : {}) })
  ladder.when(bob, first).gives('407 to Bob')
  const second = prove(first, ladder.lastResponse(bob), 'bob')
  ladder.when(bob, second).gives('ask credential').credential(account('bob'))
  return second
}

describe('an INVITE with Replaces (RFC 3891)', () => {
  test('takes the place of the party it names, which is hung up', () => {
    const { ladder, invited, answer, sent, accepted } = talk()
    const second = bobCalls(ladder, [named(invited, answer)])
    ladder.gives('200 to Bob', 'BYE to Alice')
    const taken = ladder.lastResponse(bob)
    expect(text(taken.body)).toContain('m=audio')
    ladder.when(bob, ack(second, taken)).gives()
    ladder.when(bob, within(second, taken, bob, 'INFO', 3)).gives('INFO to Telnyx')
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 1)).gives('200 to Telnyx', 'BYE to Bob')
    expect(ladder.record).toMatchObject({ status: 'hangup', hangup_by: 'callee', hangup_reason: 'normal' })
  })

  test('is kept as one text once nothing of it is repeated any more, and means as little to a CANCEL before as after', () => {
    const { ladder, invited, answer, sent, accepted } = talk()
    const second = bobCalls(ladder, [named(invited, answer)])
    ladder.whatever()
    const { index } = ladder.engine.rooms.calls
    const { leg } = index.leg(ack(second, ladder.lastResponse(bob))) ?? {}
    ladder.when(bob, ack(second, ladder.lastResponse(bob))).gives()
    const before = leg?.invite
    ladder.when(bob, cancel(second)).gives('200 to Bob')
    ladder.when(alice, answers(ladder.lastRequest(alice, 'BYE'), alice, 200, { tag: '' })).gives()
    ladder.after(33_000).gives()
    expect([leg?.kind === 'uas' && index.server(leg.transaction), leg?.invite === before]).toEqual([
      undefined,
      false,
    ])
    expect([leg?.invite?.callId, leg?.invite?.body]).toEqual([second.callId, second.body])
    ladder.when(bob, cancel(second)).whatever()
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 1)).gives('200 to Telnyx', 'BYE to Bob')
  })

  test('has its 2xx repeated until it acknowledges that', () => {
    const { ladder, invited, answer } = talk()
    const second = bobCalls(ladder, [named(invited, answer)])
    ladder.whatever().after(500)
    expect(ladder.lastResponse(bob).status).toBe(200)
    ladder
      .whatever()
      .when(bob, ack(second, ladder.lastResponse(bob)))
      .gives()
  })

  test.each([
    ['two of them', (one: Header) => [one, one], 400],
    ['one which cannot be read', (): Header[] => [['replaces', 'nothing']], 400],
    ['one of a call which is not there', (): Header[] => [['replaces', 'a;to-tag=b;from-tag=c']], 481],
    ['one which may only ring', ([name, value]: Header): Header[] => [[name, `${value};early-only`]], 486],
  ])('with %s is refused', (_, headers, status) => {
    const { ladder, invited, answer } = talk()
    bobCalls(ladder, headers(named(invited, answer)))
    ladder.gives(`${status} to Bob`)
    expect(ladder.lastResponse(bob).header('reason')).toMatch(/^SIP;cause=/)
  })

  test('of another customer’s call is answered as if there were none', () => {
    const { ladder, invited, answer } = talk({ customer_id: '99999999-9999-4999-8999-999999999999' })
    bobCalls(ladder, [named(invited, answer)])
    ladder.gives('481 to Bob')
    expect(ladder.lastResponse(bob).header('reason')).toContain('names no call which goes on here')
  })

  test('for a party which may not transfer is refused', () => {
    const { ladder, invited, answer } = talk({ transfer: 'deny' } as Partial<RouteDecision>)
    bobCalls(ladder, [named(invited, answer)])
    ladder.gives('403 to Bob')
  })

  test('which offers no sound, or none which the other party speaks, changes nothing', () => {
    const { ladder, invited, answer } = talk()
    bobCalls(ladder, [named(invited, answer)], new Uint8Array(0))
    ladder.gives('488 to Bob')
    ladder.when(alice, within(invited, answer, alice, 'INFO', 3)).gives('INFO to Telnyx')
  })

  test('of a call which still rings is refused, and it rings on', () => {
    const ladder = watch(office())
    const invited = aliceDials(ladder, '+15551234567')
    ladder
      .decide(through(provider(telnyx)))
      .whatever()
      .locate(telnyx)
      .whatever()
    const sent = ladder.lastRequest(telnyx, 'INVITE')
    ladder.when(telnyx, answers(sent, telnyx, 180)).gives('180 to Alice')
    bobCalls(ladder, [named(invited, ladder.lastResponse(alice))])
    ladder.gives('481 to Bob')
    ladder.when(alice, cancel(invited)).whatever()
    ladder.when(telnyx, answers(sent, telnyx, 487)).whatever()
  })
})
