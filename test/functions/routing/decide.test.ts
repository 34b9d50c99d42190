import { describe, expect, test } from 'vitest'
import { failoverPolicy, portNumber } from '#contract'
import {
  BASE,
  CAROL,
  customer,
  decided,
  dials,
  extension,
  idOf,
  officeDials,
  provider,
  providersOf,
  REALM,
  route,
  said,
  tried,
  trunk,
} from './fixtures.ts'

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
    const shared = [route('telnyx', { target: '+1555' }), route('twilio')]
    const own = route('telnyx')
    const scene = { routes: [own], platform: { routes: shared } }
    expect(tried('+15551234567', scene)).toEqual(['telnyx', 'twilio'])
    const decision = decided(dials('+15551234567'), scene)
    expect(said(decision, 'telnyx')).toMatchObject([
      { kept: true, platform: false },
      {
        kept: false,
        platform: true,
        code: 'DUPLICATE_PROVIDER',
        why: 'an earlier route has the same provider',
      },
    ])
  })

  test('leaves default routes out where the customer wants none', () => {
    const platform = { routes: [route('twilio')] }
    const use_default_routes = false
    expect(decided(dials('+15551234567'), { platform, customer: { use_default_routes } })).toMatchObject({
      reason: 'NO_ROUTE',
      status: 404,
    })
  })

  test('shares calls among weights as they ask, and always the same way for the same call', () => {
    const routes = [route('nine', { weight: 9 }), route('one', { weight: 1 }), route('spare')]
    const first = Array.from({ length: 2000 }, (_, at) => {
      const call_id = `99999999-9999-4999-8999-${String(at).padStart(12, '0')}`
      const order = providersOf(decided({ ...dials('+15551234567'), call_id }, { routes })).map(
        ({ name }) => name,
      )
      expect(order[2]).toBe('spare')
      return order[0]
    })
    const share = first.filter((name) => name === 'nine').length / first.length
    expect(share).toBeGreaterThan(0.86)
    expect(share).toBeLessThan(0.94)
  })

  test('skips what is disabled, deleted or locked, and says so', () => {
    const routes = [
      route('off', { enabled: false }),
      route('asleep', { provider: { enabled: false } }),
      route('gone', { provider: { deleted: true } }),
      route('elsewhere', { target: '+44' }),
      route('locked', { provider: { username: 'u', locked: true } }),
      route('good', { priority: 5 }),
    ]
    expect(tried('+15551234567', { routes })).toEqual(['good'])
    const decision = decided(dials('+15551234567'), { routes })
    const codes = decision.explanation?.candidates.map(({ provider_name, code }) => [provider_name, code])
    expect(Object.fromEntries(codes ?? [])).toEqual({
      off: 'DISABLED',
      asleep: 'PROVIDER_DISABLED',
      gone: 'PROVIDER_DELETED',
      elsewhere: 'PREFIX',
      locked: 'PROVIDER_LOCKED',
      good: 'KEPT',
    })
    expect(said(decision, 'locked')[0]?.why).toBe('its password cannot be opened with the present SEAL_KEYS')
    expect(said(decision, 'elsewhere')[0]?.why).toBe('the number does not begin with +44')
    expect(said(decision, 'good')[0]).toMatchObject({ order: 1, why: 'target all, priority 5' })
  })

  test('rejects with 404 when nothing matches, and says of each route why not', () => {
    expect(decided(dials('+15551234567'), {})).toMatchObject({
      kind: 'reject',
      status: 404,
      reason: 'NO_ROUTE',
      message: expect.stringContaining('POST /v1.0/routes'),
    })
    expect(decided(dials('+15551234567'), { routes: [route('off', { enabled: false })] })).toMatchObject({
      reason: 'NO_ROUTE',
      message: 'No route can be taken. off: the route is disabled.',
    })
  })

  test('lets the route override the provider, and the provider the defaults', () => {
    const routes = [
      route('telnyx', {
        failover: { answer_ms: 20_000 },
        provider: { failover: { answer_ms: 40_000, next_on: [404] } },
      }),
    ]
    const [target] = providersOf(decided(dials('+15551234567'), { routes }))
    expect(target?.policy).toEqual({ ...failoverPolicy.parse({}), answer_ms: 20_000, next_on: [404] })
  })

  test('says how a provider is reached, with which credentials and headers', () => {
    const telnyx = {
      port: portNumber(5061),
      transport: 'tls' as const,
      tls: { verify: 'none' as const, fingerprint: null },
      codecs: 'PCMA,PCMU',
      isup: true,
      tech_headers: { 'X-Account': '7' },
      username: 'alice',
      password: 'secret',
      realm: 'telnyx',
    }
    const [target] = providersOf(
      decided(dials('+15551234567'), { routes: [route('telnyx', { provider: telnyx })] }),
    )
    expect(target).toMatchObject({
      hostname: 'telnyx.test',
      port: portNumber(5061),
      transport: 'tls',
      tls: { verify: 'none' },
      codecs: ['PCMA', 'PCMU'],
      takes: ['application/isup'],
      headers: [['X-Account', '7']],
      credentials: { username: 'alice', password: 'secret', realm: 'telnyx' },
    })
  })

  test('leaves an emergency number exactly as it was dialled, and sends it by routes for all', () => {
    const routes = [
      route('telnyx', { provider: { tech_prefix: '99', called_format: 'e164' } }),
      route('us', { target: '+1' }),
    ]
    const decision = decided(dials('911'), { routes, customer: customer({ allowed: ['GB'] }) })
    expect(providersOf(decision).map(({ name, user }) => [name, user])).toEqual([['telnyx', '911']])
    expect(decision.destination.target).toBe('911')
    expect(decision.explanation?.number).toEqual({ dialled: '911', kind: 'short', e164: null, country: null })
  })

  test('says who decided, for when, and on which configuration', () => {
    const live = { decidedBy: 'relay' as const, snapshotAgeMs: 1200, version: () => 41 }
    expect(decided(dials('+15551234567'), { routes: [route('telnyx')] }, live).explanation).toMatchObject({
      decided_by: 'relay',
      snapshot_age_ms: 1200,
      version: 41,
      platform_version: 41,
      at: '2026-11-24T13:30:00.000Z',
      message: 'Tries telnyx.',
      number: { e164: '+15551234567', country: 'US' },
    })
  })

  test('counts a call at the customer and at the extension or trunk that makes it', () => {
    const routes = [route('telnyx')]
    expect(decided(dials('+15551234567'), { routes })).toMatchObject({
      scopes: [{ kind: 'customer' }, { kind: 'extension', id: idOf('alice') }],
      extension_id: idOf('alice'),
      trunk_id: null,
    })
    expect(decided(officeDials('+15551234567'), { routes, trunks: [trunk('office')] })).toMatchObject({
      scopes: [{ kind: 'customer' }, { kind: 'trunk', id: idOf('office') }],
      extension_id: null,
      trunk_id: idOf('office'),
    })
  })
})

