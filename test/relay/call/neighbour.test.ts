import { describe, expect, test } from 'vitest'
import { portNumber, type TargetAnswer } from '#contract'
import type { Flow } from '../../../relay/ground/flow.ts'
import type { Header, Request } from '../../../relay/sip/message.ts'
import { a, c, fleet, handing } from '../../support/fleet.ts'
import { Ladder, type Party } from '../../support/ladder.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  bobMobile,
  cancel,
  customerId,
  extensionIds,
  fromCallee,
  invite,
  registers,
  ringBob,
  sdp,
  within,
} from '../../support/office.ts'
import { hears } from '../../support/providers.ts'

/*
 * The relay of these ladders is r1. Relays A and C are its neighbours, as beats say.
 */

const atA: TargetAnswer['at'][number] = { id: extensionIds.bob, relay_id: 'A', q: 1 }

describe('a call for a phone which registered at another relay', () => {
  test('goes through that relay, over TLS to the certificate it has, and says whose phones are to ring', () => {
    const ladder = fleet()
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).gives('ask target')
    ladder.answer({ ask: 'target', answer: { at: [atA] } }).gives('INVITE to A')
    expect(ladder.flow('INVITE')).toEqual({
      transport: 'tls',
      address: '198.51.100.11',
      port: 5062,
      tls: { name: '198.51.100.11', verify: 'fingerprint', fingerprint: '11'.repeat(32) },
      neighbour: 'A',
    })
    const asked = ladder.lastRequest(a)
    expect(asked.header('trunkline-target')).toBe(
      `extension;id=${extensionIds.bob};customer=${customerId};ring=30;secure=allowed`,
    )
    ladder.when(a, answers(asked, a, 180)).gives('180 to Alice')
    ladder.when(a, answers(asked, a, 200, { body: sdp('198.51.100.11') })).gives('ACK to A', '200 to Alice')
    expect(ladder.record).toMatchObject({
      status: 'progressing',
      attempts: [{ address: '198.51.100.11:5062' }],
    })
  })

  test('rings beside phones which registered here; those wait for no answer of the edge’s', () => {
    const ladder = fleet()
    registers(ladder, bob, 'bob')
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).gives('INVITE to Bob', 'ask target')
    ladder.answer({ ask: 'target', answer: { at: [atA, { ...atA, relay_id: 'r1' }] } }).gives('INVITE to A')
    ladder
      .when(a, answers(ladder.lastRequest(a), a, 200, { body: sdp('198.51.100.11') }))
      .gives('ACK to A', '200 to Alice')
      .when(bob, answers(ladder.lastRequest(bob), bob, 180))
      .gives('CANCEL to Bob')
  })

  test('asks the edge nothing where there is no other relay', () => {
    const ladder = new Ladder([alice, bob, a])
    registers(ladder, bob, 'bob')
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).gives('INVITE to Bob')
  })

  test('asks an edge which is away only where there is no phone here: the others ring without a word of it', () => {
    const ladder = fleet()
    registers(ladder, bob, 'bob')
    ladder.hear({ type: 'unbeaten', why: 'it answers 500', away: true })
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).gives('INVITE to Bob')
    hears(ladder, { neighbours: [a.says, c.says] })
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).gives('INVITE to Bob', 'ask target')
  })

  test('follows a phone which moved: who has it no longer says so, and the edge is asked once more', () => {
    const ladder = fleet()
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).gives('ask target')
    ladder.answer({ ask: 'target', answer: { at: [atA] } }).gives('INVITE to A')
    ladder.when(a, answers(ladder.lastRequest(a), a, 430)).gives('ACK to A', 'ask target')
    ladder.answer({ ask: 'target', answer: { at: [{ ...atA, relay_id: 'C' }] } }).gives('INVITE to C')
    ladder.when(c, answers(ladder.lastRequest(c), c, 430)).gives('ACK to C', '480 to Alice')
    expect(ladder.record.reject_reason).toBe('NOT_REGISTERED')
  })

  test('goes by what was heard before while the edge is asked anew', () => {
    const ladder = fleet()
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).gives('ask target')
    ladder.answer({ ask: 'target', answer: { at: [atA] } }).gives('INVITE to A')
    ladder.when(a, answers(ladder.lastRequest(a), a, 486)).gives('ACK to A', '486 to Alice')
    ladder.when(alice, ack(ladder.lastRequest(a), ladder.lastResponse(alice))).whatever()
    ladder.after(60_000).whatever()
    hears(ladder, { neighbours: [a.says, c.says] })
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).gives('INVITE to A', 'ask target')
    ladder.when(a, answers(ladder.lastRequest(a), a, 180)).gives('180 to Alice')
    // At A it may ring still, and shall not at both.
    ladder
      .answer({ ask: 'target', answer: { at: [{ ...atA, relay_id: 'C' }] } })
      .gives('CANCEL to A', 'INVITE to C')
    ladder.when(c, answers(ladder.lastRequest(c), c, 486)).gives('ACK to C', '486 to Alice')
  })

  test('says which relay has the phone and cannot be reached, and why', () => {
    const ladder = fleet()
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).gives('ask target')
    ladder.answer({ ask: 'target', answer: { at: [atA] } }).gives('INVITE to A')
    ladder.hear({ type: 'unsent', flow: flowOf(ladder), why: 'connection refused' }).gives('ask target')
    ladder.noAnswer('target').gives('480 to Alice')
    expect(ladder.record).toMatchObject({
      reject_reason: 'REGISTERED_ELSEWHERE',
      reject_message:
        'The phone of extension bob is registered at relay A, which cannot be reached at 198.51.100.11:5062 over tls: connection refused.',
    })
  })

  test('gives a relay which says nothing up after three seconds', () => {
    const ladder = fleet()
    aliceDials(ladder, 'bob')
    ladder
      .decide(ringBob())
      .whatever()
      .answer({ ask: 'target', answer: { at: [atA] } })
      .gives('INVITE to A')
    ladder.after(2_999).quiet().after(1).gives('ask target')
    ladder.answer({ ask: 'target', answer: { at: [{ ...atA, relay_id: 'C' }] } }).gives('INVITE to C')
  })

  test('is not sent to a relay which is dead, whatever is remembered of its phones', () => {
    const ladder = fleet()
    hears(ladder, { neighbours: [c.says] })
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).gives('ask target')
    ladder.answer({ ask: 'target', answer: { at: [atA] } }).gives('480 to Alice')
    expect(ladder.record.reject_message).toBe(
      'The phone of extension bob is registered at relay A, which this relay does not know as one that lives.',
    )
  })

  test('is not registered as far as is known where the edge does not say', () => {
    const ladder = fleet()
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).gives('ask target').noAnswer('target').gives('480 to Alice')
    expect(ladder.record.reject_reason).toBe('NOT_REGISTERED')
  })

  test('may be taken back while the edge is asked', () => {
    const ladder = fleet()
    const dialled = aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).gives('ask target')
    ladder.when(alice, cancel(dialled)).gives('200 to Alice', '487 to Alice')
    ladder.answer({ ask: 'target', answer: { at: [atA] } }).quiet()
  })
})

