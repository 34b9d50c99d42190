import fc from 'fast-check'
import { type NumberFacts, type Ownership, type RouteQuestion, utcMs } from '#contract'
import type { Runtime } from '#routing'
import {
  ALICE,
  AT,
  BASE,
  CAROL,
  extension,
  idOf,
  number,
  provider,
  REALM,
  route,
  type Scene,
  trunk,
} from './fixtures.ts'

/*
 * Configurations and questions by chance: few enough names and numbers that they meet.
 */

const dids = ['+12125550000', '+12125550001', '+442079460000', '+12685551234']
const sources = ['192.0.2.7', '192.0.2.0/24', '198.51.100.7', '2001:db8::/32']
const targets = [
  'all',
  '+1',
  '+1212',
  '+1212555',
  '+12125551234',
  '+44',
  '+4420',
  '+1268',
  '911',
  '9',
  '118',
  '*',
]
const formats = ['+e164', 'e164', '00', 'national', '0{national}']
const names = ['a', 'b', 'c', 'd', 'e']

/** When something was made: of those who share an address the oldest is meant. */
const since = fc.integer({ min: 1, max: 4 }).map((day) => `2026-01-0${day}T00:00:00+00:00`)
/** How many of what a customer lists is its own. */
const whose = fc.constantFrom<Ownership>('assigned', 'assigned', 'verified', 'claimed')

const carrier = fc
  .record({
    enabled: fc.boolean(),
    country: fc.constantFrom(null, 'GB', 'US'),
    called_format: fc.constantFrom(...formats),
    calling_format: fc.constantFrom(...formats),
    tech_prefix: fc.constantFrom('', '99#'),
    sources: fc.subarray(sources, { maxLength: 2 }),
    found: fc
      .subarray(['192.0.2.7', '198.51.100.7', '2001:db8::7'], { maxLength: 2 })
      .chain((addresses) =>
        fc.tuple(...addresses.map((address) => since.map((at) => ({ address, since: at })))),
      ),
    created_at: since,
  })
  .map((changes) => ({ ...changes, enabled: changes.enabled || changes.tech_prefix === '' }))

const listed = (prefix: string) =>
  fc
    .array(
      fc.record({
        to: fc.constantFrom(...names),
        target: fc.constantFrom(...targets),
        priority: fc.integer({ min: 1, max: 2 }),
        weight: fc.constantFrom(0, 0, 1, 5),
        enabled: fc.constantFrom(true, true, true, false),
        created: fc.integer({ min: 0, max: 3 }),
        window: fc.constantFrom(null, null, { time_zone: 'Europe/Berlin', from: '09:00', to: '14:00' }),
      }),
      { maxLength: 8 },
    )
    .map((wishes) =>
      wishes.map(({ to, created, window, ...wish }, at) => ({
        name: `${prefix}${to}`,
        wish: {
          ...wish,
          id: idOf(`${prefix}${at} route`),
          created_at: `2026-01-0${created + 1}T00:00:00+00:00`,
          time_window: window && {
            time_zone: window.time_zone,
            periods: [{ days: [], from: window.from, to: window.to }],
          },
        },
      })),
    )

const holder = (prefix: string) =>
  fc
    .record({ routes: listed(prefix), carriers: fc.tuple(carrier, carrier, carrier, carrier, carrier) })
    .map(({ routes, carriers }) => {
      const providers = names.map((name, at) => provider(`${prefix}${name}`, carriers[at]))
      return {
        providers,
        routes: routes.map(({ name, wish }) => ({
          ...route(name, wish),
          provider: providers.find((one) => one.name === name) ?? provider(name),
        })),
      }
    })

