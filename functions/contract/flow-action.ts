import * as z from 'zod'
import { actionInstead } from './flow-instead.ts'
import { flowLimits } from './flow-words.ts'
import { destinationTypes, ringCondition } from './vocabulary.ts'

/*
 * The language of flows: VoIPBIN's actions and option names, and what those lack. In every text of an option
 * `${name}` stands for a variable's value. Times are milliseconds, but seconds where VoIPBIN has seconds: recordings.
 */

/** Makes an object's schema: one which strips what it does not know, or one which refuses it. */
type ObjectSchema = <Shape extends z.core.$ZodLooseShape>(shape: Shape) => z.ZodObject<Shape>

const nil = '00000000-0000-0000-0000-000000000000'
const condition = z.enum(['==', '!=', '>', '>=', '<', '<='])
const digits = /^[0-9A-D*#]*$/
/** Not a variable's name in braces, as `${name}` is. */
const variableName = z
  .string()
  .min(1, 'is empty')
  .max(128)
  .regex(/^[^\p{Cc}${}]+$/u, 'is no name of a variable: letters, digits, dots and blanks are')

/** An action's id: any short text. */
export const actionId = z
  .string()
  .min(1, 'is empty')
  .max(64, 'has more than 64 characters')
  .regex(/^[^\p{Cc}]+$/u, 'has control characters')

const target = actionId.describe('The id of an action of the same flow.')
const optionalTarget = actionId
  .nullish()
  .transform((id) => (id == null || id === nil ? null : id))
  .pipe(z.string().nullable())

const text = (max: number) => z.string().max(max, `has more than ${max} characters`)
const optional = <Schema extends z.ZodType>(schema: Schema) => schema.nullable().default(null)

/** An http(s) address, or one which a variable makes one. */
const url = text(2_048).refine(
  (address) => address.includes('${') || /^https?:\/\/[^\s/]+/i.test(address),
  'is no address such as https://example.com/menu',
)

const spoken = {
  language: text(64).default('en-US').describe('BCP 47, such as en-US.'),
  provider: z.enum(['', 'gcp', 'aws']).default('').describe('As in VoIPBIN; the voice is the relay’s own.'),
  voice_id: text(128).default(''),
}
const said = text(2_000).min(1, 'is empty')
const bargeIn = z
  .enum(['', 'next'])
  .default('')
  .describe('`next`: a key stops it, and the flow goes on; the key is kept for the next digits_receive.')

/** The actions as a union of schemas whose objects are made by `object` and whose ids are read by `id`. */
export function flowActionSchema<Id extends z.ZodType<string>>(object: ObjectSchema, id: Id) {
  const action = <Type extends string, Option extends z.ZodType>(type: Type, option: Option) =>
    object({ id, type: z.literal(type), option, next_id: optionalTarget })
  const nothing = object({}).prefault({})

  const announcement = object({
    prompt_id: optional(z.guid().toLowerCase()),
    stream_url: optional(url),
    text: optional(said),
    ...spoken,
  }).refine(
    (one) => [one.prompt_id, one.stream_url, one.text].filter((way) => way !== null).length === 1,
    'needs one of prompt_id, stream_url and text',
  )

  const address = object({
    type: z.enum(['tel', 'extension', 'sip']),
    target: text(256).default(''),
    target_name: text(256).default(''),
    name: text(256).default(''),
    detail: text(256).default(''),
  })

  const destination = object({
    type: z.enum(destinationTypes, 'can only be "extension", "trunk", "tel" or "sip"'),
    target: text(256).default(''),
    target_name: text(256).default(''),
    name: text(256).default(''),
    detail: text(256).default(''),
    ring_seconds: optional(z.int().min(3).max(600)),
    delay_seconds: z.int().min(0).max(300).default(0),
    when: z.array(ringCondition).max(4).default([]),
  }).refine((one) => destinationName(one) !== '', 'names nobody: give it a target')

  const dialled = {
    source: optional(address).describe('The caller it shows; null: as of any call of the customer.'),
    destinations: z.array(destination).min(1, 'names nobody').max(10),
    anonymous: z
      .enum(['', 'yes', 'no', 'auto'])
      .default('auto')
      .describe('Whether the caller id is hidden; `auto`: as the caller’s is.'),
  }

  const asked = {
    timeout: z.int().min(500).max(15_000).default(5_000).describe('Milliseconds it may take.'),
    variables: z.array(variableName).max(50).default([]).describe('Variables which the answer may set.'),
    failed_target_id: optionalTarget.describe('Where the flow goes on if there is no good answer.'),
  }

  const recorded = {
    end_of_silence: z.int().min(0).max(60).default(0).describe('Seconds; 0: silence does not end it.'),
    end_of_key: z.enum(['', 'none', 'any', '*', '#']).default('none'),
    duration: z.int().min(0).max(14_400).default(0).describe('Seconds at most; 0: as long as the call.'),
  }

  const plain = [
    action('answer', nothing),
    action(
      'hangup',
      object({
        reason: z
          .enum(['normal', 'failed', 'busy', 'cancel', 'timeout', 'noanswer', 'dialout', 'rejected'])
          .default('normal')
          .describe('What a caller is told who was not answered.'),
        reference_id: z
          .literal(nil, 'is not known here: a connect with relay_reason true ends the call as it ended there')
          .optional()
          .describe('Of no call, as VoIPBIN shows it.'),
      }).prefault({}),
    ),
    action('stop', nothing),
    action('beep', nothing),
    action('sleep', object({ duration: z.int().min(0).max(3_600_000) })),
    action(
      'play',
      object({
        prompt_id: optional(z.guid().toLowerCase()),
        stream_urls: z.array(url).max(20).default([]),
        digits_handle: bargeIn,
      }).refine(
        (one) => one.prompt_id !== null || one.stream_urls.length > 0,
        'plays nothing: give it a prompt_id or stream_urls',
      ),
    ),
    action(
      'talk',
      object({
        text: said,
        ...spoken,
        digits_handle: bargeIn,
        async: z.literal(false, 'can only be false: the next action begins when all was said').default(false),
        early_media: z.boolean().default(false).describe('Said without answering a call which is not yet.'),
      }),
    ),
    action(
      'digits_receive',
      object({
        duration: z.int().min(0).max(300_000).default(5_000).describe('Milliseconds for all of them.'),
        length: z.int().min(0).max(64).default(1).describe('So many are enough; 0: any number of them.'),
        key: text(16)
          .regex(digits, 'is no key of a telephone: 0 to 9, A to D, * and # are')
          .default('')
          .describe('Keys which end it; what was pressed includes them, unless strip_key.'),
        strip_key: z.boolean().default(false),
        inter_digit_timeout: optional(z.int().min(200).max(60_000)).describe('Milliseconds between two.'),
        type_ahead: z.boolean().default(true).describe('Keys pressed before count.'),
        prompt: optional(announcement).describe('What is said first, before each try.'),
        barge_in: z.boolean().default(true).describe('A key stops what is said.'),
        accept: z
          .array(z.string().regex(/^[0-9A-D*#x]{1,64}$/, 'is no pattern such as 1 or 4xx'))
          .max(100)
          .default([])
          .describe('What may be pressed, x for any digit; empty: anything.'),
        retries: z.int().min(0).max(10).default(0).describe('How often it is asked again.'),
        no_input: optional(announcement).describe('What is said if nothing was pressed.'),
        no_match: optional(announcement).describe('What is said if something else was pressed.'),
        failed_target_id: optionalTarget.describe('Where the flow goes on if no try succeeded.'),
        variable: variableName.default('voipbin.call.digits'),
        sensitive: z.boolean().default(false).describe('It is masked wherever it is kept.'),
      }).prefault({}),
    ),
    action(
      'digits_send',
      object({
        digits: text(100).regex(/^(?:[0-9A-D*#]|\$\{[^}]+\})+$/, 'are no keys: 0 to 9, A to D, * and # are'),
        duration: z.int().min(100).max(1_000).default(160),
        interval: z.int().min(0).max(5_000).default(100),
        sensitive: z.boolean().default(false),
      }),
    ),
    action(
      'branch',
      object({
        variable: text(128).default('voipbin.call.digits'),
        target_ids: z.record(z.string().max(128), target),
        default_target_id: optionalTarget,
      }),
    ),
    action(
      'goto',
      object({
        target_id: target,
        loop_count: optional(
          z.int().min(1, 'is to say how often it goes there: 1 or more').max(1_000),
        ).describe('How often it goes there; then the flow goes on. null: each time.'),
      }),
    ),
    action(
      'condition_variable',
      object({
        condition,
        variable: text(256).min(1, 'is empty'),
        value_type: z.enum(['string', 'number', 'length']).default('string'),
        value_string: text(256).default(''),
        value_number: z.number().default(0),
        value_length: z.int().min(0).default(0),
        false_target_id: target,
      }),
    ),
    action(
      'condition_datetime',
      object({
        condition: condition.default('=='),
        minute: z.int().min(-1).max(59).default(-1).describe('-1: any.'),
        hour: z.int().min(-1).max(23).default(-1).describe('-1: any.'),
        day: z.int().min(-1).max(31).default(-1).describe('Of the month; -1 and 0: any.'),
        month: z.int().min(0).max(12).default(0).describe('0: any.'),
        weekdays: z.array(z.int().min(0).max(6)).max(7).default([]).describe('0 Sunday … 6; empty: any.'),
        time_zone: text(64).default('UTC').describe('IANA name, such as Europe/Berlin.'),
        periods: z
          .array(
            object({
              days: z.array(z.int().min(1).max(7)).max(7).default([]).describe('1 Monday … 7 Sunday.'),
              from: clock(23),
              to: clock(24),
            }),
          )
          .max(50)
          .default([])
          .describe('Times of day in one of which it has to be; empty: any.'),
        holidays: z
          .array(z.string().regex(/^(\d{4}-)?\d\d-\d\d$/, 'is no day such as 2026-12-25 or 12-25'))
          .max(400)
          .default([])
          .describe('Days on which it does not hold: of one year, or of each.'),
        false_target_id: target,
      }),
    ),
    action(
      'variable_set',
      object({ key: variableName, value: text(4_096), sensitive: z.boolean().default(false) }),
    ),
    action(
      'fetch',
      object({ event_url: url, event_method: z.enum(['GET', 'POST']).default('POST'), ...asked }),
    ),
    action('fetch_flow', object({ flow_id: z.guid().toLowerCase(), failed_target_id: optionalTarget })),
    action(
      'webhook_send',
      object({
        uri: url,
        method: z.enum(['POST', 'GET', 'PUT', 'DELETE']).default('POST'),
        data_type: text(128).default('application/json'),
        data: text(8_192).default(''),
        sync: z.boolean().default(false).describe('The flow waits for the answer.'),
        ...asked,
      }),
    ),
    action(
      'recording_start',
      object({
        format: z.literal('wav', 'can only be "wav"').default('wav'),
        ...recorded,
        beep_start: z.boolean().default(false),
        channels: z
          .union([z.literal(1), z.literal(2)])
          .default(1)
          .describe('2: one for each party.'),
      }).prefault({}),
    ),
    action('recording_stop', nothing),
    action('recording_pause', nothing),
    action('recording_resume', nothing),
    action(
      'voicemail',
      object({
        extension: text(128).default('').describe('Whose mailbox it is; empty: the customer’s.'),
        prompt: optional(announcement).describe('What is said first; null: a sentence of ours.'),
        beep: z.boolean().default(true),
        ...recorded,
        end_of_silence: recorded.end_of_silence.default(5),
        end_of_key: recorded.end_of_key.default('#'),
        duration: z.int().min(1).max(600).default(120).describe('Seconds at most.'),
      }).prefault({}),
    ),
    action(
      'connect',
      object({
        ...dialled,
        timeout: optional(z.int().min(3_000).max(600_000)).describe('Milliseconds all may ring together.'),
        early_media: z.boolean().default(true).describe('What is heard there before it answers is heard.'),
        relay_reason: z
          .boolean()
          .default(false)
          .describe('Where nobody answers the call ends, as it ended there; else the flow goes on.'),
        variable: optional(variableName).describe('Where the result is put besides.'),
      }),
    ),
  ] as const
  const call = action(
    'call',
    object({
      ...dialled,
      flow_id: optional(z.guid().toLowerCase()),
      actions: optional(
        z
          .array(z.discriminatedUnion('type', plain, { error: noAction }))
          .min(1)
          .max(flowLimits.listed),
      ).describe('What it does when it is answered, where there is no flow_id; no call among it.'),
      chained: z.boolean().default(false).describe('It ends with this one.'),
      early_execution: z
        .boolean()
        .default(false)
        .describe('As in VoIPBIN; its flow begins when it is answered all the same.'),
    }),
  )
  return z.discriminatedUnion('type', [...plain, call], { error: noAction })
}

/** Says which actions there are, and what is written instead of one of VoIPBIN's. */
function noAction({
  code,
  options,
  input,
}: {
  readonly code: string
  readonly options?: unknown
  readonly input?: unknown
}): string | undefined {
  if (code !== 'invalid_union' || !Array.isArray(options)) return undefined
  const instead = actionInstead(Reflect.get(Object(input), 'type'))
  if (instead !== undefined) return `is not done here: write ${instead}`
  return `is none of the actions there are: ${options.join(', ')}`
}

function clock(lastHour: number) {
  const hours = lastHour === 24 ? '(([01]\\d|2[0-3]):[0-5]\\d|24:00)' : '([01]\\d|2[0-3]):[0-5]\\d'
  return z.string().regex(new RegExp(`^${hours}$`), 'is no time such as 08:30')
}

/** One action, as it is kept and run. */
export const flowAction = flowActionSchema((shape) => z.object(shape), z.string())
export type FlowAction = z.infer<typeof flowAction>
export type FlowActionType = FlowAction['type']
/** An action of one type. */
export type FlowActionOf<Type extends FlowActionType> = Extract<FlowAction, { type: Type }>

/** A flow as a call follows it: which, in which version, and its actions. */
export const flowProgram = z.object({
  id: z.guid(),
  /** Rises with every change of the flow: 1 first. */
  version: z.int(),
  name: z.string(),
  /** Variables which are set when it begins, unless they are; absent: none. */
  variables: z.record(z.string(), z.string()).optional(),
  actions: z.array(flowAction),
})
export type FlowProgram = z.infer<typeof flowProgram>
/** What is said or played within another action: a prompt, an address, or a text. */
export type Announcement = NonNullable<FlowActionOf<'digits_receive'>['option']['prompt']>
/** A destination of `connect` or `call`. */
export type FlowDestination = FlowActionOf<'connect'>['option']['destinations'][number]

/** The name a destination is rung by: of an extension its `target_name`, as in VoIPBIN, or `target`; others by `target`. */
export function destinationName({
  type,
  target,
  target_name,
}: Readonly<Record<'type' | 'target' | 'target_name', string>>): string {
  return type === 'extension' && target_name !== '' ? target_name : target
}
