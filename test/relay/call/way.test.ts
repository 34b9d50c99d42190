import { describe, expect, test } from 'vitest'
import { type Header, type Message, request, response } from '../../../relay/sip/message.ts'
import { party } from '../../support/ladder.ts'
import {
  ack,
  alice,
  answers,
  bob,
  fromCallee,
  invite,
  office,
  registers,
  ringBob,
  scanner,
  sdp,
  telnyx,
  within,
} from '../../support/office.ts'
import { type Answered, calling, leavesNothingBehind, reply200, talking, watch } from '../../support/scene.ts'

leavesNothingBehind()

const proxy = party('203.0.113.50:5060', '203.0.113.50')
const core = party('203.0.113.77:5080', '203.0.113.77', 5080)

describe('the way to a provider (RFC 3261 §12)', () => {
  test('leads through its proxies in reverse order, for ACK, re-INVITE and BYE', () => {
    const { ladder, invited, answer } = through(['<sip:203.0.113.60;lr>', '<sip:203.0.113.50;lr>'])
    const routes = ['<sip:203.0.113.50;lr>', '<sip:203.0.113.60;lr>']
    const acked = ladder.lastRequest(proxy, 'ACK')
    expect(acked.requestUri).toBe('sip:core@203.0.113.77:5080')
    expect(acked.all('route')).toEqual(routes)
    const hold = within(invited, answer, alice, 'INVITE', 3, { body: sdp('192.0.2.10') })
    ladder.when(alice, hold).gives(`INVITE to ${proxy.name}`)
    expect(ladder.lastRequest(proxy, 'INVITE').all('route')).toEqual(routes)
    ladder.when(proxy, answers(ladder.lastRequest(proxy, 'INVITE'), proxy, 488, { tag: '' })).whatever()
    expect(ladder.lastRequest(proxy, 'ACK').all('route')).toEqual(routes)
    ladder.when(alice, within(invited, answer, alice, 'BYE', 4)).gives('200 to Alice', `BYE to ${proxy.name}`)
    expect(ladder.lastRequest(proxy, 'BYE').all('route')).toEqual(routes)
    ladder.when(proxy, reply200(ladder, proxy, 'BYE')).gives()
  })

  test('through a strict router puts it into the Request-URI and the target last (§12.2.1.1)', () => {
    const { ladder } = through(['<sip:203.0.113.60;lr>', '<sip:203.0.113.50>'])
    const acked = ladder.lastRequest(proxy, 'ACK')
    expect(acked.requestUri).toBe('sip:203.0.113.50')
    expect(acked.all('route')).toEqual(['<sip:203.0.113.60;lr>', '<sip:core@203.0.113.77:5080>'])
  })

  test('leads to the Contact it answered with, and requests from there are its own', () => {
    const { ladder, sent, accepted } = through([])
    expect(ladder.lastRequest(core, 'ACK').requestUri).toBe('sip:core@203.0.113.77:5080')
    ladder.when(core, fromCallee(sent, accepted, core, 'BYE', 1)).gives(`200 to ${core.name}`, 'BYE to Alice')
  })

  test('does not lead to a name or a private address in its Contact: no lottery inside a call', () => {
    for (const contact of ['<sip:core.telnyx.test>', '<sip:core@10.1.2.3>', '<sip:core@127.0.0.1>']) {
      const { ladder, sent } = calling()
      ladder.when(telnyx, at(contact, answers(sent, telnyx, 200, { body: sdp('203.0.113.1') })))
      ladder.gives('ACK to Telnyx', '200 to Alice')
    }
  })

  test('changes with the Contact of a re-INVITE it accepts, not with one it refuses (§12.2)', () => {
    const { ladder, invited, answer } = talking()
    const ask = (cseq: number) =>
      ladder.when(alice, within(invited, answer, alice, 'INVITE', cseq, { body: sdp('192.0.2.10') }))
    ask(3).gives('INVITE to Telnyx')
    const refused = answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 488, {
      tag: '',
      headers: [['contact', '<sip:core@203.0.113.77:5080>']],
    })
    ladder.when(telnyx, refused).gives('ACK to Telnyx', '488 to Alice')
    ask(4).gives('INVITE to Telnyx')
    const moved = reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1'))
    ladder
      .when(telnyx, at('<sip:core@203.0.113.77:5080>', moved))
      .gives(`ACK to ${core.name}`, '200 to Alice')
  })

  test('is for a CANCEL that of its INVITE (§9.1)', () => {
    const { ladder, sent, invited } = calling()
    ladder.when(telnyx, at('<sip:core@203.0.113.77:5080>', answers(sent, telnyx, 180))).gives('180 to Alice')
    const bye = within(invited, ladder.lastResponse(alice), alice, 'BYE', 3)
    ladder.when(alice, bye).gives('200 to Alice', 'CANCEL to Telnyx', '487 to Alice')
  })
})

