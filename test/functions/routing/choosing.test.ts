import { describe, expect, test } from 'vitest'
import { extensionFacts, utcMs } from '#contract'
import { type ConfigIndex, decide, unused } from '#routing'
import {
  ALICE,
  decided,
  dials,
  extension,
  idOf,
  liveWith,
  number,
  officeDials,
  provider,
  providersOf,
  rings,
  route,
  said,
  shelfOf,
  tried,
  trunk,
} from './fixtures.ts'

const dialled = '+12125551234'

describe('the caller id', () => {
  const routes = [route('telnyx')]
  const mine = number('+12125550001')
  const call = (scene: object, question = dials(dialled)) => decided(question, { routes, ...scene })

  test('is the number asked for where it is the customer’s, by itself or within a range', () => {
    const numbers = [mine, number('+12125550100', { number_to: '+12125550199' })]
    for (const asked of ['+12125550001', '+12125550150'])
      expect(call({ numbers }, dials(dialled, undefined, { user: asked }))).toMatchObject({
        caller_id: { user: asked, asserted: asked, unverified: false },
        explanation: { caller_id: { from: 'asked' } },
      })
  })

  test('is the extension’s own, else the default, else the only one there is', () => {
    const customer = { default_number: '+12125550002', only_number: '+12125550003' }
    expect(call({ customer })).toMatchObject({ caller_id: { asserted: '+12125550002' } })
    expect(call({ customer: { ...customer, default_number: null } })).toMatchObject({
      caller_id: { asserted: '+12125550003' },
      explanation: { caller_id: { from: 'only' } },
    })
  })

  test('is none where there are several numbers and nothing chooses, and the decision says what would', () => {
    const why = (number_countries: string[]) => call({ customer: { number_countries } }).explanation
    expect(why([])).toMatchObject({ caller_id: { why: 'the customer has no number to show' } })
    expect(why(['US'])).toMatchObject({
      caller_id: { from: 'none', why: expect.stringContaining('default_outgoing_number_id by PATCH') },
    })
  })

  test('is the extension’s own also where that is one of a range, and never one the customer has not', () => {
    const numbers = [
      number('+12125550100', { number_to: '+12125550199' }),
      number('+12125550005', { enabled: false }),
    ]
    const own = (caller_id: string) => call({ numbers, extensions: [extension('alice', { caller_id })] })
    expect(own('+12125550150')).toMatchObject({
      caller_id: { asserted: '+12125550150' },
      explanation: { caller_id: { from: 'extension' } },
    })
    for (const foreign of ['+12125550200', '+12125550005', '+14155550000'])
      expect(own(foreign)).toMatchObject({ caller_id: { asserted: null, unverified: true } })
  })

  test('of a PBX may be one of a range, asked for or its own', () => {
    const numbers = [number('+12125550100', { number_to: '+12125550199' })]
    const scene = { numbers, trunks: [trunk('office', { caller_ids: ['+12125550151', '+12125550150'] })] }
    const asking = (user: string) => call(scene, officeDials(dialled, { user }))
    expect(asking('+12125550150')).toMatchObject({ caller_id: { asserted: '+12125550150' } })
    expect(asking('+12125550152')).toMatchObject({ caller_id: { asserted: '+12125550151' } })
  })

  test('has the name the caller gives itself only where its customer lets that out', () => {
    const scene = { numbers: [mine], trunks: [trunk('office', { name: 'Office' })] }
    const claims = { display: 'IRS' }
    const shown = (pass_display_name: boolean) => {
      const customer = { pass_display_name }
      const phone = call({ ...scene, customer }, dials(dialled, undefined, claims))
      const pbx = call({ ...scene, customer }, officeDials(dialled, claims))
      return [phone, pbx].map((decision) => decision.kind === 'connect' && decision.caller_id.display)
    }
    expect(shown(false)).toEqual(['Alice', 'Office'])
    expect(shown(true)).toEqual(['IRS', 'IRS'])
    const inside = decided(dials('bob', undefined, claims), {})
    expect(inside).toMatchObject({ caller_id: { display: 'IRS' } })
  })

  test('of a PBX comes with those of the numbers it calls for which are its customer’s', () => {
    const numbers = [mine, number('+12125550100', { number_to: '+12125550199' })]
    const diverting = ['2125550001', '+12125550150', '+18005550000', 'sales']
    const asking = (question: Parameters<typeof call>[1]) =>
      call({ numbers, trunks: [trunk('office')] }, question)
    expect(asking(officeDials(dialled, { diverting }))).toMatchObject({
      caller_id: { diverting: ['2125550001', '+12125550150'] },
    })
    expect(asking(dials(dialled, undefined, { diverting }))).toMatchObject({ caller_id: { diverting: [] } })
  })

  test('is the extension’s name, asserted by nobody, where there is no number', () => {
    expect(call({})).toMatchObject({
      caller_id: { user: 'alice', display: 'Alice', asserted: null, unverified: true },
      explanation: { caller_id: { number: null, from: 'none', unverified: true } },
    })
  })

  test('is required where the customer says so', () => {
    expect(call({ customer: { require_caller_id: true } })).toMatchObject({
      status: 403,
      reason: 'CALLER_ID_REQUIRED',
      message: expect.stringContaining('give the extension a caller_id'),
    })
  })

  test('of a PBX is what it asserts, before what its From says', () => {
    const numbers = [mine, number('+12125550002')]
    const from = { user: '+12125550001', asserted: '+12125550002' }
    expect(call({ numbers, trunks: [trunk('office')] }, officeDials(dialled, from))).toMatchObject({
      caller_id: { asserted: '+12125550002' },
    })
  })

  test('of a PBX is replaced where it may not show it, and refused where a caller id is required', () => {
    const scene = { numbers: [mine], trunks: [trunk('office', { caller_ids: ['+12125550001'] })] }
    const foreign = officeDials(dialled, { user: '+14155550000' })
    expect(call(scene, foreign)).toMatchObject({
      caller_id: { asserted: '+12125550001' },
      explanation: {
        caller_id: { from: 'trunk', why: expect.stringContaining('+14155550000 was asked for') },
      },
    })
    expect(call({ ...scene, customer: { require_caller_id: true } }, foreign)).toMatchObject({
      status: 403,
      reason: 'CALLER_ID_NOT_OWNED',
      message: expect.stringContaining('+12125550001'),
    })
  })

  test('of a PBX never is a number nobody owns, not even as a name', () => {
    const foreign = officeDials(dialled, { user: '+14155550000' })
    expect(call({ trunks: [trunk('office')] }, foreign)).toMatchObject({
      caller_id: { user: 'office', asserted: null, unverified: true },
    })
  })
})

