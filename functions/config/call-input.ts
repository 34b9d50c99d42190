import * as z from 'zod'
import { destinationTypes } from '#contract'
import { id } from './fields.ts'
import { actions } from './flow-actions.ts'

const text = z
  .string()
  .max(256)
  .regex(/^[^\p{Cc}]*$/u, 'has control characters')
  .default('')

/** What an address says beside its type; of an extension `target_name` is its name, as in VoIPBIN, or `target`. */
const named = {
  target: text.describe('A number, an extension’s name, a trunk’s domain_name, or a SIP URI.'),
  target_name: text.describe('Of an extension: its name, which goes before `target`.'),
  name: text.describe('The name which is shown.'),
  detail: text,
}

/** The destination of a call, or of a party of one which is led elsewhere. */
const calledInput = z
  .strictObject({ type: z.enum(destinationTypes), ...named })
  .refine((one) => one.target !== '' || one.target_name !== '', 'names nobody: give it a target')

const source = z
  .strictObject({
    type: z.enum(['tel', 'extension'], 'can only be "tel" or "extension"'),
    ...named,
  })
  .refine((one) => one.target !== '' || one.target_name !== '', 'names nobody: give it a target')
  .describe('Whom the calls are from: an extension of one’s own, or a number of one’s own, which is shown.')

/** Calls to be made. */
export const callsInput = z
  .strictObject({
    source,
    destinations: z
      .array(calledInput)
      .min(1, 'names nobody')
      .max(10)
      .describe('Each is called by a call of its own.'),
    flow_id: id.optional().describe('The flow which whoever answers follows.'),
    actions: actions.optional().describe('The same, as a flow which is not kept.'),
    ring_seconds: z
      .int()
      .min(3)
      .max(600)
      .nullable()
      .default(null)
      .describe('Seconds each of its parties may ring; null: as their own settings say.'),
    caller_id: z
      .string()
      .max(64)
      .nullable()
      .default(null)
      .describe(
        'The number of one’s own which is shown; null: the source’s, where it is one, else as in any call.',
      ),
    metadata: z
      .record(z.string().min(1).max(64), z.string().max(512))
      .refine((said) => Object.keys(said).length <= 20, 'has more than 20 keys')
      .default({})
      .describe('Whatever is to be kept with the calls: texts by name.'),
  })
  .refine(({ flow_id, actions: given }) => flow_id === undefined || given === undefined, {
    path: ['flow_id'],
    message: 'cannot be given beside actions',
  })
export type CallsAsked = z.output<typeof callsInput>
