import type { AskedResult, ConnectResult, FlowAction, FlowProgram } from '#contract'

/**
 * What happens to a flow. What it ordered by a number is answered by that number; what comes for an order which is over
 * changes nothing.
 */
export type FlowEvent =
  | { readonly type: 'begun' }
  /** The call was answered in the flow's name. */
  | { readonly type: 'answered' }
  /** Sounds were played to their end, or could not be: `why`. */
  | { readonly type: 'played'; readonly play: number; readonly why?: string | undefined }
  /** A key of the caller's, one of `0123456789*#ABCD`. */
  | { readonly type: 'digit'; readonly key: string }
  /** The time is over which was asked for. */
  | { readonly type: 'timeout' }
  /** A callee, by its name, has answered: the two speak with each other. */
  | { readonly type: 'connected'; readonly target: string }
  /** A `connect` is over: no callee answered, or the one who did has hung up. `status`: what was heard last; 200: it was answered. */
  | { readonly type: 'connect-ended'; readonly result: ConnectResult; readonly status: number }
  /** A `connect` came to what leads to a flow: the caller goes through that one, and `programs` are those to which it leads. */
  | {
      readonly type: 'connect-led'
      readonly program: FlowProgram
      readonly programs: readonly FlowProgram[]
      readonly target: string
    }
  /** What a `call`, `fetch`, `fetch_flow` or `webhook_send` came to. */
  | FlowFetched
  /** A recording is over; undefined: it is whole. */
  | { readonly type: 'recorded'; readonly recording: string; readonly why?: string | undefined }
  /** The call is over; `by`: the party or part which ended it. */
  | { readonly type: 'hung-up'; readonly by: string }

/** What a question of a flow came to. */
export interface FlowFetched {
  readonly type: 'fetched'
  readonly fetch: number
  readonly result: AskedResult
  /** What to do next; undefined: nothing was said of that. */
  readonly actions?: readonly FlowAction[] | undefined
  /** Flows to which those lead. */
  readonly programs?: readonly FlowProgram[] | undefined
  /** Variables which it sets. */
  readonly variables?: Readonly<Record<string, string>> | undefined
  /** The HTTP status; undefined: there was none. */
  readonly status?: number | undefined
  readonly why?: string | undefined
}