describe('health', () => {
  const routes = [route('a', { priority: 1 }), route('b', { priority: 2 }), route('c', { priority: 3 })]

  test('puts the unhealthy behind the others, and says so', () => {
    const health = (id: string) => (id === idOf('a') ? ('unhealthy' as const) : ('healthy' as const))
    expect(tried(dialled, { routes }, { health })).toEqual(['b', 'c', 'a'])
    expect(said(decided(dials(dialled), { routes }, { health }), 'a')).toMatchObject([
      {
        demoted: true,
        order: 3,
        health: 'unhealthy',
        why: expect.stringContaining('after those that are well'),
      },
    ])
  })

  test('gives the half open their place when a trial call is due', () => {
    const health = (id: string) => (id === idOf('a') ? ('half_open' as const) : ('unknown' as const))
    expect(tried(dialled, { routes }, { health })).toEqual(['b', 'c', 'a'])
    expect(tried(dialled, { routes }, { health, trial: () => true })).toEqual(['a', 'b', 'c'])
  })

  test('still tries them in order when all are down', () => {
    const health = () => 'unhealthy' as const
    expect(tried(dialled, { routes }, { health })).toEqual(['a', 'b', 'c'])
    expect(said(decided(dials(dialled), { routes }, { health }), 'a')[0]).toMatchObject({ demoted: false })
  })
})

