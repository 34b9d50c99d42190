import type { FlowActionOf } from '#contract'

/** A sound which an action wants played. */
export type FlowSound =
  | { readonly kind: 'prompt'; readonly prompt_id: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'speech'; readonly text: string; readonly language: string; readonly voice: string }
  | { readonly kind: 'tone'; readonly hz: readonly number[]; readonly ms: number }

/** A question to a server of the customer's, or to one of ours for it. */
export type FlowQuestion = FlowActionOf<'fetch' | 'webhook_send'>

/** What a flow orders of the call it runs in. */
export type FlowOrder =
  /** Answered by `answered`. */
  | { readonly type: 'answer' }
  /** To the caller, one after the other; before the answer as early media. Answered by `played`. */
  | { readonly type: 'play'; readonly play: number; readonly sounds: readonly FlowSound[] }
  | { readonly type: 'stop-play'; readonly play: number }
  /** `timeout` is to come after so many milliseconds; what was asked for before is forgotten. */
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'stop-wait' }
  | { readonly type: 'send-digits'; readonly keys: string; readonly ms: number }
  /** Answered by `connected` and then `connect-ended`, or by the latter alone. */
  | { readonly type: 'connect'; readonly option: FlowActionOf<'connect'>['option'] }
  /** They have rung for long enough. */
  | { readonly type: 'stop-connect' }
  /** A call of its own. Answered by `fetched`. */
  | { readonly type: 'call'; readonly fetch: number; readonly action: FlowActionOf<'call'> }
  /** With the variables as they are. Answered by `fetched`, unless it is not waited for. */
  | {
      readonly type: 'fetch'
      readonly fetch: number
      readonly action: FlowQuestion
      readonly variables: Readonly<Record<string, string>>
    }
  /** Answered by `recorded` when it is over. */
  | FlowRecord
  | { readonly type: 'stop-record' | 'pause-record' | 'resume-record'; readonly recording: string }
  /**
   * The flow is over. `status`: what a caller hears who was not answered; undefined: what a `connect` came to last, where
   * there was one.
   */
  | { readonly type: 'hang-up'; readonly status: number | undefined }

/** A recording which a flow begins. */
export interface FlowRecord {
  readonly type: 'record'
  readonly recording: string
  readonly channels: 1 | 2
  readonly maxMs: number
  /** undefined: silence does not end it. */
  readonly silenceMs: number | undefined
  /** Whose mailbox it is for, '' the customer's; undefined: it is no message. */
  readonly mailbox: string | undefined
}
