import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { asks, says, TransactionHarness, tcp } from '../../support/transaction-harness.ts'

const invite = asks('INVITE', { routes: ['<sip:first.example.com;lr>', '<sip:second.example.com;lr>'] })

describe('INVITE client transaction over UDP (RFC 3261 §17.1.1)', () => {
  test('repeats the INVITE after 0.5, 1, 2, 4, 8 and 16 s, and gives up at 32 s', () => {
    const harness = new TransactionHarness()
    expect(harness.sends(invite)).toEqual(['→ INVITE'])
    expect(harness.after(120_000)).toEqual([
      ...[500, 1500, 3500, 7500, 15_500, 31_500].map((at) => `${at} → INVITE`),
      '32000 timeout',
      '32000 ended',
    ])
    expect(harness.transactions.size).toBe(0)
  })

  test('keeps still at the first provisional, and tells of each', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    expect(harness.hears(says(invite, 100))).toEqual(['hears 100'])
    expect(harness.after(600_000)).toEqual([])
    expect(harness.hears(says(invite, 180))).toEqual(['hears 180'])
    expect(harness.hears(says(invite, 180))).toEqual(['hears 180'])
  })

  test.each([300, 404, 503, 603])('ACKs a %i by itself, and tells of it once', (status) => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    expect(harness.hears(says(invite, status))).toEqual(['→ ACK', `hears ${status}`])
    expect(harness.hears(says(invite, status))).toEqual(['→ ACK'])
    expect(harness.hears(says(invite, 200))).toEqual([])
    expect(harness.after(60_000)).toEqual(['32000 ended'])
    expect(harness.hears(says(invite, status))).toEqual([`stray ${status}`])
  })

  test('makes the ACK of the INVITE and of the To it was answered with (§17.1.1.3)', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    harness.hears(says(invite, 486, 'bobs-phone'))
    expect(harness.sent.split('\r\n')).toEqual([
      'ACK sip:bob@example.com SIP/2.0',
      'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-1',
      'Route: <sip:first.example.com;lr>',
      'Route: <sip:second.example.com;lr>',
      'Max-Forwards: 70',
      'From: Alice <sip:alice@example.com>;tag=alice',
      'To: Bob <sip:bob@example.com>;tag=bobs-phone',
      'Call-ID: call-1',
      'CSeq: 1 ACK',
      'Content-Length: 0',
      '',
      '',
    ])
  })

  test('sends the ACK where the INVITE went, whoever answered', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    harness.hears(says(invite, 486), { transport: 'udp', address: '203.0.113.9', port: portNumber(5062) })
    expect(harness.sentTo).toEqual(harness.flow)
  })

  test('leaves the ACK for a 2xx to the layer above, and passes on every further 2xx for 64·T1 (RFC 6026 §7.2)', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    harness.hears(says(invite, 180))
    expect(harness.hears(says(invite, 200, 'bobs-phone'))).toEqual(['hears 200'])
    harness.after(10_000)
    expect(harness.hears(says(invite, 200, 'bobs-desk'))).toEqual(['hears 200'])
    expect(harness.hears(says(invite, 486, 'bobs-car'))).toEqual([])
    expect(harness.after(60_000)).toEqual(['22000 ended'])
    expect(harness.hears(says(invite, 200))).toEqual(['stray 200'])
  })

  test('ends at once when the INVITE cannot be sent (§18.4)', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    expect(harness.cannotReach()).toEqual(['unreachable', 'ended'])
    expect(harness.after(60_000)).toEqual([])
  })

  test('survives that something else could not be sent elsewhere', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    expect(harness.cannotReach({ ...harness.flow, port: portNumber(5070) })).toEqual([])
    expect(harness.hears(says(invite, 200))).toEqual(['hears 200'])
  })
})

describe('an INVITE given up by the layer above (§9.1)', () => {
  test('is repeated all the same until something is heard, and over at 64·T1', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    harness.after(3000)
    expect(harness.abandons()).toEqual([])
    const repeats = [500, 4_500, 12_500, 28_500].map((at) => `${at} → INVITE`)
    expect(harness.after(60_000)).toEqual([...repeats, '29000 timeout', '29000 ended'])
  })

  test('is not repeated once a provisional came', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    harness.abandons()
    harness.hears(says(invite, 100))
    expect(harness.after(31_999)).toEqual([])
  })

  test('still tells of a late provisional, that it may be cancelled, and is over 64·T1 later', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    harness.after(3000)
    harness.abandons()
    harness.after(5000)
    expect(harness.hears(says(invite, 180))).toEqual(['hears 180'])
    expect(harness.after(60_000)).toEqual(['32000 timeout', '32000 ended'])
  })

  test('still tells of a late 2xx, that it may be hung up', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    harness.abandons()
    harness.after(20_000)
    expect(harness.hears(says(invite, 200))).toEqual(['hears 200'])
    expect(harness.after(60_000)).toEqual(['32000 ended'])
  })

  test('is over 64·T1 after its CANCEL when no final answer comes', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    harness.hears(says(invite, 180))
    harness.after(45_000)
    expect(harness.abandons()).toEqual([])
    expect(harness.after(60_000)).toEqual(['32000 timeout', '32000 ended'])
  })

  test('ACKs the 487 like every failure', () => {
    const harness = new TransactionHarness()
    harness.sends(invite)
    harness.hears(says(invite, 180))
    harness.abandons()
    expect(harness.hears(says(invite, 487))).toEqual(['→ ACK', 'hears 487'])
    expect(harness.after(60_000)).toEqual(['32000 ended'])
  })
})

describe('INVITE client transaction over TCP', () => {
  test('sends the INVITE once and gives up at 32 s', () => {
    const harness = new TransactionHarness(tcp)
    expect(harness.sends(invite)).toEqual(['→ INVITE'])
    expect(harness.after(60_000)).toEqual(['32000 timeout', '32000 ended'])
  })

  test('ACKs a failure and is forgotten at once, for nothing can come late', () => {
    const harness = new TransactionHarness(tcp)
    harness.sends(invite)
    expect(harness.hears(says(invite, 503))).toEqual(['→ ACK', 'hears 503', 'ended'])
    expect(harness.transactions.size).toBe(0)
  })

  test('ends when the connection is gone, whichever it was sent down', () => {
    const harness = new TransactionHarness({ transport: 'tcp', address: '192.0.2.1', port: portNumber(5060) })
    harness.sends(invite)
    expect(harness.cannotReach(tcp)).toEqual(['unreachable', 'ended'])
  })

  test('survives the end of another connection to the same address', () => {
    const harness = new TransactionHarness(tcp)
    harness.sends(invite)
    expect(harness.cannotReach({ ...tcp, connection: 8 })).toEqual([])
  })
})