describe('the countries a customer may call', () => {
  const routes = [route('telnyx')]
  const call = (user: string, changes = {}) => decided(dials(user), { routes, customer: changes })

  test('are its own until it says otherwise, and the refusal says how to', () => {
    expect(call('+442079460000')).toMatchObject({
      kind: 'reject',
      status: 403,
      reason: 'DESTINATION_NOT_ALLOWED',
      message:
        'Calls to gb are not allowed: PATCH /v1.0/customer {"destination_whitelist":["us","gb"]} allows them.',
    })
  })

  test('include those of its numbers', () => {
    expect(call('+442079460000', { number_countries: ['GB'] }).kind).toBe('connect')
  })

  test('are exactly those it lists, once it lists any', () => {
    const listed = { allowed: ['GB'], number_countries: ['US'] }
    expect(call('+442079460000', listed).kind).toBe('connect')
    expect(call('+12125551234', listed)).toMatchObject({
      reason: 'DESTINATION_NOT_ALLOWED',
      message: 'Calls to us are not allowed: add "us" to destination_whitelist by PATCH /v1.0/customer.',
    })
  })

  test('do not reach over a shared calling code: +1 876 is Jamaica', () => {
    expect(call('+18765551234')).toMatchObject({
      reason: 'DESTINATION_NOT_ALLOWED',
      message: expect.stringContaining('"jm"'),
    })
  })

  test('never include a number of no country', () => {
    expect(call('+88312345678')).toMatchObject({ reason: 'DESTINATION_NOT_ALLOWED' })
  })

  test('hold +1 555 for the customer’s own where nobody can tell whose it is', () => {
    expect(call('+15551234567').kind).toBe('connect')
    expect(call('+15551234567', { country: 'CA' }).kind).toBe('connect')
  })

  test('do not help where the beginning of the number is blocked, and the refusal says how to unblock it', () => {
    expect(call('+19005551234', { blocked_prefixes: ['+1900'] })).toMatchObject({
      status: 403,
      reason: 'DESTINATION_BLOCKED',
      message: expect.stringMatching(/\+1900.*blocked_prefixes/),
    })
    expect(call('+12125551234', { blocked_prefixes: ['+1900'] }).kind).toBe('connect')
  })
})

