import type { FlowActionOf } from '#contract'
import type { FlowOutcome, FlowRun } from './flow-run.ts'

/** `branch`: by what a variable says, which it says no longer. */
export function branch({ variables }: FlowRun, { option }: FlowActionOf<'branch'>): FlowOutcome {
  const { target_ids, default_target_id } = option
  const name = nameIn(option.variable)
  const value = variables.get(name)
  variables.set(name, '')
  const target = Object.hasOwn(target_ids, value) ? target_ids[value] : undefined
  if (target !== undefined) return { outcome: 'matched', target }
  return { outcome: 'default', ...(default_target_id !== null && { target: default_target_id }) }
}

/** `goto`: as often as it says, and then on. */
export function goTo(run: FlowRun, { id, option }: FlowActionOf<'goto'>): FlowOutcome {
  const { target_id, loop_count } = option
  if (loop_count !== null && run.passes(id) > loop_count) return { outcome: 'went_on' }
  return { outcome: 'went', target: target_id }
}

/** `condition_variable` */
export function variableCondition(run: FlowRun, { option }: FlowActionOf<'condition_variable'>): FlowOutcome {
  const { false_target_id } = option
  return compares(option, textOf(run, option.variable))
    ? { outcome: 'true' }
    : { outcome: 'false', target: false_target_id }
}

/** `variable_set`: what is made of something sensitive is so, too. */
export function setVariable({ variables }: FlowRun, { option }: FlowActionOf<'variable_set'>): FlowOutcome {
  const { text, sensitive } = variables.filled(option.value)
  const set = variables.set(option.key, text, sensitive || option.sensitive)
  return { outcome: set ? 'set' : 'not_set' }
}

type Comparison = FlowActionOf<'condition_variable'>['option']

function compares(option: Comparison, text: string): boolean {
  const { condition, value_type, value_string, value_number, value_length } = option
  if (value_type === 'string') return holds(condition, order(text, value_string))
  if (value_type === 'length') return holds(condition, text.length - value_length)
  const number = text.trim() === '' ? Number.NaN : Number(text)
  // What is no number is unlike any.
  return Number.isNaN(number) ? condition === '!=' : holds(condition, number - value_number)
}

/** Whether a comparison holds of two, of which the first is greater than the second by `difference`. */
export function holds(condition: Comparison['condition'], difference: number): boolean {
  switch (condition) {
    case '==':
      return difference === 0
    case '!=':
      return difference !== 0
    case '>':
      return difference > 0
    case '>=':
      return difference >= 0
    case '<':
      return difference < 0
    case '<=':
      return difference <= 0
  }
}

/** What an option means by a variable: its text, or its name alone. */
function textOf({ variables }: FlowRun, written: string): string {
  if (written.includes('${')) return variables.filled(written).text
  return variables.has(written) ? variables.get(written) : written
}

/** A variable's name as it is written with or without its braces. */
function nameIn(written: string): string {
  return /^\$\{([^${}]+)\}$/.exec(written)?.[1] ?? written
}

/** By code units, so that it is the same everywhere. */
function order(one: string, other: string): number {
  if (one === other) return 0
  return one > other ? 1 : -1
}
