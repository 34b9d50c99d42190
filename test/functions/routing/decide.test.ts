import { describe, expect, test } from 'vitest'
import { failoverPolicy, PLATFORM, routeDecision } from '#contract'
import { decide } from '../../../functions/routing/decide.ts'
import type { InboundFacts, OutboundFacts } from '../../../functions/routing/facts.ts'
import {
  ALICE,
  BASE,
  called,
  customer,
  dials,
  extension,
  idOf,
  known,
  REALM,
  rings,
  route,
} from './ladder.ts'

describe('deciding a route', () => {
  test('prefers the longest prefix, then the lower priority', () => {
    const routes = [
      route('anywhere'),
      route('country-second', { target: '+1', priority: 2 }),
      route('country-first', { target: '+1', priority: 1 }),
      route('city', { target: '+1555', priority: 9 }),
    ]
    expect(tried('+15551234567', { routes })).toEqual(['city', 'country-first', 'country-second', 'anywhere'])
  })

  test('takes the older of two equal routes first, then the smaller id', () => {
    const routes = [
      route('younger', { created_at: '2026-01-02T00:00:00+00:00' }),
      route('older', { created_at: '2026-01-01T00:00:00+00:00' }),
    ]
    expect(tried('+15551234567', { routes })).toEqual(['older', 'younger'])
  })

  test('adds default routes only for providers the customer has not listed', () => {
    const routes = [
      route('telnyx', { customer_id: PLATFORM, target: '+1555' }),
      route('twilio', { customer_id: PLATFORM }),
      route('telnyx'),
    ]
    expect(tried('+15551234567', { routes })).toEqual(['telnyx', 'twilio'])
    expect(explained('+15551234567', { routes })).toContainEqual([
      'telnyx',
      false,
      'an earlier route has the same provider',
    ])
  })

  test('shares calls among weights as they ask, and always the same way for the same call', () => {
    const routes = [route('nine', { weight: 9 }), route('one', { weight: 1 }), route('spare')]
    const first = Array.from({ length: 2000 }, (_, at) => {
      const question = {
        ...dials('+15551234567'),
        call_id: `99999999-9999-4999-8999-${String(at).padStart(12, '0')}`,
      }
      const [order, again] = [providersOf(question, { routes }), providersOf(question, { routes })]
      expect(again).toEqual(order)
      expect(order[2]).toBe('spare')
      return order[0]
    })
    const share = first.filter((name) => name === 'nine').length / first.length
    expect(share).toBeGreaterThan(0.86)
    expect(share).toBeLessThan(0.94)
  })

  test('skips what is disabled or deleted, and says so', () => {
    const routes = [
      route('off', { enabled: false }),
      route('asleep', { provider: { enabled: false } }),
      route('gone', { provider: { deleted: true } }),
      route('elsewhere', { target: '+44' }),
      route('locked', { provider: { username: 'u', locked: true } }),
      route('good', { priority: 5 }),
    ]
    expect(tried('+15551234567', { routes })).toEqual(['good'])
    expect(explained('+15551234567', { routes })).toEqual(
      expect.arrayContaining([
        ['off', false, 'the route is disabled'],
        ['asleep', false, 'the provider is disabled'],
        ['gone', false, 'the provider was deleted'],
        ['elsewhere', false, 'the number does not begin with +44'],
        ['locked', false, 'its password cannot be opened with the present SEAL_KEYS'],
        ['good', true, 'target all, priority 5'],
      ]),
    )
  })

  test('rejects with 404 when nothing matches, and tells an empty list from a skipped one', () => {
    expect(outbound('+15551234567')).toMatchObject({
      kind: 'reject',
      status: 404,
      reason: 'NO_ROUTE',
      message: expect.stringContaining('POST /v1.0/routes'),
    })
    const routes = [route('off', { enabled: false })]
    expect(outbound('+15551234567', { routes })).toMatchObject({
      reason: 'NO_ROUTE',
      message: expect.stringContaining('explanation'),
    })
  })

  test('lets the route override the provider, and the provider the defaults', () => {
    const routes = [
      route('telnyx', {
        failover: { answer_ms: 20_000 },
        provider: { failover: { answer_ms: 40_000, next_on: [404] } },
      }),
    ]
    const [target] = providerTargets(outbound('+15551234567', { routes }))
    expect(target?.policy).toEqual({ ...failoverPolicy.parse({}), answer_ms: 20_000, next_on: [404] })
  })

  test('writes the number as each provider wants it', () => {
    const routes = [
      route('plus', { priority: 1 }),
      route('plain', {
        priority: 2,
        provider: { called_format: 'e164', tech_prefix: '99#', tech_postfix: '.x' },
      }),
    ]
    expect(providerTargets(outbound('(555) 123-4567', { routes })).map(({ user }) => user)).toEqual([
      '+15551234567',
      '99#15551234567.x',
    ])
  })

  test('leaves an emergency number exactly as it was dialled, and sends it by routes for all', () => {
    const routes = [
      route('telnyx', { provider: { tech_prefix: '99', called_format: 'e164' } }),
      route('us', { target: '+1' }),
    ]
    const decision = outbound('911', { routes, customer: customer({ allowed: ['GB'] }) })
    expect(providerTargets(decision).map(({ name, user }) => [name, user])).toEqual([['telnyx', '911']])
    expect(decision.destination.target).toBe('911')
  })
})

