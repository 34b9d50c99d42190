import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import type { Flow, ProxyHop } from '../../../relay/ground/flow.ts'
import { decode } from '../../../relay/sip/charset.ts'
import { parseChallenges } from '../../../relay/sip/digest.ts'
import { type Header, type Request, type Response, request } from '../../../relay/sip/message.ts'
import { reply } from '../../../relay/sip/reply.ts'
import { writeMessage } from '../../../relay/sip/write.ts'
import { Ladder, type Party, party, realm, relayAddress } from '../../support/ladder.ts'
import {
  account,
  ack,
  alice,
  aliceDials,
  bob,
  cancel,
  invite,
  office,
  prove,
  provider,
  register,
  registers,
  rejected,
  scanner,
  telnyx,
  through,
  twilio,
  within,
} from '../../support/office.ts'
import { informed } from '../../support/office-snapshots.ts'

describe('a stranger', () => {
  test('is challenged without anything being kept for him (RFC 3261 §8.2.7)', () => {
    const ladder = office()
    ladder.when(scanner, invite(scanner, '+15551234567')).gives('407 to the scanner')
    ladder.when(scanner, register(scanner, 'nobody')).gives('401 to the scanner')
    ladder.after(64_000).gives()
    expect(ladder.engine.load).toMatchObject({ transactions: 0, calls: 0 })
    expect(ladder.engine.nextDeadline()).toBeUndefined()
  })

  test('gets the same tag however often he repeats himself', () => {
    const ladder = office()
    const invited = invite(scanner, '+15551234567')
    ladder.when(scanner, invited).whatever()
    const tag = ladder.lastResponse(scanner).to.tag
    ladder.when(scanner, invited).whatever()
    expect(ladder.lastResponse(scanner).to.tag).toBe(tag)
    ladder.when(scanner, ack(invited, ladder.lastResponse(scanner))).gives()
  })

  test('costs the edge no question before he holds a nonce of ours', () => {
    const ladder = office()
    const first = register(scanner, 'alice')
    const forged = [
      'authorization',
      `Digest username="alice", realm="${realm}", nonce="made-up", uri="sip:${realm}", response="${'0'.repeat(32)}", qop=auth, nc=00000001, cnonce="x"`,
    ] as const
    const guess = request({
      method: 'REGISTER',
      requestUri: first.requestUri,
      headers: [...first.headers, forged],
    })
    ladder.when(scanner, guess).gives('401 to the scanner')
  })

  test.each([
    ['911', 407],
    ['112', 407],
    ['tel:911;phone-context=+1', 407],
    ['999', 503],
    ['+15551234567', 503],
  ])('who dials %s while no calls are taken is told %s, for help is not refused', (dialled, status) => {
    const ladder = office()
    ladder.hear({ type: 'drain' })
    ladder.whatever().when(alice, invite(alice, dialled)).gives(`${status} to Alice`)
  })

  test('is told 404 for a domain which is not ours', () => {
    const ladder = office()
    ladder.when(scanner, invite(scanner, 'sip:info@elsewhere.test')).gives('404 to the scanner')
  })

  test('who asks for a number and no domain is asked who he is by his address, a carrier is let in by it', () => {
    const ladder = office()
    const number = 'tel:+15551234567'
    const stray = invite(scanner, number, { domain: 'elsewhere.test' })
    ladder.when(scanner, stray).gives('ask route')
    ladder.decide(rejected(403, 'UNKNOWN_SOURCE', null)).gives('403 to the scanner')
    ladder.when(telnyx, invite(telnyx, number, { domain: 'elsewhere.test' })).gives('ask route')
    ladder.decide(through(provider(twilio))).gives('100 to Telnyx', 'ask locate')
  })

  test('who asks for a number under a name of ours proves it, whatever domain the number is in', () => {
    office().when(scanner, invite(scanner, 'tel:+15551234567')).gives('407 to the scanner')
  })

  test('hears nothing at all about a foreign domain where the house is silent', () => {
    const ladder = office({ unknownSource: 'silent' })
    ladder.when(scanner, invite(scanner, 'sip:info@elsewhere.test', { domain: 'elsewhere.test' })).gives()
  })

  test('cannot use MESSAGE, SUBSCRIBE or a method nobody knows', () => {
    const ladder = office()
    for (const [method, status] of [
      ['MESSAGE', 405],
      ['SUBSCRIBE', 489],
      ['PUBLISH', 405],
      ['NEWMETHOD', 501],
    ] as const) {
      const from = invite(scanner, 'bob', { body: new Uint8Array(0) })
      const headers = from.headers.map(
        ([name, value]) => [name, name === 'cseq' ? `1 ${method}` : value] as const,
      )
      ladder
        .when(scanner, request({ method, requestUri: from.requestUri, headers }))
        .gives(`${status} to the scanner`)
    }
  })

  test('who names a dialog we do not have is told 481, but never about an ACK', () => {
    const ladder = office()
    const invited = invite(scanner, 'bob')
    ladder.when(scanner, invited).whatever()
    const answer = ladder.lastResponse(scanner)
    ladder.when(scanner, within(invited, answer, scanner, 'BYE', 2)).gives('481 to the scanner')
    ladder.when(scanner, within(invited, answer, scanner, 'ACK', 2)).gives()
  })
})

