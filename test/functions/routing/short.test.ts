import { describe, expect, test } from 'vitest'
import { emergencyFacts } from '#contract'
import { isEmergency, readBeginning } from '#routing'
import {
  customer,
  decided,
  dials,
  extension,
  number,
  officeDials,
  providersOf,
  route,
  type Scene,
  said,
  tried,
  trunk,
} from './fixtures.ts'

const decide = (user: string, scene: Scene) => decided(dials(user), scene)
const went = (user: string, scene: Scene) =>
  providersOf(decide(user, scene)).map(({ name, user: at }) => [name, at])

describe('a short number', () => {
  const routes = [
    route('any'),
    route('us', { target: '+1' }),
    route('police', { target: '911' }),
    route('enquiries', { target: '118' }),
    route('enquiries-of-one', { target: '118118' }),
    route('codes', { target: '*' }),
  ]

  test.each([
    ['911', ['police', 'any']],
    ['112', ['any']],
    ['118118', ['enquiries-of-one', 'enquiries', 'any']],
    ['118000', ['enquiries', 'any']],
    ['*97', ['codes', 'any']],
    ['*100#', ['codes', 'any']],
    ['411', ['any']],
  ])('%s goes as it was dialled by the routes whose target it begins with: %j', (dialled, names) => {
    expect(went(dialled, { routes })).toEqual(names.map((name) => [name, dialled]))
  })

  test('is not what a number with its digits is', () => {
    expect(tried('+91112345678', { routes, customer: { allowed: ['IN'] } })).toEqual(['any'])
    expect(tried('411', { routes: [route('india', { target: '+411' })] })).toEqual([])
  })

  test('goes by the routes of its country where nothing else takes it, its own before the platform’s', () => {
    const own = [
      route('us', { target: '+1' }),
      route('uk', { target: '+44' }),
      route('ny', { target: '+1212' }),
    ]
    const platform = { routes: [route('pus', { target: '+1' })] }
    expect(tried('411', { routes: own, platform })).toEqual(['us', 'pus'])
    expect(tried('*97', { routes: own, platform, customer: { use_default_routes: false } })).toEqual(['us'])
    expect(tried('118', { routes: own, platform, customer: { country: 'GB' } })).toEqual(['uk'])
    expect(tried('118118', { routes: [route('ny', { target: '+1212' })] })).toEqual([])
  })

  test('says which targets would take it where no route does', () => {
    expect(decide('*97', { routes: [route('uk', { target: '+44' })] })).toMatchObject({
      status: 404,
      reason: 'NO_ROUTE',
      message: expect.stringMatching(/begin with \+44\. Give .*\*97.*calling code.*all\.$/),
    })
  })

  test('is blocked by its beginning, also behind its calling code; a number which begins so is not', () => {
    const blocking = (country: string, ...blocked_prefixes: string[]) => ({
      routes: [route('any')],
      customer: customer({ country, allowed: ['GB', 'DE'], blocked_prefixes }),
    })
    expect(decide('118118', blocking('GB', '118'))).toMatchObject({
      reason: 'DESTINATION_BLOCKED',
      message: expect.stringContaining('118'),
    })
    expect(decide('+4911833', blocking('DE', '118')).kind).toBe('reject')
    expect(decide('+441184960000', blocking('GB', '118')).kind).toBe('connect')
    expect(decide('118118', blocking('GB', '+118', '119')).kind).toBe('connect')
    expect(decide('*97', blocking('GB', '*')).kind).toBe('reject')
  })
})

