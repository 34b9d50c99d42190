import { describe, expect, test } from 'vitest'
import { explanation, flowTrace } from '#contract'
import { diagnoseCall } from '../../../functions/diagnosis/call.ts'
import type { CallFacts } from '../../../functions/diagnosis/call-facts.ts'
import {
  calleeFacts,
  callFacts,
  carrierFacts,
  extensionId,
  heard,
  telnyxId,
  tried,
} from '../../support/diagnosis.ts'

const refused = (reject_reason: string, call: object = {}, beside: Partial<CallFacts> = {}) =>
  callFacts(
    {
      reject_reason,
      reject_message: `It is so: ${reject_reason}.`,
      answered: false,
      seconds: 0,
      media: null,
      hangup_reason: 'failed',
      ...call,
    },
    beside,
  )
const decided = (changes: object) =>
  explanation.parse({
    decided_by: 'relay',
    at: '2026-11-23T07:00:00Z',
    version: 1,
    outcome: 'reject',
    caller: { rule: 'digest', why: '' },
    ...changes,
  })
const routeId = '00000000-0000-4000-8000-0000000000d1'
const passedOver = (code: string, changes: object = {}) => ({
  provider_id: telnyxId,
  provider_name: 'Telnyx',
  route_id: routeId,
  route_name: 'Default',
  priority: 1,
  kept: false,
  code,
  why: 'target all, priority 1; it is so',
  ...changes,
})
const twilio = {
  provider_id: extensionId,
  provider_name: 'Twilio',
  route_id: routeId,
  priority: 2,
  kept: true,
  code: 'KEPT',
  why: 'target all, priority 2',
}
const both = (from_caller: object, from_callee: object = {}) =>
  callFacts({ media: { from_caller: heard(from_caller), from_callee: heard(from_callee) } })
const silent = { packets: 0, bytes: 0, mos: null }
const carrier = (body: object, fill_in: string[] = []) => ({
  method: 'PATCH',
  path: `/v1.0/providers/${telnyxId}`,
  body,
  fill_in,
})
const extension = (body: object, fill_in: string[] = []) => ({
  method: 'PATCH',
  path: `/v1.0/extensions/${extensionId}`,
  body,
  fill_in,
})
const flow = (ended: string | null, why: string | null = null) =>
  flowTrace.parse({
    flow_id: extensionId,
    version: 1,
    name: 'Menu',
    trace: [{ action_id: 'greet', type: 'play', at_ms: 0, variables: {}, outcome: null, why }],
    ended,
  })
const ended = (changes: object = {}) => ({
  type: 'registration.expired',
  at: '2026-11-23T06:59:00.000Z',
  reason: 'NOT_REFRESHED',
  why: 'It was not registered anew in time.',
  contact: 'sip:office1@192.168.1.20:5060',
  source_address: '203.0.113.9',
  user_agent: 'Phone/1.0',
  registered_at: null,
  refreshed_at: null,
  ...changes,
})

type Row = readonly [
  what: string,
  facts: CallFacts,
  verdict: string,
  codes: string[],
  request?: object | null,
]

