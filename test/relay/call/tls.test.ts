import { describe, expect, test } from 'vitest'
import { type ProviderTarget, portNumber } from '#contract'
import type { Flow, Trust } from '../../../relay/ground/flow.ts'
import type { Party } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  fromCallee,
  invite,
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
import { leavesNothingBehind, reply200, watch } from '../../support/scene.ts'

leavesNothingBehind()

const trust: Trust = { name: 'sip.telnyx.test', verify: 'full', fingerprint: null }
/** Telnyx over TLS, at the address and port DNS gave. */
const secure: Party = { name: 'Telnyx', flow: { ...flowAt('203.0.113.1', 5061), tls: trust } }
const atTheirOther: Party[] = [5060, 5061, 5071].map((port) => ({
  name: 'Telnyx',
  flow: flowAt('203.0.113.9', port),
}))
/** The connection we made to it. */
const connected: Party = { name: 'Telnyx', flow: { ...secure.flow, connection: 7 } }

describe('a call through a provider over TLS', () => {
  test('asks for the provider as it is to be trusted', () => {
    const { ladder } = dialling({}, { transport: 'tls', tls: { verify: 'fingerprint', fingerprint: 'ab' } })
    expect(ladder.questions.at(-1)?.question).toEqual({
      ask: 'locate',
      question: {
        hostname: 'sip.telnyx.test',
        port: null,
        transport: 'tls',
        tls: { verify: 'fingerprint', fingerprint: 'ab' },
      },
    })
    ladder.locate(secure).gives('INVITE to Telnyx')
  })

  test('says TLS in Via, Contact and Request-URI, with the port where we take TLS', () => {
    const { ladder } = dialling({ tlsPort: portNumber(5061) }, { transport: 'tls' })
    ladder.locate(secure).gives('INVITE to Telnyx')
    const sent = ladder.lastRequest(secure)
    expect(sent.header('via')).toMatch(/^SIP\/2\.0\/TLS 198\.51\.100\.1:5061;rport;branch=z9hG4bK/)
    expect(sent.header('contact')).toBe('<sip:198.51.100.1:5061;transport=tls>')
    expect(sent.requestUri).toBe('sip:+15551234567@sip.telnyx.test;transport=tls')
    expect(sent.header('from')).toContain('@198.51.100.1:5061>')
    expect(sent.header('p-asserted-identity')).toBe('<sip:+15557654321@198.51.100.1:5061>')
  })

  test('does not ask to be called over TLS where we take none', () => {
    const { ladder } = dialling({}, { transport: 'tls' })
    ladder.locate(secure).gives('INVITE to Telnyx')
    const sent = ladder.lastRequest(secure)
    expect(sent.header('via')).toMatch(/^SIP\/2\.0\/TLS 198\.51\.100\.1:5060;/)
    expect(sent.header('contact')).toBe('<sip:198.51.100.1:5060>')
  })

  test('repeats nothing, for TLS delivers', () => {
    const { ladder } = dialling({}, { transport: 'tls' })
    ladder.locate(secure).gives('INVITE to Telnyx')
    ladder.after(2_999).gives()
  })

  test('moves on at once when the certificate is wrong, and the record says why', () => {
    const { ladder } = dialling({}, { transport: 'tls' }, provider(twilio))
    ladder.locate(secure).gives('INVITE to Telnyx')
    const why = 'its certificate is for sip.other, not for sip.telnyx.test'
    ladder.hear({ type: 'unsent', flow: secure.flow, why }).gives('ask locate')
    ladder.locate(twilio).gives('INVITE to Twilio')
    expect(ladder.record.attempts[0]).toMatchObject({
      transport: 'tls',
      address: '203.0.113.1:5061',
      status: 0,
      reason: why,
      decision: 'next',
      ended_ms: 0,
    })
  })

  test('is not disturbed when a connection fails which leads to the same place for another domain', () => {
    const { ladder } = dialling({}, { transport: 'tls' })
    ladder.locate(secure).gives('INVITE to Telnyx')
    const other = { ...secure.flow, tls: { ...trust, name: 'sip.other' } }
    ladder.hear({ type: 'unsent', flow: other, why: 'its certificate has expired' }).gives()
    ladder.hear({ type: 'closed', flow: { ...other, connection: 8 } }).gives()
  })

  test('is acknowledged and ended over the same trust, whether or not the connection still stands', () => {
    const { ladder, invited } = talkingOver(
      { tlsPort: portNumber(5061) },
      '<sip:203.0.113.1:5061;transport=tls>',
    )
    const answer = ladder.lastResponse(alice)
    ladder.hear({ type: 'closed', flow: connected.flow }).gives()
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    expect(ladder.flow()).toEqual(secure.flow)
    expect(ladder.lastRequest(secure, 'BYE').header('via')).toMatch(/^SIP\/2\.0\/TLS 198\.51\.100\.1:5061/)
    ladder.when(connected, reply200(ladder, secure, 'BYE')).gives()
  })

  test.each([
    ['another of its addresses', '<sip:203.0.113.9:5071;transport=tls>', flowAt('203.0.113.9', 5071)],
    ['another of its addresses, by a sips URI', '<sips:203.0.113.9>', flowAt('203.0.113.9', 5061)],
    ['the same place, though its Contact forgot to say TLS', '<sip:203.0.113.9:5060>', secure.flow],
    ['the same place, though its Contact says UDP', '<sip:203.0.113.1:5060;transport=udp>', secure.flow],
    ['the same place, though its Contact says TCP', '<sip:203.0.113.9;transport=tcp>', secure.flow],
    ['the same place, where its Contact is a name', '<sip:edge7.telnyx.test;transport=tls>', secure.flow],
  ])('goes on at %s', (_, contact, flow) => {
    const { ladder } = talkingOver({}, contact)
    // The ACK; the 200 to Alice came after it.
    expect(ladder.flow('ACK')).toEqual({ ...flow, tls: trust })
  })

  test('is hung up by the provider over the connection we made, and answered there', () => {
    const { ladder, accepted, sent } = talkingOver({}, '<sip:203.0.113.1:5061;transport=tls>')
    ladder
      .when(connected, fromCallee(sent, accepted, secure, 'BYE', 5))
      .gives('200 to Telnyx', 'BYE to Alice')
    expect(ladder.lastResponse(secure).header('via')).toMatch(/^SIP\/2\.0\/TLS 203\.0\.113\.1:5061/)
    expect(ladder.flow(200)).toEqual(connected.flow)
  })

  test('is hung up from where the provider says it is, though not by a connection we could make', () => {
    const { ladder, accepted, sent } = talkingOver({}, '<sip:203.0.113.9:5060>')
    const other: Party = {
      name: 'Telnyx',
      flow: { transport: 'udp', address: '203.0.113.9', port: portNumber(5060) },
    }
    ladder.when(other, fromCallee(sent, accepted, other, 'BYE', 5)).whatever()
    expect(ladder.record).toMatchObject({ status: 'hangup', hangup_by: 'callee' })
  })

  test('keeps the connection, however silent', () => {
    const { ladder } = talkingOver({}, '<sip:203.0.113.1:5061;transport=tls>')
    expect(ladder.engine.rooms.knownFlows.needs(connected.flow)).toBe(true)
    expect(
      ladder.engine.rooms.knownFlows.needs({ ...connected.flow, tls: { ...trust, name: 'sip.other' } }),
    ).toBe(false)
    expect(ladder.engine.rooms.knownFlows.needs({ ...connected.flow, transport: 'tcp' })).toBe(false)
  })

  test('over UDP does not follow a Contact to TLS, whose name nobody told us', () => {
    const { ladder } = dialling({}, {})
    ladder.locate(telnyx).gives('INVITE to Telnyx')
    const contact = '<sip:203.0.113.1:5061;transport=tls>'
    ladder.when(
      telnyx,
      answers(ladder.lastRequest(telnyx), telnyx, 200, { body: sdp('203.0.113.1'), contact }),
    )
    ladder.gives('ACK to Telnyx', '200 to Alice')
    expect(ladder.flow('ACK')).toEqual(telnyx.flow)
  })
})

