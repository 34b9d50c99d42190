import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import { type Header, type Request, request } from '../../../relay/sip/message.ts'
import type { Ladder } from '../../support/ladder.ts'
import { relayAddress } from '../../support/ladder.ts'
import {
  ack,
  answers,
  cancel,
  customerId,
  invite,
  prove,
  provider,
  register,
  rejected,
  scanner,
  sdp,
  telnyx,
  through,
  twilio,
} from '../../support/office.ts'
import { pbx, pbxAccount, pbxOffice, pbxRealm, pbxRegisters, ringPbx, trunkId } from '../../support/pbx.ts'
import { leavesNothingBehind, watch } from '../../support/scene.ts'

leavesNothingBehind()

const nobody = rejected(403, 'UNKNOWN_SOURCE', null)
const number = `sip:+15551234567@${pbxRealm}`
const dials = (headers: [string, string][] = [], to = number) =>
  invite(pbx, to, { user: '+15557654321', domain: pbxRealm, headers })

describe('a PBX which registers', () => {
  test('proves itself in its own domain, and its contact is kept as a trunk’s', () => {
    const ladder = watch(pbxOffice())
    pbxRegisters(ladder)
    expect(ladder.bindings).toMatchObject([
      { event: 'registered', binding: { account: 'trunk', extension_id: trunkId, customer_id: customerId } },
    ])
  })

  test('is still a trunk’s after a restart', () => {
    const ladder = watch(pbxOffice())
    pbxRegisters(ladder)
    const [told] = ladder.bindings
    const anew = watch(pbxOffice())
    if (told)
      anew.hear({
        type: 'restored',
        from: 'edge',
        sentAt: monotonicMs(anew.now),
        list: { bindings: [{ ...told.binding, sequence: told.sequence }] },
      })
    anew.after(3_602_000).whatever()
    expect(anew.bindings).toMatchObject([{ event: 'expired', binding: { account: 'trunk' } }])
  })

  test('which says it is a number is rung where it registered from, by its own numbers (RFC 3966)', () => {
    const ladder = watch(pbxOffice())
    const first = register(pbx, 'acme', [['contact', '<tel:+15557650000>']], pbxRealm)
    ladder.when(pbx, first).gives('401 to the PBX')
    ladder.when(pbx, prove(first, ladder.lastResponse(pbx), 'acme')).gives('ask credential')
    ladder.credential(pbxAccount()).gives('tell registered', '200 to the PBX')
    carrierCalls(ladder)
    ladder.decide(ringPbx()).gives('100 to Telnyx', 'INVITE to the PBX')
    const sent = ladder.lastRequest(pbx)
    expect(sent.requestUri).toBe('tel:+15557654321')
    const answer = answers(sent, pbx, 200, { body: sdp('192.0.2.30'), contact: '<tel:+15557654321>' })
    ladder.when(pbx, answer).gives('ACK to the PBX', '200 to Telnyx')
    expect(ladder.lastRequest(pbx)).toMatchObject({ method: 'ACK', requestUri: 'tel:+15557654321' })
  })

  test('is rung at its contact, with the number it is called for', () => {
    const ladder = watch(pbxOffice())
    pbxRegisters(ladder)
    carrierCalls(ladder)
    ladder.decide(ringPbx()).gives('100 to Telnyx', 'INVITE to the PBX')
    const sent = ladder.lastRequest(pbx)
    expect(sent.requestUri).toBe('sip:+15557654321@192.0.2.30:5060')
    expect(sent.to.uri).toBe(`sip:+15557654321@${pbxRealm}`)
    expect(sent.from.uri).toBe(`sip:+15551112222@${pbxRealm}`)
    expect(sent.header('p-asserted-identity')).toBe(`<sip:+15551112222@${pbxRealm}>`)
    ladder.when(pbx, answers(sent, pbx, 180)).gives('180 to Telnyx')
    ladder
      .when(pbx, answers(sent, pbx, 200, { body: sdp('192.0.2.30') }))
      .gives('ACK to the PBX', '200 to Telnyx')
    expect(ladder.record).toMatchObject({ status: 'progressing', direction: 'incoming', trunk_id: trunkId })
    expect(ladder.record.attempts[0]).toMatchObject({ provider_id: null, status: 200 })
  })

  test('is rung for as long as the decision says, then the caller hears 480', () => {
    const ladder = watch(pbxOffice())
    pbxRegisters(ladder)
    carrierCalls(ladder)
    ladder.decide(ringPbx({ ring_ms: 5_000 })).whatever()
    ladder.when(pbx, answers(ladder.lastRequest(pbx), pbx, 180)).whatever()
    ladder.after(5_000).gives('CANCEL to the PBX', '480 to Telnyx')
  })

  test('is offered only the codecs it takes', () => {
    const ladder = watch(pbxOffice())
    pbxRegisters(ladder)
    carrierCalls(ladder)
    ladder.decide(ringPbx({ codecs: ['PCMA'] })).whatever()
    const body = new TextDecoder().decode(ladder.lastRequest(pbx).body)
    expect(body).toMatch(/m=audio \d+ RTP\/AVP 8( 101)?\r/)
  })

  test('which has not registered is 480 to the caller', () => {
    const ladder = watch(pbxOffice())
    carrierCalls(ladder)
    ladder.decide(ringPbx()).gives('100 to Telnyx', '480 to Telnyx')
  })
})