describe('the way to a phone', () => {
  test('follows it to another port of its NAT, and to nobody else’s address', () => {
    const { ladder, sent, accepted, invited, answer } = talking()
    const rebound = party('192.0.2.10:40000', '192.0.2.10', 40_000)
    ladder.when(scanner, within(invited, answer, scanner, 'INFO', 3)).gives('481 to the scanner')
    ladder.when(rebound, within(invited, answer, rebound, 'INFO', 4)).gives('INFO to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'INFO')).gives(`200 to ${rebound.name}`)
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 1))
    ladder.gives('200 to Telnyx', `BYE to ${rebound.name}`)
  })

  test('is the flow it signals from, whatever its Contact says', () => {
    const { ladder, sent, accepted, invited, answer } = talking()
    const body = sdp('192.0.2.10')
    const headers: Header[] = [['contact', '<sip:alice@203.0.113.200:5099>']]
    const asked = within(invited, answer, alice, 'INVITE', 3, { body })
    ladder.when(alice, { ...asked, headers: replaced(asked.headers, headers) }).whatever()
    ladder.when(telnyx, reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1'))).whatever()
    ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'BYE', 1)).gives('200 to Telnyx', 'BYE to Alice')
  })
})

describe('a provider which calls us through its proxy', () => {
  test('hears its Record-Route again, and our BYE goes back through it (RFC 3261 §12.1.1)', () => {
    const ladder = watch(office())
    registers(ladder, bob, 'bob')
    const headers: Header[] = [['record-route', '<sip:203.0.113.50;lr>, <sip:203.0.113.60;lr>']]
    const asked = invite(telnyx, 'sip:+15557654321@198.51.100.1', { domain: 'carrier.test', headers })
    ladder.when(telnyx, asked).whatever().decide(ringBob('incoming')).gives('100 to Telnyx', 'INVITE to Bob')
    const rung = ladder.lastRequest(bob, 'INVITE')
    ladder.when(bob, answers(rung, bob, 180)).gives('180 to Telnyx')
    const bobs = answers(rung, bob, 200, { body: sdp('192.0.2.20') })
    ladder.when(bob, bobs).gives('ACK to Bob', '200 to Telnyx')
    const answer = ladder.lastResponse(telnyx)
    expect(answer.all('record-route')).toEqual(['<sip:203.0.113.50;lr>', '<sip:203.0.113.60;lr>'])
    ladder.when(proxy, ack(asked, answer)).gives()
    ladder.when(scanner, within(asked, answer, scanner, 'BYE', 2)).gives('481 to the scanner')
    ladder.when(bob, fromCallee(rung, bobs, bob, 'BYE', 1)).gives('200 to Bob', `BYE to ${proxy.name}`)
    const bye = ladder.lastRequest(proxy, 'BYE')
    expect(bye.all('route')).toEqual(['<sip:203.0.113.50;lr>', '<sip:203.0.113.60;lr>'])
    expect(bye.requestUri).toBe('sip:telnyx@203.0.113.1:5060')
    ladder.when(proxy, answers(bye, proxy, 200, { tag: '' })).gives()
  })
})

