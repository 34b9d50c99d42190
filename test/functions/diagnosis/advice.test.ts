import { describe, expect, test } from 'vitest'
import { alertCondition } from '#contract'
import { advise } from '../../../functions/diagnosis/advice.ts'
import type {
  AdvisedAccount,
  AdvisedAlert,
  AdvisedConfiguration,
  AdvisedProvider,
  AdvisedRoute,
} from '../../../functions/diagnosis/advice-facts.ts'

const now = '2026-11-29T09:00:00.000Z'
const [telnyx, twilio] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002']

const provider = (changes: Partial<AdvisedProvider> = {}): AdvisedProvider => ({
  id: telnyx,
  name: 'Telnyx',
  own: true,
  register: false,
  probe_interval: 30,
  secure: 'allowed',
  transport: null,
  tls_verify: 'full',
  tested_at: null,
  carried_at: null,
  ...changes,
})
const second = (changes: Partial<AdvisedProvider> = {}) =>
  provider({ id: twilio, name: 'Twilio', tested_at: now, ...changes })
const route = (changes: Partial<AdvisedRoute> = {}): AdvisedRoute => ({
  id: 'r1',
  own: true,
  name: 'Default',
  detail: 'All by Telnyx.',
  target: 'all',
  priority: 1,
  weight: 0,
  provider_id: telnyx,
  windowed: false,
  next_on: null,
  ...changes,
})
const failover = (changes: Partial<AdvisedRoute> = {}) =>
  route({ id: 'r2', name: 'Failover', provider_id: twilio, priority: 2, ...changes })
const account = (changes: Partial<AdvisedAccount> = {}): AdvisedAccount => ({
  noun: 'extensions',
  id: 'e1',
  name: 'office1',
  secure: 'allowed',
  password_since: now,
  shared_password: null,
  ...changes,
})
const alert = (when: object, changes: Partial<AdvisedAlert> = {}): AdvisedAlert => ({
  when: alertCondition.parse(when),
  provider_id: null,
  narrowed: false,
  ...changes,
})
const kinds = {
  bySuccess: alert({ kind: 'success_rate', of: 'provider' }),
  success: alert({ kind: 'success_rate' }),
  attempts: alert({ kind: 'registration_failures' }),
  delay: alert({ kind: 'post_dial_delay' }),
  quality: alert({ kind: 'quality' }),
  lost: alert({ kind: 'unregistered' }),
}
const without = (gone: keyof typeof kinds, ...more: AdvisedAlert[]) => [
  ...Object.entries(kinds).flatMap(([name, one]) => (name === gone ? [] : [one])),
  ...more,
]
const well = (changes: Partial<AdvisedConfiguration> = {}): AdvisedConfiguration => ({
  now,
  countries: ['US'],
  providers: [provider(), second()],
  routes: [route(), failover()],
  accounts: [],
  alerts: Object.values(kinds),
  webhooks: [{ events: ['call.*'] }],
  ...changes,
})

type Row = readonly [what: string, facts: AdvisedConfiguration, codes: string[], request?: object]

