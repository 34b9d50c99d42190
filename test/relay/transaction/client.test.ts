import { describe, expect, test } from 'vitest'
import { asks, says, TransactionHarness, tcp } from '../../support/transaction-harness.ts'

const bye = asks('BYE', { toTag: 'bob' })
const slowing = [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]

describe('non-INVITE client transaction over UDP (RFC 3261 §17.1.2)', () => {
  test('repeats the request at T1, then twice as slowly up to T2, and gives up at 64·T1', () => {
    const harness = new TransactionHarness()
    expect(harness.sends(bye)).toEqual(['→ BYE'])
    expect(harness.after(60_000)).toEqual([
      ...slowing.map((at) => `${at} → BYE`),
      '32000 timeout',
      '32000 ended',
    ])
    expect(harness.transactions.size).toBe(0)
  })

  test('repeats every T2 once a provisional has come, and still gives up at 64·T1', () => {
    const harness = new TransactionHarness()
    harness.sends(bye)
    harness.after(600)
    expect(harness.hears(says(bye, 100))).toEqual(['hears 100'])
    expect(harness.after(60_000)).toEqual([
      ...[900, 4900, 8900, 12_900, 16_900, 20_900, 24_900, 28_900].map((at) => `${at} → BYE`),
      '31400 timeout',
      '31400 ended',
    ])
  })

  test.each([200, 302, 481, 500, 600])(
    'tells of a %i once, soaks up its repetitions and is forgotten after T4',
    (status) => {
      const harness = new TransactionHarness()
      harness.sends(bye)
      expect(harness.hears(says(bye, status))).toEqual([`hears ${status}`])
      expect(harness.hears(says(bye, status))).toEqual([])
      expect(harness.after(60_000)).toEqual(['5000 ended'])
      expect(harness.hears(says(bye, status))).toEqual([`stray ${status}`])
    },
  )

  test('tells of the answer after a provisional too', () => {
    const harness = new TransactionHarness()
    harness.sends(bye)
    harness.hears(says(bye, 100))
    expect(harness.hears(says(bye, 200))).toEqual(['hears 200'])
  })

  test('ends at once when the request cannot be sent (§18.4)', () => {
    const harness = new TransactionHarness()
    harness.sends(bye)
    expect(harness.cannotReach()).toEqual(['unreachable', 'ended'])
  })
})

describe('non-INVITE client transaction over TCP', () => {
  test('sends the request once and gives up at 64·T1', () => {
    const harness = new TransactionHarness(tcp)
    harness.sends(bye)
    expect(harness.after(60_000)).toEqual(['32000 timeout', '32000 ended'])
  })

  test('repeats every T2 after a provisional in vain: there is nothing to repeat for', () => {
    const harness = new TransactionHarness(tcp)
    harness.sends(bye)
    harness.hears(says(bye, 100))
    expect(harness.after(31_999)).toEqual([])
  })

  test('is forgotten with its answer', () => {
    const harness = new TransactionHarness(tcp)
    harness.sends(bye)
    expect(harness.hears(says(bye, 200))).toEqual(['hears 200', 'ended'])
  })
})
