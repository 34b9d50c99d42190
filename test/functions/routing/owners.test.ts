import { describe, expect, test } from 'vitest'
import type { NumberFacts } from '#contract'
import {
  ALICE,
  BASE,
  CAROL,
  decided,
  dials,
  extension,
  idOf,
  number,
  provider,
  REALM,
  rings,
  route,
  type Scene,
  trunk,
} from './fixtures.ts'

/*
 * Whose a number and an address are: nobody's by being listed.
 */

const did = '+12125550000'
const address = '192.0.2.7'
const at = (name: string, day = 1) =>
  provider(name, { sources: [address], created_at: `2026-01-0${day}T00:00:00+00:00` })
const pbx = (name: string, day = 1) =>
  trunk(name, { sources: [address], created_at: `2026-01-0${day}T00:00:00+00:00` })

function alices(ownership: NumberFacts['ownership'], changes: Partial<NumberFacts> = {}) {
  return number(did, { ownership, extension_id: idOf('bob'), ...changes })
}
function carols(ownership: NumberFacts['ownership'], changes: Partial<NumberFacts> = {}) {
  return number(did, { id: idOf('carols'), ownership, extension_id: idOf('carol'), ...changes })
}
function withCarol(scene: Scene, carol: Scene): Scene {
  return { ...scene, others: [{ id: CAROL, scene: { extensions: [extension('carol')], ...carol } }] }
}

/** Whom a call to the number rings: a customer, or the reason why nobody. */
function rung(scene: Scene, user = did) {
  const decision = decided(rings(user), scene)
  return decision.kind === 'reject' ? decision.reason : decision.customer_id
}

describe('a number which is only claimed', () => {
  test('rings its customer for a call over a provider of its own', () => {
    expect(rung({ providers: [at('telnyx')], numbers: [alices('claimed')] })).toBe(ALICE)
  })

  test('rings nobody for a call over the platform’s; nor does one which a call proved: only an assigned one does', () => {
    const platform = { providers: [at('wholesale')] }
    expect(rung({ platform, numbers: [alices('claimed')] })).toBe('NUMBER_NOT_FOUND')
    expect(rung({ platform, numbers: [alices('verified')] })).toBe('NUMBER_NOT_FOUND')
    expect(rung({ platform, numbers: [alices('assigned')] })).toBe(ALICE)
  })

  test.each([
    ['verified, where its provider was there first', 'verified', 1],
    ['assigned, whoever was there first', 'assigned', 3],
  ] as const)('gives way to the customer whose it is: %s', (_, ownership, day) => {
    const carol = { providers: [at('carols', 2)] }
    const alice = { providers: [at('telnyx', day)], numbers: [alices(ownership)] }
    expect(rung(withCarol(alice, { ...carol, numbers: [carols('claimed')] }))).toBe(ALICE)
    const within = number('+12125550000', { number_to: '+12125550099', ownership, extension_id: idOf('bob') })
    const range = { ...alice, numbers: [within] }
    expect(rung(withCarol(range, { ...carol, numbers: [carols('claimed')] }))).toBe(ALICE)
  })

  test.each([
    ['exactly', {}],
    ['in a range', { number_to: '+12125550099' }],
  ])(
    '%s is not taken from who was at its carrier first by a call which proved it elsewhere',
    (_, changes) => {
      const carol = { providers: [at('carols', 1)], numbers: [carols('claimed', changes)] }
      const late = { providers: [at('telnyx', 2)], numbers: [alices('verified')] }
      expect(rung(withCarol(late, carol))).toBe('AMBIGUOUS_SOURCE')
      expect(rung(withCarol({ ...late, providers: [] }, carol))).toBe(CAROL)
    },
  )

  test('by two customers behind one carrier is refused to both, and rings either where the other is elsewhere', () => {
    const alice = { providers: [at('telnyx')], numbers: [alices('claimed')] }
    const carol = { numbers: [carols('claimed')] }
    expect(rung(withCarol(alice, { ...carol, providers: [at('carols')] }))).toBe('AMBIGUOUS_SOURCE')
    expect(rung(withCarol(alice, carol))).toBe(ALICE)
    const range = carols('claimed', { number_to: '+12125550099' })
    expect(rung(withCarol(alice, { numbers: [range], providers: [at('carols')] }))).toBe('AMBIGUOUS_SOURCE')
  })

  test('is not shown as a caller id, and the explanation says why', () => {
    const routes = [route('telnyx')]
    const shown = (ownership: NumberFacts['ownership']) => {
      const scene = {
        routes,
        numbers: [alices(ownership)],
        extensions: [extension('alice', { caller_id: did })],
      }
      const { explanation, ...decision } = decided(dials('+12125551234', REALM, { user: did }), scene)
      return [decision.kind === 'connect' && decision.caller_id.asserted, explanation?.caller_id?.why]
    }
    expect(shown('claimed')).toEqual([
      null,
      expect.stringContaining(`${did} was asked for and is only claimed`),
    ])
    expect(shown('verified')[0]).toBe(did)
    expect(shown('assigned')[0]).toBe(did)
  })
})