describe('a PBX at a host of its own', () => {
  const at = { hostname: 'pbx.acme.test', port: portNumber(5070), transport: 'tcp' as const, tls: pinned() }

  test('is looked up as the trunk says, and called there', () => {
    const ladder = ringing(at)
    expect(ladder.questions[0]?.question).toEqual({
      ask: 'locate',
      question: { hostname: 'pbx.acme.test', port: portNumber(5070), transport: 'tcp', tls: pinned() },
    })
    ladder.locate(pbx).gives('INVITE to the PBX')
    const sent = ladder.lastRequest(pbx)
    expect(sent.requestUri).toBe('sip:+15557654321@pbx.acme.test:5070;transport=tcp')
    expect(sent.from.uri).toBe(`sip:+15551112222@${pbxRealm}`)
    expect(sent.header('p-asserted-identity')).toBe(`<sip:+15551112222@${pbxRealm}>`)
    ladder
      .when(pbx, answers(sent, pbx, 200, { body: sdp('192.0.2.30') }))
      .gives('ACK to the PBX', '200 to Telnyx')
  })

  test('counts in nobody’s provider limits', () => {
    const ladder = ringing(at)
    expect(ladder.engine.rooms.ledger.leases().map(({ scopes }) => scopes)).toEqual([[]])
  })

  test('is tried at its next address when the first says nothing', () => {
    const ladder = ringing(at)
    ladder.locate(pbx, twilio).gives('INVITE to the PBX')
    ladder.after(3_000).whatever()
    ladder.when(twilio, answers(ladder.lastRequest(twilio), twilio, 180)).gives('180 to Telnyx')
    expect(ladder.record.attempts).toHaveLength(1)
  })

  test('is 480 to the caller when none of its addresses speaks, or it has none', () => {
    const silent = ringing(at)
    silent.locate(pbx).gives('INVITE to the PBX')
    silent.after(29_000).whatever()
    expect(silent.lastResponse(telnyx).status).toBe(100)
    silent.after(1_000).whatever()
    expect(silent.lastResponse(telnyx).status).toBe(480)
    const nowhere = ringing(at)
    nowhere.locate().gives('480 to Telnyx')
    expect(nowhere.lastResponse(telnyx).header('reason')).toContain('the PBX cannot be reached')
  })

  test('says itself whether it is busy', () => {
    const ladder = ringing(at)
    ladder.locate(pbx).whatever()
    ladder.when(pbx, answers(ladder.lastRequest(pbx), pbx, 486)).gives('ACK to the PBX', '486 to Telnyx')
  })

  test('may think for longer than a carrier before it rings', () => {
    const ladder = ringing(at)
    ladder.locate(pbx).whatever()
    ladder.when(pbx, answers(ladder.lastRequest(pbx), pbx, 100)).gives()
    ladder.after(20_000).gives()
    ladder.when(pbx, answers(ladder.lastRequest(pbx), pbx, 180)).gives('180 to Telnyx')
  })
})

