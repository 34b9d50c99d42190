import { describe, expect, test } from 'vitest'
import { asks, says, TransactionHarness, tcp, udp } from '../../support/transaction-harness.ts'

const options = asks('OPTIONS')

describe.each([
  ['UDP', udp],
  ['TCP', tcp],
])('non-INVITE server transaction over %s (RFC 3261 §17.2.2, RFC 4320)', (_, flow) => {
  test('soaks up the request while there is no answer', () => {
    const harness = new TransactionHarness(flow).opens(options)
    expect(harness.hears(options)).toEqual([])
  })

  test('says 100 when the client would repeat only every T2, and repeats it when asked again', () => {
    const harness = new TransactionHarness(flow).opens(options)
    expect(harness.after(10_000)).toEqual(['3500 → 100'])
    expect(harness.hears(options)).toEqual(['→ 100'])
  })

  test('sends no provisional of the layer above, not even a 100 before its time (RFC 4320 §4.1)', () => {
    const harness = new TransactionHarness(flow).opens(options)
    expect(harness.responds(says(options, 100))).toEqual([])
    expect(harness.responds(says(options, 183))).toEqual([])
    harness.after(4000)
    expect(harness.responds(says(options, 183))).toEqual([])
    expect(harness.hears(options)).toEqual(['→ 100'])
  })

  test('sends no 408 and no answer after its time (RFC 4320 §4.2)', () => {
    const harness = new TransactionHarness(flow).opens(options)
    expect(harness.responds(says(options, 408))).toEqual([])
    expect(harness.after(60_000)).toEqual(['3500 → 100', '32000 ended'])
    expect(harness.responds(says(options, 200))).toEqual([])
  })

  test.each([100, 183, 408])('waits no longer for having begun with a %i, which is not sent', (status) => {
    const harness = new TransactionHarness(flow)
    expect(harness.answers(options, says(options, status))).toEqual([])
    expect(harness.after(60_000)).toEqual(['3500 → 100', '32000 ended'])
    expect([harness.transactions.size, harness.transactions.timers]).toEqual([0, 0])
  })

  test('ends when the answer cannot be sent', () => {
    const harness = new TransactionHarness(flow).opens(options)
    expect(harness.cannotReach()).toEqual(['unreachable', 'ended'])
  })
})

describe('non-INVITE server transaction over UDP', () => {
  test.each([200, 404, 500])('repeats a %i whenever the request is repeated, for 64·T1', (status) => {
    const harness = new TransactionHarness().opens(options)
    expect(harness.responds(says(options, status))).toEqual([`→ ${status}`])
    expect(harness.hears(options)).toEqual([`→ ${status}`])
    harness.after(31_000)
    expect(harness.hears(options)).toEqual([`→ ${status}`])
    expect(harness.after(60_000)).toEqual(['1000 ended'])
    expect(harness.hears(options)).toEqual(['new OPTIONS'])
  })

  test.each([200, 403])('which begins with its answer, a %i, only repeats it, for 64·T1', (status) => {
    const harness = new TransactionHarness()
    expect(harness.answers(options, says(options, status))).toEqual([`→ ${status}`])
    expect(harness.transactions.timers).toBe(1)
    expect(harness.hears(options)).toEqual([`→ ${status}`])
    expect(harness.after(60_000)).toEqual(['32000 ended'])
    expect(harness.hears(options)).toEqual(['new OPTIONS'])
  })

  test('keeps to its first answer', () => {
    const harness = new TransactionHarness().opens(options)
    harness.responds(says(options, 200))
    expect(harness.responds(says(options, 500))).toEqual([])
    expect(harness.hears(options)).toEqual(['→ 200'])
  })

  test('answers after the 100 too', () => {
    const harness = new TransactionHarness().opens(options)
    harness.after(5000)
    expect(harness.responds(says(options, 200))).toEqual(['→ 200'])
    expect(harness.after(60_000)).toEqual(['32000 ended'])
  })
})

describe('non-INVITE server transaction over TCP', () => {
  test('is forgotten with its answer, for the request cannot be repeated', () => {
    const harness = new TransactionHarness(tcp).opens(options)
    expect(harness.responds(says(options, 200))).toEqual(['→ 200', 'ended'])
    expect(harness.answers(options, says(options, 200))).toEqual(['→ 200', 'ended'])
    expect(harness.transactions.size).toBe(0)
  })
})