describe('a phone', () => {
  test('registers with the right password', () => {
    const ladder = office()
    const first = register(alice, 'alice')
    ladder.when(alice, first).gives('401 to Alice')
    ladder.when(alice, prove(first, ladder.lastResponse(alice), 'alice')).gives('ask credential')
    ladder.credential(account('alice')).gives('tell registered', '200 to Alice')
    expect(ladder.lastResponse(alice).header('contact')).toContain('expires=3600')
  })

  test('subscribes to its mailbox as it registers: it is told, and rung by no call of its own', () => {
    const ladder = office()
    registers(ladder, alice, 'alice')
    const { requestUri, headers } = register(alice, 'alice')
    const subscription = request({
      method: 'SUBSCRIBE',
      requestUri,
      headers: [
        ...headers.map(([name, value]): Header => [name, name === 'cseq' ? '1 SUBSCRIBE' : value]),
        ['event', 'message-summary'],
      ],
    })
    ladder.when(alice, subscription).gives('401 to Alice')
    const proved = prove(subscription, ladder.lastResponse(alice), 'alice')
    ladder.when(alice, proved).gives('200 to Alice', 'NOTIFY to Alice')
    expect(ladder.engine.load.calls).toBe(0)
  })

  test('with a wrong password is treated like one nobody knows', () => {
    const ladder = office()
    const known = register(alice, 'alice')
    ladder.when(alice, known).whatever()
    ladder.when(alice, prove(known, ladder.lastResponse(alice), 'alice', 'guess')).gives('ask credential')
    ladder.credential(account('alice')).gives('401 to Alice')
    const unknown = register(bob, 'nobody')
    ladder.when(bob, unknown).whatever()
    ladder.when(bob, prove(unknown, ladder.lastResponse(bob), 'nobody', 'guess')).gives('ask credential')
    ladder.credential({ kind: 'unknown', ttl: 5 }).gives('401 to Bob')
    const names = (to: typeof alice) => ladder.lastResponse(to).headers.map(([name]) => name)
    expect(names(alice)).toEqual(names(bob))
  })

  test('whose password was changed is asked about again before it is refused', () => {
    const ladder = office()
    const first = register(alice, 'alice')
    ladder.when(alice, first).whatever()
    ladder
      .when(alice, prove(first, ladder.lastResponse(alice), 'alice'))
      .whatever()
      .credential(account('alice'))
      .whatever()
    ladder.after(10_000)
    const second = register(alice, 'alice')
    ladder.when(alice, second).whatever()
    ladder
      .when(alice, prove(second, ladder.lastResponse(alice), 'alice', 'the new one'))
      .gives('ask credential')
  })

  test('is asked about once while the edge thinks, however often it repeats itself', () => {
    const ladder = office()
    const first = register(alice, 'alice')
    ladder.when(alice, first).whatever()
    const proved = prove(first, ladder.lastResponse(alice), 'alice')
    ladder.when(alice, proved).gives('ask credential')
    ladder.when(alice, proved).gives()
    ladder.credential(account('alice')).gives('tell registered', '200 to Alice')
  })

  test('gets 503 with Retry-After when the edge does not answer', () => {
    const ladder = office()
    const first = register(alice, 'alice')
    ladder.when(alice, first).whatever()
    ladder.when(alice, prove(first, ladder.lastResponse(alice), 'alice')).gives('ask credential')
    ladder.noAnswer('credential').gives('503 to Alice')
    expect(Number(ladder.lastResponse(alice).header('retry-after'))).toBeGreaterThan(0)
  })

  test('gets 503 for its call when the edge does not answer', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567')
    ladder.noAnswer('route').gives('503 to Alice')
    expect(Number(ladder.lastResponse(alice).header('retry-after'))).toBeGreaterThan(0)
  })

  test('may leave its call to nobody but its own customer: the edge is told who proved himself', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567')
    expect(ladder.questions[0]?.question).toMatchObject({
      question: {
        caller: { kind: 'extension', extension_id: expect.any(String) },
        to: { user: '+15551234567', host: realm },
      },
    })
  })
})