describe('the countries a customer may call', () => {
  const routes = [route('telnyx')]

  test('are its own until it says otherwise, and the refusal says how to', () => {
    expect(outbound('+442079460000', { routes })).toMatchObject({
      kind: 'reject',
      status: 403,
      reason: 'DESTINATION_NOT_ALLOWED',
      message: expect.stringMatching(/"gb".*destination_whitelist/),
    })
  })

  test('include those of its numbers', () => {
    expect(tried('+442079460000', { routes, customer: customer({ number_countries: ['GB'] }) })).toEqual([
      'telnyx',
    ])
  })

  test('are exactly those it lists, once it lists any', () => {
    const listed = customer({ allowed: ['GB'], number_countries: ['US'] })
    expect(tried('+442079460000', { routes, customer: listed })).toEqual(['telnyx'])
    expect(outbound('+15551234567', { routes, customer: listed })).toMatchObject({
      reason: 'DESTINATION_NOT_ALLOWED',
    })
  })

  test('do not reach over a shared calling code: +1 876 is Jamaica', () => {
    expect(outbound('+18765551234', { routes })).toMatchObject({
      reason: 'DESTINATION_NOT_ALLOWED',
      message: expect.stringContaining('"jm"'),
    })
  })

  test('never include a number of no country', () => {
    expect(outbound('+88312345678', { routes })).toMatchObject({ reason: 'DESTINATION_NOT_ALLOWED' })
  })
})

describe('the caller id', () => {
  const routes = [route('telnyx')]

  test.each([
    [{ own: '+15550000001', default: '+15550000002', only: '+15550000003' }, '+15550000001'],
    [{ own: null, default: '+15550000002', only: '+15550000003' }, '+15550000002'],
    [{ own: null, default: null, only: '+15550000003' }, '+15550000003'],
  ])('is the extension’s number, else the default, else the only one there is', (callerIds, shown) => {
    expect(outbound('+15551234567', { routes, callerIds })).toMatchObject({
      caller_id: { user: shown, asserted: shown, unverified: false },
    })
  })

  test('is the extension’s name, asserted by nobody, where there is no number', () => {
    expect(outbound('+15551234567', { routes })).toMatchObject({
      caller_id: { user: 'alice', display: 'Alice', asserted: null, unverified: true },
    })
  })

  test('is required where the customer says so', () => {
    expect(
      outbound('+15551234567', { routes, customer: customer({ require_caller_id: true }) }),
    ).toMatchObject({
      kind: 'reject',
      status: 403,
      reason: 'CALLER_ID_REQUIRED',
    })
  })
})

describe('a call inside the realm', () => {
  test('rings the extension of that name', () => {
    expect(outbound('bob', { callee: extension('bob') })).toMatchObject({
      kind: 'connect',
      direction: 'internal',
      targets: { kind: 'extension', extension: { extension: 'bob', realm: REALM, ring_ms: 30_000 } },
      caller_id: { user: 'alice', asserted: null, unverified: false },
    })
  })

  test('rings an extension whose name is a number before the phone network', () => {
    const callee = extension('5551234567')
    expect(outbound('5551234567', { callee, routes: [route('telnyx')] })).toMatchObject({
      direction: 'internal',
    })
  })

  test('dials the number where the phone named another host', () => {
    const facts = { callee: extension('5551234567'), routes: [route('telnyx')] }
    expect(outbound('5551234567', facts, '192.0.2.1')).toMatchObject({ direction: 'outgoing' })
  })

  test('knows a plain name whichever host the phone wrote', () => {
    expect(outbound('bob', { callee: extension('bob') }, '192.0.2.1')).toMatchObject({
      direction: 'internal',
    })
  })

  test('does not cross into a stranger’s realm', () => {
    const elsewhere = `22222222-2222-4222-8222-222222222222.registrar.${BASE}`
    expect(outbound('bob', { callee: extension('bob') }, elsewhere)).toMatchObject({
      status: 404,
      reason: 'EXTENSION_NOT_FOUND',
    })
  })

  test('says who is missing, disabled or impossible', () => {
    expect(outbound('carol')).toMatchObject({ status: 404, reason: 'EXTENSION_NOT_FOUND' })
    expect(outbound('bob', { callee: extension('bob', { enabled: false }) })).toMatchObject({
      status: 480,
      reason: 'EXTENSION_DISABLED',
    })
    expect(outbound('+1555')).toMatchObject({ status: 484, reason: 'INVALID_NUMBER' })
    expect(outbound('+15551234567', { caller: null })).toMatchObject({
      status: 403,
      reason: 'CALLER_UNKNOWN',
    })
  })
})

