import * as z from 'zod'

/** An action which a flow went through. */
const tracedAction = z.object({
  /** As the flow names it. */
  action_id: z.string(),
  /** An action's type: an older reader need not know it. */
  type: z.string(),
  /** Milliseconds since the flow began. */
  at_ms: z.int(),
  /** Variables it has changed, by name; what is sensitive only by its length. */
  variables: z.record(z.string(), z.string()),
  /** What it came to, in a word; null: it goes on. */
  outcome: z.string().nullable(),
  /** What went wrong; null: nothing. */
  why: z.string().nullable().default(null),
})
export type TracedAction = z.infer<typeof tracedAction>

/** The way a call took through its flow. */
export const flowTrace = z.object({
  /** null: the actions stood in no flow. */
  flow_id: z.guid().nullable(),
  /** The flow as it was when the call began. */
  version: z.int(),
  name: z.string().default(''),
  /** In the order they were gone through: the first of them and the last. */
  trace: z.array(tracedAction),
  /** How many between those are not listed. */
  left_out: z.int().default(0),
  /** Why it is over: `hung_up` by the flow, `left` by the caller, `too_long`; null: it goes on. */
  ended: z.string().nullable().default(null),
})
export type FlowTrace = z.infer<typeof flowTrace>