describe('while the edge is away, a phone', () => {
  test('registers again with what the edge said last, for a day', () => {
    const ladder = office()
    registers(ladder, alice, 'alice')
    ladder.after(23 * hours)
    refreshes(ladder, 'correct horse battery').gives('ask credential')
    ladder.noAnswer('credential').gives('tell registered', '200 to Alice')
    ladder.after(90_000_000).whatever()
    refreshes(ladder, 'correct horse battery').gives('ask credential')
    ladder.noAnswer('credential').gives('503 to Alice')
  })

  test('with another password than the last one is told to come back, as one nobody heard of', () => {
    const ladder = office()
    registers(ladder, alice, 'alice')
    ladder.after(10 * 60_000)
    refreshes(ladder, 'changed meanwhile').gives('ask credential')
    ladder.noAnswer('credential').gives('503 to Alice')
  })
})

describe('who guesses passwords', () => {
  test('is shut out after five, is told nothing of it, and we are', () => {
    const ladder = office()
    guess(ladder, scanner, 5)
    expect(ladder.notes.filter(({ event }) => event === 'auth.blocked')).toMatchObject([
      { level: 'warn', fields: { account: `alice@${realm}`, from: scanner.flow.address, seconds: 60 } },
    ])
    const before = shape(ladder.lastResponse(scanner))
    // Even the right one is not looked at.
    refreshes(ladder, 'correct horse battery', scanner).gives('401 to the scanner')
    expect(shape(ladder.lastResponse(scanner))).toEqual(before)
    ladder.after(61_000)
    refreshes(ladder, 'correct horse battery', scanner).gives('ask credential')
  })

  test('does not lock the phone out which has the password', () => {
    const ladder = office()
    guess(ladder, scanner, 5)
    refreshes(ladder, 'correct horse battery').gives('tell registered', '200 to Alice')
  })

  test('beside a registered phone, behind the same address, does not lock it out', () => {
    const thief = party('the thief', alice.flow.address, 40_000)
    const ladder = new Ladder([alice, thief])
    registers(ladder, alice, 'alice')
    ladder.after(3_000)
    guess(ladder, thief, 5)
    refreshes(ladder, 'correct horse battery').gives('tell refreshed', '200 to Alice')
  })

  test('and invents names is asked about thirty times, then once every three seconds, and is blocked', () => {
    const ladder = office()
    let asked = 0
    for (let name = 0; name < 300; name++) {
      const first = register(scanner, `x${name}`)
      ladder.when(scanner, first).whatever()
      if (ladder.lastResponse(scanner).status === 503) continue
      ladder.when(scanner, prove(first, ladder.lastResponse(scanner), `x${name}`, 'guess')).whatever()
      asked += ladder.questions.length
      if (ladder.questions.length > 0)
        ladder.credential({ kind: 'unknown', ttl: 5 }).gives('401 to the scanner')
    }
    expect(asked).toBe(31)
    // A phone which came too late is told to come again, not that its password is wrong.
    expect(ladder.lastResponse(scanner).status).toBe(503)
    expect(ladder.lastResponse(scanner).header('retry-after')).toBe('600')
  })

  test('from ever new addresses of one IPv6 network is shut out of all of them', () => {
    const guessers = Array.from({ length: 6 }, (_, at) => party(`guesser ${at}`, `2001:db8:6:6::${at + 1}`))
    const ladder = new Ladder(guessers)
    for (const guesser of guessers) guess(ladder, guesser, 1)
    expect(ladder.notes.filter(({ event }) => event === 'auth.blocked')).toHaveLength(1)
  })

  test('and makes them very long is not asked about at all', () => {
    const ladder = office()
    const first = register(scanner, 'alice')
    ladder.when(scanner, first).whatever()
    ladder
      .when(scanner, prove(first, ladder.lastResponse(scanner), 'x'.repeat(4000), 'guess'))
      .gives('401 to the scanner')
  })

  test('with a nonce which was sent to somebody else gets no further', () => {
    const ladder = office()
    const first = register(alice, 'alice')
    ladder.when(alice, first).whatever()
    ladder
      .when(scanner, prove(first, ladder.lastResponse(alice), 'alice', 'guess'))
      .gives('401 to the scanner')
  })
})

