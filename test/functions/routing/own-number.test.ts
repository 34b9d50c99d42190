import { describe, expect, test } from 'vitest'
import {
  flowFacts,
  type NumberFacts,
  outboundGuard,
  type RingDestination,
  type RouteDecision,
  type RouteQuestion,
} from '#contract'
import { orderedQuestion } from '#routing'
import {
  ALICE,
  CAROL,
  decided,
  dials,
  extension,
  idOf,
  number,
  officeDials,
  provider,
  route,
  type Scene,
  trunk,
} from './fixtures.ts'

const OURS = '+12125550100'
const answer = { id: 'a', type: 'answer', option: {}, next_id: null }
const menu = flowFacts.parse({
  id: idOf('menu'),
  customer_id: ALICE,
  name: 'menu',
  version: 3,
  extension: null,
  actions: [answer],
})
const ring: RingDestination = {
  type: 'extension',
  target: 'bob',
  ring_seconds: null,
  delay_seconds: 0,
  when: [],
}
const toMenu = { flow_id: menu.id }

const scene = (leads: Partial<NumberFacts>, more: Scene = {}): Scene => ({
  extensions: [extension('alice', { name: 'Alice' }), extension('bob'), extension('dan', { enabled: false })],
  trunks: [trunk('office', { hostname: 'pbx.example' })],
  numbers: [number(OURS, leads)],
  flows: [menu],
  providers: [provider('carrier')],
  routes: [route('carrier')],
  ...more,
})

/** Where it leads, whom it shows, and by whose number. */
function said(decision: RouteDecision): string {
  if (decision.kind === 'reject') return `${decision.status} ${decision.reason}`
  const { direction, caller_id, destination } = decision
  const leads = decision.kind === 'flow' ? `flow ${decision.program.name}` : decision.targets.kind
  return `${direction} ${leads}, ${caller_id.user} calls ${destination.target}`
}

const stays = (leads: string) => `internal ${leads}, alice calls ${OURS}`