describe('an emergency number', () => {
  const narrow = [route('ny', { target: '+1212' }), route('uk', { target: '+44' })]

  test('goes by its country’s routes, then by some of its numbers’, then by any other, and the platform’s likewise', () => {
    const platform = { routes: [route('pfr', { target: '+33' }), route('pus', { target: '+1' })] }
    const own = [...narrow, route('us', { target: '+1' }), route('la', { target: '+1213', priority: 1 })]
    expect(tried('911', { routes: narrow })).toEqual(['ny', 'uk'])
    expect(tried('911', { routes: own, platform })).toEqual(['us', 'pus', 'la', 'ny', 'uk', 'pfr'])
    expect(tried('911', { routes: narrow, platform, customer: { use_default_routes: false } })).toEqual([
      'ny',
      'uk',
    ])
    expect(tried('411', { routes: narrow })).toEqual([])
  })

  test('goes by no other where a route names it, and by any where that one cannot be taken', () => {
    const named = (enabled: boolean) => [...narrow, route('police', { target: '911', enabled })]
    expect(tried('911', { routes: named(true) })).toEqual(['police'])
    expect(tried('911', { routes: named(false) })).toEqual(['ny', 'uk'])
    expect(said(decide('911', { routes: named(false) }), 'police')).toMatchObject([
      { kept: false, code: 'DISABLED' },
    ])
  })

  test('goes by any of more routes than an explanation lists', () => {
    const many = Array.from({ length: 40 }, (_, at) =>
      route(`r${at}`, { target: `+4${at}`, priority: 40 - at, enabled: at === 3 }),
    )
    expect(tried('911', { routes: many })).toEqual(['r3'])
  })

  test('shows where to call back, if that is still its customer’s, and tells its place where the carrier takes it', () => {
    const place = { country: 'us', city: 'Springfield' }
    const emergency = emergencyFacts.parse({ callback_number: '+12125550001', place })
    const scene = (more: Partial<Scene>) => ({
      routes: [
        route('takes', { provider: { emergency_location: true } }),
        route('takes-not', { priority: 9 }),
      ],
      extensions: [extension('alice', { emergency })],
      ...more,
    })
    const mine = {
      numbers: [number('+12125550000'), number('+12125550001')],
      customer: { default_number: '+12125550000' },
    }
    const decision = decide('911', scene(mine))
    expect(decision).toMatchObject({
      caller_id: { asserted: '+12125550001' },
      explanation: { emergency: true, caller_id: { from: 'emergency' } },
    })
    expect(providersOf(decision).map((one) => one.place)).toEqual([emergency.place, null])
    // The caller's own word for it goes on there, too.
    expect(providersOf(decision).map((one) => one.takes)).toEqual([['application/pidf+xml'], []])
    const without = { numbers: [number('+12125550000')], customer: { default_number: '+12125550000' } }
    expect(decide('911', scene(without))).toMatchObject({ caller_id: { asserted: '+12125550000' } })
    const other = decide('411', scene(mine))
    expect(other).toMatchObject({
      caller_id: { asserted: '+12125550000' },
      explanation: { emergency: false },
    })
    expect(providersOf(other).map((one) => one.place)).toEqual([null, null])
    expect(providersOf(other).map((one) => one.takes)).toEqual([[], []])
  })

  test('is stopped by no limit of its caller’s, its customer’s or a carrier’s, by no country and no lack of a caller id', () => {
    const full = { max_channels: 1, max_cps: 1, max_daily_minutes: 1 }
    const scene = {
      routes: [route('any', { provider: { caps: full } })],
      extensions: [extension('alice', { caps: full })],
      customer: customer({ caps: full, allowed: [], blocked_prefixes: ['9', '+'], require_caller_id: true }),
    }
    const share = { used: 9, of: 1 }
    const busy = { use: () => ({ channels: share, cps: share, daily_minutes: share }) }
    expect(decided(dials('911'), scene, busy)).toMatchObject({
      kind: 'connect',
      explanation: { emergency: true },
    })
    expect(decided(dials('+12125550199'), scene, busy).kind).toBe('reject')
    // Directory enquiries and the like may cost more than any other number.
    const none = { max_channels: null, max_cps: null, max_daily_minutes: null }
    const german = (caps: typeof full | typeof none) => customer({ country: 'DE', allowed: ['DE'], caps })
    expect(decided(dials('11833'), { ...scene, customer: german(full) }, busy)).toMatchObject({ status: 503 })
    expect(decided(dials('11833'), { routes: scene.routes, customer: german(none) }, busy)).toMatchObject({
      reason: 'ALL_PROVIDERS_FULL',
    })
  })

  test('is dialled in whatever domain', () => {
    expect(decided(dials('112', '192.0.2.1'), { routes: [route('any')] }).kind).toBe('connect')
  })

  test('is never blocked, never hidden, and needs no caller id', () => {
    const scene = {
      routes: [route('any')],
      customer: customer({ country: 'DE', blocked_prefixes: ['11'], require_caller_id: true }),
    }
    expect(decide('118', scene)).toMatchObject({ reason: 'DESTINATION_BLOCKED' })
    for (const dialled of ['110', '112', '#31#110', '*67112'])
      expect(decide(dialled, scene)).toMatchObject({ kind: 'connect', caller_id: { hidden: false } })
  })

  test('does not ring a phone which is called like it', () => {
    const extensions = [extension('alice'), extension('911'), extension('110')]
    const scene = { routes: [route('any')], extensions }
    expect(went('911', scene)).toEqual([['any', '911']])
    expect(decide('110', scene)).toMatchObject({ targets: { kind: 'extension' } })
    expect(went('110', { ...scene, customer: { country: 'DE' } })).toEqual([['any', '110']])
  })

  test('is one of the country of the PBX which dials it', () => {
    const scene = {
      routes: [route('any')],
      trunks: [trunk('office', { country: 'DE' })],
      extensions: [extension('110')],
    }
    expect(providersOf(decided(officeDials('110'), scene)).map(({ user }) => user)).toEqual(['110'])
  })

  test.each([
    ['911', 'US', true],
    ['112', 'US', true],
    ['999', 'US', false],
    ['999', 'GB', true],
    ['000', 'AU', true],
    ['15', 'FR', true],
    ['100', 'US', false],
    ['100', 'IN', true],
    ['1355', 'GA', true],
    ['13', 'GA', false],
    ['110', 'DE', true],
    ['119', 'JP', true],
  ])('%s in %s: %s', (digits, country, is) => {
    expect(isEmergency(digits, country)).toBe(is)
  })
})

