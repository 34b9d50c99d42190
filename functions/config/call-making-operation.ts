import * as z from 'zod'
import type { Operation } from '../http/operation.ts'
import { callsInput } from './call-input.ts'
import { callExample, callShown } from './call-operations.ts'

const called = { ...callExample.destination }

/** Calling by the API. */
export const callMakingOperations: readonly Operation[] = [
  {
    id: 'makeCalls',
    method: 'post',
    path: '/v1.0/calls',
    summary: 'Call one or several, each by a call of its own',
    description:
      'Whoever answers follows the flow. Without one, and with an extension as source, that is rung first, and joined with the destination when it has answered. Nothing rings before each call is decided as any call of yours is; each is then of a relay: of that where who is rung is registered, else of one in the region of your phones, else of that with the fewest calls. Where it dies before it has begun, another begins the call, once. Send an `Idempotency-Key`: then nobody is called twice.',
    tag: 'calls',
    scope: 'call',
    body: callsInput,
    answer: z.object({
      calls: z.array(callShown),
      groupcalls: z.array(z.never()).describe('Empty: a call which rings several is one call here.'),
    }),
    errors: ['REFERENCE_NOT_FOUND', 'INVALID_FLOW', 'CALL_REFUSED', 'NO_RELAY'],
    example: {
      body: {
        source: { type: 'extension', target_name: 'office1' },
        destinations: [{ type: 'tel', target: '+15551234567' }],
        ring_seconds: 30,
      },
      answer: {
        calls: [
          {
            ...callExample,
            destination: called,
            status: 'dialing',
            provider_id: null,
            route_id: null,
            unverified: false,
            hangup_by: null,
            hangup_reason: null,
            sip_status: null,
            sip_call_id: null,
            duration: null,
            total_duration: null,
            tm_ringing: null,
            tm_progressing: null,
            tm_hangup: null,
            tm_update: callExample.tm_create,
          },
        ],
        groupcalls: [],
      },
    },
  },
]