const rows: Row[] = [
  ['a talk both sides of which are heard', callFacts(), 'healthy', []],
  [
    'a call which was cancelled',
    callFacts({
      answered: false,
      media: null,
      hangup_reason: 'cancel',
      attempts: [tried(0, { reason: 'cancelled' })],
    }),
    'healthy',
    [],
  ],
  [
    'a call which rings yet',
    callFacts({ over: false, answered: false, media: null, attempts: [] }),
    'under_way',
    [],
  ],
  ['a busy callee', refused('BUSY', { attempts: [tried(486)] }), 'healthy', ['BUSY']],
  [
    'nobody who answers',
    refused('NO_ANSWER', { attempts: [tried(0, { reason: 'cancelled' })] }),
    'healthy',
    ['NO_ANSWER'],
  ],
  // Calls not connecting.
  [
    'no route, and one provider',
    refused('NO_ROUTE', { attempts: [] }),
    'failed',
    ['NO_ROUTE'],
    {
      method: 'POST',
      path: '/v1.0/routes',
      body: { name: 'Default Outbound Route', provider_id: telnyxId, target: 'all', priority: 1 },
      fill_in: [],
    },
  ],
  [
    'no route, and no provider',
    refused('NO_ROUTE', { attempts: [] }, { providers: [] }),
    'failed',
    ['NO_ROUTE'],
    {
      method: 'POST',
      path: '/v1.0/routes',
      body: { name: 'Default Outbound Route', provider_id: '', target: 'all', priority: 1 },
      fill_in: ['provider_id'],
    },
  ],
  ...(
    [
      ['is disabled', 'DISABLED', 'routes', { enabled: true }, []],
      ['has hours, and these are none', 'TIME_WINDOW', 'routes', { time_window: null }, ['time_window']],
      ['leads to nobody any more', 'PROVIDER_DELETED', 'routes', { provider_id: '' }, ['provider_id']],
      ['leads to a provider which is disabled', 'PROVIDER_DISABLED', 'providers', { enabled: true }, []],
      ['has a password which is sealed', 'PROVIDER_LOCKED', 'providers', { password: '' }, ['password']],
    ] as const
  ).map(
    ([what, code, noun, body, fill_in]): Row => [
      `no route but one which ${what}`,
      refused('NO_ROUTE', { attempts: [], decision: decided({ candidates: [passedOver(code)] }) }),
      'failed',
      ['NO_ROUTE'],
      { method: 'PATCH', path: `/v1.0/${noun}/${noun === 'routes' ? routeId : telnyxId}`, body, fill_in },
    ],
  ),
  [
    'no route but the platform’s, which is disabled',
    refused('NO_ROUTE', {
      attempts: [],
      decision: decided({ candidates: [passedOver('DISABLED', { platform: true })] }),
    }),
    'failed',
    ['NO_ROUTE'],
    expect.objectContaining({ method: 'POST', path: '/v1.0/routes' }),
  ],
  [
    'a provider which was to be first, and is not well',
    callFacts({
      decision: decided({
        candidates: [passedOver('KEPT', { kept: true, order: 2, demoted: true }), { ...twilio, order: 1 }],
      }),
      attempts: [tried(200, { provider_id: extensionId, provider_name: 'Twilio' })],
    }),
    'healthy',
    ['PROVIDER_PASSED_OVER'],
    null,
  ],
  [
    'a provider which was to be first, and is full',
    callFacts({
      decision: decided({ candidates: [passedOver('CHANNELS'), { ...twilio, order: 1 }] }),
      attempts: [tried(200, { provider_id: extensionId, provider_name: 'Twilio' })],
    }),
    'healthy',
    ['PROVIDER_PASSED_OVER'],
  ],
  [
    'a provider which comes later, and is not well',
    callFacts({
      decision: decided({
        candidates: [
          { ...twilio, order: 1 },
          passedOver('KEPT', { kept: true, order: 2, demoted: true }),
          passedOver('DISABLED'),
        ],
      }),
      attempts: [tried(200, { provider_id: extensionId, provider_name: 'Twilio' })],
    }),
    'healthy',
    [],
  ],
  [
    'credentials which are refused',
    refused('CREDENTIALS_REFUSED', {
      attempts: [tried(407, { cause: { reason: 'CREDENTIALS_REFUSED', message: '' } })],
    }),
    'failed',
    ['CREDENTIALS_REFUSED'],
    carrier({ username: '', password: '' }, ['username', 'password']),
  ],
  [
    'credentials which are missing, by an older relay',
    refused('CREDENTIALS_MISSING', {
      attempts: [
        tried(407, { reason: 'Proxy Authentication Required (wants a password, and none is configured)' }),
      ],
    }),
    'failed',
    ['CREDENTIALS_MISSING'],
    carrier({ username: '', password: '' }, ['username', 'password']),
  ],
  [
    'a host which is not found',
    refused('HOST_NOT_FOUND', { attempts: [tried(0, { transport: null })] }),
    'failed',
    ['HOST_NOT_FOUND'],
    carrier({ hostname: 'sip.telnyx.example' }, ['hostname']),
  ],
  [
    'a provider which is not there',
    refused('PROVIDER_UNREACHABLE', { attempts: [tried(0)] }),
    'failed',
    ['PROVIDER_UNREACHABLE'],
    { method: 'POST', path: `/v1.0/providers/${telnyxId}/test`, body: { type: 'options' }, fill_in: [] },
  ],
  [
    'the platform’s provider, which its customers do not change',
    refused('CREDENTIALS_REFUSED', { attempts: [tried(407)] }, { providers: [carrierFacts({ own: false })] }),
    'failed',
    ['CREDENTIALS_REFUSED'],
    null,
  ],
  [
    'a provider which was tried before another was passed over',
    refused('CREDENTIALS_REFUSED', {
      attempts: [tried(407), tried(0, { provider_id: extensionId, counts: false })],
    }),
    'failed',
    ['CREDENTIALS_REFUSED'],
    carrier({ username: '', password: '' }, ['username', 'password']),
  ],
  [
    'a search which took too long, one provider silent',
    refused('SEARCH_TIMED_OUT', {
      attempts: [
        tried(0, {
          reason: 'search timed out',
          tries: [
            {
              address: 'a',
              transport: 'udp',
              status: 0,
              reason: '',
              codes: [{ status: 100, ms: 3 }],
              started_ms: 0,
              ended_ms: 5,
            },
          ],
        }),
      ],
    }),
    'failed',
    ['SEARCH_TIMED_OUT', 'PROVIDER_SILENT'],
  ],
  [
    'all providers failing, each for its reason',
    refused('ALL_PROVIDERS_FAILED', {
      attempts: [tried(503), tried(0, { provider_id: extensionId, provider_name: 'Twilio' })],
    }),
    'failed',
    ['ALL_PROVIDERS_FAILED', 'PROVIDER_REFUSED', 'PROVIDER_UNREACHABLE'],
  ],
  [
    'a call which showed no number, and was refused',
    refused('NO_ROUTE', {
      decision: decided({ caller_id: { number: null, from: 'none', unverified: true, why: '' } }),
      attempts: [tried(403)],
    }),
    'failed',
    ['NO_ROUTE', 'PROVIDER_REFUSED'],
  ],
  [
    'a country which may not be called',
    refused('DESTINATION_NOT_ALLOWED', {
      decision: decided({ number: { dialled: '+4930', kind: 'number', e164: '+4930', country: 'DE' } }),
      attempts: [],
    }),
    'failed',
    ['DESTINATION_NOT_ALLOWED'],
    { method: 'PATCH', path: '/v1.0/customer', body: { destination_whitelist: ['us', 'de'] }, fill_in: [] },
  ],
  [
    'a prefix which is blocked',
    refused(
      'DESTINATION_BLOCKED',
      {
        decision: decided({ number: { dialled: '+19001', kind: 'number', e164: '+19001', country: 'US' } }),
        attempts: [],
      },
      { customer: { countries: [], blocked_prefixes: ['+1900', '+1976'] } },
    ),
    'failed',
    ['DESTINATION_BLOCKED'],
    { method: 'PATCH', path: '/v1.0/customer', body: { blocked_prefixes: ['+1976'] }, fill_in: [] },
  ],
  [
    'a limit which is reached',
    refused('CHANNELS_EXCEEDED', {
      decision: decided({
        limits: [
          {
            kind: 'extension',
            id: extensionId,
            name: 'office1',
            resource: 'channels',
            used: 2,
            of: 2,
            exceeded: true,
          },
        ],
      }),
      attempts: [],
    }),
    'failed',
    ['CHANNELS_EXCEEDED'],
    extension({ max_channels: 4 }),
  ],
  [
    'no codec in common, where the provider is narrowed',
    refused('NO_COMMON_CODEC', { attempts: [tried(488)] }, { providers: [carrierFacts({ codecs: 'G729' })] }),
    'failed',
    ['NO_COMMON_CODEC'],
    carrier({ codecs: '' }),
  ],
  [
    'a provider which was passed over, for it takes no codec of the caller’s',
    refused(
      'NO_COMMON_CODEC',
      { attempts: [tried(488, { counts: false })] },
      { providers: [carrierFacts({ codecs: 'G729' })] },
    ),
    'failed',
    ['NO_COMMON_CODEC'],
    carrier({ codecs: '' }),
  ],
  ['a reason which is new', refused('SOMETHING_NEW'), 'failed', ['SOMETHING_NEW'], null],
  // Wrong provider used: a detour.
  [
    'a call which the second provider carried',
    callFacts({ attempts: [tried(407), tried(200, { provider_id: extensionId })] }),
    'impaired',
    ['CREDENTIALS_REFUSED'],
    carrier({ username: '', password: '' }, ['username', 'password']),
  ],
  ['a call one phone of two was busy in', callFacts({ attempts: [tried(486), tried(200)] }), 'healthy', []],
  // Device not receiving calls, intermittent registration.
  ...(
    [
      ['nothing keeps open', {}, { keepalive_s: 25 }],
      ['OPTIONS keep open', { keepalive_s: 25 }, { max_expires: 300 }],
      ['all is done to keep open', { keepalive_s: 25, max_expires: 300 }, undefined],
    ] as const
  ).map(
    ([what, callee, body]): Row => [
      `a phone which does not answer, whose way ${what}`,
      refused('PHONE_UNREACHABLE', { attempts: [] }, { callee: calleeFacts(callee) }),
      'failed',
      ['PHONE_UNREACHABLE'],
      body ? extension(body) : null,
    ],
  ),
  [
    'a phone which is off',
    refused('NOT_REGISTERED', { attempts: [] }, { callee: calleeFacts() }),
    'failed',
    ['NOT_REGISTERED'],
  ],
  [
    'a phone whose NAT forgot it',
    refused('NOT_REGISTERED', { attempts: [] }, { callee: calleeFacts({ last: ended() }) }),
    'failed',
    ['NOT_REGISTERED', 'REGISTRATION_EXPIRED_BEHIND_NAT'],
  ],
  [
    'a phone which went away, behind no NAT',
    refused(
      'NOT_REGISTERED',
      { attempts: [] },
      { callee: calleeFacts({ last: ended({ contact: 'sip:office1@203.0.113.9' }) }) },
    ),
    'failed',
    ['NOT_REGISTERED', 'REGISTRATION_EXPIRED'],
  ],
  [
    'a phone which was switched off as it should',
    refused(
      'NOT_REGISTERED',
      { attempts: [] },
      { callee: calleeFacts({ last: ended({ type: 'registration.removed' }) }) },
    ),
    'failed',
    ['NOT_REGISTERED'],
  ],
  [
    'a phone at another relay',
    refused('REGISTERED_ELSEWHERE', { attempts: [] }),
    'failed',
    ['REGISTERED_ELSEWHERE'],
  ],
  [
    'an extension which is not to be disturbed',
    refused('DO_NOT_DISTURB', { attempts: [] }, { callee: calleeFacts() }),
    'healthy',
    ['DO_NOT_DISTURB'],
    { method: 'POST', path: `/v1.0/extensions/${extensionId}/forwarding`, body: {}, fill_in: [] },
  ],
  [
    'an ACK which never came',
    callFacts({
      reject_reason: 'NOT_ACKNOWLEDGED',
      reject_message: 'The caller never acknowledged.',
      hangup_reason: 'failed',
    }),
    'failed',
    ['NOT_ACKNOWLEDGED'],
  ],
  [
    'a relay which was lost',
    callFacts({ reject_reason: 'RELAY_LOST', reject_message: 'Gone.', hangup_reason: 'relay_lost' }),
    'failed',
    ['RELAY_LOST'],
  ],
  [
    'a call which goes on at a relay which is gone',
    callFacts({ over: false }, { relay_alive: false }),
    'failed',
    ['RELAY_LOST'],
  ],
  [
    'SRTP which is required, and refused',
    refused('NOT_ENCRYPTED', { attempts: [tried(488, { cause: { reason: 'NOT_ENCRYPTED', message: '' } })] }),
    'failed',
    ['NOT_ENCRYPTED'],
    carrier({ secure: 'allowed' }),
  ],
  // No audio, one-way audio, poor audio.
  ['no sound at all', both(silent, silent), 'failed', ['NO_AUDIO']],
  [
    'nothing from the callee, who says that it is at a private address',
    both({}, { ...silent, sdp_address: '10.0.0.5:4000' }),
    'failed',
    ['ONE_WAY_AUDIO_NO_RTP_FROM_CALLEE', 'PRIVATE_ADDRESS_IN_SDP_OF_CALLEE'],
  ],
  [
    'nothing from the caller, in the relay’s own network',
    both({ ...silent, sdp_address: '10.0.0.5:4000', local_address: '10.0.0.1:10000' }),
    'failed',
    ['ONE_WAY_AUDIO_NO_RTP_FROM_CALLER'],
  ],
  [
    'a phone behind NAT which is heard where it is',
    both({ sdp_address: '10.0.0.5:4000', latched_address: '203.0.113.9:61000' }),
    'healthy',
    [],
  ],
  [
    'a flow which spoke to the caller, and nobody was called',
    both({}, { ...silent, codecs: [], signalling: null }),
    'healthy',
    [],
  ],
  [
    'a silence too short to be one',
    callFacts({ seconds: 3, media: { from_caller: heard(silent), from_callee: heard(silent) } }),
    'healthy',
    [],
  ],
  ['packets which are lost on the way here', both({ lost: 300 }), 'impaired', ['PACKET_LOSS_FROM_CALLER']],
  [
    'packets which are lost on the way there',
    both({}, { reported_lost: 300 }),
    'impaired',
    ['PACKET_LOSS_TOWARDS_CALLEE'],
  ],
  ['packets which come unevenly', both({}, { jitter_ms: 90 }), 'impaired', ['JITTER_FROM_CALLEE']],
  ['sound which is poor by its MOS alone', both({ mos: 2.9 }), 'impaired', ['POOR_SOUND_FROM_CALLER']],
  ['a long way', both({ round_trip_ms: 900 }), 'impaired', ['LONG_DELAY_TO_CALLER']],
  [
    'sound of another device, too',
    both({ dropped: 1200, latched_address: '203.0.113.9:4000' }),
    'impaired',
    ['AUDIO_FROM_ELSEWHERE_CALLER'],
  ],
  [
    'packets with another key',
    both({}, { dropped: 600, unauthentic: 600 }),
    'impaired',
    ['WRONG_KEY_FROM_CALLEE'],
  ],
  [
    'codecs of which none is common',
    both({ codecs: ['opus'] }, { codecs: ['G729'] }),
    'failed',
    ['NO_COMMON_CODEC'],
  ],
  [
    'a router which rewrites SIP, and no sound',
    both({
      ...silent,
      source_address: '203.0.113.9:5060',
      contact_address: '203.0.113.9:5060',
      sdp_address: '192.168.1.20:4000',
    }),
    'failed',
    ['ONE_WAY_AUDIO_NO_RTP_FROM_CALLER', 'PRIVATE_ADDRESS_IN_SDP_OF_CALLER', 'SIP_ALG_SUSPECTED'],
  ],
  [
    'a phone which learned its outer address in one place, and is heard',
    both({
      source_address: '203.0.113.9:5060',
      contact_address: '203.0.113.9:5060',
      sdp_address: '192.168.1.20:4000',
    }),
    'healthy',
    [],
  ],
  [
    'a phone behind NAT which names its own address alone, and is not heard',
    both({
      ...silent,
      source_address: '203.0.113.9:5060',
      contact_address: '192.168.1.20:5060',
      via_address: '192.168.1.20:5060',
      sdp_address: '192.168.1.20:4000',
    }),
    'failed',
    ['ONE_WAY_AUDIO_NO_RTP_FROM_CALLER', 'PRIVATE_ADDRESS_IN_SDP_OF_CALLER'],
  ],
  [
    'a flow which could not go on',
    callFacts({ flow: flow('hung_up', 'no such prompt') }),
    'failed',
    ['FLOW_ENDED'],
  ],
  ['a flow which went round too long', callFacts({ flow: flow('too_long') }), 'failed', ['FLOW_ENDED']],
  [
    'a flow which went on without an action',
    callFacts({ flow: flow(null, 'the server is away') }),
    'impaired',
    ['FLOW_ACTION_FAILED'],
  ],
  ['a flow which came to its end', callFacts({ flow: flow('hung_up') }), 'healthy', []],
]