describe('a call from a provider over TLS', () => {
  test('is answered, and hung up, over the connection it came by', () => {
    const caller: Party = { name: 'Telnyx', flow: { ...flowAt('203.0.113.1', 49_152), connection: 3 } }
    const ladder = watch(office({ tlsPort: portNumber(5061) }, caller))
    registers(ladder, bob, 'bob')
    const invited = invite(caller, 'sip:+15557654321@198.51.100.1', { domain: '203.0.113.1' })
    ladder.when(caller, invited).gives('ask route')
    expect(ladder.questions.at(-1)?.question).toMatchObject({
      question: { caller: { kind: 'source', transport: 'tls', address: '203.0.113.1' } },
    })
    ladder.decide(ringBob('incoming')).gives('100 to Telnyx', 'INVITE to Bob')
    expect(ladder.lastRequest(bob).header('contact')).toBe('<sip:198.51.100.1:5060>')
    const rung = ladder.lastRequest(bob)
    const accepted = answers(rung, bob, 200, { body: sdp('192.0.2.20') })
    ladder.when(bob, accepted).gives('ACK to Bob', '200 to Telnyx')
    expect(ladder.lastResponse(caller).header('contact')).toBe('<sip:198.51.100.1:5061;transport=tls>')
    expect(ladder.flow(200)).toEqual(caller.flow)
    ladder.when(caller, ack(invited, ladder.lastResponse(caller))).gives()
    ladder.when(bob, fromCallee(rung, accepted, bob, 'BYE', 5)).gives('200 to Bob', 'BYE to Telnyx')
    expect(ladder.flow('BYE')).toEqual(caller.flow)
    expect(ladder.lastRequest(caller, 'BYE').header('via')).toMatch(/^SIP\/2\.0\/TLS 198\.51\.100\.1:5061;/)
    ladder.when(caller, reply200(ladder, caller, 'BYE')).gives()
  })
})

function dialling(
  options: Parameters<typeof office>[0],
  more: Partial<ProviderTarget>,
  second?: ProviderTarget,
) {
  const ladder = watch(office(options, secure, ...atTheirOther))
  const invited = aliceDials(ladder, '+15551234567')
  ladder.decide(through(provider(telnyx, more), ...(second ? [second] : []))).gives('ask locate')
  return { ladder, invited }
}

/** Alice talks, through a Telnyx whose 200 names this Contact. */
function talkingOver(options: Parameters<typeof office>[0], contact: string) {
  const { ladder, invited } = dialling(options, { transport: 'tls' })
  ladder.locate(secure).gives('INVITE to Telnyx')
  const sent = ladder.lastRequest(secure)
  const accepted = answers(sent, secure, 200, { body: sdp('203.0.113.1'), contact })
  ladder.when(connected, accepted).gives('ACK to Telnyx', '200 to Alice')
  ladder.when(alice, ack(invited, ladder.lastResponse(alice))).gives()
  return { ladder, invited, sent, accepted }
}

function flowAt(address: string, port: number): Flow {
  return { transport: 'tls', address, port: portNumber(port) }
}