describe('a flood', () => {
  test('of calls from forged addresses asks the edge fifty questions, and a known carrier still calls', () => {
    const ladder = office()
    ladder.when(telnyx, rings(telnyx)).gives('ask route')
    ladder.decide(rejected(404, 'NUMBER_NOT_FOUND')).gives('100 to Telnyx', '404 to Telnyx')
    ladder.when(telnyx, ack(rings(telnyx), ladder.lastResponse(telnyx))).whatever()
    for (let at = 0; at < 1000; at++) {
      const forged = party('nobody', `10.1.${at >> 8}.${at & 255}`)
      ladder.when(forged, rings(forged)).whatever()
    }
    // Of four networks ten each; the carrier's own was the first of them all.
    expect(ladder.questions).toHaveLength(40)
    ladder.when(telnyx, rings(telnyx)).gives('ask route')
  })

  test('of calls from one address the edge does not know is noted once and answered without asking', () => {
    const ladder = office()
    ladder.when(scanner, rings(scanner)).gives('ask route')
    ladder.when(scanner, rings(scanner)).gives()
    ladder.decide(rejected(403, 'UNKNOWN_SOURCE', null)).gives('403 to the scanner')
    for (let at = 0; at < 100; at++) ladder.when(scanner, rings(scanner)).gives('403 to the scanner')
    expect(ladder.notes.filter(({ event }) => event === 'call.unknown_source')).toHaveLength(1)
  })

  test('of registrations leaves room for the questions of calls', () => {
    const phones = Array.from({ length: 300 }, (_, at) => party(`phone ${at}`, `10.1.${at >> 8}.${at & 255}`))
    const ladder = new Ladder([alice, ...phones])
    registers(ladder, alice, 'alice')
    for (const [at, phone] of phones.entries()) {
      const first = register(phone, `x${at}`)
      ladder.when(phone, first).whatever()
      ladder.when(phone, prove(first, ladder.lastResponse(phone), `x${at}`)).whatever()
    }
    expect(ladder.questions).toHaveLength(200)
    expect(ladder.lastResponse(party('phone 299', '')).status).toBe(503)
    const asked = ladder.questions.splice(0)
    aliceDials(ladder, '+15551234567')
    expect(asked.every(({ question }) => question.ask === 'credential')).toBe(true)
    // Phones we knew lately are not kept waiting by it either.
    ladder.whatever().after(10 * 60_000)
    refreshes(ladder, 'correct horse battery').gives('tell refreshed', '200 to Alice')
  })
})

