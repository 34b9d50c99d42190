import * as z from 'zod'
import { actionId, type FlowAction, flowActionSchema, flowLimits } from '#contract'
import { asWritten } from './flow-as-written.ts'

/** An action as it is written: nothing in it is unknown, and its id is given where it has none. */
const action = z.preprocess(
  asWritten,
  flowActionSchema(
    (shape) => z.strictObject(shape),
    actionId
      .optional()
      .transform((id) => id ?? crypto.randomUUID())
      .pipe(z.string())
      .describe('How other actions name it: any short text; given where it has none.'),
  ),
)

/** What a flow does, in its order. */
export const actions = z
  .array(action)
  .min(1, 'has no action')
  .max(flowLimits.listed, `has more than ${flowLimits.listed} actions`)
  .describe('What is done, one after the other, unless an action leads elsewhere.')

/** Variables with which a flow begins. */
export const flowVariables = z
  .record(
    z
      .string()
      .min(1)
      .max(128)
      .regex(/^(?!voipbin\.)[^\p{Cc}${}]+$/u, 'is no name a variable of yours may have'),
    z.string().max(flowLimits.value),
  )
  .refine((all) => Object.keys(all).length <= 100, 'has more than 100 variables')
  .refine(
    (all) => Object.entries(all).flat().join('').length <= flowLimits.held / 2,
    `has more than ${flowLimits.held / 2} characters in all`,
  )
  .describe('Variables which are set when it begins, unless they are already: by the flow which leads to it.')

/** As they are written. */
export const actionsExample = [
  { id: 'answer', type: 'answer' },
  {
    id: 'menu',
    type: 'digits_receive',
    option: {
      prompt: { text: 'Press 1 for Sales, or 2 for Support.' },
      accept: ['1', '2'],
      duration: 8000,
      retries: 2,
      no_match: { text: 'Sorry, I did not get that.' },
      failed_target_id: 'bye',
    },
  },
  { id: 'choice', type: 'branch', option: { target_ids: { '1': 'sales' }, default_target_id: 'support' } },
  {
    id: 'sales',
    type: 'connect',
    option: {
      destinations: [{ type: 'extension', target: 'office1', target_name: 'office1', ring_seconds: 20 }],
    },
  },
  { id: 'support', type: 'connect', option: { destinations: [{ type: 'tel', target: '+15557654321' }] } },
  { id: 'bye', type: 'hangup' },
]

/** A part of a flow which names something of the customer's. */
export interface FlowReference {
  /** Where, below the list: `3.option.destinations.0.target_name`. */
  readonly at: string
  readonly kind: 'extension' | 'trunk' | 'flow' | 'prompt'
  readonly name: string
}

/** All that actions name of the customer's own; what a variable is to say is left out. */
export function referencesIn(actions: readonly FlowAction[]): FlowReference[] {
  return found(actions, []).filter(({ name }) => name !== '' && !name.includes('${'))
}

function found(part: unknown, path: readonly string[]): FlowReference[] {
  if (typeof part !== 'object' || part === null) return []
  const below = Object.entries(part).flatMap(([key, one]) => found(one, [...path, key]))
  return [...namedBy(part as Readonly<Record<string, unknown>>, path), ...below]
}

function namedBy(part: Readonly<Record<string, unknown>>, path: readonly string[]): FlowReference[] {
  const named = (kind: FlowReference['kind'], key: string): FlowReference[] =>
    typeof part[key] === 'string' ? [{ at: [...path, key].join('.'), kind, name: part[key] }] : []
  if (path.at(-2) === 'destinations') {
    if (part.type === 'extension') return named('extension', part.target_name ? 'target_name' : 'target')
    return part.type === 'trunk' ? named('trunk', 'target') : []
  }
  return [...named('flow', 'flow_id'), ...named('prompt', 'prompt_id'), ...named('extension', 'extension')]
}