describe('limits', () => {
  const caps = (changes: object) => ({
    max_channels: null,
    max_cps: null,
    max_daily_minutes: null,
    ...changes,
  })
  const full = provider('full', { caps: caps({ max_channels: 30 }) })
  const use = ({ kind, id }: { kind: string; id: string }) => {
    if (kind === 'provider' && id === idOf('full')) return { ...unused, channels: { used: 30, of: 30 } }
    if (kind === 'customer' && id === ALICE)
      return { channels: { used: 5, of: 5 }, cps: { used: 2, of: 2 }, daily_minutes: { used: 60, of: 60 } }
    return unused
  }

  test('of a provider let the next one have the call', () => {
    const routes = [{ ...route('full'), provider: full }, route('next', { priority: 2 })]
    expect(tried(dialled, { routes }, { use })).toEqual(['next'])
    expect(said(decided(dials(dialled), { routes }, { use }), 'full')).toMatchObject([
      { kept: false, code: 'CHANNELS', why: 'channels 30/30' },
    ])
  })

  test('of every provider refuse with 503', () => {
    const routes = [{ ...route('full'), provider: full }]
    expect(decided(dials(dialled), { routes }, { use })).toMatchObject({
      status: 503,
      reason: 'ALL_PROVIDERS_FULL',
      message: expect.stringContaining('full (channels 30/30)'),
    })
  })

  test.each([
    ['max_channels', 503, 'CHANNELS_EXCEEDED', '5/5'],
    ['max_cps', 503, 'CPS_EXCEEDED', '2/2'],
    ['max_daily_minutes', 403, 'DAILY_MINUTES_EXCEEDED', '60/60'],
  ])('of the customer: %s refuses with %i %s', (cap, status, reason, words) => {
    const scene = { routes: [route('telnyx')], customer: { caps: caps({ [cap]: 5 }) } }
    expect(decided(dials(dialled), scene, { use })).toMatchObject({
      status,
      reason,
      message: expect.stringContaining(words),
      explanation: { limits: [{ kind: 'customer', exceeded: true }] },
    })
  })

  test('stop no call to a short number', () => {
    const routes = [{ ...route('full'), provider: full }]
    const customer = { caps: caps({ max_channels: 5, max_cps: 2, max_daily_minutes: 60 }) }
    expect(decided(dials('911'), { routes, customer }, { use })).toMatchObject({ kind: 'connect' })
  })

  test('of a called customer make the line busy', () => {
    const scene = {
      customer: { caps: caps({ max_channels: 5 }) },
      providers: [provider('telnyx', { sources: ['192.0.2.7'] })],
      numbers: [number(dialled, { extension_id: idOf('bob') })],
    }
    expect(decided(rings(dialled), scene, { use })).toMatchObject({
      status: 486,
      reason: 'CHANNELS_EXCEEDED',
    })
  })
})