describe('a call inside the realm', () => {
  test('rings the extension of that name', () => {
    expect(decided(dials('bob'), {})).toMatchObject({
      kind: 'connect',
      direction: 'internal',
      targets: { kind: 'extension', extension: { extension: 'bob', realm: REALM, ring_ms: 30_000 } },
      caller_id: { user: 'alice', display: 'Alice', asserted: null, unverified: false },
      explanation: { message: 'Rings extension bob.' },
    })
  })

  test('rings an extension whose name is a number before the phone network', () => {
    const scene = { extensions: [extension('alice'), extension('5551234567')], routes: [route('telnyx')] }
    expect(decided(dials('5551234567'), scene)).toMatchObject({ direction: 'internal' })
    expect(decided(dials('5551234567', '192.0.2.1'), scene)).toMatchObject({ direction: 'outgoing' })
  })

  test('knows a plain name whichever host the phone wrote', () => {
    expect(decided(dials('bob', '192.0.2.1'), {})).toMatchObject({ direction: 'internal' })
  })

  test('does not cross into a stranger’s realm', () => {
    expect(decided(dials('bob', `${CAROL}.registrar.${BASE}`), {})).toMatchObject({
      status: 404,
      reason: 'EXTENSION_NOT_FOUND',
    })
  })

  test('looks past parameters of the user part', () => {
    expect(decided(dials('bob;user=phone'), {})).toMatchObject({ direction: 'internal' })
    const routes = [route('telnyx')]
    for (const user of [
      '+12125551234;npdi;rn=+12125550000',
      'tel:+1-212-555-1234',
      '2125551234;phone-context=+1',
    ])
      expect(decided(dials(user), { routes }), user).toMatchObject({
        destination: { target: '+12125551234' },
      })
  })

  test('says who is missing, disabled or impossible', () => {
    expect(decided(dials('carol'), {})).toMatchObject({ status: 404, reason: 'EXTENSION_NOT_FOUND' })
    const off = { extensions: [extension('alice'), extension('bob', { enabled: false })] }
    expect(decided(dials('bob'), off)).toMatchObject({
      status: 480,
      reason: 'EXTENSION_DISABLED',
      message: 'The extension bob is disabled.',
    })
    expect(decided(dials('+1555'), {})).toMatchObject({ status: 484, reason: 'INVALID_NUMBER' })
    expect(decided(dials('+12125551234'), { extensions: [] })).toMatchObject({
      status: 403,
      reason: 'CALLER_UNKNOWN',
    })
    expect(decided(dials('bob'), { extensions: [extension('alice', { enabled: false })] })).toMatchObject({
      status: 403,
      reason: 'EXTENSION_DISABLED',
    })
  })
})

describe('a call from a PBX', () => {
  const routes = [route('telnyx')]

  test('goes out by the customer’s routes, read in the PBX’s own country', () => {
    const trunks = [trunk('office', { country: 'GB' })]
    const scene = { trunks, routes, customer: { allowed: ['GB'] } }
    expect(decided(officeDials('020 7946 0000'), scene)).toMatchObject({
      kind: 'connect',
      direction: 'outgoing',
      destination: { target: '+442079460000' },
      explanation: { caller: { rule: 'digest' } },
    })
  })

  test('rings the customer’s extensions by name', () => {
    expect(decided(officeDials('bob'), { trunks: [trunk('office')] })).toMatchObject({
      direction: 'internal',
      targets: { extension: { extension: 'bob' } },
      trunk_id: idOf('office'),
    })
  })

  test('is refused while the trunk is disabled or gone', () => {
    const trunks = [trunk('office', { enabled: false })]
    expect(decided(officeDials('+12125551234'), { trunks, routes })).toMatchObject({
      status: 403,
      reason: 'TRUNK_DISABLED',
    })
    expect(decided(officeDials('+12125551234'), { routes })).toMatchObject({ reason: 'CALLER_UNKNOWN' })
  })
})

test('a provider of another customer is never reached, though its name be known', () => {
  const others = [{ id: CAROL, scene: { providers: [provider('carols')], routes: [route('carols')] } }]
  expect(decided(dials('+12125551234'), { others })).toMatchObject({ reason: 'NO_ROUTE' })
})
