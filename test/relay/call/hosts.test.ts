import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Located } from '../../../relay/ground/effects.ts'
import type { Ladder } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  cancel,
  fromCallee,
  invite,
  office,
  provider,
  registers,
  ringBob,
  sdp,
  telnyx,
  through,
  within,
} from '../../support/office.ts'
import { calling, leavesNothingBehind, talking, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

const named = sdp('Media.telnyx.test', 6000)
const found = { flows: [{ transport: 'udp' as const, address: '203.0.113.77', port: portNumber(9) }] }
const otherFamily = { flows: [{ transport: 'udp' as const, address: '2001:db8::1', port: portNumber(9) }] }
const forbidden = { flows: [], why: 'address_not_allowed: 10.0.0.5' }

describe('a host name in the c-line of an answer (RFC 4566 §5.7)', () => {
  test('holds nobody up: the sound follows when it is known where it leads', () => {
    const { ladder, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: named }))
    ladder.gives('ACK to Telnyx', 'ask locate', '200 to Alice')
    expect(ladder.questions[0]).toMatchObject({
      question: { question: { hostname: 'media.telnyx.test', port: portNumber(9), transport: 'udp' } },
      withinMs: 2_000,
    })
    expect(callee(ladder)).toMatchObject({ rtp: { address: '203.0.113.1', port: portNumber(6000) } })
    leads(ladder, found).gives()
    expect(callee(ladder)).toMatchObject({
      rtp: { address: '203.0.113.77', port: portNumber(6000) },
      sources: ['203.0.113.77', '203.0.113.1'],
    })
  })

  test('is asked about once for a 183 and its 200', () => {
    const { ladder, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 183, { body: named })).gives('ask locate', '183 to Alice')
    leads(ladder, found).gives()
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: named })).gives('ACK to Telnyx', '200 to Alice')
    expect(callee(ladder)).toMatchObject({ rtp: { address: '203.0.113.77' } })
  })

  test.each([
    ['where nothing may be sent', forbidden],
    ['nowhere', { flows: [], why: 'DNS gave no answer' }],
    ['to another address family', otherFamily],
  ])('which leads %s leaves the sound where the carrier signals', (_, located) => {
    const { ladder, invited, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: named })).whatever()
    const answer = ladder.lastResponse(alice)
    leads(ladder, located).gives()
    ladder.when(alice, ack(invited, answer)).gives()
    expect(callee(ladder)).toMatchObject({ rtp: { address: '203.0.113.1', port: portNumber(6000) } })
  })

  test('which is found when another sound was said meanwhile is not aimed at', () => {
    const { ladder, sent } = calling()
    ladder.when(telnyx, answers(sent, telnyx, 183, { body: named })).whatever()
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: sdp('203.0.113.1') })).whatever()
    const aimed = ladder.media.length
    leads(ladder, found).gives()
    expect(ladder.media).toHaveLength(aimed)
    expect(callee(ladder)).toMatchObject({ rtp: { address: '203.0.113.1', port: portNumber(4000) } })
  })
})

