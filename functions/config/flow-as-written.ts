import { statusVariable } from '#contract'

/*
 * What VoIPBIN's documents write in a flow besides its actions and their options, brought into the language before it is read: what
 * nothing comes of is passed over, and an older condition is the newer one.
 */

const nil = '00000000-0000-0000-0000-000000000000'

/** An action as it was written → as the language has it; what is none stays as it is, to be refused in words. */
export function asWritten(written: unknown): unknown {
  if (!isRecord(written)) return written
  const { tm_execute: _, ...action } = written
  if (!isRecord(action.option)) return action
  return { ...action, ...inLanguage(action.type, action.option) }
}

function inLanguage(type: unknown, option: Readonly<Record<string, unknown>>): Record<string, unknown> {
  switch (type) {
    case 'condition_call_status':
      return compared(option)
    case 'talk':
      return { option: without(option, 'gender') }
    case 'hangup':
      return { option: option.reference_id === nil ? without(option, 'reference_id') : option }
    case 'call':
      return {
        option: Array.isArray(option.actions)
          ? { ...option, actions: option.actions.map(asWritten) }
          : option,
      }
    default:
      return { option }
  }
}

/** The condition that a call is so far, as one of a variable. */
function compared({ status, false_target_id, ...others }: Readonly<Record<string, unknown>>) {
  const value_string = status ?? null
  const option = { condition: '==', variable: statusVariable, value_string, false_target_id, ...others }
  return { type: 'condition_variable', option }
}

function without(option: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(option).filter(([key]) => key !== name))
}

function isRecord(written: unknown): written is Readonly<Record<string, unknown>> {
  return typeof written === 'object' && written !== null && !Array.isArray(written)
}
