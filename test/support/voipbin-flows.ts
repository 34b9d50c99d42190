/*
 * Flows as VoIPBIN's documents write them (`flow_overview`, `flow_struct_action`, `flow_tutorial_scenario`): their fields and options to the letter,
 * what they write that is odd included, and texts of our own. `at` and what follows say how each is tried.
 */

const nil = '00000000-0000-0000-0000-000000000000'
const said = (text: string) => ({ text, gender: 'female', language: 'en-US' })
const tel = (target: string) => ({ type: 'tel', target })

/** What a flow is tried with, and the actions it then goes through, by type. */
interface Walk {
  readonly tried: object
  readonly through: readonly string[]
}
interface Example {
  readonly name: string
  readonly actions: readonly object[]
  readonly variables?: Readonly<Record<string, string>>
  readonly walks: readonly Walk[]
}

/** Who cannot be had is asked for a message: an older condition, `gender`, a `next_id` of nothing. */
const voicemail: Example = {
  name: 'simple voicemail',
  actions: [
    {
      type: 'connect',
      option: { source: tel('+15559876543'), destinations: [tel('+15551112222')] },
    },
    {
      id: '3746e628-8cc1-4ff4-82fe-194b16b9a10e',
      next_id: nil,
      type: 'condition_call_status',
      option: { status: 'progressing', false_target_id: 'cfe0e8ea-991c-11ec-b849-d7fc54168fd5' },
    },
    { id: '58f859e9-92d8-4b46-8073-722b9c881ae0', next_id: nil, type: 'hangup' },
    {
      id: 'cfe0e8ea-991c-11ec-b849-d7fc54168fd5',
      next_id: nil,
      type: 'talk',
      option: said('You may leave a message after the tone.'),
    },
    { id: '0a9b6f38-ddcd-448b-80a1-ae47ac0e08aa', next_id: nil, type: 'beep' },
    {
      id: 'ad969315-6ac4-4339-b300-566eb6352fea',
      next_id: nil,
      type: 'recording_start',
      option: { beep_start: true },
    },
    {
      id: '8abf3f9d-414c-4a15-aa94-02a799409f48',
      next_id: nil,
      type: 'sleep',
      option: { duration: 10000 },
    },
    { id: 'e4fc5d9e-9fa8-4b3e-ae77-b55b04c1f2d3', next_id: nil, type: 'hangup' },
  ],
  walks: [
    { tried: { answers: ['answered'] }, through: ['connect', 'condition_variable', 'hangup'] },
    {
      tried: { answers: ['busy'] },
      through: ['connect', 'condition_variable', 'talk', 'beep', 'recording_start', 'sleep', 'hangup'],
    },
  ],
}

/** The same as they write it now. */
const newerVoicemail: Example = {
  ...voicemail,
  name: 'simple voicemail, with the newer condition',
  actions: voicemail.actions.map((action) =>
    Reflect.get(action, 'type') === 'condition_call_status'
      ? {
          type: 'condition_variable',
          option: {
            condition: '==',
            variable: 'voipbin.call.status',
            value_type: 'string',
            value_string: 'progressing',
            false_target_id: 'cfe0e8ea-991c-11ec-b849-d7fc54168fd5',
          },
        }
      : action,
  ),
}

const menu: Example = {
  name: 'simple branch',
  actions: [
    { id: 'b8781e56-c524-11ec-889f-d37b0dbb7eb8', type: 'talk', option: said('Press 1, 2 or 3.') },
    { type: 'digits_receive', option: { duration: 5000, length: 1 } },
    {
      type: 'branch',
      option: {
        default_target_id: 'ed9705ca-c524-11ec-a3fb-8feb7731ad45',
        target_ids: {
          '1': 'c3eb8e62-c524-11ec-94c5-abafec8af561',
          '2': 'dc87123e-c524-11ec-89c6-5fb18da14034',
        },
      },
    },
    { id: 'c3eb8e62-c524-11ec-94c5-abafec8af561', type: 'talk', option: said('One.') },
    { type: 'hangup' },
    { id: 'dc87123e-c524-11ec-89c6-5fb18da14034', type: 'talk', option: said('Two.') },
    { type: 'hangup' },
    { id: 'ed9705ca-c524-11ec-a3fb-8feb7731ad45', type: 'talk', option: said('That is no choice.') },
    { type: 'goto', option: { target_id: 'b8781e56-c524-11ec-889f-d37b0dbb7eb8', loop_count: 2 } },
    { type: 'talk', option: said('Good bye.') },
    { type: 'hangup' },
  ],
  walks: [
    { tried: { digits: '2' }, through: ['talk', 'digits_receive', 'branch', 'talk', 'hangup'] },
    {
      tried: { digits: '9,,' },
      through: [
        ...Array(3).fill(['talk', 'digits_receive', 'branch', 'talk', 'goto']).flat(),
        'talk',
        'hangup',
      ],
    },
  ],
}

/** As one reads it there of a flow which is kept: `tm_execute`, an id which is no UUID, a branch without a default. */
const sample: Example = {
  name: 'sample call flow, as it is shown',
  actions: [
    { id: '9c8ebac0-f05e-11ef-b9ae-4b8aecc935fe', next_id: nil, type: 'answer', tm_execute: null },
    {
      id: '9c30642a-f05e-11ef-8674-ebba44c5cb0f2',
      next_id: nil,
      type: 'talk',
      option: { text: 'Welcome', language: 'en-US' },
      tm_execute: '2026-11-24T09:00:00.000000Z',
    },
    {
      id: '9c659370-f05e-11ef-b141-63708262508b',
      type: 'digits_receive',
      option: { duration: 5000, length: 1 },
    },
    {
      id: '9cb2962a-f05e-11ef-ae35-2374e1ae16df',
      type: 'branch',
      option: {
        variable: 'voipbin.call.digits',
        target_ids: { '1': '9c30642a-f05e-11ef-8674-ebba44c5cb0f2' },
      },
    },
  ],
  walks: [
    { tried: { digits: ',' }, through: ['answer', 'talk', 'digits_receive', 'branch'] },
    {
      tried: { digits: '1,' },
      through: ['answer', ...Array(2).fill(['talk', 'digits_receive', 'branch']).flat()],
    },
  ],
}