describe('a host name in the c-line of an offer', () => {
  test('is looked up before anybody is rung', () => {
    const { ladder } = fromTelnyx()
    leads(ladder, found).gives('INVITE to Bob')
    expect(ladder.media.find(({ type }) => type === 'aim')).toMatchObject({
      side: 'caller',
      aim: { rtp: { address: '203.0.113.77', port: portNumber(6000) } },
    })
    expect(text(ladder.lastRequest(bob).body)).not.toContain('telnyx')
  })

  test.each([
    ['where nothing may be sent', forbidden, /leads nowhere: address_not_allowed: 10\.0\.0\.5/],
    ['nowhere', undefined, /leads nowhere: timeout/],
    ['to another family', otherFamily, /leads nowhere: no address of our family/],
  ])('which leads %s is 488 in words', (_, located, why) => {
    const { ladder } = fromTelnyx()
    if (located) leads(ladder, located)
    else ladder.noAnswer('locate')
    ladder.gives('488 to Telnyx')
    expect(ladder.lastResponse(telnyx).header('reason')).toMatch(why)
    expect(ladder.lastResponse(telnyx).header('warning')).toMatch(/^301 /)
  })

  test('whose caller leaves while it is looked up rings nobody', () => {
    const { ladder, invited } = fromTelnyx()
    ladder.when(telnyx, cancel(invited)).gives('200 to Telnyx', '487 to Telnyx')
    leads(ladder, found).gives()
  })

  test('of a phone may lead nowhere: it is heard where it signals', () => {
    const ladder = watch(office())
    aliceDials(ladder, '+15551234567', { body: sdp('desk.local', 6000) })
    ladder.decide(through(provider(telnyx))).gives('ask locate')
    leads(ladder, forbidden).gives('ask locate').locate(telnyx).gives('INVITE to Telnyx')
    expect(ladder.media.at(-1)).toMatchObject({
      side: 'caller',
      aim: { rtp: undefined, sources: ['192.0.2.10'] },
    })
  })

  test('inside a call is looked up before it is passed on, and refused in words', () => {
    const { ladder, sent, accepted } = talking()
    const asked = (cseq: number, host: string) =>
      fromCallee(sent, accepted, telnyx, 'INVITE', cseq, { body: sdp(host, 6000) })
    ladder.when(telnyx, asked(7, 'a.telnyx.test')).gives('ask locate')
    leads(ladder, found).gives('INVITE to Alice')
    const moved = answers(ladder.lastRequest(alice, 'INVITE'), alice, 200, {
      body: sdp('192.0.2.10'),
      tag: '',
    })
    ladder.when(alice, moved).gives('ACK to Alice', '200 to Telnyx')
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'ACK', 7)).gives()
    expect(callee(ladder)).toMatchObject({ rtp: { address: '203.0.113.77' } })
    ladder.when(telnyx, asked(8, 'b.telnyx.test')).gives('ask locate')
    leads(ladder, forbidden).gives('488 to Telnyx')
    expect(ladder.lastResponse(telnyx).header('warning')).toMatch(/^301 /)
    expect(ladder.record.status).toBe('progressing')
  })

  test('inside a call, taken back while it is looked up, is 487 and goes nowhere (RFC 3261 §9.2)', () => {
    const { ladder, sent, accepted } = talking()
    const moves = fromCallee(sent, accepted, telnyx, 'INVITE', 7, { body: named })
    ladder.when(telnyx, moves).gives('ask locate')
    ladder.when(telnyx, cancel(moves)).gives('200 to Telnyx', '487 to Telnyx')
    leads(ladder, found).gives()
    expect(ladder.record.status).toBe('progressing')
  })

  test('inside a call which ends meanwhile is 487 (RFC 3261 §15.1.2)', () => {
    const { ladder, invited, answer, sent, accepted } = talking()
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'INVITE', 7, { body: named })).gives('ask locate')
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    leads(ladder, found).gives('487 to Telnyx')
  })
})

function fromTelnyx() {
  const ladder = watch(office())
  registers(ladder, bob, 'bob')
  const from = { user: '+15551112222', domain: 'carrier.test', body: named }
  const invited = invite(telnyx, 'sip:+15557654321@198.51.100.1', from)
  ladder
    .when(telnyx, invited)
    .gives('ask route')
    .decide(ringBob('incoming'))
    .gives('100 to Telnyx', 'ask locate')
  return { ladder, invited }
}

function leads(ladder: Ladder, answer: Located): Ladder {
  return ladder.answer({ ask: 'locate', answer })
}

/** Where the callee's sound goes by now. */
function callee({ media }: Ladder) {
  const last = media.findLast((command) => command.type === 'aim' && command.side === 'callee')
  return last?.type === 'aim' ? last.aim : undefined
}