describe('a customer’s call to its own number', () => {
  test.each<[string, Partial<NumberFacts>, string]>([
    ['follows its flow', toMenu, stays('flow menu')],
    ['rings its extension', { extension_id: idOf('bob') }, stays('extension')],
    ['calls its PBX', { trunk_id: idOf('office') }, stays('trunk')],
    ['rings its list', { destinations: [ring] }, stays('plan')],
    ['hears that its extension is disabled', { extension_id: idOf('dan') }, '480 EXTENSION_DISABLED'],
    ['hears that its extension is gone', { extension_id: idOf('gone') }, '404 EXTENSION_NOT_FOUND'],
    ['stays where the number is only claimed', { ...toMenu, ownership: 'claimed' }, stays('flow menu')],
    ['stays where it is one of a range', { ...toMenu, number_to: '+12125550199' }, stays('flow menu')],
    ['goes out where it leads nowhere', {}, `outgoing providers, alice calls ${OURS}`],
    [
      'goes out where it is disabled',
      { ...toMenu, enabled: false },
      `outgoing providers, alice calls ${OURS}`,
    ],
  ])('%s', (_, leads, expected) => {
    expect(said(decided(dials(OURS), scene(leads)))).toBe(expected)
  })

  test.each([OURS, '2125550100', '(212) 555-0100', '1-212-555-0100', `*67${OURS}`])(
    'is one however the number is written: %s',
    (written) => {
      expect(decided(dials(written), scene(toMenu)).kind).toBe('flow')
    },
  )

  test('says that the number is its own, and what follows', () => {
    const { explanation } = decided(dials(OURS), scene(toMenu))
    expect(explanation).toMatchObject({
      message: `${OURS} is the customer’s own number. Follows the flow menu (version 3).`,
      flow: { name: 'menu', version: 3 },
      candidates: [],
    })
  })

  test('is in the name of that number, which a flow calls others by, and keeps what its caller may do', () => {
    const alice = extension('alice', { transfer: 'deny', dtmf: 'info', secure: 'required' })
    expect(decided(dials(`*67${OURS}`), scene(toMenu, { extensions: [alice] }))).toMatchObject({
      kind: 'flow',
      forwarder: { kind: 'number', name: OURS },
      called: OURS,
      number_id: idOf(`n${OURS}`),
      provider_id: null,
      extension_id: alice.id,
      transfer: 'deny',
      dtmf: 'info',
      secure: 'required',
      caller_id: { asserted: null, hidden: true },
      variables: { 'voipbin.call.source.target': 'alice', 'voipbin.call.direction': 'internal' },
    })
  })

  test.each<['off' | 'mixed', 'off' | 'separate', string]>([
    ['off', 'off', 'off'],
    ['mixed', 'off', 'mixed'],
    ['off', 'separate', 'separate'],
    ['mixed', 'separate', 'separate'],
  ])('of an extension recorded %s and a number recorded %s is recorded %s', (own, called, expected) => {
    const extensions = [extension('alice', { record: own })]
    const decision = decided(dials(OURS), scene({ ...toMenu, record: called }, { extensions }))
    expect(decision).toMatchObject({ record: expected })
  })

  test('counts at who calls, and is stopped by a limit of theirs, but by no guard over calls out', () => {
    const guarded = outboundGuard.parse({ blocked: true, new_countries: 'refuse' })
    const alice = extension('alice', {
      caps: { max_channels: 1, max_cps: null, max_daily_minutes: null },
      guard: guarded,
    })
    const world = scene(toMenu, { extensions: [alice], customer: { allowed: [], blocked_prefixes: ['+1'] } })
    const decision = decided(dials(OURS), world)
    expect(said(decision)).toBe(stays('flow menu'))
    expect(decision.scopes).toEqual([
      { kind: 'customer', id: ALICE },
      { kind: 'extension', id: alice.id },
    ])
    const channels = { used: 1, of: 1 }
    const full = { use: () => ({ channels, cps: null, daily_minutes: null }) }
    expect(said(decided(dials(OURS), world, full))).toBe('503 CHANNELS_EXCEEDED')
  })

  const two = { max_channels: 2, max_cps: null, max_daily_minutes: 0 }
  const full = (...ids: string[]) => ({
    use: ({ id }: { id: string }) => ({
      channels: { used: ids.includes(id) ? 2 : 1, of: 2 },
      cps: null,
      daily_minutes: ids.includes(id) ? { used: 0, of: 0 } : null,
    }),
  })
  const guarded = { guard: outboundGuard.parse({ blocked: true, max_calls_per_minute: 1 }) }
  const limited = (leads: Partial<NumberFacts>): Scene =>
    scene(leads, {
      extensions: [extension('alice'), extension('bob', { caps: two, ...guarded })],
      trunks: [trunk('office', { caps: two, ...guarded })],
    })
  const [alice, bob, office] = [idOf('alice'), idOf('bob'), idOf('office')]
  test.each<[string, Partial<NumberFacts>, string, string[]]>([
    ['PBX', { trunk_id: office }, 'office', [alice, office]],
    ['extension', { extension_id: bob }, 'bob', [alice, bob]],
    ['extension, as a flow', { flow_id: idOf('rings') }, 'bob', [alice, bob]],
  ])('counts at the %s it rings, whose limits say busy, and no limit on calls out', (_, leads, name, ids) => {
    const rings = flowFacts.parse({ ...menu, id: idOf('rings'), extension: 'bob', actions: null })
    const world = { ...limited(leads), flows: [rings] }
    const decision = decided(dials(OURS), world, full(bob === ids[1] ? office : bob))
    expect(decision.kind).toBe('connect')
    expect(decision.scopes.map(({ id }) => id)).toEqual([ALICE, ...ids])
    expect(decision.explanation?.limits.map(({ id, resource }) => [id, resource])).toEqual([
      [ids[1], 'channels'],
    ])
    const busy = decided(dials(OURS), world, full(idOf(name)))
    expect(said(busy)).toBe('486 CHANNELS_EXCEEDED')
    // A share which grows lets it in.
    expect(busy.scopes.map(({ id }) => id)).toEqual([ALICE, ...ids])
  })

  test('counts once where it rings who calls', () => {
    const own = decided(officeDials(OURS), limited({ trunk_id: office }), full())
    expect(own.scopes.map(({ id }) => id)).toEqual([ALICE, office])
  })

  test('is none where the number is another customer’s', () => {
    const others = [{ id: CAROL, scene: { numbers: [number(OURS, { customer_id: CAROL, ...toMenu })] } }]
    expect(said(decided(dials(OURS), scene({}, { numbers: [], others })))).toBe(
      `outgoing providers, alice calls ${OURS}`,
    )
  })

  test('is one of its PBX too; one which went round ends', () => {
    expect(said(decided(officeDials(OURS), scene(toMenu)))).toBe(`internal flow menu, 101 calls ${OURS}`)
    const round = officeDials(OURS, { diverted: { by: [OURS], times: 1 } })
    expect(said(decided(round, scene(toMenu)))).toBe('482 LOOP_DETECTED')
    const often = officeDials(OURS, { diverted: { by: [], times: 5 } })
    expect(said(decided(often, scene(toMenu)))).toBe('483 TOO_MANY_FORWARDS')
  })

  test('is one which the API orders, unless a drill tries the carriers by it', () => {
    const party = { target_name: '', name: '', detail: '' }
    const ordered: RouteQuestion = orderedQuestion(
      {
        call_id: '99999999-9999-4999-8999-999999999990',
        customer_id: ALICE,
        source: { ...party, type: 'extension', target: 'alice' },
        destination: { ...party, type: 'tel', target: OURS },
        extension_id: idOf('alice'),
        caller_id: null,
      },
      'destination',
    )
    expect(said(decided(ordered, scene(toMenu)))).toBe(stays('flow menu'))
    expect(said(decided(ordered, scene(toMenu), { down: () => false }))).toBe(
      `outgoing providers, alice calls ${OURS}`,
    )
  })
})