/** Each action by itself, as it is described there. */
const plain: Example = {
  name: 'the other actions, one after the other',
  actions: [
    {
      id: 'e34ab97a-c53a-4eb4-aebf-36767a528f00',
      next_id: nil,
      type: 'call',
      option: {
        source: tel('+15559876543'),
        destinations: [tel('+15551112222')],
        actions: [{ type: 'talk', option: { text: 'Hello', language: 'en-US' } }],
        chained: false,
      },
    },
    {
      type: 'condition_datetime',
      option: {
        condition: '>=',
        minute: 0,
        hour: 8,
        day: -1,
        month: 0,
        weekdays: [],
        false_target_id: 'last',
      },
    },
    {
      type: 'condition_variable',
      option: {
        condition: '==',
        variable: 'voipbin.call.source.target',
        value_type: 'string',
        value_string: '+15551230000',
        false_target_id: 'last',
      },
    },
    { type: 'digits_receive', option: { duration: 10000, length: 3, key: '#' } },
    { type: 'digits_send', option: { digits: '1234567890', duration: 500, interval: 500 } },
    { type: 'fetch', option: { event_method: 'POST', event_url: 'https://example.com/next' } },
    { type: 'play', option: { stream_urls: ['https://example.com/welcome.wav'] } },
    { type: 'recording_start', option: { format: 'wav' } },
    { type: 'recording_stop' },
    { type: 'variable_set', option: { key: 'Provider name', value: 'acme' } },
    { type: 'variable_set', option: { key: 'customer.language', value: 'en-US' } },
    {
      type: 'talk',
      option: { text: 'Hello ${customer.name}, welcome back!', language: '${customer.language}' },
    },
    {
      type: 'webhook_send',
      option: {
        sync: true,
        uri: 'https://example.com',
        method: 'POST',
        data_type: 'application/json',
        data: '{"destination_number": "${voipbin.call.destination.target}", "source_number": "${voipbin.call.source.target}"}',
      },
    },
    { id: 'last', type: 'stop' },
  ],
  variables: { 'customer.name': 'John' },
  walks: [
    {
      tried: { digits: '12#', at: '2026-11-24T09:15:00Z' },
      through: [
        'call',
        'condition_datetime',
        'condition_variable',
        'digits_receive',
        'digits_send',
        'fetch',
        'play',
        'recording_start',
        'recording_stop',
        'variable_set',
        'variable_set',
        'talk',
        'webhook_send',
        'stop',
      ],
    },
    {
      tried: { at: '2026-11-24T07:59:00Z' },
      through: ['call', 'condition_datetime', 'stop'],
    },
  ],
}

/** Those which run as they stand. */
export const voipbinFlows: readonly Example[] = [voicemail, newerVoicemail, menu, sample, plain]

/** What is written there and refused here, and what the refusal says to write instead. */
export const voipbinRefused: readonly (readonly [action: object, instead: RegExp])[] = [
  [
    { type: 'agent_call', option: { agent_id: nil } },
    /write connect, with a destination of the type "extension"/,
  ],
  [{ type: 'amd', option: { machine_handle: 'hangup', async: true } }, /write digits_receive with a prompt/],
  [{ type: 'chatbot_talk', option: { duration: 60 } }, /write fetch/],
  [
    { type: 'condition_call_digits', option: { length: 10, false_target_id: 'x' } },
    /write condition_variable, with variable "voipbin.call.digits"/,
  ],
  [{ type: 'conference_join', option: { conference_id: nil } }, /write connect/],
  [
    {
      type: 'conversation_send',
      option: { conversation_id: nil, text: 'Hello', sync: false },
    },
    /write webhook_send/,
  ],
  [{ type: 'echo', option: { duration: 30000 } }, /write play or talk/],
  [{ type: 'hangup_relay', option: { reference_id: nil } }, /write connect, with relay_reason/],
  [
    { type: 'hangup', option: { reference_id: 'b8573f30-b031-11ed-ac05-3bc9a62e64c3' } },
    /connect with relay_reason true/,
  ],
  [
    {
      type: 'message_send',
      option: { source: tel('+1'), destinations: [tel('+1')], text: 'Hello' },
    },
    /write webhook_send/,
  ],
  [{ type: 'queue_join', option: { queue_id: nil } }, /write connect with a list of destinations/],
  [{ type: 'transcribe_start', option: { language: 'en-US' } }, /write recording_start/],
  [{ type: 'recording_start', option: { format: 'mp3' } }, /can only be "wav"/],
  [{ type: 'talk', option: { text: 'Hello', async: true } }, /can only be false/],
  [
    { type: 'connect', option: { destinations: [{ type: 'agent', target: 'x' }] } },
    /can only be "extension", "trunk", "tel" or "sip"/,
  ],
  [
    {
      type: 'condition_variable',
      option: { condition: 'equal', variable: 'voipbin.call.digits', false_target_id: 'x' },
    },
    /one of ==, !=/,
  ],
  [{ type: 'talk', option: { text: '${voipbin.call.caller_id}' } }, /read "voipbin.call.source.target"/],
  [{ type: 'talk', option: { text: '${voipbin.activeflow.reference_id}' } }, /read "voipbin.call.id"/],
]