/** Somebody's whole configuration, and the platform's. */
export const scene: fc.Arbitrary<Scene> = fc
  .record({
    own: holder(''),
    platform: holder('p'),
    country: fc.constantFrom('US', 'US', 'GB', 'AG'),
    allowed: fc.constantFrom(null, ['US', 'GB', 'AG'], ['US', 'GB', 'AG']),
    require_caller_id: fc.boolean(),
    use_default_routes: fc.boolean(),
    pass_display_name: fc.boolean(),
    blocked_prefixes: fc.constantFrom([], ['+1900'], ['+44'], ['118', '9']),
    bob: fc.boolean(),
    /** What Alice's phone shows: nothing, a number there may be, one of the range. */
    own_id: fc.constantFrom(null, ...dids, '+12125551500'),
    office: fc.record({
      enabled: fc.constantFrom(true, true, false),
      country: fc.constantFrom(null, 'GB'),
      caller_ids: fc.subarray(dids, { maxLength: 2 }),
      sources: fc.subarray(sources, { maxLength: 1 }),
      called_format: fc.constantFrom(...formats),
      created_at: since,
    }),
    numbers: fc.subarray(dids, { maxLength: 3 }),
    ownerships: fc.tuple(whose, whose, whose, whose),
    /** Another customer, who may list the same addresses and numbers. */
    carol: fc.record({
      carrier,
      pbx: fc.record({
        sources: fc.subarray(sources, { maxLength: 2 }),
        enabled: fc.boolean(),
        created_at: since,
      }),
      numbers: fc.subarray(dids, { maxLength: 3 }),
      range: fc.boolean(),
      any: fc.boolean(),
      ownership: whose,
    }),
    leads: fc.constantFrom('alice', 'bob', 'office', 'flow', 'nowhere'),
    range: fc.boolean(),
    any: fc.boolean(),
  })
  .map((some): Scene => {
    const office = trunk('office', { ...some.office, name: 'office' })
    const leads = {
      extension_id: ['alice', 'bob'].includes(some.leads) ? idOf(some.leads) : null,
      trunk_id: some.leads === 'office' ? office.id : null,
      flow_id: some.leads === 'flow' ? idOf('flow') : null,
    }
    const numbers = [
      ...some.numbers.map((e164, at) =>
        number(e164, { ownership: some.ownerships[at] ?? 'claimed', ...leads }),
      ),
      ...(some.range
        ? [number('+12125551000', { number_to: '+12125551999', ownership: some.ownerships[3], ...leads })]
        : []),
      ...(some.any ? [number('any', { provider_id: provider('a').id, ...leads })] : []),
    ]
    const code: Record<string, string> = { US: '1', GB: '44', AG: '1' }
    const own = numbers.filter(isShown)
    return {
      ...some.own,
      platform: some.platform,
      customer: {
        country: some.country,
        calling_code: code[some.country] ?? '',
        allowed: some.allowed && [...some.allowed],
        ...sumOf(numbers),
        require_caller_id: some.require_caller_id,
        use_default_routes: some.use_default_routes,
        pass_display_name: some.pass_display_name,
        blocked_prefixes: [...some.blocked_prefixes],
      },
      extensions: [
        extension('alice', { name: 'Alice', caller_id: some.own_id }),
        extension('bob', { enabled: some.bob }),
      ],
      trunks: [office],
      flows: [
        { id: idOf('flow'), customer_id: ALICE, name: '', version: 1, extension: 'bob', actions: null },
      ],
      numbers,
      others: [{ id: CAROL, scene: carols(some.carol, own) }],
    }
  })

function isShown({ ownership, number }: NumberFacts): boolean {
  return ownership !== 'claimed' && number !== 'any'
}

/** What is known of a customer by its numbers. */
function sumOf(numbers: readonly NumberFacts[]) {
  const countries: Record<string, string> = { '+1212': 'US', '+4420': 'GB', '+1268': 'AG' }
  const own = numbers.filter(isShown)
  const single = own.filter(({ number_to }) => number_to === null)
  return {
    number_countries: [...new Set(own.flatMap(({ number }) => countries[number.slice(0, 5)] ?? []))].sort(),
    only_number: single.length === 1 ? (single[0]?.number ?? null) : null,
  }
}