describe('a call which hides its caller id', () => {
  const scene: Scene = {
    routes: [route('any')],
    numbers: [number('+12125550000')],
    customer: { only_number: '+12125550000' },
  }

  test.each([
    ['2125550199', null],
    ['*672125550199', true],
    ['#31#+12125550199', true],
    ['*822125550199', false],
    ['*31#2125550199', false],
  ])('%s goes to the number, hidden: %s, and the carrier is told who it is', (dialled, hidden) => {
    expect(decide(dialled, scene)).toMatchObject({
      destination: { target: '+12125550199' },
      caller_id: { asserted: '+12125550000', hidden },
      explanation: { number: { dialled, kind: 'number', e164: '+12125550199' } },
    })
    const why = decide(dialled, scene).explanation?.caller_id?.why
    expect(why?.endsWith('hidden for this call')).toBe(hidden === true)
  })

  test('within the company rings the phone which was dialled', () => {
    expect(decide('*67bob', scene)).toMatchObject({
      targets: { extension: { extension: 'bob' } },
      caller_id: { hidden: true },
    })
  })

  test.each(['*21*493012345678#', '12345678*9', '**61*22*11*25#'])(
    '%s is a code which means nothing here, and is named',
    (dialled) => {
      expect(decide(dialled, scene)).toMatchObject({
        status: 404,
        reason: 'SERVICE_CODE_UNKNOWN',
        destination: { type: 'tel', target: dialled },
        message: expect.stringContaining(dialled),
      })
    },
  )
})

describe('a name with digits and letters', () => {
  test('is an extension first, wherever it is dialled, and a number where there is none', () => {
    const scene = { routes: [route('any')], extensions: [extension('alice'), extension('1800flowers')] }
    expect(decided(dials('1800flowers', '192.0.2.1'), scene)).toMatchObject({
      targets: { kind: 'extension' },
    })
    expect(went('1800flowers', { routes: [route('any')] })).toEqual([['any', '+18003569377']])
  })
})

describe('the beginning of numbers, as a route or a block names it', () => {
  test.each([
    ['+1212', 'US', '+1212'],
    ['1212', 'US', '+1212'],
    ['1 (212)', 'US', '+1212'],
    ['44', 'US', '+44'],
    ['00 44', 'US', '+44'],
    ['011 44', 'US', '+44'],
    ['\u202a+1\u00a0212\u202c', 'US', '+1212'],
    ['٤٤', 'US', '+44'],
    ['911', 'US', '911'],
    ['911', 'IN', '911'],
    ['+911', 'IN', '+911'],
    ['112', 'US', '112'],
    ['118', 'DE', '118'],
    ['118118', 'GB', '118118'],
    ['10', 'US', '10'],
    ['999', 'US', '999'],
    ['411', 'US', '411'],
    ['411', 'CH', '+411'],
    ['995', 'SG', '995'],
    ['995', 'US', '+995'],
    ['15', 'FR', '15'],
    ['15', 'US', '+15'],
    ['000', 'AU', '000'],
    ['0', 'DE', '0'],
    ['*97', 'US', '*97'],
    ['#', 'US', '#'],
    ['1900', 'GB', '+1900'],
  ])('%s in %s is %s', (text, country, read) => {
    expect(readBeginning(text, country)).toBe(read)
  })

  test.each(['', '+', '+0', '+0123', 'everything', '1+2', '+12345678901234567', '*123456789', '01234567'])(
    '%j is none',
    (text) => {
      expect(readBeginning(text, 'DE')).toBeUndefined()
    },
  )
})
