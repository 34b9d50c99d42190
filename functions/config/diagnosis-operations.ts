import * as z from 'zod'
import { diagnosisVerdict, finding } from '../diagnosis/finding.ts'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'

const diagnosis = { verdict: diagnosisVerdict, findings: z.array(finding).describe('The gravest first.') }

const oneWay = {
  code: 'ONE_WAY_AUDIO_NO_RTP_FROM_CALLEE',
  severity: 'error',
  sentence:
    'Nothing was heard from the callee, which was told to send to 198.51.100.1:10002 and says that it is at 10.0.0.5:4000.',
  evidence: {
    packets: 0,
    dropped: 0,
    unauthentic: 0,
    sdp_address: '10.0.0.5:4000',
    latched_address: null,
    told_to_send_to: '198.51.100.1:10002',
  },
  what_to_do:
    'See that packets of the callee to the relay’s RTP ports (UDP) pass its firewall and NAT, and that 198.51.100.1:10002 can be reached from there.',
  request: null,
}

/** Asking what is wrong. */
export const diagnosisOperations: readonly Operation[] = [
  {
    id: 'diagnoseCall',
    method: 'get',
    path: '/v1.0/calls/{id}/diagnosis',
    summary: 'Ask what was wrong with a call, and what mends it',
    description: 'No finding: nothing is known to be wrong. What people did (busy, no answer) is `info`.',
    tag: 'calls',
    scope: 'read',
    answer: z.object({ call_id: z.guid(), ...diagnosis }),
    errors: ['CALL_NOT_FOUND'],
    example: {
      parameters: { id: exampleIds.call },
      answer: { call_id: exampleIds.call, verdict: 'failed', findings: [oneWay] },
    },
  },
]