describe('a call which another relay hands on', () => {
  test('rings the phones of its extension here, as that relay wrote it, without a record', () => {
    const { ladder, handed } = handedOn()
    const rung = ladder.lastRequest(bob)
    expect(rung.header('from')).toMatch(/^"Alice" <sip:alice@/)
    expect(rung.header('alert-info')).toBe('<urn:alert:source:internal>')
    expect(rung.header('trunkline-target')).toBeUndefined()
    expect(rung.maxForwards).toBe(handed.maxForwards - 1)
    ladder.when(bob, answers(rung, bob, 180)).gives('180 to A')
    ladder.when(bob, answers(rung, bob, 200, { body: sdp('192.0.2.20') })).gives('ACK to Bob', '200 to A')
    const answered = ladder.lastResponse(a)
    ladder.when(a, ack(handed, answered)).quiet()
    ladder.when(a, within(handed, answered, a, 'INFO', 3)).gives('INFO to Bob')
    ladder.when(bob, answers(ladder.lastRequest(bob, 'INFO'), bob, 200)).gives('200 to A')
    ladder.when(bob, fromCallee(rung, answers(rung, bob, 200), bob, 'BYE', 7)).gives('200 to Bob', 'BYE to A')
    expect(ladder.flow('BYE')).toMatchObject({ neighbour: 'A' })
    expect(ladder.tells).toEqual([])
    expect(ladder.engine.load.counted).toBe(0)
  })

  test.each([
    ['INVITE', ['ACK to Bob', '200 to A'], ['ACK to A', '200 to Bob']],
    ['UPDATE', ['200 to A'], ['200 to Bob']],
  ] as const)('is changed by either side, as by %s, which passes', (method, byA, byBob) => {
    const { ladder, handed } = handedOn()
    const rung = ladder.lastRequest(bob)
    const allow: Header = ['allow', 'INVITE, ACK, BYE, PRACK, UPDATE']
    const answer = answers(rung, bob, 200, { body: sdp('192.0.2.20'), headers: [allow] })
    ladder.when(bob, answer).gives('ACK to Bob', '200 to A')
    const answered = ladder.lastResponse(a)
    ladder.when(a, ack(handed, answered)).quiet()
    const hold = { body: sdp('198.51.100.11', 4000, 'a=sendonly'), headers: [allow] }
    ladder.when(a, within(handed, answered, a, method, 3, hold)).gives(`${method} to Bob`)
    const asked = ladder.lastRequest(bob, method)
    expect(new TextDecoder().decode(asked.body)).toContain('a=sendonly')
    const held = sdp('192.0.2.20', 4000, 'a=recvonly')
    ladder.when(bob, answers(asked, bob, 200, { body: held, tag: '' })).gives(...byA)
    expect(new TextDecoder().decode(ladder.lastResponse(a).body)).toContain('a=recvonly')
    if (method === 'INVITE') ladder.when(a, within(handed, answered, a, 'ACK', 3)).quiet()
    ladder.when(bob, fromCallee(rung, answer, bob, method, 7, { body: sdp('192.0.2.20') }))
    ladder.gives(`${method} to A`)
    const back = answers(ladder.lastRequest(a, method), a, 200, { body: sdp('198.51.100.11'), tag: '' })
    ladder.when(a, back).gives(...byBob)
  })

  test('is acknowledged before its answer on each side by itself (PRACK)', () => {
    const ladder = fleet()
    registers(ladder, bob, 'bob')
    const handed = handing(undefined, [['supported', '100rel']])
    ladder.when(a, handed).gives('100 to A', 'INVITE to Bob')
    const headers: Header[] = [
      ['require', '100rel'],
      ['rseq', '1'],
    ]
    const said = answers(ladder.lastRequest(bob), bob, 183, { body: sdp('192.0.2.20'), headers })
    ladder.when(bob, said).gives('PRACK to Bob', '180 to A')
    const told = ladder.lastResponse(a)
    expect(told.header('require')).toContain('100rel')
    const rack: Header[] = [['rack', `${told.header('rseq')} ${told.header('cseq')}`]]
    ladder.when(a, within(handed, told, a, 'PRACK', 3, { headers: rack })).gives('200 to A')
  })

  test('is taken back as any', () => {
    const { ladder, handed } = handedOn()
    ladder.when(bob, answers(ladder.lastRequest(bob), bob, 180)).gives('180 to A')
    ladder.when(a, cancel(handed)).gives('200 to A', 'CANCEL to Bob', '487 to A')
  })

  test('asks its caller’s relay for a transfer, which is that one’s to make', () => {
    const { ladder, handed } = handedOn()
    const rung = ladder.lastRequest(bob)
    ladder.when(bob, answers(rung, bob, 200, { body: sdp('192.0.2.20') })).whatever()
    ladder.when(a, ack(handed, ladder.lastResponse(a))).whatever()
    const refer = fromCallee(rung, answers(rung, bob, 200), bob, 'REFER', 7, {
      headers: [
        ['refer-to', '<sip:carol@example.com>'],
        ['contact', '<sip:bob@192.0.2.20:5064>'],
      ],
    })
    ladder.when(bob, refer).gives('REFER to A')
    expect(ladder.lastRequest(a, 'REFER').header('refer-to')).toBe('<sip:carol@example.com>')
  })

  test('is told where a phone sends its calls on, and follows none of it', () => {
    const { ladder } = handedOn()
    const elsewhere = answers(ladder.lastRequest(bob), bob, 302, {
      headers: [['contact', '<sip:carol@example.com>']],
    })
    ladder.when(bob, elsewhere).gives('ACK to Bob', '302 to A')
    expect(ladder.lastResponse(a).header('contact')).toBe('<sip:carol@example.com>')
  })

  test('rings all its phones, and belongs to the first which answers', () => {
    const { ladder } = handedOn([bobMobile])
    ladder
      .when(bob, answers(ladder.lastRequest(bob), bob, 200, { body: sdp('192.0.2.20') }))
      .gives('ACK to Bob', '200 to A')
      .when(bobMobile, answers(ladder.lastRequest(bobMobile), bobMobile, 180))
      .gives("CANCEL to Bob's mobile")
  })

  test('is 430 where its phone is no longer, and handed to no third relay', () => {
    const ladder = fleet()
    ladder.when(a, handing()).gives('430 to A')
  })

  test('rings while this relay drains, when it takes no calls of its own', () => {
    const ladder = fleet()
    registers(ladder, bob, 'bob')
    ladder.hear({ type: 'drain' }).whatever()
    ladder.when(alice, invite(alice, 'bob')).gives('503 to Alice')
    ladder.when(a, handing()).gives('100 to A', 'INVITE to Bob')
  })

  test('leaves this relay’s phones half a minute while it drains, so that they look for another', () => {
    const ladder = fleet()
    registers(ladder, bob, 'bob')
    expect(ladder.lastResponse(bob).header('contact')).toContain(';expires=3600')
    ladder.hear({ type: 'drain' }).whatever()
    registers(ladder, bob, 'bob')
    expect(ladder.lastResponse(bob).header('contact')).toMatch(/;expires=30$/)
  })

  test('is believed of living relays alone', () => {
    const ladder = fleet()
    registers(ladder, bob, 'bob')
    hears(ladder, { neighbours: [c.says] })
    ladder.when(a, handing()).gives('close A')
    // The same words from a stranger's connection are a call like any other.
    const stranger = { name: 'A', flow: { ...a.flow, transport: 'tcp' as const, connection: 9 } }
    delete (stranger.flow as { neighbour?: string }).neighbour
    ladder.when(stranger, handing()).gives('407 to 198.51.100.11:5062')
  })

  test.each(['off', 'allowed', 'required'])(
    'rings however their sound is to be encrypted: secure=%s',
    (secure) => {
      const phone: Party = { ...bob, flow: { ...bob.flow, transport: 'tls' } }
      const ladder = fleet({}, phone)
      registers(ladder, phone, 'bob')
      ladder.when(
        a,
        handing(`extension;id=${extensionIds.bob};customer=${customerId};ring=30;secure=${secure}`),
      )
      ladder.gives('100 to A', 'INVITE to Bob')
      const offered = new TextDecoder().decode(ladder.lastRequest(phone).body)
      expect(offered.includes('RTP/SAVP')).toBe(secure === 'required')
    },
  )

  test('is refused where it does not say whose phones it means', () => {
    const ladder = fleet()
    registers(ladder, bob, 'bob')
    const forever = `extension;id=${extensionIds.bob};customer=${customerId};ring=601;secure=allowed`
    for (const target of ['', 'extension;id=1', `provider;id=${extensionIds.bob}`, forever])
      ladder.when(a, handing(target)).gives('400 to A')
  })

  test('tells no other customer’s phones apart from none', () => {
    const ladder = fleet()
    registers(ladder, bob, 'bob')
    const foreign = `extension;id=${extensionIds.bob};customer=${extensionIds.alice};ring=30;secure=allowed`
    ladder.when(a, handing(foreign)).gives('430 to A')
  })

  test('cannot be hung up by who knows its tags and comes another way', () => {
    const { ladder, handed } = handedOn()
    ladder.when(bob, answers(ladder.lastRequest(bob), bob, 200, { body: sdp('192.0.2.20') })).whatever()
    const answered = ladder.lastResponse(a)
    ladder.when(a, ack(handed, answered)).quiet()
    const forged: Party = {
      name: 'A',
      flow: { transport: 'udp', address: a.flow.address, port: portNumber(5060) },
    }
    ladder.when(forged, within(handed, answered, forged, 'BYE', 3)).gives('481 to 198.51.100.11:5060')
  })
})

function handedOn(more: Party[] = []): { ladder: Ladder; handed: Request } {
  const ladder = fleet()
  for (const phone of [bob, ...more]) registers(ladder, phone, 'bob')
  const handed = handing()
  ladder.when(a, handed).gives('100 to A', 'INVITE to Bob', ...more.map(({ name }) => `INVITE to ${name}`))
  return { ladder, handed }
}

function flowOf(ladder: Ladder): Flow {
  const flow = ladder.flow('INVITE')
  if (!flow) throw new Error('no INVITE was sent')
  return flow
}