describe('a connection', () => {
  const over = (name: string, connection: number): Party => ({
    name,
    flow: { transport: 'tcp', address: '192.0.2.30', port: portNumber(40_000 + connection), connection },
  })

  test('is needed while a phone is registered over it, and no longer', () => {
    const phone = over('Alice', 1)
    const ladder = new Ladder([phone])
    registers(ladder, phone, 'alice')
    expect([
      ladder.engine.rooms.knownFlows.needs(phone.flow),
      ladder.engine.rooms.knownFlows.needs(over('nobody', 2).flow),
    ]).toEqual([true, false])
    ladder.after(2 * hours).whatever()
    expect(ladder.engine.rooms.knownFlows.needs(phone.flow)).toBe(false)
  })

  test('is known once somebody proved over it who it is, until it is gone; and from a carrier’s address', () => {
    const pbx = over('Alice', 1)
    const ladder = informed(undefined, new Ladder([pbx]))
    const first = invite(pbx, '+15551234567', { user: 'alice' })
    ladder.when(pbx, first).whatever()
    expect(ladder.engine.rooms.knownFlows.knows(pbx.flow)).toBe(false)
    ladder.when(pbx, prove(first, ladder.lastResponse(pbx), 'alice')).whatever()
    expect(ladder.engine.rooms.knownFlows.knows(pbx.flow)).toBe(true)
    expect(ladder.engine.rooms.knownFlows.knows(over('beside', 2).flow)).toBe(false)
    ladder.hear({ type: 'closed', flow: pbx.flow })
    expect(ladder.engine.rooms.knownFlows.knows(pbx.flow)).toBe(false)
    const carrier: Flow = { ...telnyx.flow, transport: 'tcp', connection: 3 }
    expect(ladder.engine.rooms.knownFlows.knows(carrier)).toBe(true)
  })

  test('is needed while a call is signalled over it', () => {
    const phone = over('Alice', 1)
    const ladder = new Ladder([phone, over('Bob', 2)])
    const first = invite(phone, '+15551234567', { user: 'alice' })
    ladder.when(phone, first).whatever()
    ladder.when(phone, prove(first, ladder.lastResponse(phone), 'alice')).whatever()
    ladder.credential(account('alice')).gives('100 to Alice', 'ask route')
    expect([
      ladder.engine.rooms.knownFlows.needs(phone.flow),
      ladder.engine.rooms.knownFlows.needs(over('Bob', 2).flow),
    ]).toEqual([true, false])
  })
})

test('whose right answer came before is told that only its nonce is used up (RFC 7616 §3.3)', () => {
  const ladder = office()
  const first = register(alice, 'alice')
  ladder.when(alice, first).whatever()
  const second = prove(first, ladder.lastResponse(alice), 'alice')
  ladder.when(alice, second).gives('ask credential').credential(account('alice')).whatever()
  const again = second.headers.map(([name, value]): Header => {
    if (name === 'via') return [name, value.replace(/branch=[^;]+/, 'branch=z9hG4bKagain')]
    return [name, name === 'cseq' ? '9 REGISTER' : value]
  })
  ladder.when(alice, request({ ...second, headers: again })).gives('401 to Alice')
  expect(parseChallenges(ladder.lastResponse(alice).header('www-authenticate') ?? '')).toMatchObject([
    { stale: true },
  ])
})

describe('somebody who is asked about', () => {
  test('may cancel: his INVITE is answered too (RFC 3261 §9.2)', () => {
    const ladder = office()
    const first = invite(alice, 'bob')
    ladder.when(alice, first).whatever()
    const second = prove(first, ladder.lastResponse(alice), 'alice')
    ladder.when(alice, second).gives('ask credential')
    ladder.when(alice, cancel(second)).gives('200 to Alice')
    ladder.credential(account('alice')).gives('487 to Alice')
  })

  test('is cancelled by nobody else', () => {
    const ladder = office()
    const first = invite(alice, 'bob')
    ladder.when(alice, first).whatever()
    const second = prove(first, ladder.lastResponse(alice), 'alice')
    ladder.when(alice, second).gives('ask credential')
    ladder.when(scanner, cancel(second)).gives('481 to the scanner')
    ladder.credential(account('alice')).gives('100 to Alice', 'ask route')
  })
})

