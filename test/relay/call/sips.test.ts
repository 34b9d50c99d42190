import { describe, expect, test } from 'vitest'
import { portNumber, type RouteDecision } from '#contract'
import { type Header, type Request, request } from '../../../relay/sip/message.ts'
import { a, fleet, handing } from '../../support/fleet.ts'
import { type Ladder, type Party, party, realm } from '../../support/ladder.ts'
import { explanationOf } from '../../support/limits.ts'
import {
  account,
  ack,
  alice,
  answers,
  bob,
  extensionIds,
  fromCallee,
  invite,
  office,
  prove,
  provider,
  registers,
  ringBob,
  sdp,
  telnyx,
  through,
  twilio,
  within,
} from '../../support/office.ts'
import { leavesNothingBehind, reply200, watch } from '../../support/scene.ts'

leavesNothingBehind()

/** Alice over TLS, Bob's phone over TLS, and a carrier which takes it. */
const hers: Party = at(party('Her phone', '192.0.2.10', 50_061, 'tls'), 3)
const his: Party = at(party('His phone', '192.0.2.20', 50_071, 'tls'), 4)
const secure = party('Secure', '203.0.113.5', 5061, 'tls')
const browser: Party = at(party('The browser', '192.0.2.30', 50_081, 'wss'), 5)
const bobs = `sips:bob@${realm}`

function at({ name, flow }: Party, connection: number): Party {
  return { name, flow: { ...flow, connection } }
}

function scene(): Ladder {
  return watch(office({ tlsPort: portNumber(5061) }, hers, his, secure, browser))
}

/** Alice dials from one of her phones. */
function dials(ladder: Ladder, from: Party, to: string, headers: Header[] = []): Request {
  const first = invite(from, to, { user: 'alice', headers })
  ladder.when(from, first).gives(`407 to ${from.name}`)
  const second = prove(first, ladder.lastResponse(from), 'alice')
  ladder.when(from, second)
  if (ladder.questions.some(({ question }) => question.ask === 'credential'))
    ladder.gives('ask credential').credential(account('alice'))
  ladder.gives(`100 to ${from.name}`, 'ask route')
  return second
}

const carrier = provider(telnyx)
const help: RouteDecision = {
  ...through(carrier),
  explanation: { ...explanationOf([carrier.provider_id]), emergency: true },
}

