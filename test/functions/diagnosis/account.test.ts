import { describe, expect, test } from 'vitest'
import { diagnoseAccount } from '../../../functions/diagnosis/account.ts'
import type {
  DiagnosedAccount,
  LivingRegistration,
  PhoneFacts,
  RefusedRegistration,
} from '../../../functions/diagnosis/account-facts.ts'
import type { RegistrationEnding } from '../../../functions/diagnosis/call-facts.ts'
import { authFailures } from '../../../relay/auth/auth-failure.ts'
import { callFacts, extensionId, heard } from '../../support/diagnosis.ts'

const registered = (changes: Partial<LivingRegistration> = {}): LivingRegistration => ({
  relay_id: 'relay-1',
  relay_alive: true,
  contact: 'sip:office1@203.0.113.9:5060',
  transport: 'udp',
  address: '203.0.113.9:5060',
  user_agent: 'Phone/1.0',
  tm_create: '2026-11-23T06:00:00.000Z',
  tm_update: '2026-11-23T07:00:00.000Z',
  tm_expire: '2026-11-23T08:00:00.000Z',
  ...changes,
})
const ended = (changes: Partial<RegistrationEnding> = {}): RegistrationEnding => ({
  type: 'registration.lost',
  at: '2026-11-23T06:30:00.000Z',
  reason: 'NO_ANSWER',
  why: 'It answered OPTIONS, and does no longer.',
  contact: 'sip:office1@192.168.1.20:5060',
  source_address: '203.0.113.9',
  user_agent: null,
  registered_at: null,
  refreshed_at: null,
  ...changes,
})
const refused = (reason: string, changes: Partial<RefusedRegistration> = {}): RefusedRegistration => ({
  at: '2026-11-23T07:10:00.000Z',
  reason,
  why: 'It is wrong.',
  account: 'office1@acme',
  source_address: '203.0.113.9',
  user_agent: null,
  sip_status: 401,
  count: 3,
  ...changes,
})
const facts = (
  changes: Partial<Omit<PhoneFacts, 'account'>> = {},
  account: Partial<DiagnosedAccount> = {},
): PhoneFacts => ({
  account: {
    id: extensionId,
    extension: 'office1',
    realm: 'acme.registrar.trunkline.test',
    enabled: true,
    secure: 'allowed',
    keepalive_s: 25,
    max_expires: 3600,
    max_contacts: 2,
    destinations: null,
    ...account,
  },
  registrations: [registered()],
  endings: [],
  refusals: [],
  blocks: [],
  calls: [],
  ...changes,
})
const away = { registrations: [] }
const mended = (body: object) => ({
  method: 'PATCH',
  path: `/v1.0/extensions/${extensionId}`,
  body,
  fill_in: [],
})

type Row = readonly [
  what: string,
  facts: PhoneFacts,
  verdict: string,
  codes: string[],
  request?: object | null,
]