describe('a time window', () => {
  const window = (periods: object[], time_zone = 'Europe/Berlin') => ({
    time_zone,
    periods: periods.map((period) => ({ days: [], from: '00:00', to: '00:00', ...period })),
  })
  const open = (at: string, time_window: ReturnType<typeof window>) =>
    tried(dialled, { routes: [route('telnyx', { time_window })] }, { at: utcMs(Date.parse(at)) }).length === 1

  test('is read on the clock of its zone, summer and winter', () => {
    const office = window([{ days: [1, 2, 3, 4, 5], from: '09:00', to: '17:00' }])
    expect(open('2026-11-24T08:00:00Z', office)).toBe(true)
    expect(open('2026-11-24T07:59:59Z', office)).toBe(false)
    expect(open('2026-11-24T15:59:59Z', office)).toBe(true)
    expect(open('2026-11-24T16:00:00Z', office)).toBe(false)
    expect(open('2026-06-23T07:00:00Z', office)).toBe(true)
    expect(open('2026-11-28T12:00:00Z', office)).toBe(false)
  })

  test('past midnight belongs to the day it began', () => {
    const night = window([{ days: [5], from: '22:00', to: '06:00' }])
    expect(open('2026-11-27T21:30:00Z', night)).toBe(true)
    expect(open('2026-11-28T04:59:00Z', night)).toBe(true)
    expect(open('2026-11-28T05:00:00Z', night)).toBe(false)
    expect(open('2026-11-26T21:30:00Z', night)).toBe(false)
    expect(open('2026-11-27T03:00:00Z', night)).toBe(false)
  })

  test('until 24:00 ends with the day', () => {
    const evening = window([{ days: [2], from: '18:00', to: '24:00' }])
    expect(open('2026-11-24T16:59:00Z', evening)).toBe(false)
    expect(open('2026-11-24T22:59:59Z', evening)).toBe(true)
    expect(open('2026-11-24T23:00:00Z', evening)).toBe(false)
    expect(open('2026-11-24T12:00:00Z', window([{ days: [2], from: '00:00', to: '24:00' }]))).toBe(true)
  })

  test('goes by the wall on the days the clocks change', () => {
    const early = window([{ days: [7], from: '01:00', to: '03:00' }])
    expect(open('2026-03-29T00:59:00Z', early)).toBe(true)
    expect(open('2026-03-29T01:00:00Z', early)).toBe(false)
    expect(open('2026-10-25T00:30:00Z', early)).toBe(true)
    expect(open('2026-10-25T01:30:00Z', early)).toBe(true)
    expect(open('2026-10-25T02:00:00Z', early)).toBe(false)
  })

  test('says what time it is where it is closed', () => {
    const routes = [route('telnyx', { time_window: window([{ days: [1], from: '09:00', to: '17:00' }]) })]
    expect(said(decided(dials(dialled), { routes }), 'telnyx')).toMatchObject([
      { code: 'TIME_WINDOW', why: 'outside its time window: it is Tuesday 14:30 in Europe/Berlin' },
    ])
  })
})

describe('numbers as a provider writes them', () => {
  test.each([
    ['+e164', 'US', '+12125551234', '+12125551234'],
    ['e164', 'US', '+12125551234', '12125551234'],
    ['00', 'US', '+12125551234', '0012125551234'],
    ['national', 'US', '+12125551234', '2125551234'],
    ['national', 'GB', '+442079460000', '02079460000'],
    ['national', 'DE', '+4930123456', '030123456'],
    ['national', 'IT', '+390612345678', '0612345678'],
    ['national', 'GB', '+12125551234', '0012125551234'],
    ['national', 'US', '+442079460000', '011442079460000'],
    ['0{national}', 'DE', '+4930123456', '030123456'],
    ['9{+e164}', 'US', '+12125551234', '9+12125551234'],
    ['{cc}*{national}#{e164}', 'GB', '+442079460000', '44*2079460000#442079460000'],
    ['{nobody} @;\r\n>', 'US', '+12125551234', ''],
  ])('%s in %s: %s is %s', (called_format, country, to, user) => {
    const routes = [route('telnyx', { provider: { called_format, country } })]
    const customer = { allowed: ['US', 'GB', 'DE', 'IT'] }
    expect(providersOf(decided(dials(to), { routes, customer }))[0]?.user).toBe(user)
  })

  test('stand between prefix and postfix, which short numbers do without', () => {
    const routes = [
      route('telnyx', { provider: { called_format: 'e164', tech_prefix: '99#', tech_postfix: '.x' } }),
    ]
    expect(providersOf(decided(dials('(212) 555-1234'), { routes }))[0]?.user).toBe('99#12125551234.x')
    for (const short of ['112', '911', '*67', '116117'])
      expect(providersOf(decided(dials(short), { routes }))[0]?.user).toBe(short)
  })

  test('are written apart for the caller and for who is asserted', () => {
    const routes = [
      route('telnyx', { provider: { calling_format: 'national', asserted_format: '00' } }),
      route('plain', { priority: 2 }),
    ]
    const customer = { only_number: '+12125550001' }
    expect(providersOf(decided(dials(dialled), { routes, customer }))).toMatchObject([
      { calling: '2125550001', asserted: '0012125550001' },
      { calling: '+12125550001', asserted: '+12125550001' },
    ])
    expect(providersOf(decided(dials(dialled), { routes }))[0]).toMatchObject({
      calling: null,
      asserted: null,
    })
  })
})

