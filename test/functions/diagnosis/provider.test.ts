import { describe, expect, test } from 'vitest'
import { diagnoseProvider } from '../../../functions/diagnosis/provider.ts'
import type {
  DiagnosedProvider,
  ProviderHealthFacts,
  RefusedAtDoor,
} from '../../../functions/diagnosis/provider-facts.ts'
import { carrierFacts, telnyxId } from '../../support/diagnosis.ts'

const at = '2026-11-23T07:00:00.000Z'
const facts = (
  changes: Partial<Omit<ProviderHealthFacts, 'provider'>> = {},
  provider: Partial<DiagnosedProvider> = {},
): ProviderHealthFacts => ({
  provider: { ...carrierFacts(), register: false, password_set: false, probe_interval: 30, ...provider },
  health: { status: 'healthy', why: 'answers OPTIONS', since: at },
  registration: null,
  not_found: [],
  test: null,
  routes: 1,
  day: { attempts: 0, answered: 0, failures: {} },
  refused: [],
  calls: [],
  ...changes,
})
const atDoor = (reason: string): RefusedAtDoor => ({
  at,
  reason,
  why: 'No rule fits.',
  to: '+15557654321',
  source_address: '198.51.100.9',
  count: 1,
})
const registration = (status: string) => ({ status, sip_status: 403, why: 'refused with 403', since: at })
const mended = (body: object, fill_in: string[] = []) => ({
  method: 'PATCH',
  path: `/v1.0/providers/${telnyxId}`,
  body,
  fill_in,
})

type Row = readonly [what: string, facts: ProviderHealthFacts, codes: string[], request?: object | null]

const rows: Row[] = [
  ['is well', facts(), []],
  ['was never looked at', facts({ health: null }), []],
  ['is disabled', facts({}, { enabled: false }), ['PROVIDER_DISABLED'], mended({ enabled: true })],
  [
    'refuses our credentials',
    facts({ registration: registration('auth_failed') }, { register: true, username: 'acme' }),
    ['CREDENTIALS_REFUSED'],
    mended({ username: 'acme', password: '' }, ['username', 'password']),
  ],
  [
    'does not answer our REGISTER',
    facts({ registration: registration('failed') }, { register: true }),
    ['REGISTRATION_FAILED'],
  ],
  [
    'once refused us, and is not registered at any more',
    facts({ registration: registration('auth_failed') }),
    [],
  ],
  [
    'is not found',
    facts({ not_found: [{ relay_id: 'relay-1', why: 'no such name' }] }),
    ['HOST_NOT_FOUND'],
    mended({ hostname: 'sip.telnyx.example' }, ['hostname']),
  ],
  [
    'is not well',
    facts({ health: { status: 'unhealthy', why: 'no answer to OPTIONS', since: at } }),
    ['PROVIDER_UNHEALTHY'],
  ],
  [
    'is the platform’s, and not well',
    facts({ health: { status: 'unhealthy', why: '', since: at } }, { own: false }),
    ['PROVIDER_UNHEALTHY'],
    null,
  ],
  ['failed its trial', facts({ test: { id: 't', at, ok: false, verdict: 'silent' } }), ['LAST_TEST_FAILED']],
  ['has no route', facts({ routes: 0 }), ['NO_ROUTE_LEADS_HERE']],
  [
    'fails most calls',
    facts({ day: { attempts: 20, answered: 4, failures: { 503: 10, 403: 6 } } }),
    ['CALLS_FAIL_HERE'],
  ],
  ['failed few calls', facts({ day: { attempts: 19, answered: 0, failures: { 503: 19 } } }), []],
  [
    'calls from an address which is not listed',
    facts(
      { refused: [atDoor('UNKNOWN_SOURCE'), atDoor('UNKNOWN_SOURCE')] },
      { inbound_addresses: ['192.0.2.1'] },
    ),
    ['UNKNOWN_SOURCE'],
    mended({ inbound_addresses: ['192.0.2.1', '198.51.100.9'] }),
  ],
  [
    'rings a number which is not listed',
    facts({ refused: [atDoor('NUMBER_NOT_FOUND')] }),
    ['NUMBER_NOT_FOUND'],
    {
      method: 'POST',
      path: '/v1.0/numbers',
      body: { number: '+15557654321', extension_id: '' },
      fill_in: ['extension_id'],
    },
  ],
]

describe('the diagnosis of a provider', () => {
  test.for(rows)('which %s', ([, given, codes, request]) => {
    const { findings } = diagnoseProvider(given)
    expect(findings.map(({ code }) => code)).toEqual(codes)
    if (request !== undefined) expect(findings[0]?.request).toEqual(request)
    for (const { sentence } of findings) expect(sentence).toMatch(/^[A-Z\d].*\.$/)
  })
})
