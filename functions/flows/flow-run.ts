import type { FlowAction, FlowProgram, UtcMs } from '#contract'
import type { FlowEvent } from './flow-event.ts'
import type { FlowOrder, FlowRecord } from './flow-order.ts'
import type { FlowVariables } from './variables.ts'

/** What an action came to, and where the flow goes on. */
export interface FlowOutcome {
  /** A word, for the trace. */
  readonly outcome: string
  /** What went wrong; absent: nothing. */
  readonly why?: string | undefined
  /** The id of the action which is next; absent: the one behind it, or its `next_id`. */
  readonly target?: string | null | undefined
  /** Actions which are next, before what follows this one. */
  readonly actions?: readonly FlowAction[] | undefined
  /** The flow is over; `status`: what a caller hears who was not answered. */
  readonly end?: { readonly status: number | undefined }
}

/** An action as it runs: it is given what happens until it comes to something. */
export type FlowScript = Generator<undefined, FlowOutcome, FlowEvent>

/** A part of an action. */
export type FlowPart<Result> = Generator<undefined, Result, FlowEvent>

/** What actions run with. */
export interface FlowRun {
  readonly variables: FlowVariables
  /** Keys which were pressed and not used. */
  keys: string
  /** Keys are waited for. */
  listening: boolean
  /** The caller was answered. */
  answered: boolean
  /** A recording which goes on; undefined: none does. */
  recording: { readonly id: string; readonly endOfKey: string } | undefined
  /** How often a server was told something without being waited for. */
  webhooks: number
  /** There are as many lists within lists as there may be. */
  readonly tooDeep: boolean
  /** UTC of what happens. */
  readonly now: UtcMs
  order(order: FlowOrder): void
  /** A number for an order, which no other has. */
  number(): number
  /** An id for a recording. */
  recordingId(): string
  /** How often a `goto` has gone where it leads. */
  passes(id: string): number
}

/** Waits so many milliseconds, for what comes meanwhile. */
export function wait(run: FlowRun, ms: number): void {
  run.order({ type: 'wait', ms: Math.max(0, Math.round(ms)) })
}

/** Answers the caller, if it was not. */
export function* answered(run: FlowRun): FlowPart<void> {
  if (run.answered) return
  run.order({ type: 'answer' })
  for (;;) if ((yield).type === 'answered') return
}

/** Begins a recording. */
export function record(
  run: FlowRun,
  terms: Omit<FlowRecord, 'type' | 'recording'>,
  endOfKey: string,
): string {
  const id = run.recordingId()
  run.order({ type: 'record', recording: id, ...terms })
  run.variables.set('voipbin.recording.id', id)
  run.recording = { id, endOfKey }
  return id
}

/** Whether a key ends a recording: `any` does, or the one which is named. */
export function endsRecording(endOfKey: string, key: string): boolean {
  return endOfKey === 'any' || endOfKey === key
}

/** The actions of another flow which is gone through; what it begins with is set, unless it is. */
export function entered({ variables }: FlowRun, program: FlowProgram): readonly FlowAction[] {
  for (const [name, value] of Object.entries(program.variables ?? {}))
    if (!variables.has(name)) variables.set(name, value)
  return program.actions
}
