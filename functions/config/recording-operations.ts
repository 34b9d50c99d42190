import * as z from 'zod'
import { instant, recordingKind } from '#contract'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { listShape, paging } from '../http/page.ts'
import { recordingStatuses } from '../store/recordings.ts'
import { recordingInput, recordingOrderShown } from './recording-orders.ts'
import { mailboxFilters, recordingChange, recordingFilters } from './recordings.ts'

const recording = z
  .object({
    id: z.guid(),
    customer_id: z.guid(),
    type: recordingKind,
    reference_type: z.literal('call'),
    reference_id: z.guid().nullable().describe('The call.'),
    extension_id: z.guid().nullable().describe('Whose call it was, or whose mailbox it is in.'),
    source: z.string().nullable().describe('Who called.'),
    status: z
      .enum(recordingStatuses)
      .describe('It goes on, its sound is on its way here, is here, or there is none: `message` says why.'),
    format: z.literal('wav').describe('16 bits, 8 kHz.'),
    channels: z.int().nullable().describe('2: the caller left, the callee right.'),
    duration: z.number().nullable().describe('Seconds, pauses among them; null while it goes on.'),
    bytes: z.int().nullable(),
    ending: z
      .string()
      .nullable()
      .describe(
        '`stopped`, `silence`, `max`, `closed` with the call, `failed`, or `interrupted` with its relay.',
      ),
    message: z.string().nullable().describe('What went wrong, in a sentence.'),
    heard: z.boolean().nullable().describe('Of voicemail: whether it was heard.'),
    tm_heard: instant.nullable(),
    tm_start: instant,
    tm_end: instant.nullable(),
    tm_create: instant,
    tm_update: instant.nullable(),
    tm_delete: instant.nullable(),
  })
  .meta({ id: 'Recording', description: 'What was said in a call, or left in a mailbox.' })

const at = '2026-11-24T09:00:00.000Z'
const example = {
  id: exampleIds.recording,
  customer_id: exampleIds.customer,
  type: 'call',
  reference_type: 'call',
  reference_id: exampleIds.call,
  extension_id: exampleIds.extension,
  source: '+15552220001',
  status: 'available',
  format: 'wav',
  channels: 2,
  duration: 62.4,
  bytes: 1_996_844,
  ending: 'closed',
  message: null,
  heard: null,
  tm_heard: null,
  tm_start: at,
  tm_end: '2026-11-24T09:01:02.400Z',
  tm_create: at,
  tm_update: '2026-11-24T09:01:05.000Z',
  tm_delete: null,
}
const message = { ...example, type: 'voicemail', channels: 1, bytes: 998_444, heard: false }

/** The recording which the example’s order begins. */
const ordered = '4e5f6a7b-8c9d-4e0f-9a1b-2c3d4e5f6a7b'

const orders = [
  ['recording_start', 'Record a call', 'recordCall'],
  ['recording_stop', 'End the recording of a call', 'stopRecordingCall'],
  ['recording_pause', 'Write silence in the place of what is said', 'pauseRecordingCall'],
  ['recording_resume', 'Record on after a pause', 'resumeRecordingCall'],
] as const

/** Reading recordings and mailboxes, hearing them, and recording calls which go on. */
export const recordingOperations: readonly Operation[] = [
  {
    id: 'listRecordings',
    method: 'get',
    path: '/v1.0/recordings',
    summary: 'List recordings, newest first',
    tag: 'recordings',
    scope: 'read',
    query: paging.extend(recordingFilters),
    answer: listShape(recording),
    errors: [],
    example: {
      parameters: { call_id: exampleIds.call },
      answer: { result: [example], next_page_token: '' },
    },
  },
  {
    id: 'getRecording',
    method: 'get',
    path: '/v1.0/recordings/{id}',
    summary: 'Read what is known of a recording',
    tag: 'recordings',
    scope: 'read',
    answer: recording,
    errors: ['RECORDING_NOT_FOUND'],
    example: { answer: example },
  },
  {
    id: 'changeRecording',
    method: 'patch',
    path: '/v1.0/recordings/{id}',
    summary: 'Say that voicemail was heard, or was not',
    tag: 'recordings',
    scope: 'configure',
    body: recordingChange,
    answer: recording,
    errors: ['RECORDING_NOT_FOUND'],
    example: { body: { heard: true }, answer: { ...message, heard: true, tm_heard: at } },
  },
  {
    id: 'deleteRecording',
    method: 'delete',
    path: '/v1.0/recordings/{id}',
    summary: 'Delete a recording, its sound within a minute',
    tag: 'recordings',
    scope: 'configure',
    answer: recording,
    errors: ['RECORDING_NOT_FOUND'],
    example: { answer: { ...example, tm_delete: at } },
  },
  {
    id: 'getRecordingFile',
    method: 'get',
    path: '/v1.0/recordingfiles/{id}',
    summary: 'Be led to a recording’s sound',
    description:
      'The link lasts for ten minutes, needs no access key, and takes `Range`: whoever has it hears the recording.',
    tag: 'recordings',
    scope: 'read',
    answer: z.void(),
    success: 307,
    errors: ['RECORDING_NOT_FOUND', 'RECORDING_NOT_READY'],
    example: { parameters: { id: exampleIds.recording }, answer: undefined },
  },
  {
    id: 'listVoicemail',
    method: 'get',
    path: '/v1.0/extensions/{id}/voicemail',
    summary: 'List the messages in an extension’s mailbox',
    tag: 'recordings',
    scope: 'read',
    query: paging.extend(mailboxFilters),
    answer: listShape(recording),
    errors: ['EXTENSION_NOT_FOUND'],
    example: {
      parameters: { id: exampleIds.extension, heard: 'false' },
      answer: { result: [message], next_page_token: '' },
    },
  },
  ...orders.map(
    ([order, summary, id]): Operation => ({
      id,
      method: 'post',
      path: `/v1.0/calls/{id}/${order}`,
      summary,
      description:
        'It is ordered of the call’s relay, which hears it within two seconds; what came of it is an event: `recording.started`, `recording.finished` or `recording.failed`.',
      tag: 'recordings',
      scope: 'call',
      ...(order === 'recording_start' && { body: recordingInput, mayBeBare: true as const }),
      answer: recordingOrderShown,
      success: 202,
      errors: [
        'CALL_NOT_FOUND',
        'CALL_OVER',
        order === 'recording_start' ? 'RECORDING_ALREADY_ACTIVE' : 'RECORDING_NOT_ACTIVE',
      ],
      example: {
        parameters: { id: exampleIds.call },
        ...(order === 'recording_start' && { body: { channels: 2, duration: 3600 } }),
        answer: {
          order,
          call_id: exampleIds.call,
          recording_id: order === 'recording_start' ? ordered : null,
        },
      },
    }),
  ),
]
