import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { explanationShown } from './call-operations.ts'
import { resolveInput } from './resolve.ts'

/** Asking where a call would go. */
export const resolveOperations: readonly Operation[] = [
  {
    id: 'resolveRoute',
    method: 'post',
    path: '/v1.0/routes/resolve',
    summary: 'Ask where a call would go, and why',
    description:
      'The same decision which a call makes, at any instant; nothing is stored. "Nowhere" is an answer, too.',
    tag: 'routes',
    scope: 'read',
    body: resolveInput,
    answer: explanationShown.nullable(),
    errors: ['REFERENCE_NOT_FOUND', 'VERSION_NOT_FOUND', 'VERSION_GONE'],
    example: {
      body: { from: 'office1', extension_id: exampleIds.extension, to: '+15551234567' },
      answer: {
        decided_by: 'edge',
        at: '2026-11-24T09:00:00.000Z',
        version: 12,
        platform_version: 3,
        snapshot_age_ms: null,
        outcome: 'connect',
        status: null,
        reason: null,
        message: '',
        caller: { rule: 'digest', why: 'extension office1' },
        emergency: false,
        number: { dialled: '+15551234567', kind: 'number', e164: '+15551234567', country: 'US' },
        caller_id: { number: null, from: 'none', unverified: true, why: 'the customer has no number' },
        limits: [],
        candidates: [
          {
            provider_id: exampleIds.provider,
            provider_name: 'Primary SIP Provider',
            route_id: exampleIds.route,
            route_name: 'Default Outbound Route',
            target: 'all',
            priority: 1,
            weight: 0,
            platform: false,
            kept: true,
            order: 1,
            demoted: false,
            health: 'healthy',
            code: 'KEPT',
            why: 'target all, priority 1',
            dialled: '+15551234567',
            policy: null,
          },
        ],
        left_out: 0,
        plan: [],
      },
    },
  },
]
