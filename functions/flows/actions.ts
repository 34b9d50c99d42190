import type { FlowAction, FlowActionOf, FlowActionType } from '#contract'
import { fetchActions, sendWebhook } from './asking.ts'
import { branch, goTo, setVariable, variableCondition } from './conditions.ts'
import { call, connect, hangUp, stop } from './connecting.ts'
import { dateTimeCondition } from './datetime.ts'
import { receiveDigits, sendDigits } from './digits.ts'
import type { FlowOutcome, FlowRun, FlowScript } from './flow-run.ts'
import { changeRecording, startRecording, voicemail } from './recording.ts'
import { answerCall, beep, playSounds, sleep, talk } from './sounds.ts'

/** What an action does: at once, or as a script which is given what happens. */
type Doing<Type extends FlowActionType> = (
  run: FlowRun,
  action: FlowActionOf<Type>,
) => FlowOutcome | FlowScript

/** Every action but the one which leads to another flow: that is the machine's own. */
const doings: { readonly [Type in Exclude<FlowActionType, 'fetch_flow'>]: Doing<Type> } = {
  answer: answerCall,
  beep,
  branch,
  call,
  condition_datetime: dateTimeCondition,
  condition_variable: variableCondition,
  connect,
  digits_receive: receiveDigits,
  digits_send: sendDigits,
  fetch: fetchActions,
  goto: goTo,
  hangup: hangUp,
  play: playSounds,
  recording_pause: changeRecording,
  recording_resume: changeRecording,
  recording_start: startRecording,
  recording_stop: changeRecording,
  sleep,
  stop,
  talk,
  variable_set: setVariable,
  voicemail,
  webhook_send: sendWebhook,
}

/** Begins an action with the variables in its option. */
export function begin(
  run: FlowRun,
  action: Exclude<FlowAction, { type: 'fetch_flow' }>,
): FlowOutcome | FlowScript {
  const doing = doings[action.type] as Doing<FlowActionType>
  return doing(run, filled(run, action))
}

/** Those which read variables themselves, or hold actions which will. */
const unfilled: ReadonlySet<FlowActionType> = new Set(['branch', 'condition_variable', 'variable_set'])

function filled(run: FlowRun, action: FlowAction): FlowAction {
  if (unfilled.has(action.type)) return withValue(run, action)
  if (action.type !== 'call') return { ...action, option: run.variables.fill(action.option) } as FlowAction
  // The actions of another call are filled as that one runs them.
  const { actions, ...others } = action.option
  return { ...action, option: { ...run.variables.fill(others), actions } }
}

/** What a variable is compared with may be made of others. */
function withValue({ variables }: FlowRun, action: FlowAction): FlowAction {
  if (action.type !== 'condition_variable') return action
  const value_string = variables.filled(action.option.value_string).text
  return { ...action, option: { ...action.option, value_string } }
}