const rows: Row[] = [
  ['is registered', facts(), 'healthy', []],
  [
    'is registered behind NAT, and kept open',
    facts({ registrations: [registered({ contact: 'sip:office1@192.168.1.20' })] }),
    'healthy',
    [],
  ],
  ['never was', facts(away), 'failed', ['NEVER_REGISTERED']],
  [
    'is disabled',
    facts(away, { enabled: false }),
    'failed',
    ['EXTENSION_DISABLED'],
    mended({ enabled: true }),
  ],
  ['is not to be disturbed', facts({}, { destinations: [] }), 'healthy', ['DO_NOT_DISTURB']],
  [
    'has its calls sent on',
    facts(
      {},
      {
        destinations: [
          { type: 'tel', target: '+15551234567', ring_seconds: null, delay_seconds: 0, when: [] },
        ],
      },
    ),
    'healthy',
    ['FORWARDED'],
  ],
  [
    'rings itself, and then another',
    facts(
      {},
      {
        destinations: [
          { type: 'extension', target: 'office1', ring_seconds: null, delay_seconds: 0, when: [] },
        ],
      },
    ),
    'healthy',
    [],
  ],
  [
    'has a wrong password',
    facts({ ...away, refusals: [refused('WRONG_PASSWORD'), refused('WRONG_PASSWORD')] }),
    'failed',
    ['WRONG_PASSWORD', 'NEVER_REGISTERED'],
  ],
  [
    'has a wrong password at a second place',
    facts({ refusals: [refused('WRONG_PASSWORD', { source_address: '198.51.100.7' })] }),
    'impaired',
    ['WRONG_PASSWORD'],
  ],
  [
    'had a wrong password, and was put right',
    facts({ refusals: [refused('WRONG_PASSWORD', { at: '2026-11-23T06:50:00.000Z' })] }),
    'healthy',
    [],
  ],
  [
    'had a wrong password, was put right there, and went off',
    facts({
      ...away,
      refusals: [refused('WRONG_PASSWORD'), refused('UNKNOWN_ACCOUNT', { account: 'office9@acme' })],
      endings: [ended({ refreshed_at: '2026-11-23T07:20:00.000Z' })],
    }),
    'failed',
    ['REGISTRATION_EXPIRED_BEHIND_NAT'],
  ],
  [
    'went off, and came back with a wrong password',
    facts({
      ...away,
      refusals: [refused('WRONG_PASSWORD')],
      endings: [ended({ registered_at: '2026-11-23T06:50:00.000Z' })],
    }),
    'failed',
    ['WRONG_PASSWORD', 'REGISTRATION_EXPIRED_BEHIND_NAT'],
  ],
  [
    'is called by another name',
    facts({ ...away, refusals: [refused('UNKNOWN_ACCOUNT', { account: 'office9@acme' })] }),
    'failed',
    ['UNKNOWN_ACCOUNT', 'NEVER_REGISTERED'],
  ],
  [
    'is registered, while another name is tried',
    facts({ refusals: [refused('UNKNOWN_ACCOUNT', { account: 'office9@acme' })] }),
    'healthy',
    [],
  ],
  [
    'answers for another realm',
    facts({ ...away, refusals: [refused('WRONG_REALM')] }),
    'failed',
    ['WRONG_REALM', 'NEVER_REGISTERED'],
  ],
  [
    'signs another address than it asks',
    facts({ ...away, refusals: [refused('URI_REWRITTEN')] }),
    'failed',
    ['SIP_ALG_SUSPECTED', 'NEVER_REGISTERED'],
  ],
  [
    'uses a wrong domain',
    facts({ ...away, refusals: [refused('UNKNOWN_DOMAIN')] }),
    'failed',
    ['UNKNOWN_DOMAIN', 'NEVER_REGISTERED'],
  ],
  [
    'is blocked where it is',
    facts({
      ...away,
      refusals: [refused('SOURCE_BLOCKED')],
      blocks: [{ id: 'b', source: '203.0.113.0/24', until: '2026-11-23T08:00:00.000Z' }],
    }),
    'failed',
    ['SOURCE_BLOCKED', 'SOURCE_BLOCKED', 'NEVER_REGISTERED'],
    { method: 'DELETE', path: '/v1.0/blocks/b', body: {}, fill_in: [] },
  ],
  [
    'is not where another is blocked',
    facts({ blocks: [{ id: 'b', source: '198.51.100.7', until: '2026-11-23T08:00:00.000Z' }] }),
    'healthy',
    [],
  ],
  [
    'was lost behind NAT, which nothing kept open',
    facts({ ...away, endings: [ended()] }, { keepalive_s: 0 }),
    'failed',
    ['REGISTRATION_EXPIRED_BEHIND_NAT'],
    mended({ keepalive_s: 25 }),
  ],
  [
    'was lost behind NAT, though it was kept open',
    facts({ ...away, endings: [ended()] }),
    'failed',
    ['REGISTRATION_EXPIRED_BEHIND_NAT'],
    mended({ max_expires: 300 }),
  ],
  [
    'was lost behind NAT, with all done to keep it open',
    facts({ ...away, endings: [ended()] }, { max_expires: 300 }),
    'failed',
    ['REGISTRATION_EXPIRED_BEHIND_NAT'],
    null,
  ],
  [
    'went off',
    facts({ ...away, endings: [ended({ contact: 'sip:office1@203.0.113.9' })] }),
    'failed',
    ['REGISTRATION_EXPIRED'],
  ],
  [
    'signed off',
    facts({
      ...away,
      endings: [ended({ type: 'registration.removed', reason: 'BY_PHONE', why: 'The phone ended it.' })],
    }),
    'failed',
    ['NOT_REGISTERED'],
  ],
  [
    'has no keep-alive behind NAT',
    facts({ registrations: [registered({ contact: 'sip:office1@192.168.1.20' })] }, { keepalive_s: 0 }),
    'impaired',
    ['KEEPALIVE_OFF_BEHIND_NAT'],
    mended({ keepalive_s: 25 }),
  ],
  [
    'comes and goes',
    facts({ endings: [ended(), ended(), ended()] }),
    'impaired',
    ['REGISTRATION_COMES_AND_GOES'],
    mended({ max_expires: 300 }),
  ],
  [
    'comes and goes, with all done to keep it open',
    facts({ endings: [ended(), ended(), ended()] }, { max_expires: 120 }),
    'impaired',
    ['REGISTRATION_COMES_AND_GOES'],
    null,
  ],
  ['came back once', facts({ endings: [ended()] }), 'healthy', []],
  [
    'is at a relay which is gone',
    facts({ registrations: [registered({ relay_alive: false })] }),
    'failed',
    ['RELAY_LOST'],
  ],
  [
    'must be encrypted, over UDP',
    facts({}, { secure: 'required' }),
    'failed',
    ['REGISTERED_WITHOUT_TLS'],
    mended({ secure: 'allowed' }),
  ],
  [
    'must be encrypted, over TLS',
    facts({ registrations: [registered({ transport: 'tls' })] }, { secure: 'required' }),
    'healthy',
    [],
  ],
  [
    'has more phones than may be',
    facts({
      registrations: [registered(), registered()],
      endings: [ended({ type: 'registration.removed', reason: 'PUT_OUT' })],
    }),
    'impaired',
    ['TOO_MANY_CONTACTS'],
    mended({ max_contacts: 4 }),
  ],
]

