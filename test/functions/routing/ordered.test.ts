import { describe, expect, test } from 'vitest'
import type { CalledAddress, RouteDecision } from '#contract'
import { type OrderedCall, orderedQuestion } from '#routing'
import { ALICE, decided, extension, idOf, number, provider, route, type Scene, trunk } from './fixtures.ts'

const to = (type: CalledAddress['type'], target: string): CalledAddress => ({
  type,
  target,
  target_name: '',
  name: '',
  detail: '',
})
const own = { ...to('tel', '+12125550100'), type: 'tel' as const, name: 'The office' }
const bob = { ...to('extension', 'bob'), type: 'extension' as const }
const order = (destination: CalledAddress, more: Partial<OrderedCall> = {}): OrderedCall => ({
  call_id: '99999999-9999-4999-8999-999999999990',
  customer_id: ALICE,
  source: own,
  destination,
  extension_id: null,
  caller_id: null,
  ...more,
})
const clicked = { source: bob, extension_id: idOf('bob') }
const scene: Scene = {
  extensions: [
    extension('bob', {
      name: 'Bob',
      destinations: [{ type: 'tel', target: '+13105550123', ring_seconds: null, delay_seconds: 0, when: [] }],
    }),
    extension('carol'),
    extension('dan', { enabled: false }),
  ],
  trunks: [trunk('pbx', { hostname: 'pbx.example' })],
  numbers: [number('+12125550100'), number('+12125550101')],
  providers: [provider('carrier')],
  routes: [route('carrier')],
}

function said(decision: RouteDecision) {
  if (decision.kind !== 'connect') return decision.kind === 'reject' ? decision.reason : decision.kind
  const { targets, caller_id } = decision
  return `${decision.direction} ${targets.kind}, shows ${caller_id.user}`
}

describe('a call which the API orders', () => {
  test.each([
    [
      'a number, by the customer’s number asked for',
      order(to('tel', '+13105550123')),
      'outgoing providers, shows +12125550100',
    ],
    [
      'another number of its own is shown',
      order(to('tel', '+13105550123'), { caller_id: '+12125550101' }),
      'outgoing providers, shows +12125550101',
    ],
    ['an extension', order(to('extension', 'carol')), 'internal extension, shows +12125550100'],
    ['an extension which names others', order(to('extension', 'bob')), 'internal plan, shows +12125550100'],
    ['a PBX', order(to('trunk', 'pbx')), 'internal trunk, shows +12125550100'],
    ['a SIP address', order(to('sip', 'sip:x@example.com')), 'internal sip, shows +12125550100'],
    ['an extension which is none', order(to('extension', 'nope')), 'EXTENSION_NOT_FOUND'],
    ['one which is disabled', order(to('extension', 'dan')), 'EXTENSION_DISABLED'],
    ['a trunk which is none', order(to('trunk', 'nope')), 'TRUNK_NOT_FOUND'],
    ['no SIP address', order(to('sip', 'sip:')), 'INVALID_SIP_URI'],
    ['help', order(to('tel', '911')), 'NUMBER_NOT_ALLOWED'],
    [
      'in the name of an extension which is gone',
      order(to('tel', '+13105550123'), { extension_id: idOf('gone') }),
      'CALLER_UNKNOWN',
    ],
    [
      'in the name of one which is disabled',
      order(to('tel', '+13105550123'), { extension_id: idOf('dan') }),
      'EXTENSION_DISABLED',
    ],
  ])('leads to %s', (_, ordered, expected) => {
    expect(said(decided(orderedQuestion(ordered, 'destination'), scene))).toBe(expected)
  })

  test('rings the source’s own phones, whatever its list says, which see whom they will be joined with', () => {
    const question = orderedQuestion(order(to('tel', '+13105550123'), clicked), 'source')
    expect(said(decided(question, scene))).toBe('internal extension, shows +13105550123')
  })

  test('goes by routes, and counts at the customer and the extension in whose name it is', () => {
    const decision = decided(orderedQuestion(order(to('tel', '+13105550123'), clicked), 'destination'), scene)
    expect(decision.scopes).toEqual([
      { kind: 'customer', id: ALICE },
      { kind: 'extension', id: idOf('bob') },
    ])
    expect(decision.explanation?.caller.rule).toBe('api')
    expect(decision.source.target).toBe('bob')
  })

  test('goes nowhere where its customer may not call', () => {
    const strict = { ...scene, customer: { allowed: ['DE'] } }
    expect(said(decided(orderedQuestion(order(to('tel', '+13105550123')), 'destination'), strict))).toBe(
      'DESTINATION_NOT_ALLOWED',
    )
  })
})