describe('a Contact which cannot be reached', () => {
  const held = sdp('192.0.2.10')

  test('is not taken where it lies in another private network than its peer speaks from', () => {
    const inside = party('10.0.0.5:5060', '10.0.0.5')
    const there = (contact: string) => {
      const { ladder, sent } = calling({}, {}, inside)
      ladder.when(inside, at(contact, answers(sent, inside, 200, { body: sdp('10.0.0.5') }))).whatever()
      return ladder.flow('ACK')?.address
    }
    expect(there('<sip:core@192.168.1.7>')).toBe('10.0.0.5')
    expect(there('<sip:core@127.0.0.1>')).toBe('10.0.0.5')
    expect(there('<sip:core@10.8.7.6>')).toBe('10.8.7.6')
    expect(there('<sip:core@203.0.113.77>')).toBe('203.0.113.77')
  })

  test.for(['unsent', 'silent'] as const)(
    'has what was lost there (%s) sent the way the call came by, and all that follows',
    (how) => {
      const { ladder, invited, answer } = through([])
      ladder
        .when(alice, within(invited, answer, alice, 'INVITE', 3, { body: held }))
        .gives(`INVITE to ${core.name}`)
      if (how === 'unsent') ladder.hear({ type: 'unsent', flow: core.flow, why: 'refused' })
      else ladder.after(31_999).whatever().after(1)
      ladder.gives('INVITE to Telnyx')
      const again = ladder.lastRequest(telnyx, 'INVITE')
      expect(again.requestUri).toBe('sip:core@203.0.113.77:5080')
      ladder.when(
        telnyx,
        at('<sip:core@203.0.113.77:5080>', reply200(ladder, telnyx, 'INVITE', sdp('203.0.113.1'))),
      )
      ladder.gives('ACK to Telnyx', '200 to Alice')
      ladder.when(alice, within(invited, answer, alice, 'ACK', 3)).gives()
      ladder.when(alice, within(invited, answer, alice, 'BYE', 4)).gives('200 to Alice', 'BYE to Telnyx')
    },
  )

  test('ends the call on both sides where that way is silent, too', () => {
    const { ladder, invited, answer } = through([])
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body: held })).whatever()
    ladder.hear({ type: 'unsent', flow: core.flow, why: 'refused' }).gives('INVITE to Telnyx')
    ladder.after(31_999).whatever().after(1).gives('408 to Alice', 'BYE to Alice', 'BYE to Telnyx')
  })

  test('has its BYE sent the way the call came by', () => {
    const { ladder, invited, answer } = through([])
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', `BYE to ${core.name}`)
    ladder.hear({ type: 'unsent', flow: core.flow, why: 'refused' }).gives('BYE to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'BYE')).gives()
  })

  test('which leads to another who knows nothing of the call is none of its side’s', () => {
    const { ladder, invited, answer } = through([])
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).whatever()
    const unknown = answers(ladder.lastRequest(core, 'BYE'), core, 481, { tag: '' })
    ladder.when(core, unknown).gives('BYE to Telnyx')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'BYE'), telnyx, 481, { tag: '' })).gives()
  })

  test('has its ACK sent both ways when the 200 comes again, and is not used after the second time', () => {
    const { ladder, invited, answer, accepted } = through([])
    for (let times = 0; times < 2; times++)
      ladder.when(telnyx, accepted).gives(`ACK to ${core.name}`, 'ACK to Telnyx')
    ladder.when(alice, within(invited, answer, alice, 'INFO', 3)).gives('INFO to Telnyx')
    ladder.when(telnyx, reply200(ladder, telnyx, 'INFO')).gives('200 to Alice')
  })

  test('of a caller from the network is gone round, too: it hears what is asked, and the BYE', () => {
    const ladder = watch(office())
    registers(ladder, bob, 'bob')
    const asked = at(
      '<sip:core@203.0.113.77:5080>',
      invite(telnyx, 'sip:+15557654321@198.51.100.1', { domain: 'carrier.test' }),
    )
    ladder.when(telnyx, asked).whatever().decide(ringBob('incoming')).whatever()
    const rung = ladder.lastRequest(bob, 'INVITE')
    const bobs = answers(rung, bob, 200, { body: sdp('192.0.2.20') })
    ladder.when(bob, bobs).whatever()
    ladder.when(telnyx, ack(asked, ladder.lastResponse(telnyx))).gives()
    ladder.when(bob, fromCallee(rung, bobs, bob, 'INVITE', 1, { body: held })).gives(`INVITE to ${core.name}`)
    ladder.hear({ type: 'unsent', flow: core.flow, why: 'refused' }).gives('INVITE to Telnyx')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 488, { tag: '' }))
    ladder.gives('ACK to Telnyx', '488 to Bob')
    ladder.when(bob, fromCallee(rung, bobs, bob, 'BYE', 2)).gives('200 to Bob', 'BYE to Telnyx')
  })
})

/** Telnyx answers from its core, behind these proxies; both talk. */
function through(recordRoutes: readonly string[]): Answered {
  const scene = calling()
  const headers = recordRoutes.map((route): Header => ['record-route', route])
  const plain = answers(scene.sent, telnyx, 200, { body: sdp('203.0.113.1'), headers })
  const accepted = at('<sip:core@203.0.113.77:5080>', plain)
  scene.ladder.when(telnyx, accepted).whatever()
  const answer = scene.ladder.lastResponse(alice)
  scene.ladder.when(alice, ack(scene.invited, answer)).gives()
  return { ...scene, accepted, answer }
}

function at<M extends Message>(contact: string, message: M): M
function at(contact: string, message: Message): Message {
  const { body } = message
  const headers = replaced(message.headers, [['contact', contact]])
  return message.kind === 'request'
    ? request({ ...message, headers, body })
    : response({ ...message, headers, body })
}

function replaced(headers: readonly Header[], by: readonly Header[]): Header[] {
  const names = new Set(by.map(([name]) => name))
  return [...headers.filter(([name]) => !names.has(name)), ...by]
}