describe('the diagnosis of an extension', () => {
  test.for(rows)('whose phone %s', ([, given, verdict, codes, request]) => {
    const told = diagnoseAccount(given)
    expect([told.verdict, told.findings.map(({ code }) => code)]).toEqual([verdict, codes])
    if (request !== undefined) expect(told.findings[0]?.request).toEqual(request)
    for (const { sentence, what_to_do } of told.findings)
      expect([sentence, what_to_do]).toEqual([
        expect.stringMatching(/^[A-Z\d].*\.$/),
        expect.stringMatching(/^[A-Z\d].*\.$/),
      ])
  })

  test.each(Object.keys(authFailures))(
    'advises what helps against %s, or is said here to know nothing',
    (reason) => {
      const { findings } = diagnoseAccount(facts({ ...away, refusals: [refused(reason)] }))
      const [finding] = findings.filter(({ evidence }) => evidence.reason === reason)
      const isGeneral = finding?.what_to_do.startsWith('See what the phone sends')
      expect(isGeneral).toBe(reason === 'REGISTER_REFUSED')
    },
  )

  test.each(['BY_PHONE', 'PASSWORD_CHANGED', 'TOKEN_ENDED'])('advises what helps after %s', (reason) => {
    const given = facts({ ...away, endings: [ended({ type: 'registration.removed', reason })] })
    expect(diagnoseAccount(given).findings[0]?.what_to_do).not.toBe('Have the phone register anew.')
  })

  test('sums up what its latest calls had, and leaves out what people did', () => {
    const mute = { from_caller: heard(), from_callee: heard({ packets: 0, mos: null }) }
    const busy = callFacts({ reject_reason: 'BUSY', reject_message: 'Busy.', answered: false, media: null })
    const told = diagnoseAccount(
      facts({
        calls: [callFacts({ id: 'latest', media: mute }), busy, callFacts({ media: mute }), callFacts()],
      }),
    )
    expect(told.calls).toEqual({
      looked_at: 4,
      findings: [
        {
          code: 'ONE_WAY_AUDIO_NO_RTP_FROM_CALLEE',
          severity: 'error',
          calls: 2,
          last_call_id: 'latest',
          sentence: expect.stringContaining('Nothing was heard from the callee'),
        },
      ],
    })
    expect(told.verdict).toBe('healthy')
  })
})