/** Carol lists what she likes; but a number which is Alice's cannot be hers as well. */
function carols(
  some: Record<'carrier' | 'pbx', object> & {
    numbers: string[]
    range: boolean
    any: boolean
    ownership: Ownership
  },
  taken: NumberFacts[],
): Scene {
  const leads = { extension_id: idOf('carol') }
  const owned = (e164: string): Ownership =>
    taken.some(({ number }) => number === e164) ? 'claimed' : some.ownership
  const mine = (e164: string, changes: Partial<NumberFacts> = {}) =>
    number(e164, { id: idOf(`c${e164}`), ownership: owned(e164), ...leads, ...changes })
  const numbers = [
    ...some.numbers.map((e164) => mine(e164)),
    ...(some.range ? [mine('+12125551000', { number_to: '+12125551999' })] : []),
    ...(some.any ? [mine('any', { provider_id: idOf('carols'), ownership: 'claimed' })] : []),
  ]
  return {
    customer: sumOf(numbers),
    providers: [provider('carols', some.carrier)],
    trunks: [trunk('carolspbx', some.pbx)],
    extensions: [extension('carol')],
    numbers,
  }
}

const dialled = [
  ...dids,
  '+12125551234',
  '2125551234',
  '02079460000',
  '00442079460000',
  '011442079460000',
  '5551234',
  '+19005551234',
  'bob',
  'nobody',
  '911',
  '999',
  '118118',
  '*97',
  '*672125551234',
  '#31#911',
  '*67bob',
  '*82*97',
  '2125551234#',
  '\u202a+1\u00a0212\u2011555\u20111234\u202c',
  '1-212-CALL-ALL',
  '+44 (0)20 7946 0000',
  '2079460000;phone-context=+44',
  '911;phone-context=+1',
  '2125551234,,5',
  '+1',
  '+12125551234;npdi',
]
const shown = ['alice', 'anonymous', '2125550000', '5551234', ...dids]

/** A question by chance: from a phone, a PBX, or an address. */
export const call: fc.Arbitrary<RouteQuestion> = fc
  .record({
    call_id: fc.uuid(),
    kind: fc.constantFrom('extension', 'trunk', 'source', 'source'),
    address: fc.constantFrom(
      '192.0.2.7',
      '192.0.2.8',
      '198.51.100.7',
      '2001:db8::9',
      '203.0.113.1',
      'nonsense',
    ),
    user: fc.constantFrom(...dialled),
    from: fc.constantFrom(...shown),
    asserted: fc.constantFrom(null, ...shown),
    diverting: fc.subarray(shown, { maxLength: 2 }),
    display: fc.constantFrom('', 'Carol'),
    host: fc.constantFrom(REALM, `office.trunk.${BASE}`, '192.0.2.1'),
  })
  .map(({ call_id, kind, address, user, from, asserted, diverting, display, host }) => ({
    call_id,
    caller:
      kind === 'extension'
        ? { kind, customer_id: ALICE, extension_id: idOf('alice') }
        : kind === 'trunk'
          ? { kind, customer_id: ALICE, trunk_id: idOf('office') }
          : { kind: 'source' as const, address, port: 5060, transport: 'udp' as const, line: null },
    from: { user: from, display, asserted, diverting },
    to: { user, host },
    codecs: [],
  })) as fc.Arbitrary<RouteQuestion>

/** How things stand by chance. */
export const standing: fc.Arbitrary<Partial<Runtime>> = fc
  .record({
    unhealthy: fc.subarray([...names, ...names.map((name) => `p${name}`)]),
    halfOpen: fc.subarray(names),
    due: fc.boolean(),
    at: fc.integer({ min: 0, max: 23 }),
  })
  .map(({ unhealthy, halfOpen, due, at }) => ({
    at: utcMs(AT + at * 3_600_000),
    health: (id: string) =>
      unhealthy.some((name) => idOf(name) === id)
        ? 'unhealthy'
        : halfOpen.some((name) => idOf(name) === id)
          ? 'half_open'
          : 'unknown',
    trial: () => due,
  }))
