import * as z from 'zod'
import { flowTransport, instant } from '#contract'
import { diagnosisVerdict, finding } from '../diagnosis/finding.ts'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'

const diagnosis = { verdict: diagnosisVerdict, findings: z.array(finding).describe('The gravest first.') }

const inSum = z
  .object({
    looked_at: z.int().describe('So many of its latest calls, 20 at most.'),
    findings: z.array(
      z.object({
        code: z.string(),
        severity: finding.shape.severity,
        calls: z.int().describe('Of how many of them it was found.'),
        last_call_id: z.guid(),
        sentence: z.string().describe('What was found of the latest.'),
      }),
    ),
  })
  .meta({
    id: 'CallsInSum',
    description: 'What diagnoses of its latest calls come to; what people did is left out.',
  })

const registered = z.object({
  relay_id: z.string(),
  relay_alive: z.boolean().describe('Whether that relay is heard now.'),
  contact: z.string(),
  transport: flowTransport,
  address: z.string().describe('host:port its packets come from.'),
  user_agent: z.string(),
  tm_create: instant,
  tm_update: instant,
  tm_expire: instant,
})

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
  {
    id: 'diagnoseExtension',
    method: 'get',
    path: '/v1.0/extensions/{id}/diagnosis',
    summary: 'Ask what is wrong with an extension and its phones, and what mends it',
    description:
      'Of a day: where it is registered, why it is not, what was refused and why, and its latest calls.',
    tag: 'extensions',
    scope: 'read',
    answer: z.object({
      extension_id: z.guid(),
      ...diagnosis,
      calls: inSum,
      registrations: z.array(registered),
    }),
    errors: ['EXTENSION_NOT_FOUND'],
    example: {
      parameters: { id: exampleIds.extension },
      answer: {
        extension_id: exampleIds.extension,
        verdict: 'failed',
        findings: [
          {
            code: 'NEVER_REGISTERED',
            severity: 'error',
            sentence: 'No phone has registered as office1, as far as is known.',
            evidence: { account: `office1@${exampleIds.customer}.registrar.trunkline.example`, refused: 0 },
            what_to_do: 'Put the server, the account and the password into the phone.',
            request: null,
          },
        ],
        calls: { looked_at: 0, findings: [] },
        registrations: [],
      },
    },
  },
  {
    id: 'diagnoseProvider',
    method: 'get',
    path: '/v1.0/providers/{id}/diagnosis',
    summary: 'Ask what is wrong with a provider, and what mends it',
    description:
      'As relays see it, as our registration there stands, as its last trial and the calls of a day went.',
    tag: 'providers',
    scope: 'read',
    answer: z.object({ provider_id: z.guid(), ...diagnosis, calls: inSum }),
    errors: ['PROVIDER_NOT_FOUND'],
    example: {
      parameters: { id: exampleIds.provider },
      answer: {
        provider_id: exampleIds.provider,
        verdict: 'healthy',
        findings: [],
        calls: { looked_at: 0, findings: [] },
      },
    },
  },
]