describe('the diagnosis of a call', () => {
  test.for(rows)('of %s', ([, facts, verdict, codes, request]) => {
    const told = diagnoseCall(facts)
    expect([told.verdict, told.findings.map(({ code }) => code)]).toEqual([verdict, codes])
    if (request !== undefined) expect(told.findings[0]?.request).toEqual(request)
    for (const { code, sentence, what_to_do } of told.findings) {
      expect(code).toMatch(/^[A-Z0-9]+(_[A-Z0-9]+)*$/)
      expect(sentence).toMatch(/^[A-Z\d].*\.$/)
      expect(what_to_do).toMatch(/^[A-Z\d].*\.$/)
    }
  })

  test('of a call which a provider refused says that it showed no number, where it did', () => {
    const todo = (from: string) => {
      const decision = decided({ caller_id: { number: null, from, unverified: true, why: '' } })
      return diagnoseCall(refused('NO_ROUTE', { decision, attempts: [tried(403)] })).findings[1]?.what_to_do
    }
    expect(todo('none')).toMatch(/^It showed no number .* caller_id.* default_outgoing_number_id/)
    expect(todo('default')).toBe('Ask the provider what it minds, with the call’s sip_call_id.')
  })

  test('of a call which a provider failed by 5xx asks for its own state first', () => {
    const decision = decided({ caller_id: { number: null, from: 'none', unverified: true, why: '' } })
    const todos = ['ALL_PROVIDERS_FAILED', 'PROVIDER_REFUSED'].map((reason) => {
      const { findings } = diagnoseCall(refused(reason, { decision, attempts: [tried(503)] }))
      return findings.find(({ code }) => code === 'PROVIDER_REFUSED')?.what_to_do
    })
    expect(todos).toEqual(Array(2).fill(expect.stringMatching(/^A 5xx .* status page/)))
  })

  test('of a silent side whose packets came from elsewhere asks that it send from where it says it is', () => {
    const todo = (dropped: number) => diagnoseCall(both({}, { ...silent, dropped })).findings[0]?.what_to_do
    expect(todo(400)).toMatch(/symmetric RTP/)
    expect(todo(0)).toMatch(/^See that packets of the callee .* pass its firewall/)
  })

  test('of no sound at all asks for open ports, unless packets which came from elsewhere show that they are', () => {
    const todo = (caller: number, callee: number) =>
      diagnoseCall(both({ ...silent, dropped: caller }, { ...silent, dropped: callee })).findings[0]
        ?.what_to_do
    expect(todo(0, 0)).toMatch(/^See that the relay’s RTP ports/)
    expect(todo(264, 264)).toMatch(/^Let the device of the caller .* router\. Let the device of the callee /)
    expect(todo(264, 0)).toMatch(/symmetric RTP.* See that packets of the callee .* pass its firewall/)
  })

  test('to a sips URI which had a hop without TLS says what would carry it', () => {
    const [finding] = diagnoseCall(refused('SIPS_WITHOUT_TLS', { sip_status: 480 })).findings
    expect(finding).toMatchObject({ code: 'SIPS_WITHOUT_TLS', severity: 'error' })
    expect(finding?.what_to_do).toContain('dial the address as a sip URI')
  })

  test('rests on numbers: who said to be where, and who was told to send where', () => {
    const facts = both({}, { ...silent, dropped: 12, sdp_address: '10.0.0.5:4000' })
    expect(diagnoseCall(facts).findings[0]).toMatchObject({
      sentence: expect.stringContaining('says that it is at 10.0.0.5:4000'),
      evidence: {
        packets: 0,
        dropped: 12,
        sdp_address: '10.0.0.5:4000',
        told_to_send_to: '198.51.100.1:10002',
      },
    })
  })

  test('says of a reason what the record says, and puts the gravest first', () => {
    const facts = callFacts({
      reject_reason: 'MEDIA_TIMEOUT',
      reject_message: 'No sound came any more.',
      media: { from_caller: heard({ jitter_ms: 80 }), from_callee: heard() },
    })
    expect(diagnoseCall(facts).findings).toMatchObject([
      { code: 'MEDIA_TIMEOUT', severity: 'error', sentence: 'No sound came any more.' },
      { code: 'JITTER_FROM_CALLER', severity: 'warning' },
    ])
  })
})