describe('a customer who lists the address of a carrier of the platform’s', () => {
  const platform = { providers: [at('wholesale', 2)] }
  const early = { platform, providers: [at('telnyx', 1)] }

  test('gets none of its calls for numbers it claims or proved elsewhere, and all for those assigned to it', () => {
    expect(rung({ ...early, numbers: [alices('claimed')] })).toBe('NUMBER_NOT_FOUND')
    expect(rung({ ...early, numbers: [alices('verified')] })).toBe('NUMBER_NOT_FOUND')
    expect(rung({ ...early, numbers: [alices('assigned')] })).toBe(ALICE)
  })

  test('takes nothing of it by a catch-all of its own, and in nobody’s way by a claim', () => {
    const any = number('any', { provider_id: idOf('telnyx'), extension_id: idOf('bob') })
    expect(rung({ ...early, numbers: [any] })).toBe('AMBIGUOUS_SOURCE')
    const carols = number('any', {
      id: idOf('two'),
      provider_id: idOf('wholesale'),
      extension_id: idOf('carol'),
    })
    expect(rung(withCarol({ ...early, numbers: [any, alices('verified')] }, { numbers: [carols] }))).toBe(
      CAROL,
    )
  })
})

describe('an address which several customers list', () => {
  const alice = { providers: [at('telnyx', 1)], numbers: [alices('claimed')] }

  test('lets a carrier’s call through where the trunk of another customer came later', () => {
    expect(rung(withCarol(alice, { trunks: [pbx('late', 2)] }))).toBe(ALICE)
    const any = number('any', { provider_id: idOf('telnyx'), extension_id: idOf('bob') })
    expect(rung(withCarol({ ...alice, numbers: [any] }, { trunks: [pbx('late', 2)] }))).toBe(ALICE)
  })

  test('gives neither the calls of the other, where the trunk was first: the number decides once it is assigned', () => {
    const carol = { trunks: [pbx('early', 1)], routes: [route('carrier')] }
    const later = { providers: [at('telnyx', 2)] }
    expect(rung(withCarol({ ...later, numbers: [alices('claimed')] }, carol))).toBe('AMBIGUOUS_SOURCE')
    expect(rung(withCarol({ ...later, numbers: [alices('verified')] }, carol))).toBe('AMBIGUOUS_SOURCE')
    expect(rung(withCarol({ ...later, numbers: [alices('assigned')] }, carol))).toBe(ALICE)
    expect(rung(withCarol({ ...later, numbers: [] }, carol), '+12125559999')).toBe(CAROL)
  })

  test('is the trunk’s which was first, and the other’s by its domain', () => {
    const carol = { trunks: [pbx('carolspbx', 1)], routes: [route('carrier')] }
    const scene = withCarol({ trunks: [pbx('office', 2)], routes: [route('telnyx')] }, carol)
    const calls = (host: string) => decided(rings('+12125551234', { host }), scene)
    expect(calls('192.0.2.1')).toMatchObject({ customer_id: CAROL, direction: 'outgoing' })
    expect(calls(`office.trunk.${BASE}`)).toMatchObject({ customer_id: ALICE, direction: 'outgoing' })
  })

  test('is no trunk’s without its domain where a carrier of the platform’s is', () => {
    const platform = { providers: [at('wholesale', 2)] }
    const scene = { platform, trunks: [pbx('office', 1)], routes: [route('telnyx')] }
    expect(rung(scene, '+12125559999')).toBe('NUMBER_NOT_FOUND')
    expect(decided(rings('+12125551234', { host: `office.trunk.${BASE}` }), scene)).toMatchObject({
      customer_id: ALICE,
    })
  })

  test('leaves what nobody’s number is to the catch-all that was first', () => {
    const any = (name: string, id: string) =>
      number('any', { id: idOf(id), provider_id: idOf(name), extension_id: idOf('bob') })
    const mine = { providers: [at('telnyx', 1)], numbers: [any('telnyx', 'one')] }
    const hers = { providers: [at('carols', 2)], numbers: [any('carols', 'two')] }
    expect(rung(withCarol(mine, hers))).toBe(ALICE)
  })

  test('by a host’s name alone: another’s number is not for the catch-all, and age counts since DNS led there', () => {
    const any = (name: string, id: string) =>
      number('any', { id: idOf(id), provider_id: idOf(name), extension_id: idOf('bob') })
    const led = (name: string, since: string) =>
      provider(name, { found: [{ address, since }], created_at: '2026-01-01T00:00:00+00:00' })
    const mine = { providers: [led('telnyx', '2026-01-03T00:00:00+00:00')], numbers: [any('telnyx', 'one')] }
    expect(rung(withCarol(mine, {}))).toBe(ALICE)
    for (const ownership of ['verified', 'assigned'] as const)
      expect(rung(withCarol(mine, { numbers: [carols(ownership)] })), ownership).toBe('UNLISTED_SOURCE')
    expect(rung(withCarol(mine, { numbers: [carols('claimed')] }))).toBe(ALICE)
    const hers = { numbers: [{ ...any('carols', 'two'), extension_id: idOf('carol') }] }
    expect(rung(withCarol(mine, { ...hers, providers: [at('carols', 2)] }))).toBe(CAROL)
    expect(rung(withCarol(mine, { ...hers, providers: [led('carols', '2026-01-02T00:00:00+00:00')] }))).toBe(
      CAROL,
    )
    expect(rung(withCarol(mine, { ...hers, providers: [led('carols', '2026-01-04T00:00:00+00:00')] }))).toBe(
      ALICE,
    )
  })

  test('listed: a catch-all takes no number which an administrator assigned to another', () => {
    const any = number('any', { provider_id: idOf('telnyx'), extension_id: idOf('bob') })
    const mine = { providers: [at('telnyx')], numbers: [any] }
    expect(rung(withCarol(mine, { numbers: [carols('assigned')] }))).toBe('UNLISTED_SOURCE')
    expect(rung(withCarol(mine, { numbers: [carols('verified')] }))).toBe(ALICE)
  })

  test('says nothing to a trunk which is off', () => {
    const off = { ...pbx('early', 1), enabled: false }
    expect(rung(withCarol({ ...alice, providers: [at('telnyx', 2)] }, { trunks: [off] }))).toBe(ALICE)
  })
})
