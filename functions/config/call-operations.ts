import * as z from 'zod'
import {
  address,
  attempt,
  callParty,
  callStatus,
  direction,
  explanation,
  flowTrace,
  hangupParty,
  hangupReason,
  instant,
  mediaSide,
  transferType,
} from '#contract'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { listShape, paging } from '../http/page.ts'
import { filters } from './call-filters.ts'

/** Why a call goes where it goes, as every call keeps it and a question for one is answered. */
export const explanationShown = explanation.meta({
  id: 'Explanation',
  description:
    'Why a call goes where it goes: who calls, what was dialled, and every candidate, kept or skipped.',
})

/** A call as it is shown. */
export const callShown = z
  .object({
    id: z.guid(),
    customer_id: z.guid().nullable(),
    direction,
    source: address.describe('Who calls.'),
    destination: address.describe('Whom the call is for.'),
    number_id: z.guid().nullable().describe('The number which was called, of a call from the phone network.'),
    provider_id: z.guid().nullable().describe('The provider which carries it, or tried last.'),
    route_id: z
      .guid()
      .nullable()
      .describe('The route by which it went there; null: none, or it is not known.'),
    status: callStatus.describe('Where it stands; it only ever moves forward.'),
    unverified: z.boolean().describe('The caller shows no number which is its own.'),
    hangup_by: hangupParty.nullable(),
    hangup_reason: hangupReason.nullable(),
    reject_reason: z
      .string()
      .nullable()
      .describe('Why it was not carried: a word for programs, as `NOT_REGISTERED`.'),
    reject_message: z.string().nullable().describe('The same in a sentence.'),
    transferred_from: z
      .guid()
      .nullable()
      .describe('The call which was transferred, and goes on as this one; null: none was.'),
    recording_ids: z.array(z.guid()).describe('What was recorded of it, the oldest first.'),
    transfer_type: transferType
      .nullable()
      .describe('`blind`: its target was dialled for it; `attended`: it was spoken to before.'),
    sip_status: z.int().nullable().describe('The final SIP status which its caller was given.'),
    sip_call_id: z.string().nullable().describe('The Call-ID of its caller’s INVITE.'),
    attempts: z
      .array(attempt)
      .describe(
        'Every address which was tried, in order, and what it said. `counts` is false of one which was passed over before it was called: its `cause` says why.',
      ),
    media: z
      .object({
        from_caller: mediaSide,
        from_callee: mediaSide,
        message: z.string().nullable().describe('What is wrong with the sound; null: nothing.'),
      })
      .nullable()
      .describe('What was heard of each side.'),
    decision: explanationShown.nullable(),
    flow: flowTrace
      .nullable()
      .describe('The way it took through its flow, what is sensitive masked; null: it follows none.'),
    held: z.array(callParty).describe('Parties which the API has put on hold.'),
    muted: z.array(callParty).describe('Parties which the API has muted: the other one does not hear them.'),
    metadata: z.record(z.string(), z.string()).describe('What it was ordered with by the API.'),
    extension_id: z.guid().nullable(),
    trunk_id: z.guid().nullable(),
    duration: z
      .number()
      .nullable()
      .describe('Seconds talked; null while it goes on, or where it was not answered.'),
    total_duration: z.number().nullable().describe('Seconds from the first to the last.'),
    tm_ringing: instant.nullable(),
    tm_progressing: instant.nullable().describe('When it was answered.'),
    tm_hangup: instant.nullable(),
    tm_create: instant,
    tm_update: instant,
    tm_delete: z.null(),
  })
  .meta({ id: 'Call', description: 'What became of a call.' })

const party = { target_name: '', name: '', detail: '' }
/** One of them. */
export const callExample = {
  id: exampleIds.call,
  customer_id: exampleIds.customer,
  direction: 'outgoing',
  source: { ...party, type: 'extension', target: 'office1' },
  destination: { ...party, type: 'tel', target: '+15551234567' },
  number_id: null,
  provider_id: exampleIds.provider,
  route_id: exampleIds.route,
  status: 'hangup',
  unverified: true,
  hangup_by: 'callee',
  hangup_reason: 'normal',
  reject_reason: null,
  reject_message: null,
  transferred_from: null,
  transfer_type: null,
  recording_ids: [],
  sip_status: 200,
  sip_call_id: '8f7a1c@192.0.2.44',
  attempts: [],
  media: null,
  decision: null,
  flow: null,
  held: [],
  muted: [],
  metadata: {},
  extension_id: exampleIds.extension,
  trunk_id: null,
  duration: 62.4,
  total_duration: 66.1,
  tm_ringing: '2026-11-24T09:00:01.800Z',
  tm_progressing: '2026-11-24T09:00:03.700Z',
  tm_hangup: '2026-11-24T09:01:06.100Z',
  tm_create: '2026-11-24T09:00:00.000Z',
  tm_update: '2026-11-24T09:01:06.100Z',
  tm_delete: null,
}

/** Reading what became of calls. */
export const callOperations: readonly Operation[] = [
  {
    id: 'listCalls',
    method: 'get',
    path: '/v1.0/calls',
    summary: 'List calls, newest first',
    tag: 'calls',
    scope: 'read',
    query: paging.extend(filters),
    answer: listShape(callShown),
    errors: [],
    example: {
      parameters: { status: 'hangup', direction: 'outgoing', number: '+15551234567' },
      answer: { result: [callExample], next_page_token: '' },
    },
  },
  {
    id: 'getCall',
    method: 'get',
    path: '/v1.0/calls/{id}',
    summary: 'Read a call: where it went, why, and how it sounded',
    tag: 'calls',
    scope: 'read',
    answer: callShown,
    errors: ['CALL_NOT_FOUND'],
    example: { answer: callExample },
  },
]
