import type * as z from 'zod'
import { exampleIds } from '../http/example-ids.ts'
import type { ErrorCode, Operation } from '../http/operation.ts'
import {
  dtmfInput,
  hangupInput,
  holdInput,
  muteInput,
  playInput,
  silenceInput,
  talkInput,
  transferInput,
} from './call-order-input.ts'
import { callOrderShown } from './call-orders.ts'

interface OrderDocumented {
  readonly order: z.infer<typeof callOrderShown>['order']
  readonly id: string
  readonly summary: string
  readonly more?: string
  readonly input: z.ZodType
  readonly body: object
  readonly message: string
  readonly errors?: readonly ErrorCode[]
}

const orders: readonly OrderDocumented[] = [
  {
    order: 'hangup',
    id: 'hangUpCall',
    summary: 'Hang up a call',
    more: 'One which rings rings no longer, and its caller hears 480; one which was ordered and has not begun never will. ',
    input: hangupInput,
    body: {},
    message: 'The call was hung up.',
  },
  {
    order: 'transfer',
    id: 'transferCall',
    summary: 'Lead a party of a call to another destination',
    more: 'That is called in the name of who is left, who is hung up when it has answered; else the call goes on as it was. Answered as soon as it is called. ',
    input: transferInput,
    body: { party: 'caller', destination: { type: 'tel', target: '+15551234567' } },
    message: 'The caller is led to +15551234567, which is called.',
    errors: ['INVALID_ARGUMENT', 'REFERENCE_NOT_FOUND'],
  },
  {
    order: 'play',
    id: 'playToCall',
    summary: 'Play sounds to one party of a call, or to both',
    more: 'In the place of what the other one says. Answered when it begins. ',
    input: playInput,
    body: { party: 'both', stream_urls: ['https://example.com/announcement.wav'] },
    message: 'It is played to the caller and the callee.',
    errors: ['SOUND_UNREACHABLE'],
  },
  {
    order: 'talk',
    id: 'talkToCall',
    summary: 'Say a text to one party of a call, or to both',
    more: 'In the place of what the other one says. Answered when it begins. ',
    input: talkInput,
    body: { party: 'callee', text: 'One minute is left.' },
    message: 'It is played to the callee.',
    errors: ['SOUND_UNREACHABLE'],
  },
  {
    order: 'silence',
    id: 'silenceCall',
    summary: 'Stop what is played to a call by the API',
    input: silenceInput,
    body: { party: 'both' },
    message: 'It is played no more.',
  },
  {
    order: 'dtmf',
    id: 'pressKeysInCall',
    summary: 'Press keys towards a party of a call',
    input: dtmfInput,
    body: { party: 'callee', digits: '1234#' },
    message: '5 keys are sent to the callee.',
  },
  {
    order: 'hold',
    id: 'holdCall',
    summary: 'Put a party of a call on hold, or take it off',
    more: 'It is told so by a re-INVITE, neither hears the other, and it hears the music, where there is any. ',
    input: holdInput,
    body: { party: 'callee', held: true },
    message: 'The callee is on hold.',
    errors: ['SOUND_UNREACHABLE'],
  },
  {
    order: 'mute',
    id: 'muteCall',
    summary: 'Let a party of a call be heard no more, or again',
    more: 'It is told nothing of that. Where the relay’s sound goes by RTPengine it is refused. ',
    input: muteInput,
    body: { party: 'caller', muted: true },
    message: 'The caller is heard no more.',
  },
]

/** Orders to calls which go on. */
export const callOrderOperations: readonly Operation[] = orders.map(
  ({ order, id, summary, more = '', input, body, message, errors = [] }): Operation => ({
    id,
    method: 'post',
    path: `/v1.0/calls/{id}/${order}`,
    summary,
    description: `${more}The call’s relay hears it at once where the edge has a hub, else within two seconds. 409 says why the call’s state does not allow it; 202 that the relay has it and has not said in eight seconds what came of it; 503 \`RELAY_SILENT\` that it did not take it, and never will.`,
    tag: 'calls',
    scope: 'call',
    body: input,
    mayBeBare: true,
    answer: callOrderShown,
    pending: true,
    errors: ['CALL_NOT_FOUND', 'CALL_OVER', 'CALL_STATE_INVALID', 'RELAY_SILENT', ...errors],
    example: {
      parameters: { id: exampleIds.call },
      body,
      answer: { order, call_id: exampleIds.call, ok: true, message },
    },
  }),
)