describe('a call from the phone network', () => {
  test('rings the extension its number leads to, and asserts the caller', () => {
    expect(inbound('15551230000')).toMatchObject({
      kind: 'connect',
      direction: 'incoming',
      customer_id: ALICE,
      number_id: idOf('number'),
      provider_id: idOf('telnyx'),
      targets: { kind: 'extension', extension: { extension: 'bob' } },
      caller_id: { user: '+442079460000', display: 'Carol', asserted: '+442079460000' },
    })
  })

  test('reads a caller written nationally in the provider’s country, and asserts no anonymous one', () => {
    expect(inbound('15551230000', {}, '5559876543')).toMatchObject({
      caller_id: { asserted: '+15559876543' },
    })
    expect(inbound('15551230000', {}, 'anonymous')).toMatchObject({
      caller_id: { user: 'anonymous', asserted: null },
    })
  })

  test('from an unknown address is refused with 403', () => {
    expect(inbound('15551230000', { sources: [], numbers: [] })).toMatchObject({
      status: 403,
      reason: 'UNKNOWN_SOURCE',
      customer_id: null,
    })
  })

  test('to an unknown number is refused with 404, on the record of the one customer it can concern', () => {
    expect(inbound('15559999999', { numbers: [] })).toMatchObject({
      status: 404,
      reason: 'NUMBER_NOT_FOUND',
      customer_id: ALICE,
    })
  })

  test('from the platform’s provider reaches every customer', () => {
    const sources = [{ id: idOf('shared'), name: 'shared', customer_id: PLATFORM, country: 'US' }]
    expect(inbound('15551230000', { sources })).toMatchObject({
      kind: 'connect',
      provider_id: idOf('shared'),
    })
  })

  test('says what is wrong with the number', () => {
    const number = (changes: object) => ({ numbers: called().numbers.map((one) => ({ ...one, ...changes })) })
    expect(inbound('1', number({ enabled: false }))).toMatchObject({ status: 404, reason: 'NUMBER_DISABLED' })
    expect(inbound('1', number({ leads_to: 'nothing', extension: null }))).toMatchObject({
      reason: 'NUMBER_NOT_CONNECTED',
    })
    expect(inbound('1', number({ leads_to: 'flow', extension: null }))).toMatchObject({
      reason: 'EXTENSION_NOT_FOUND',
    })
    expect(inbound('1', number({ extension: extension('bob', { enabled: false }) }))).toMatchObject({
      status: 480,
    })
  })
})

function outbound(user: string, facts: Partial<OutboundFacts> = {}, host = REALM) {
  return checked(decide(dials(user, host), { kind: 'extension', facts: known(facts) }, BASE))
}

function inbound(user: string, facts: Partial<InboundFacts> = {}, from?: string) {
  return checked(decide(rings(user, from), { kind: 'source', facts: called(facts) }, BASE))
}

/** Whatever is decided must be in the contract's words. */
function checked(decision: ReturnType<typeof decide>) {
  expect(routeDecision.parse(decision)).toEqual(decision)
  return decision
}

function providerTargets(decision: ReturnType<typeof decide>) {
  if (decision.kind !== 'connect' || decision.targets.kind !== 'providers') return []
  return decision.targets.providers
}

function providersOf(question: ReturnType<typeof dials>, facts: Partial<OutboundFacts>): string[] {
  const decision = decide(question, { kind: 'extension', facts: known(facts) }, BASE)
  return providerTargets(decision).map(({ name }) => name)
}

function tried(user: string, facts: Partial<OutboundFacts>): string[] {
  return providersOf(dials(user), facts)
}

function explained(user: string, facts: Partial<OutboundFacts>) {
  return outbound(user, facts).explanation?.candidates.map(({ provider_name, kept, why }) => [
    provider_name,
    kept,
    why,
  ])
}