describe('a REGISTER for a domain which is not ours', () => {
  test('is not found, or challenged where it is ours and no customer’s; met with silence where the house is silent', () => {
    for (const host of ['elsewhere.test', relayAddress, 'trunkline.test']) {
      const open = office()
      const status = host === 'elsewhere.test' ? 404 : 401
      open.when(scanner, registerAt(host)).gives(`${status} to the scanner`)
      const silent = office({ unknownSource: 'silent' })
      silent.when(scanner, registerAt(host)).gives()
    }
  })
})

describe('a request of which a proxy of ours does not say where it came from', () => {
  test.each([
    ['OPTIONS', options(), [400]],
    ['REGISTER', register(scanner, 'alice'), [400]],
    ['INVITE', invite(scanner, '+15551234567'), [400]],
    ['ACK', ack(invite(scanner, '+15551234567'), reply(invite(scanner, '1'), 200, { toTag: 't' })), []],
  ] as const)('is let in nowhere: %s', (_, asked, statuses) => {
    expect(answersTo(office(), asked, 'unknown')).toEqual(statuses)
  })
})

describe('OPTIONS', () => {
  test('are answered with what we can do', () => {
    const ladder = office()
    ladder.when(scanner, options()).gives('200 to the scanner')
    expect(ladder.lastResponse(scanner).header('allow')).toContain('INVITE')
  })

  test.each([
    ['some times only, for the sender may be forged', undefined, 200],
    ['some times only where they came through a proxy of ours', 'another', 200],
    ['all where they are a proxy’s own, for it would take us for dead', 'itself', 1000],
  ] as const)('in a flood are answered %s', (_, from, times) => {
    const ladder = office()
    expect(Array.from({ length: 1000 }, () => answersTo(ladder, options(), from)).flat()).toHaveLength(times)
  })

  test('of strangers leave a proxy’s own answered, though the proxy did not say whose they were', () => {
    const ladder = office()
    for (let at = 0; at < 1000; at++) answersTo(ladder, options(), 'unknown')
    expect(answersTo(ladder, options(), 'itself')).toEqual([200])
  })

  test('are 503 while we drain, so that load goes elsewhere', () => {
    const ladder = office()
    ladder.hear({ type: 'drain' }).gives('beat')
    ladder.when(scanner, options()).gives('503 to the scanner')
  })
})

describe('draining', () => {
  test('takes no new call and lets the old ones end by themselves', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567')
    ladder
      .decide(through(provider(telnyx)))
      .whatever()
      .locate(telnyx)
      .whatever()
    ladder.hear({ type: 'drain' }).gives('beat')
    ladder.when(bob, invite(bob, '+15551234567')).gives('503 to Bob')
    expect(ladder.engine.load.calls).toBe(1)
    ladder.when(bob, register(bob, 'bob')).gives('401 to Bob')
    ladder.hear({ type: 'stop' }).gives('503 to Alice')
  })

  test('says when to come back, and why, and at once to the edge that it is so', () => {
    const ladder = office()
    ladder.hear({ type: 'drain' }).gives('beat')
    ladder.when(bob, invite(bob, '+15551234567')).gives('503 to Bob')
    const { headers } = ladder.lastResponse(bob)
    expect(headers).toContainEqual(['retry-after', '10'])
    expect(headers).toContainEqual(['reason', 'SIP;cause=503;text="this relay takes no new calls"'])
  })

  test('is over by order: the next call is taken', () => {
    const ladder = office()
    ladder.hear({ type: 'drain' })
    ladder.hear({ type: 'resume' })
    ladder.whatever().when(bob, invite(bob, '+15551234567')).gives('407 to Bob')
  })
})