describe('a number with thousands of routes', () => {
  const many = (count: number, wishes = {}) =>
    Array.from({ length: count }, (_, at) =>
      route(`carrier${at}`, {
        id: idOf(`route ${at}`),
        created_at: `2026-01-01T00:00:00.${String(at).padStart(6, '0')}+00:00`,
        ...wishes,
      }),
    )

  test('is tried at thirty-two providers, and its explanation lists a hundred routes at most', () => {
    const decision = decided(dials(dialled), { routes: many(3000) })
    expect(providersOf(decision).map(({ name }) => name)).toEqual(
      Array.from({ length: 32 }, (_, at) => `carrier${at}`),
    )
    const { candidates = [], left_out } = decision.explanation ?? {}
    expect(candidates.slice(32).every(({ code }) => code === 'ENOUGH')).toBe(true)
    expect([candidates.length, left_out]).toEqual([68, 2932])
  })

  test('is tried at the well ones after many which are not, and at no more than thirty-two', () => {
    const ill = new Set(Array.from({ length: 40 }, (_, at) => idOf(`carrier${at}`)))
    const health = (id: string) => (ill.has(id) ? 'unhealthy' : 'healthy')
    const decision = decided(dials(dialled), { routes: many(50) }, { health })
    const names = providersOf(decision).map(({ name }) => name)
    expect(names).toHaveLength(32)
    expect(names.slice(0, 11)).toEqual([
      ...Array.from({ length: 10 }, (_, at) => `carrier${40 + at}`),
      'carrier0',
    ])
    expect(decision.explanation?.candidates.filter(({ demoted }) => demoted)).toHaveLength(22)
  })

  test('is still tried at the last of them, however many before it are disabled', () => {
    const routes = [
      ...many(200, { enabled: false }),
      route('telnyx', { created_at: '2026-02-01T00:00:00+00:00' }),
    ]
    const decision = decided(dials(dialled), { routes })
    expect(providersOf(decision).map(({ name }) => name)).toEqual(['telnyx'])
    expect([decision.explanation?.candidates.length, decision.explanation?.left_out]).toEqual([37, 164])
  })

  test('is told how many routes there are of which none matches and which are not listed', () => {
    const routes = [...many(30, { target: '+49' }), route('telnyx')]
    const matching = decided(dials(dialled), { routes }).explanation
    expect([matching?.candidates.length, matching?.left_out]).toEqual([5, 26])
    const none = decided(dials(dialled), { routes: many(30, { target: '+49' }) }).explanation
    expect([none?.reason, none?.candidates.length, none?.left_out]).toEqual(['NO_ROUTE', 5, 25])
  })

  test('pays no more for ten thousand than for three hundred', () => {
    const indexes = [300, 10_000].map((count) => shelfOf({ routes: many(count, { weight: 1 }) }))
    const cost = ({ configuration: book }: ConfigIndex) => {
      const began = process.cpuUsage()
      for (let done = 0; done < 100; done += 1) decide(dials(dialled), book, liveWith())
      return process.cpuUsage(began).user
    }
    // What a collector or a compiler takes falls on one round, not on all.
    const least = indexes.map((index) => Math.min(...Array.from({ length: 5 }, () => cost(index))))
    expect(least[1]).toBeLessThan(5 * (least[0] ?? 0))
  })
})

