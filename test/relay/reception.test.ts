import { describe, expect, test } from 'vitest'
import { request } from '../../relay/sip/message.ts'
import { realm, relayAddress } from '../support/ladder.ts'
import {
  account,
  ack,
  alice,
  aliceDials,
  bob,
  invite,
  office,
  prove,
  provider,
  register,
  scanner,
  telnyx,
  through,
  within,
} from '../support/office.ts'

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

  test('is told 404 for a domain which is not ours', () => {
    const ladder = office()
    ladder.when(scanner, invite(scanner, 'sip:info@elsewhere.test')).gives('404 to the scanner')
  })

  test('hears nothing at all about a foreign domain where the house is silent', () => {
    const ladder = office({ strangers: 'silent' })
    ladder.when(scanner, invite(scanner, 'sip:info@elsewhere.test', { domain: 'elsewhere.test' })).gives()
  })

  test('cannot use MESSAGE, SUBSCRIBE or a method nobody knows', () => {
    const ladder = office()
    for (const [method, status] of [
      ['MESSAGE', 405],
      ['SUBSCRIBE', 405],
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

describe('OPTIONS', () => {
  test('are answered with what we can do', () => {
    const ladder = office()
    ladder.when(scanner, options()).gives('200 to the scanner')
    expect(ladder.lastResponse(scanner).header('allow')).toContain('INVITE')
  })

  test('are 503 while we drain, so that load goes elsewhere', () => {
    const ladder = office()
    ladder.hear({ type: 'drain' })
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
    ladder.hear({ type: 'drain' })
    ladder.when(bob, invite(bob, '+15551234567')).gives('503 to Bob')
    expect(ladder.engine.load.calls).toBe(1)
    ladder.when(bob, register(bob, 'bob')).gives('401 to Bob')
    ladder.hear({ type: 'stop' }).gives('503 to Alice')
  })
})

describe('nonsense', () => {
  test('is met with silence when nobody can be answered', () => {
    const ladder = office()
    ladder.when(scanner, 'hello\r\n\r\n').gives()
    ladder.when(scanner, '\0\u0001\u0002').gives()
    ladder.when(scanner, '\r\n\r\n').gives()
  })

  test('is told what is wrong with it when it can', () => {
    const ladder = office()
    const broken = `INVITE sip:bob@${relayAddress} SIP/7.0\r\nVia: SIP/2.0/UDP 192.0.2.66:40000;branch=z9hG4bKx;rport\r\nFrom: <sip:x@y>;tag=1\r\nTo: <sip:bob@${relayAddress}>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`
    ladder.when(scanner, broken).gives('505 to the scanner')
  })
})

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