describe('a PBX which calls', () => {
  test('without a word is asked about by its address, and then for a password', () => {
    const ladder = watch(pbxOffice())
    const first = dials()
    ladder.when(pbx, first).gives('ask route')
    expect(ladder.questions[0]?.question).toMatchObject({
      question: { caller: { kind: 'source', address: '192.0.2.30' }, to: { host: pbxRealm } },
    })
    ladder.decide(nobody).gives('407 to the PBX')
    expect(ladder.lastResponse(pbx).header('proxy-authenticate')).toContain(`realm="${pbxRealm}"`)
    expect(ladder.engine.load).toMatchObject({ transactions: 0, calls: 0 })
    ladder.when(pbx, prove(first, ladder.lastResponse(pbx), 'acme')).gives('ask credential')
    ladder.credential(pbxAccount()).gives('100 to the PBX', 'ask route')
    expect(ladder.questions[0]?.question).toMatchObject({
      question: { caller: { kind: 'trunk', customer_id: customerId, trunk_id: trunkId } },
    })
    ladder.decide(through(provider(telnyx))).gives('ask locate')
    ladder.locate(telnyx).gives('INVITE to Telnyx')
  })

  test('by a WebSocket is not let in by its address, which any page read there has, and is asked for a password', () => {
    const browser = { name: 'the PBX', flow: { ...pbx.flow, transport: 'wss' as const, connection: 1 } }
    const ladder = watch(pbxOffice())
    ladder.when(browser, dials()).gives('407 to 192.0.2.30:5060')
    const number = invite(pbx, `sip:+15557654321@${relayAddress}`, { domain: 'x.test' })
    ladder.when(browser, number).gives('403 to 192.0.2.30:5060')
  })

  test('with a wrong password is challenged again, and not let in by its address', () => {
    const ladder = watch(pbxOffice())
    const first = dials()
    ladder.when(pbx, first).gives('ask route').decide(nobody).gives('407 to the PBX')
    ladder.after(10_000)
    ladder.when(pbx, prove(first, ladder.lastResponse(pbx), 'acme', 'guessed')).gives('ask credential')
    ladder.credential(pbxAccount()).gives('407 to the PBX')
  })

  test('is not asked about again while its address is known to be nobody’s', () => {
    const ladder = watch(pbxOffice())
    ladder.when(pbx, dials()).gives('ask route').decide(nobody).gives('407 to the PBX')
    ladder.when(pbx, dials()).gives('407 to the PBX')
    // Nor does that make it a stranger to numbers.
    ladder.when(pbx, invite(pbx, `sip:+15557654321@${relayAddress}`, { domain: 'x.test' })).gives('ask route')
    ladder.decide(nobody).gives('403 to the PBX')
  })

  test('from its own address is let in without a password', () => {
    const ladder = watch(pbxOffice())
    const invited = dials()
    ladder.when(pbx, invited).gives('ask route')
    ladder.decide({ ...through(provider(telnyx)), trunk_id: trunkId }).gives('100 to the PBX', 'ask locate')
    ladder.locate(telnyx).gives('INVITE to Telnyx')
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 200, { body: sdp('203.0.113.1') }))
      .gives('ACK to Telnyx', '200 to the PBX')
    ladder.when(pbx, ack(invited, ladder.lastResponse(pbx))).gives()
    expect(ladder.record).toMatchObject({ status: 'progressing', trunk_id: trunkId })
  })

  test('may take its call back while the edge is asked, and is not challenged then', () => {
    const ladder = watch(pbxOffice())
    const invited = dials()
    ladder.when(pbx, invited).gives('ask route')
    ladder.when(pbx, cancel(invited)).gives('200 to the PBX')
    ladder.decide(nobody).gives('487 to the PBX')
  })

  test('is told nothing by silence: a stranger to its domain is challenged like any other', () => {
    const ladder = watch(pbxOffice({ unknownSource: 'silent' }))
    ladder.when(scanner, invite(scanner, number, { domain: 'x.test' })).gives('ask route')
    ladder.decide(nobody).gives('407 to the scanner')
  })

  test('says whose number it shows, and is asked about with that', () => {
    const asserted = (headers: [string, string][]) => {
      const ladder = watch(pbxOffice())
      ladder.when(pbx, dials(headers)).gives('ask route')
      const [asked] = ladder.questions
      return asked?.question.ask === 'route' ? asked.question.question.from.asserted : undefined
    }
    const preferred: [string, string] = ['p-preferred-identity', '<sip:+15550001111@pbx.acme.test>']
    expect(asserted([])).toBeNull()
    expect(asserted([preferred])).toBe('+15550001111')
    expect(asserted([preferred, ['p-asserted-identity', '"A" <tel:+15552223333>']])).toBe('+15552223333')
    expect(asserted([['p-asserted-identity', 'nonsense <']])).toBeNull()
  })
})

describe('a call to a contact we registered at a carrier', () => {
  const token = '0198c0de0000700080000000000000020123456789abcdef0123'

  test('is asked about with the token in it', () => {
    expect(caller(`sip:acme@${relayAddress};line=${token}`)).toMatchObject({ line: token })
    expect(caller(`sip:${token}@${relayAddress}`)).toMatchObject({ line: token })
    expect(caller(`sip:+15557654321@${relayAddress}`)).toMatchObject({ line: null })
  })

  test('rings the number in To, where the Request-URI only names our account there', () => {
    const invited = carrierInvites(`sip:acme@${relayAddress};line=${token}`)
    const ladder = watch(pbxOffice())
    ladder.when(telnyx, toward(invited, '<sip:+15557654321@telnyx.test>')).gives('ask route')
    expect(ladder.questions[0]?.question).toMatchObject({ question: { to: { user: '+15557654321' } } })
  })

  function caller(uri: string): unknown {
    const ladder = watch(pbxOffice())
    ladder.when(telnyx, carrierInvites(uri)).gives('ask route')
    const [asked] = ladder.questions
    return asked?.question.ask === 'route' ? asked.question.question.caller : undefined
  }
})

/** The same request with another To. */
function toward(invited: Request, to: string): Request {
  const headers = invited.headers.map(([name, value]): Header => [name, name === 'to' ? to : value])
  return request({ method: 'INVITE', requestUri: invited.requestUri, headers, body: invited.body })
}

function pinned() {
  return { verify: 'fingerprint' as const, fingerprint: 'ab'.repeat(32) }
}

function carrierInvites(uri: string): Request {
  return invite(telnyx, uri, { user: '+15551112222', domain: 'telnyx.test' })
}

function carrierCalls(ladder: Ladder): void {
  ladder.when(telnyx, carrierInvites(`sip:+15557654321@${relayAddress}`)).gives('ask route')
}

/** Telnyx calls a number which leads to the PBX; its host is being looked up. */
function ringing(more: Parameters<typeof ringPbx>[0]): Ladder {
  const ladder = watch(pbxOffice())
  carrierCalls(ladder)
  ladder.decide(ringPbx(more)).gives('100 to Telnyx', 'ask locate')
  return ladder
}
