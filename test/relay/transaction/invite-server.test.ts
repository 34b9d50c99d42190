import { describe, expect, test } from 'vitest'
import { asks, says, TransactionHarness, tcp } from '../../support/transaction-harness.ts'

const invite = asks('INVITE')
const ack = asks('ACK', { toTag: 'bob' })

describe('INVITE server transaction over UDP (RFC 3261 §17.2.1)', () => {
  test('says 100 after 200 ms when nothing was answered by then', () => {
    const harness = new TransactionHarness().opens(invite)
    expect(harness.after(1000)).toEqual(['200 → 100'])
    expect(harness.sent).not.toMatch(/^To:.*tag=/m)
  })

  test('says no 100 when an answer came sooner', () => {
    const harness = new TransactionHarness().opens(invite)
    expect(harness.after(150)).toEqual([])
    expect(harness.responds(says(invite, 180))).toEqual(['→ 180'])
    expect(harness.after(60_000)).toEqual([])
  })

  test('tells in the 100 where the INVITE came from', () => {
    const behindNat = asks('INVITE', { via: 'SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bK-n;rport' })
    const harness = new TransactionHarness().opens(behindNat)
    harness.after(200)
    expect(harness.sent).toMatch(/^Via: .*10\.0\.0\.7.*$/m)
    expect(harness.sent).toMatch(/^Via: .*received=192\.0\.2\.1.*$/m)
    expect(harness.sent).toMatch(/^Via: .*rport=5060.*$/m)
  })

  test('answers a repeated INVITE with nothing while there is no answer', () => {
    const harness = new TransactionHarness().opens(invite)
    expect(harness.hears(invite)).toEqual([])
  })

  test('repeats the last provisional when the INVITE is repeated', () => {
    const harness = new TransactionHarness().opens(invite)
    harness.after(200)
    expect(harness.hears(invite)).toEqual(['→ 100'])
    harness.responds(says(invite, 180))
    harness.responds(says(invite, 183))
    expect(harness.hears(invite)).toEqual(['→ 183'])
  })

  test('waits for the final answer as long as it rings', () => {
    const harness = new TransactionHarness().opens(invite)
    harness.responds(says(invite, 180))
    expect(harness.after(3_600_000)).toEqual([])
    expect(harness.responds(says(invite, 200))).toEqual(['→ 200'])
  })

  test('repeats a failure at T1, then twice as slowly up to T2, and gives up after 64·T1 and says no ACK came', () => {
    const harness = new TransactionHarness().opens(invite)
    expect(harness.responds(says(invite, 486))).toEqual(['→ 486'])
    expect(harness.after(60_000)).toEqual([
      ...[500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500].map((at) => `${at} → 486`),
      '32000 unacknowledged',
      '32000 ended',
    ])
    expect(harness.transactions.size).toBe(0)
  })

  test('repeats a failure when the INVITE is repeated', () => {
    const harness = new TransactionHarness().opens(invite)
    harness.responds(says(invite, 486))
    expect(harness.hears(invite)).toEqual(['→ 486'])
  })

  test('is quiet once the ACK has come, soaks up what comes late, and is forgotten after T4', () => {
    const harness = new TransactionHarness().opens(invite)
    harness.responds(says(invite, 404))
    expect(harness.hears(ack)).toEqual([])
    expect(harness.hears(ack)).toEqual([])
    expect(harness.hears(invite)).toEqual([])
    expect(harness.after(60_000)).toEqual(['5000 ended'])
    expect(harness.hears(invite)).toEqual(['new INVITE'])
  })

  test('soaks up a late INVITE after a 2xx without sending anything (RFC 6026 §7.1)', () => {
    const harness = new TransactionHarness().opens(invite)
    expect(harness.responds(says(invite, 200))).toEqual(['→ 200'])
    expect(harness.hears(invite)).toEqual([])
    expect(harness.after(60_000)).toEqual(['32000 ended'])
  })

  test('sends each 2xx the layer above repeats, at once (RFC 6026 §7.1)', () => {
    const harness = new TransactionHarness().opens(invite)
    harness.responds(says(invite, 200))
    expect(harness.responds(says(invite, 200))).toEqual(['→ 200'])
    expect(harness.responds(says(invite, 200))).toEqual(['→ 200'])
  })

  test('sends no failure after a 2xx, and no 2xx after a failure', () => {
    const accepted = new TransactionHarness().opens(invite)
    accepted.responds(says(invite, 200))
    expect(accepted.responds(says(invite, 487))).toEqual([])
    const refused = new TransactionHarness().opens(invite)
    refused.responds(says(invite, 487))
    expect(refused.responds(says(invite, 200))).toEqual([])
  })

  test('leaves the ACK for a 2xx to the layer above, even under the branch of the INVITE (RFC 6026 §7.1)', () => {
    const harness = new TransactionHarness().opens(invite)
    harness.responds(says(invite, 200))
    expect(harness.hears(ack)).toEqual(['new ACK'])
  })

  test('says when its answers cannot be sent, and still soaks up the INVITE (RFC 6026 §7.1)', () => {
    const harness = new TransactionHarness().opens(invite)
    harness.responds(says(invite, 180))
    expect(harness.cannotReach()).toEqual(['unreachable'])
    expect(harness.hears(invite)).toEqual(['→ 180'])
    harness.responds(says(invite, 200))
    expect(harness.cannotReach()).toEqual(['unreachable'])
    expect(harness.hears(invite)).toEqual([])
  })

  test('answers nothing once it is forgotten', () => {
    const harness = new TransactionHarness().opens(invite)
    harness.responds(says(invite, 200))
    harness.after(32_000)
    expect(harness.responds(says(invite, 200))).toEqual([])
  })
})

describe('INVITE server transaction over TCP', () => {
  test('says a failure once, and still waits 64·T1 for the ACK', () => {
    const harness = new TransactionHarness(tcp).opens(invite)
    expect(harness.responds(says(invite, 486))).toEqual(['→ 486'])
    expect(harness.after(60_000)).toEqual(['32000 unacknowledged', '32000 ended'])
  })

  test('is forgotten with the ACK, for nothing can come late', () => {
    const harness = new TransactionHarness(tcp).opens(invite)
    harness.responds(says(invite, 486))
    expect(harness.hears(ack)).toEqual(['ended'])
  })

  test('says 100 after 200 ms too', () => {
    expect(new TransactionHarness(tcp).opens(invite).after(300)).toEqual(['200 → 100'])
  })
})