describe('nonsense', () => {
  test('is met with silence when nobody can be answered', () => {
    const ladder = office()
    ladder.when(scanner, 'hello\r\n\r\n').gives()
    ladder.when(scanner, '\0\u0001\u0002').gives()
    ladder.when(scanner, '\r\n\r\n').gives()
  })

  test('has the connection shut over which nobody can be answered, unless its phone is known', () => {
    const over = (name: string, port: number): Party => ({
      name,
      flow: { transport: 'tcp', address: '192.0.2.30', port: portNumber(port), connection: port },
    })
    const [phone, stranger] = [over('Alice', 1), over('the stranger', 2)]
    const ladder = new Ladder([phone, stranger])
    registers(ladder, phone, 'alice')
    ladder.when(stranger, 'hello\r\n\r\n').gives('close the stranger')
    ladder.when(phone, 'hello\r\n\r\n').gives()
  })

  test('is told what is wrong with it when it can', () => {
    const ladder = office()
    const broken = `INVITE sip:bob@${relayAddress} SIP/7.0\r\nVia: SIP/2.0/UDP 192.0.2.66:40000;branch=z9hG4bKx;rport\r\nFrom: <sip:x@y>;tag=1\r\nTo: <sip:bob@${relayAddress}>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`
    ladder.when(scanner, broken).gives('505 to the scanner')
  })
})

const hours = 3_600_000

/** Registers anew with this password; whatever came of the challenge was looked away from. */
function refreshes(ladder: Ladder, password: string, from: Party = alice): Ladder {
  const first = register(from, 'alice')
  ladder.whatever().when(from, first).whatever()
  return ladder.when(from, prove(first, ladder.lastResponse(from), 'alice', password))
}

function guess(ladder: Ladder, from: Party, times: number): void {
  for (let at = 0; at < times; at++) {
    refreshes(ladder, `guess ${at}`, from)
    if (ladder.questions.length > 0) ladder.whatever().credential(account('alice'))
    ladder.whatever()
  }
}

/** What of a response does not differ from one request to the next. */
function shape({ status, headers }: Response) {
  return [status, headers.map(([name, value]) => [name, value.length])]
}

/** A call from the phone network. */
function rings(from: Party) {
  return invite(from, `sip:+15557654321@${relayAddress}`, { domain: 'carrier.test' })
}

function registerAt(host: string) {
  return request({
    method: 'REGISTER',
    requestUri: `sip:${host}`,
    headers: [
      ['via', `SIP/2.0/UDP ${scanner.flow.address}:${scanner.flow.port};rport;branch=z9hG4bKelsewhere`],
      ['max-forwards', '70'],
      ['from', `<sip:alice@${host}>;tag=1`],
      ['to', `<sip:alice@${host}>`],
      ['call-id', 'elsewhere-1'],
      ['cseq', '1 REGISTER'],
    ],
  })
}

/** The statuses which answer a request of the scanner's, or of a proxy there. */
function answersTo(ladder: Ladder, asked: Request, from: ProxyHop['from'] | undefined): number[] {
  const { address, port } = scanner.flow
  const flow = from ? { ...scanner.flow, proxy: { address, port, from } } : scanner.flow
  const bytes = writeMessage(asked)
  return ladder.engine
    .receive(monotonicMs(ladder.now), { type: 'packet', flow, bytes })
    .flatMap((effect) => (effect.type === 'send' ? Number(decode(effect.bytes).slice(8, 11)) : []))
}

function options() {
  return request({
    method: 'OPTIONS',
    requestUri: `sip:${relayAddress}`,
    headers: [
      ['via', `SIP/2.0/UDP ${scanner.flow.address}:${scanner.flow.port};rport;branch=z9hG4bKoptions`],
      ['max-forwards', '70'],
      ['from', '<sip:probe@probe.test>;tag=1'],
      ['to', `<sip:${relayAddress}>`],
      ['call-id', 'options-1'],
      ['cseq', '1 OPTIONS'],
    ],
  })
}
