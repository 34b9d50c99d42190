import { describe, expect, test } from 'vitest'
import { type FlowTrace, monotonicMs, unheardForMs } from '#contract'
import { UnheardCustomers } from '../../../relay/io/unheard.ts'
import { bindingTell, callTell } from './tells.ts'

describe('what is told of calls', () => {
  test('is news, unless the edge said lately that nobody watches them', () => {
    const unheard = new UnheardCustomers()
    const [one, other] = [callTell(), callTell()]
    expect(unheard.holdMsOf(one, monotonicMs(0))).toBe(0)
    unheard.said([one.call.customer_id], monotonicMs(0))
    expect(unheard.holdMsOf(one, monotonicMs(1))).toBeGreaterThan(0)
    expect(unheard.holdMsOf(other, monotonicMs(1))).toBe(0)
    expect(unheard.holdMsOf(one, monotonicMs(unheardForMs))).toBe(0)
  })

  test('is news where a flow carries it out, as is whatever is told of phones', () => {
    const unheard = new UnheardCustomers()
    const [call, phone] = [callTell(), bindingTell('registered')]
    unheard.said([call.call.customer_id, phone.binding.customer_id], monotonicMs(0))
    const flow = { flow_id: null, steps: [] } as unknown as FlowTrace
    expect(unheard.holdMsOf({ ...call, call: { ...call.call, flow } }, monotonicMs(1))).toBe(0)
    expect(unheard.holdMsOf(phone, monotonicMs(1))).toBe(0)
  })
})