const rows: Row[] = [
  ['all as it should be', well(), []],
  ['one provider', well({ providers: [provider()], routes: [route()] }), ['ONE_PROVIDER_ALONE']],
  [
    'a default provider of the platform beside one’s own',
    well({ providers: [provider(), second({ own: false })], routes: [route(), failover({ own: false })] }),
    [],
  ],
  [
    'a provider which is never asked',
    well({ providers: [provider({ probe_interval: 0 }), second()] }),
    ['PROVIDER_NOT_PROBED'],
    { path: `/v1.0/providers/${telnyx}`, body: { probe_interval: 30 } },
  ],
  [
    'success which no alert watches by provider',
    well({ alerts: without('bySuccess') }),
    ['PROVIDER_SUCCESS_NOT_WATCHED'],
  ],
  [
    'success which is watched of one provider of two',
    well({
      alerts: without(
        'bySuccess',
        alert({ kind: 'success_rate', of: 'provider' }, { provider_id: telnyx, narrowed: true }),
      ),
    }),
    ['PROVIDER_SUCCESS_NOT_WATCHED'],
  ],
  [
    'success which is watched of each by its own',
    well({
      alerts: without(
        'bySuccess',
        ...[telnyx, twilio].map((provider_id) =>
          alert({ kind: 'success_rate', of: 'provider' }, { provider_id, narrowed: true }),
        ),
      ),
    }),
    [],
  ],
  [
    'a country which no route leads to',
    well({ countries: ['US', 'DE'], routes: [route({ target: '+1' }), failover({ target: '+1' })] }),
    ['COUNTRY_NOT_COVERED'],
    {
      path: '/v1.0/routes',
      body: {
        name: 'To de',
        detail: 'Calls to +49 by Telnyx.',
        provider_id: telnyx,
        target: '+49',
        priority: 1,
      },
    },
  ],
  [
    'two countries of one calling code',
    well({ countries: ['US', 'CA'], routes: [route({ target: '+1' }), failover({ target: '+1' })] }),
    [],
  ],
  [
    'a country to some of whose numbers a route leads',
    well({ countries: ['DE'], routes: [route({ target: '+4930' }), failover({ target: '+4930' })] }),
    [],
  ],
  [
    'two routes of one priority',
    well({ routes: [route(), failover({ priority: 1 })] }),
    ['ROUTES_SHARE_PRIORITY'],
    { path: '/v1.0/routes/r2', body: { priority: 2 } },
  ],
  [
    'two routes which share by weight',
    well({ routes: [route({ weight: 2 }), failover({ priority: 1, weight: 1 })] }),
    [],
  ],
  [
    'two routes of one priority at different times',
    well({ routes: [route(), failover({ priority: 1, windowed: true }), failover({ id: 'r3' })] }),
    [],
  ],
  [
    'a route with nothing behind it',
    well({ routes: [route()] }),
    ['ROUTE_WITHOUT_FAILOVER'],
    {
      path: '/v1.0/routes',
      body: {
        name: 'Default, failover',
        detail: 'Calls to all by Twilio, where Telnyx fails.',
        provider_id: twilio,
        target: 'all',
        priority: 2,
      },
    },
  ],
  [
    'a third provider which no route needs',
    well({ providers: [provider(), second(), provider({ id: 'p3', name: 'Third' })] }),
    [],
  ],
  [
    'a longer target behind which all is',
    well({ routes: [route({ id: 'r0', target: '+1212', name: 'NY' }), route(), failover()] }),
    [],
  ],
  ['a failover which holds at times only', well({ routes: [route(), failover({ windowed: true })] }), []],
  [
    'a route which never moves on',
    well({ routes: [route({ next_on: [] }), failover()] }),
    ['ROUTE_WITHOUT_FAILOVER'],
    { path: '/v1.0/routes/r1', body: { failover: { next_on: null } } },
  ],
  [
    'a failover which nothing was sent to',
    well({ providers: [provider(), second({ tested_at: null })] }),
    ['FAILOVER_NOT_TESTED'],
    { path: `/v1.0/providers/${twilio}/test`, body: { type: 'options' } },
  ],
  [
    'a failover which was tried long ago',
    well({ providers: [provider(), second({ tested_at: '2026-10-01T00:00:00.000Z' })] }),
    ['FAILOVER_NOT_TESTED'],
  ],
  [
    'a failover which carried a call',
    well({ providers: [provider(), second({ tested_at: null, carried_at: now })] }),
    [],
  ],
  [
    'a route which says nothing of itself',
    well({ routes: [route({ detail: ' ' }), failover()] }),
    ['ROUTE_NOT_DOCUMENTED'],
    { path: '/v1.0/routes/r1', body: { detail: 'Calls to all by Telnyx, priority 1.' } },
  ],
  [
    'two accounts with one password',
    well({ accounts: [account({ shared_password: 'a' }), account({ id: 'e2', shared_password: 'a' })] }),
    ['PASSWORD_SHARED'],
    { path: '/v1.0/extensions/e2', body: { password: 'drawn' } },
  ],
  [
    'a password a year old',
    well({ accounts: [account({ noun: 'trunks', id: 't1', password_since: '2025-11-01T00:00:00.000Z' })] }),
    ['PASSWORD_OLD'],
    { path: '/v1.0/trunks/t1', body: { password: 'drawn' } },
  ],
  [
    'refused registrations which are not watched',
    well({ alerts: without('attempts') }),
    ['REGISTRATION_ATTEMPTS_NOT_WATCHED'],
  ],
  [
    'an extension which never encrypts',
    well({ accounts: [account({ secure: 'off' })] }),
    ['ENCRYPTION_OFF'],
    { path: '/v1.0/extensions/e1', body: { secure: 'allowed' } },
  ],
  [
    'TLS which is not verified',
    well({ providers: [provider({ transport: 'tls', tls_verify: 'none' }), second()] }),
    ['ENCRYPTION_OFF'],
    { path: `/v1.0/providers/${telnyx}`, body: { tls_verify: 'full' } },
  ],
  [
    'success which is not watched altogether',
    well({ alerts: without('success') }),
    ['CALL_SUCCESS_NOT_WATCHED'],
  ],
  ['delay which is not watched', well({ alerts: without('delay') }), ['LATENCY_NOT_WATCHED']],
  ['sound which is not watched', well({ alerts: without('quality') }), ['QUALITY_NOT_WATCHED']],
  ['phones which are not watched', well({ alerts: without('lost') }), ['REGISTRATION_LOSS_NOT_WATCHED']],
  [
    'phones of which one alone is watched',
    well({ alerts: without('lost', alert({ kind: 'unregistered' }, { narrowed: true })) }),
    ['REGISTRATION_LOSS_NOT_WATCHED'],
  ],
  [
    'our own registrations which are not watched',
    well({ providers: [provider({ register: true }), second()] }),
    ['PROVIDER_REGISTRATION_NOT_WATCHED'],
  ],
  [
    'ends of calls which nothing hears',
    well({ webhooks: [{ events: ['alert.*'] }] }),
    ['CALL_LOG_NOT_REVIEWED'],
  ],
]

describe('advice on a configuration', () => {
  test.for(rows)('which has %s', ([, facts, codes, request]) => {
    const given = advise(facts, () => 'drawn')
    expect(given.map(({ code }) => code)).toEqual(codes)
    if (request) expect(given[0]?.request).toMatchObject(request)
    for (const { sentence, what_to_do } of given)
      expect([sentence, what_to_do]).toEqual([expect.stringMatching(/\.$/), expect.stringMatching(/\.$/)])
  })

  test('is held against all sixteen practices', () => {
    expect(
      new Set(rows.flatMap(([, facts]) => advise(facts, () => '').map(({ practice }) => practice))).size,
    ).toBe(16)
  })

  test('of a customer with nothing is where to begin', () => {
    const nothing = well({ providers: [], routes: [], alerts: [], webhooks: [] })
    expect(advise(nothing, () => '')[0]).toMatchObject({
      code: 'NO_PROVIDER',
      sentence: 'There is no provider yet: no call goes out.',
      what_to_do: 'Add the first one, and a route which leads there.',
      request: { method: 'POST', path: '/v1.0/providers', fill_in: ['hostname'] },
    })
  })
})