describe('what becomes of a transfer', () => {
  const scene = {
    routes: [route('telnyx')],
    providers: [provider('telnyx', { sources: ['192.0.2.7/32'] })],
    extensions: [extension('alice', { transfer: 'relay' }), extension('bob')],
    numbers: [number('+12125550001', { extension_id: idOf('bob') })],
  }

  test('which its caller asks for is as its extension, its trunk or its provider says', () => {
    expect(decided(dials(dialled), scene)).toMatchObject({ transfer: 'relay' })
    expect(decided(dials('bob'), scene)).toMatchObject({ transfer: 'relay' })
    expect(decided(rings('+12125550001'), scene)).toMatchObject({ transfer: 'deny' })
  })

  test('which its callee asks for is as that says', () => {
    expect(decided(dials('bob'), scene)).toMatchObject({ targets: { extension: { transfer: 'local' } } })
    expect(decided(dials(dialled), scene)).toMatchObject({ targets: { providers: [{ transfer: 'deny' }] } })
  })
})

describe('what is said before a call is recorded', () => {
  const announcement = { text: 'Recorded.', language: 'en-US', voice_id: '' }
  const scene = {
    providers: [provider('telnyx', { sources: ['192.0.2.7/32'] })],
    extensions: [
      extension('alice', { record_announcement: 'beep' }),
      extension('bob', { record_announcement: announcement }),
    ],
    numbers: [number('+12125550001', { extension_id: idOf('alice'), record_announcement: announcement })],
  }

  test('is as the number says, and each extension', () => {
    const incoming = decided(rings('+12125550001'), scene)
    expect(incoming).toMatchObject({
      record_announcement: announcement,
      targets: { extension: { record_announcement: 'beep' } },
    })
    const within = decided(dials('bob'), scene)
    expect(within).toMatchObject({
      record_announcement: 'beep',
      targets: { extension: { record_announcement: announcement } },
    })
  })

  test('is a beep where a relay does not know what an edge says', () => {
    const { record_announcement } = extensionFacts.parse({
      ...extension('bob'),
      record_announcement: { song: 1 },
    })
    expect(record_announcement).toBe('beep')
  })
})

describe('how a party is sent keys', () => {
  const scene = {
    routes: [route('any', { provider: { dtmf: 'inband' as const, sources: ['192.0.2.7/32'] } })],
    numbers: [number('+12125550001', { extension_id: idOf('bob') })],
    extensions: [extension('alice', { dtmf: 'info' }), extension('bob', { dtmf: 'rfc4733' })],
  }

  test('is as its own settings say, whether it calls or is called', () => {
    const out = decided(dials('+12125550199'), scene)
    expect(out).toMatchObject({ dtmf: 'info', targets: { providers: [{ dtmf: 'inband' }] } })
    const within = decided(dials('bob'), scene)
    expect(within).toMatchObject({ dtmf: 'info', targets: { extension: { dtmf: 'rfc4733' } } })
    expect(decided(rings('+12125550001'), scene)).toMatchObject({ dtmf: 'inband' })
  })
})

describe('whether sound is encrypted', () => {
  const scene = {
    routes: [route('telnyx')],
    providers: [provider('telnyx', { sources: ['192.0.2.7/32'], secure: 'required' })],
    extensions: [extension('alice', { secure: 'off' }), extension('bob')],
    numbers: [number('+12125550001', { extension_id: idOf('bob') })],
  }

  test('is for the caller as its extension, its trunk or its provider says', () => {
    expect(decided(dials('bob'), scene)).toMatchObject({ secure: 'off' })
    expect(decided(rings('+12125550001'), scene)).toMatchObject({ secure: 'required' })
  })

  test('is for the callee as that says; where nothing is said, as the caller has it', () => {
    expect(decided(dials('bob'), scene)).toMatchObject({ targets: { extension: { secure: 'allowed' } } })
    expect(decided(dials(dialled), scene)).toMatchObject({
      targets: { providers: [{ secure: 'required' }] },
    })
  })
})