describe('a call to a sips URI (RFC 3261 §26.2.2, RFC 5630)', () => {
  test.each([['udp'], ['tcp'], ['ws']] as const)(
    'which came over %s rings nobody: TLS was promised on every hop',
    (over) => {
      const open = at(party('The phone', '192.0.2.10', 50_062, over), 6)
      const ladder = watch(office({ wsPort: portNumber(8080) }, open))
      registers(ladder, bob, 'bob')
      dials(ladder, open, bobs)
      ladder.decide(ringBob()).gives('480 to The phone')
      const told = ladder.lastResponse(open)
      expect(told.header('warning')).toMatch(new RegExp(`^380 \\S+ "SIPS Not Allowed over ${over}"$`))
      expect(ladder.record).toMatchObject({
        reject_reason: 'SIPS_WITHOUT_TLS',
        reject_message: `The call is to a sips URI, which takes TLS on every hop: the caller calls over ${over}.`,
        sip_status: 480,
      })
    },
  )

  test('rings a phone which is there by TLS, and none which is not', () => {
    const ladder = scene()
    registers(ladder, bob, 'bob')
    registers(ladder, his, 'bob')
    dials(ladder, hers, bobs)
    ladder.decide(ringBob()).gives('INVITE to His phone')
    expect(ladder.record.attempts.map(({ cause }) => cause?.reason ?? null).sort()).toEqual([
      'SIPS_WITHOUT_TLS',
      null,
    ])
  })

  test('fails where the callee has only such a phone, and says why', () => {
    const ladder = scene()
    registers(ladder, bob, 'bob')
    dials(ladder, hers, bobs)
    ladder.decide(ringBob()).gives('480 to Her phone')
    expect(ladder.lastResponse(hers).header('warning')).toMatch(/^380 \S+ "SIPS Not Allowed/)
    expect(ladder.record).toMatchObject({
      reject_reason: 'SIPS_WITHOUT_TLS',
      reject_message:
        'The call is to a sips URI, which takes TLS on every hop: the phone of extension bob is reached over udp.',
    })
  })

  test('goes to a browser by a secure WebSocket, too', () => {
    const ladder = scene()
    registers(ladder, browser, 'bob', [['contact', '<sip:k2j3@df7jal23ls0d.invalid;transport=ws>']])
    dials(ladder, hers, bobs)
    ladder.decide(ringBob()).gives('INVITE to The browser')
  })

  test('comes from a browser by a secure WebSocket as well, which is named in our Contact', () => {
    const ladder = scene()
    registers(ladder, his, 'bob')
    dials(ladder, browser, bobs)
    ladder.decide(ringBob()).gives('INVITE to His phone')
    ladder.when(his, answers(ladder.lastRequest(his), his, 180)).gives('180 to The browser')
    expect(ladder.lastResponse(browser).header('contact')).toBe('<sips:198.51.100.1:5060;transport=ws>')
  })

  test('passes over a phone behind a proxy which may leave TLS, since its Contact is a sip URI', () => {
    const ladder = scene()
    const path: Header = ['path', '<sip:198.51.100.77;transport=tls;lr>']
    registers(ladder, his, 'bob', [path, ['require', 'path']])
    dials(ladder, hers, bobs)
    ladder.decide(ringBob()).gives('480 to Her phone')
    expect(ladder.record.reject_message).toContain('registered a sip URI through a proxy')
    registers(ladder, his, 'bob', [['contact', '<sips:bob@192.0.2.20>'], path, ['require', 'path']])
    dials(ladder, hers, bobs)
    ladder.decide(ringBob()).gives('INVITE to His phone')
  })

  test('is one by our Contacts as well, on each leg which has a sips URI, as long as it lasts', () => {
    const ladder = scene()
    registers(ladder, his, 'bob', [['contact', '<sips:bob@192.0.2.20:50071>']])
    const invited = dials(ladder, hers, bobs)
    ladder.decide(ringBob()).gives('INVITE to His phone')
    const sent = ladder.lastRequest(his)
    expect(sent.requestUri).toBe('sips:bob@192.0.2.20:50071')
    expect(sent.header('contact')).toBe('<sips:198.51.100.1:5061>')
    const accepted = answers(sent, his, 200, { body: sdp('192.0.2.20') })
    ladder.when(his, accepted).gives('ACK to His phone', '200 to Her phone')
    const answered = ladder.lastResponse(hers)
    expect(answered.header('contact')).toBe('<sips:198.51.100.1:5061>')
    ladder.when(hers, ack(invited, answered)).gives()
    const hold = within(invited, answered, hers, 'INVITE', 5, { body: sdp('192.0.2.10', 4002) })
    ladder.when(hers, hold).gives('INVITE to His phone')
    expect(ladder.lastRequest(his).header('contact')).toBe('<sips:198.51.100.1:5061>')
  })

  test('is not followed off TLS by either party', () => {
    const ladder = scene()
    registers(ladder, his, 'bob')
    const invited = dials(ladder, hers, bobs)
    ladder.decide(ringBob()).gives('INVITE to His phone')
    const sent = ladder.lastRequest(his)
    expect(sent.header('contact')).toBe('<sip:198.51.100.1:5061;transport=tls>')
    const accepted = answers(sent, his, 200, { body: sdp('192.0.2.20') })
    ladder.when(his, accepted).gives('ACK to His phone', '200 to Her phone')
    const answered = ladder.lastResponse(hers)
    ladder.when(hers, ack(invited, answered)).gives()
    const moved = within(invited, answered, alice, 'INVITE', 5, { body: sdp('192.0.2.10', 4002) })
    ladder.when(alice, moved).gives('488 to Alice')
    const his2 = fromCallee(sent, accepted, bob, 'INVITE', 1, { body: sdp('192.0.2.20', 4002) })
    ladder.when(bob, his2).gives('488 to Bob')
    ladder.when(bob, fromCallee(sent, accepted, bob, 'BYE', 2)).gives('200 to Bob', 'BYE to Her phone')
    ladder.when(hers, reply200(ladder, hers, 'BYE')).gives()
  })

  test('goes through the next provider which is called over TLS, whose addresses are looked for over that', () => {
    const ladder = scene()
    dials(ladder, hers, `sips:+15551234567@${realm}`)
    const plain = provider(twilio, { transport: 'udp' })
    ladder.decide(through(plain, provider(telnyx))).gives('ask locate')
    ladder.locate(twilio).gives('ask locate')
    expect(ladder.questions.at(-1)?.question).toMatchObject({ question: { transport: 'tls' } })
    ladder.locate(secure).gives('INVITE to Secure')
    expect(ladder.record.attempts[0]).toMatchObject({
      decision: 'next',
      cause: { reason: 'SIPS_WITHOUT_TLS' },
    })
  })

  test('fails where no provider is, though none has refused anything', () => {
    const ladder = scene()
    dials(ladder, hers, `sips:+15551234567@${realm}`)
    ladder.decide(through(provider(telnyx, { transport: 'udp' }))).gives('ask locate')
    ladder.locate(telnyx).gives('480 to Her phone')
    expect(ladder.record).toMatchObject({ reject_reason: 'SIPS_WITHOUT_TLS', sip_status: 480 })
  })

  test('for help goes by whatever way there is', () => {
    const ladder = scene()
    dials(ladder, alice, `sips:112@${realm}`)
    ladder.decide(help).gives('ask locate')
    ladder.locate(telnyx).gives('INVITE to Telnyx')
  })

  test('says so to the relay where the phone registered, which rings it by the same rule', () => {
    const ladder = fleet({ tlsPort: portNumber(5061) }, hers, his)
    dials(ladder, hers, bobs)
    ladder.decide(ringBob()).gives('ask target')
    const where = [{ id: extensionIds.bob, relay_id: 'A', q: 1 }]
    ladder.answer({ ask: 'target', answer: { at: where } }).gives('INVITE to A')
    expect(ladder.lastRequest(a).requestUri).toBe(bobs)

    const there = fleet({ tlsPort: portNumber(5061) }, hers, his)
    registers(there, bob, 'bob')
    there.when(a, secured(handing())).gives('100 to A', '480 to A')
    expect(there.lastResponse(a).header('warning')).toMatch(/^380 /)
    registers(there, his, 'bob')
    there.when(a, secured(handing())).gives('100 to A', 'INVITE to His phone')
  })

  test('which is transferred rings no phone without TLS either (RFC 5630 §5.1.1.3)', () => {
    const { ladder, invited, answered } = talk()
    registers(ladder, bob, 'bob')
    const headers: Header[] = [['refer-to', `<sip:bob@${realm}>`]]
    ladder.when(hers, within(invited, answered, hers, 'REFER', 5, { headers }))
    ladder.gives('202 to Her phone', 'NOTIFY to Her phone', 'ask route')
    ladder.decide(ringBob()).gives('INVITE to His phone')
  })

  test('and one with a hop without are not made one by an attended transfer', () => {
    const { ladder, invited, answered } = talk()
    const second = dials(ladder, hers, '+15551234567')
    const out = { ...through(provider(telnyx)), extension_id: extensionIds.alice, transfer: 'local' }
    ladder.decide(out as RouteDecision).gives('ask locate')
    ladder.locate(telnyx).gives('INVITE to Telnyx')
    const sent = ladder.lastRequest(telnyx)
    ladder.when(telnyx, answers(sent, telnyx, 200, { body: sdp('203.0.113.1') }))
    ladder.gives('ACK to Telnyx', '200 to Her phone')
    const told = ladder.lastResponse(hers)
    ladder.when(hers, ack(second, told)).gives()
    const place = `${second.callId};to-tag=${told.to.tag};from-tag=${second.from.tag}`
    const headers: Header[] = [
      ['refer-to', `<sip:+15551234567@${realm}?Replaces=${encodeURIComponent(place)}>`],
    ]
    ladder.when(hers, within(invited, answered, hers, 'REFER', 5, { headers })).gives('480 to Her phone')
  })

  test('takes in nobody by Replaces who calls without TLS', () => {
    const { ladder, invited, answered } = talk()
    const place = `${invited.callId};to-tag=${answered.to.tag};from-tag=${invited.from.tag}`
    const first = invite(alice, 'bob', { headers: [['replaces', place]] })
    ladder.when(alice, first).gives('407 to Alice')
    ladder.when(alice, prove(first, ladder.lastResponse(alice), 'alice')).gives('480 to Alice')
    expect(ladder.lastResponse(alice).header('warning')).toMatch(/^380 /)
  })
})

describe('a call to a sip URI', () => {
  test('rings a phone which registered a sips Contact, over TLS, and by a sip URI (RFC 5630 §5.3)', () => {
    const ladder = scene()
    registers(ladder, his, 'bob', [['contact', '<sips:bob@192.0.2.20:50071;x=y>']])
    dials(ladder, alice, 'bob')
    ladder.decide(ringBob()).gives('INVITE to His phone')
    expect(ladder.lastRequest(his).requestUri).toBe('sip:bob@192.0.2.20:50071;x=y')
    expect(ladder.lastRequest(his).header('contact')).toBe('<sip:198.51.100.1:5061;transport=tls>')
  })
})

/** Alice talks with Bob by a sips URI, and may transfer him. */
function talk() {
  const ladder = scene()
  registers(ladder, his, 'bob')
  const invited = dials(ladder, hers, bobs)
  const mayTransfer = { ...ringBob(), extension_id: extensionIds.alice, transfer: 'local' } as RouteDecision
  ladder.decide(mayTransfer).gives('INVITE to His phone')
  const accepted = answers(ladder.lastRequest(his), his, 200, { body: sdp('192.0.2.20') })
  ladder.when(his, accepted).gives('ACK to His phone', '200 to Her phone')
  const answered = ladder.lastResponse(hers)
  ladder.when(hers, ack(invited, answered)).gives()
  return { ladder, invited, answered }
}

/** The same to a sips URI. */
function secured({ method, requestUri, headers, body }: Request): Request {
  return request({ method, requestUri: requestUri.replace('sip:', 'sips:'), headers, body })
}
