import { ringCondition } from './vocabulary.ts'

/*
 * Words of flows: what they may hold, and which variables there are besides those which a flow itself sets.
 */

/** How much one flow may hold, and one call may run through. */
export const flowLimits = {
  /** Actions of one list. */
  listed: 200,
  /** Actions which one call runs through: then it is hung up. */
  run: 1_000,
  /** Lists within lists, by `fetch` and `fetch_flow`. */
  depth: 5,
  /** Flows which servers lead one call to, and actions of those in all. */
  programs: 50,
  programActions: 2_000,
  /** Times which one call tells a server something without waiting for it. */
  webhooks: 20,
  /** Calls which one call makes by `call`, those of a customer which go on at one relay, and how many led to each other. */
  calls: 20,
  callsAtOnce: 50,
  callDepth: 3,
  /** Variables at once, and characters of one. */
  variables: 200,
  value: 4_096,
  /** Characters of all variables at once, their names with them. */
  held: 131_072,
  /** Characters of all texts of one action, with variables in them. */
  filled: 65_536,
  /** Flows to which one may lead, itself among them, and octets of all their actions as JSON. */
  reached: 50,
  reachedOctets: 1_048_576,
} as const

/** How a `connect` may end: a callee answered, or as those ended who were rung. */
export const connectResults = ['answered', ...ringCondition.options] as const
export type ConnectResult = (typeof connectResults)[number]

/** What a `fetch`, `fetch_flow` or `webhook_send` may come to. */
export const askedResults = ['ok', 'timeout', 'unreachable', 'refused', 'nonsense'] as const
export type AskedResult = (typeof askedResults)[number]

/** Variables which are set when a flow begins; their texts may be empty. */
export const callVariables = [
  'voipbin.call.id',
  ...(['source', 'destination'] as const).flatMap((party) =>
    (['type', 'target', 'target_name', 'name', 'detail'] as const).map(
      (part) => `voipbin.call.${party}.${part}` as const,
    ),
  ),
  'voipbin.call.direction',
  'voipbin.call.digits',
  'voipbin.activeflow.flow_id',
  'voipbin.activeflow.version',
] as const

/** How far the call is: `ringing`, or `progressing` once it was answered. A flow sets it itself. */
export const statusVariable = 'voipbin.call.status'

/** Variables which actions set, besides those their options name. */
export const resultVariables = {
  digits_receive: ['voipbin.call.digits'],
  /** A `ConnectResult`; the last SIP status; who answered. */
  connect: ['voipbin.connect.result', 'voipbin.connect.status', 'voipbin.connect.target'],
  call: ['voipbin.call.created_id'],
  /** An `AskedResult`. */
  fetch: ['voipbin.fetch.result'],
  fetch_flow: ['voipbin.fetch.result'],
  /** An `AskedResult`; the HTTP status, or ''. */
  webhook_send: ['voipbin.webhook.result', 'voipbin.webhook.status'],
  recording_start: ['voipbin.recording.id'],
  voicemail: ['voipbin.recording.id'],
} as const
