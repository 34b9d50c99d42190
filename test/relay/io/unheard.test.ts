import { describe, expect, test } from 'vitest'
import { type FlowTrace, monotonicMs, unheardForMs } from '#contract'
import { UnheardCustomers } from '../../../relay/io/unheard.ts'
import { explanationOf } from '../../support/limits.ts'
import { bindingTell, callTell } from './tells.ts'

describe('what is told of calls', () => {
  test('is news, unless the edge said lately that nobody watches them', () => {
    const unheard = new UnheardCustomers()
    const [one, other] = [callTell(), callTell()]
    expect(unheard.holdMsOf(one, monotonicMs(0))).toBe(0)
    unheard.said([one.call.customer_id], [], monotonicMs(0))
    unheard.said([], [other.call.customer_id], monotonicMs(1))
    expect(unheard.holdMsOf(one, monotonicMs(1))).toBeGreaterThan(0)
    // Its messages are told a second after the first of them.
    expect(unheard.holdMsOf(one, monotonicMs(1))).toBeLessThan(1_000)
    expect(unheard.holdMsOf(other, monotonicMs(1))).toBe(0)
    expect(unheard.holdMsOf(one, monotonicMs(unheardForMs))).toBe(0)
  })

  test('is news as soon as somebody watches, though a receipt which was on its way says otherwise; a later one is believed', () => {
    const unheard = new UnheardCustomers()
    const one = callTell()
    const { customer_id } = one.call
    unheard.said([customer_id], [], monotonicMs(0))
    unheard.watched([customer_id], monotonicMs(1))
    unheard.said([customer_id], [], monotonicMs(2))
    expect(unheard.holdMsOf(one, monotonicMs(3))).toBe(0)
    unheard.said([customer_id], [], monotonicMs(1 + unheardForMs))
    expect(unheard.holdMsOf(one, monotonicMs(2 + unheardForMs))).toBeGreaterThan(0)
  })

  test('is news where a flow carries it out, as is whatever is told of phones', () => {
    const unheard = new UnheardCustomers()
    const [call, phone] = [callTell(), bindingTell('registered')]
    unheard.said([call.call.customer_id, phone.binding.customer_id], [], monotonicMs(0))
    const flow = { flow_id: null, steps: [] } as unknown as FlowTrace
    expect(unheard.holdMsOf({ ...call, call: { ...call.call, flow } }, monotonicMs(1))).toBe(0)
    expect(unheard.holdMsOf(phone, monotonicMs(1))).toBe(0)
  })

  test('is news of a call for help, from its first word, which alone says that it is one, to its last', () => {
    const unheard = new UnheardCustomers()
    const { call, ...first } = callTell()
    const decision = { ...explanationOf([]), emergency: true }
    unheard.said([call.customer_id], [], monotonicMs(0))
    const heldOf = (changes: object) =>
      unheard.holdMsOf({ ...first, call: { ...call, ...changes } }, monotonicMs(1))
    expect(heldOf({ decision })).toBe(0)
    expect(heldOf({ status: 'progressing' })).toBe(0)
    expect(heldOf({ status: 'hangup' })).toBe(0)
    expect(heldOf({ call_id: 'another' })).toBeGreaterThan(0)
  })

  test('is news again as soon as the edge heard of calls and did not say so', () => {
    const unheard = new UnheardCustomers()
    const [one, other] = [callTell(), callTell()]
    const both = [one.call.customer_id, other.call.customer_id]
    unheard.said(both, both, monotonicMs(0))
    unheard.said([other.call.customer_id], both, monotonicMs(1))
    expect(unheard.holdMsOf(one, monotonicMs(2))).toBe(0)
    expect(unheard.holdMsOf(other, monotonicMs(2))).toBeGreaterThan(0)
  })
})
