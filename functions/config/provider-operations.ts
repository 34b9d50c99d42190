import * as z from 'zod'
import { healthStatus, instant } from '#contract'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { within } from '../store/provider-statistics.ts'
import { TEST_CALLS_HOURLY, testInput, waiting } from './provider-tests.ts'

const at = '2026-11-24T09:00:00.000Z'
const ratio = z.number().nullable().describe('Answered ÷ attempts; null without attempts.')

const health = z
  .object({
    provider_id: z.guid(),
    status: healthStatus.describe('As all relays together see it.'),
    tm_change: instant.nullable(),
    tm_check: instant.nullable(),
    latency_ms: z.number().nullable(),
    why: z.string(),
    relays: z.array(
      z.object({
        relay_id: z.string(),
        status: healthStatus,
        tm_change: instant,
        latency_ms: z.number().nullable(),
        last: z.record(z.string(), z.unknown()).nullable().describe('The last answer which it looked at.'),
        why: z.string(),
        tm_update: instant,
        counts: z.boolean().describe('It lives, and has looked within 90 seconds.'),
      }),
    ),
    history: z
      .array(z.looseObject({ id: z.guid(), tm_create: instant }))
      .describe('Its latest changes, the newest first.'),
  })
  .meta({ id: 'ProviderHealth', description: 'How a provider is doing.' })

const stats = z
  .object({
    provider_id: z.guid(),
    window: z.string(),
    attempts: z.int().describe('Those which are over, or answered.'),
    under_way: z.int(),
    answered: z.int(),
    asr: ratio,
    ner: z.number().nullable().describe('Answered or ended by people ÷ attempts (ITU-T E.425).'),
    user_outcomes: z.object({ no_answer: z.int(), busy: z.int(), cancelled: z.int(), declined: z.int() }),
    failures: z.record(z.string(), z.int()).describe('How often by SIP status, or `silence`.'),
    acd_seconds: z.number().nullable().describe('The mean of the seconds talked.'),
    pdd_ms: z
      .object({ p50: z.number().nullable(), p95: z.number().nullable() })
      .describe('From INVITE to the first ringing.'),
    relays: z.array(z.object({ relay_id: z.string(), attempts: z.int(), answered: z.int(), asr: ratio })),
  })
  .meta({ id: 'ProviderStats', description: 'What became of the calls which were tried at a provider.' })

const test = z
  .object({
    id: z.guid(),
    provider_id: z.guid(),
    relay_id: z.string(),
    type: z.enum(['options', 'call']),
    to: z.string().nullable(),
    from: z.string().nullable(),
    state: z.enum(['waiting', 'running', 'done', 'lost']),
    ok: z.boolean().nullable().describe('null until it is done.'),
    verdict: z.string().describe('What was found out, in one sentence.'),
    steps: z.array(z.object({ step: z.string(), ok: z.boolean(), words: z.string(), ms: z.number() })),
    status: z.int().optional().describe('The last SIP status; 0: none came.'),
    tm_create: instant,
    tm_done: instant.nullable(),
  })
  .meta({ id: 'ProviderTest', description: 'A trial of a provider.' })

const tested = {
  id: exampleIds.test,
  provider_id: exampleIds.provider,
  relay_id: 'relay-1',
  type: 'options',
  to: null,
  from: null,
  state: 'done',
  ok: true,
  verdict: 'sip.provider.com answers: 200 OK from 192.0.2.4:5060 in 12 ms',
  steps: [{ step: 'locate', ok: true, words: 'sip.provider.com is at 192.0.2.4:5060', ms: 3 }],
  status: 200,
  tm_create: at,
  tm_done: '2026-11-24T09:00:01.000Z',
}

/** How a provider is doing, beside what is configured of it. */
export const providerOperations: readonly Operation[] = [
  {
    id: 'getProviderHealth',
    method: 'get',
    path: '/v1.0/providers/{id}/health',
    summary: 'Read how a provider is doing, as relays see it',
    tag: 'providers',
    scope: 'read',
    answer: health,
    errors: ['PROVIDER_NOT_FOUND'],
    example: {
      parameters: { id: exampleIds.provider },
      answer: {
        provider_id: exampleIds.provider,
        status: 'healthy',
        tm_change: at,
        tm_check: at,
        latency_ms: 12,
        why: 'answers OPTIONS',
        relays: [],
        history: [],
      },
    },
  },
  {
    id: 'getProviderStats',
    method: 'get',
    path: '/v1.0/providers/{id}/stats',
    summary: 'Read what became of the calls which were tried at a provider',
    description: 'Of the customer’s own calls; for an administrator, of all.',
    tag: 'providers',
    scope: 'read',
    query: within,
    answer: stats,
    errors: ['PROVIDER_NOT_FOUND'],
    example: {
      parameters: { id: exampleIds.provider, window: '1h' },
      answer: {
        provider_id: exampleIds.provider,
        window: '1h',
        attempts: 4,
        under_way: 1,
        answered: 3,
        asr: 0.75,
        ner: 0.75,
        user_outcomes: { no_answer: 0, busy: 0, cancelled: 0, declined: 0 },
        failures: { '503': 1 },
        acd_seconds: 62.4,
        pdd_ms: { p50: 1800, p95: 2400 },
        relays: [{ relay_id: 'relay-1', attempts: 4, answered: 3, asr: 0.75 }],
      },
    },
  },
  {
    id: 'testProvider',
    method: 'post',
    path: '/v1.0/providers/{id}/test',
    summary: 'Try a provider by OPTIONS, or by a call',
    description:
      'Waits for the outcome as long as `wait` says; 202 where it takes longer. ' +
      `All providers of a customer together are tried by ${TEST_CALLS_HOURLY} calls within an hour.`,
    tag: 'providers',
    scope: 'call',
    query: waiting,
    body: testInput,
    mayBeBare: true,
    answer: test,
    pending: true,
    errors: ['PROVIDER_NOT_FOUND', 'REFERENCE_NOT_FOUND', 'TOO_MANY_TESTS', 'NO_RELAY'],
    example: {
      parameters: { id: exampleIds.provider, wait: '5' },
      body: { type: 'options' },
      answer: tested,
    },
  },
  {
    id: 'getProviderTest',
    method: 'get',
    path: '/v1.0/providers/{id}/tests/{test_id}',
    summary: 'Read what became of a trial',
    tag: 'providers',
    scope: 'read',
    answer: test,
    errors: ['TEST_NOT_FOUND'],
    example: { parameters: { id: exampleIds.provider, test_id: exampleIds.test }, answer: tested },
  },
]
