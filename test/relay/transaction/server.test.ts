import { describe, expect, test } from 'vitest'
import { asks, Desk, says, tcp, udp } from '../../support/transactions.ts'

const options = asks('OPTIONS')

describe.each([
  ['UDP', udp],
  ['TCP', tcp],
])('non-INVITE server transaction over %s (RFC 3261 §17.2.2, RFC 4320)', (_, flow) => {
  test('soaks up the request while there is no answer', () => {
    const desk = new Desk(flow).opens(options)
    expect(desk.hears(options)).toEqual([])
  })

  test('says 100 when the client would repeat only every T2, and repeats it when asked again', () => {
    const desk = new Desk(flow).opens(options)
    expect(desk.after(10_000)).toEqual(['3500 → 100'])
    expect(desk.hears(options)).toEqual(['→ 100'])
  })

  test('sends no provisional of the layer above, not even a 100 before its time (RFC 4320 §4.1)', () => {
    const desk = new Desk(flow).opens(options)
    expect(desk.responds(says(options, 100))).toEqual([])
    expect(desk.responds(says(options, 183))).toEqual([])
    desk.after(4000)
    expect(desk.responds(says(options, 183))).toEqual([])
    expect(desk.hears(options)).toEqual(['→ 100'])
  })

  test('sends no 408 and no answer after its time (RFC 4320 §4.2)', () => {
    const desk = new Desk(flow).opens(options)
    expect(desk.responds(says(options, 408))).toEqual([])
    expect(desk.after(60_000)).toEqual(['3500 → 100', '32000 ended'])
    expect(desk.responds(says(options, 200))).toEqual([])
  })

  test('ends when the answer cannot be sent', () => {
    const desk = new Desk(flow).opens(options)
    expect(desk.cannotReach()).toEqual(['unreachable', 'ended'])
  })
})

describe('non-INVITE server transaction over UDP', () => {
  test.each([200, 404, 500])('repeats a %i whenever the request is repeated, for 64·T1', (status) => {
    const desk = new Desk().opens(options)
    expect(desk.responds(says(options, status))).toEqual([`→ ${status}`])
    expect(desk.hears(options)).toEqual([`→ ${status}`])
    desk.after(31_000)
    expect(desk.hears(options)).toEqual([`→ ${status}`])
    expect(desk.after(60_000)).toEqual(['1000 ended'])
    expect(desk.hears(options)).toEqual(['new OPTIONS'])
  })

  test('keeps to its first answer', () => {
    const desk = new Desk().opens(options)
    desk.responds(says(options, 200))
    expect(desk.responds(says(options, 500))).toEqual([])
    expect(desk.hears(options)).toEqual(['→ 200'])
  })

  test('answers after the 100 too', () => {
    const desk = new Desk().opens(options)
    desk.after(5000)
    expect(desk.responds(says(options, 200))).toEqual(['→ 200'])
    expect(desk.after(60_000)).toEqual(['32000 ended'])
  })
})

describe('non-INVITE server transaction over TCP', () => {
  test('is forgotten with its answer, for the request cannot be repeated', () => {
    const desk = new Desk(tcp).opens(options)
    expect(desk.responds(says(options, 200))).toEqual(['→ 200', 'ended'])
    expect(desk.transactions.size).toBe(0)
  })
})
