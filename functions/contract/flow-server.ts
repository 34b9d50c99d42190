import * as z from 'zod'
import { flowAction, flowProgram } from './flow-action.ts'
import { askedResults } from './flow-words.ts'

/*
 * POST /relay/v1/flow-server: a call's `fetch` or `webhook_send`. The customer's server is asked by the edge: it signs as
 * for webhooks, looks where the address leads, and checks what was said as a flow is checked which is saved.
 */

/** What a call's flow asks the customer's server, its variables filled in. */
export const flowServerQuestion = z.object({
  customer_id: z.guid(),
  call_id: z.guid(),
  flow_id: z.guid(),
  version: z.int(),
  /** `actions`: what is done next (`fetch`); `variables`: what the flow is to know (`webhook_send`). */
  asks: z.enum(['actions', 'variables']),
  url: z.string(),
  method: z.enum(['GET', 'POST', 'PUT', 'DELETE']),
  content_type: z.string().default('application/json'),
  /** null: the call and its variables, as JSON, where the method has a body. */
  body: z.string().nullable().default(null),
  timeout_ms: z.int().min(100).max(15_000),
  variables: z.record(z.string(), z.string()),
})
export type FlowServerQuestion = z.infer<typeof flowServerQuestion>

/** What came of it. */
export const flowServerAnswer = z.object({
  result: z.enum(askedResults),
  /** The HTTP status; null: there was none. */
  status: z.int().nullable().default(null),
  /** In a sentence, where it is not `ok`. */
  why: z.string().nullable().default(null),
  /** null: it says nothing of that. */
  actions: z.array(flowAction).nullable().default(null),
  /** Flows to which they lead. */
  programs: z.array(flowProgram).default([]),
  variables: z.record(z.string(), z.string()).default({}),
})
export type FlowServerAnswer = z.infer<typeof flowServerAnswer>
