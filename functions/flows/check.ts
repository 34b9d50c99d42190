import { type FlowAction, flowLimits, variableInstead } from '#contract'
import { edgesOf, endlessCircle, targetsOf } from './graph.ts'
import { unsetUses } from './uses.ts'

/** What is wrong with a flow, and where: below its list of actions, `3.option.target_id`; and what to do about it. */
export interface FlowFault {
  readonly path: readonly string[]
  readonly message: string
}

/**
 * What is wrong with a flow as a graph: targets which are not there, circles in which it would go round for ever, variables
 * which are used before they are set. Empty: it ends on any keys, since a call goes through `flowLimits.run` actions
 * at most besides. `given`: variables which are set before it begins, besides those of any call.
 */
export function checkFlow(actions: readonly FlowAction[], given: Iterable<string> = []): FlowFault[] {
  const within = actions.flatMap((action, place) => calledFaults(action, place))
  if (counted(actions) > flowLimits.listed)
    return [{ path: [], message: `has more than ${flowLimits.listed} actions, those of its calls included` }]
  const misled = [...sameIds(actions), ...missingTargets(actions)]
  if (misled.length > 0) return [...misled, ...within]
  const edges = edgesOf(actions)
  const circle = endlessCircle(edges)
  const endless = circle ? [endlessFault(actions, circle)] : []
  const unset = unsetUses(actions, edges, given).map(({ place, use: { path, name } }) => ({
    path: [String(place), ...path],
    message: unsetMessage(name, named(actions[place], place)),
  }))
  return [...endless, ...unset, ...actions.flatMap(ownFaults), ...within]
}

function counted(actions: readonly FlowAction[]): number {
  const called = actions.map((action) => (action.type === 'call' ? (action.option.actions?.length ?? 0) : 0))
  return called.reduce((sum, each) => sum + each, actions.length)
}

/** What is wrong with the actions of a call which an action makes. */
function calledFaults(action: FlowAction, place: number): FlowFault[] {
  if (action.type !== 'call') return []
  const { actions, flow_id } = action.option
  const path = [String(place), 'option']
  if ((actions === null) === (flow_id === null))
    return [
      {
        path,
        message: `of ${named(action, place)} needs one of flow_id and actions: what the other call does`,
      },
    ]
  const below = [...path, 'actions']
  return checkFlow(actions ?? []).map((fault) => ({ ...fault, path: [...below, ...fault.path] }))
}

function sameIds(actions: readonly FlowAction[]): FlowFault[] {
  const seen = new Set<string>()
  return actions.flatMap(({ id }, place) => {
    const again = seen.has(id)
    seen.add(id)
    const message = `is the id of an action before it, ${quoted(id)}: each needs one of its own`
    return again ? [{ path: [String(place), 'id'], message }] : []
  })
}

function missingTargets(actions: readonly FlowAction[]): FlowFault[] {
  const ids = new Set(actions.map(({ id }) => id))
  return actions.flatMap((action, place) =>
    targetsOf(action)
      .filter(({ id }) => !ids.has(id))
      .map(({ path, id }) => ({
        path: [String(place), ...path],
        message: `of ${named(action, place)} leads to ${quoted(id)}, and no action has that id: ${listed(actions, id)}`,
      })),
  )
}

function endlessFault(actions: readonly FlowAction[], circle: readonly number[]): FlowFault {
  const round = [...circle, circle[0] ?? 0].map((place) => nameOf(actions[place], place))
  const message = `goes round for ever if the caller does nothing: ${round.join(', then ')}. Lead it back by a goto with a loop_count, or elsewhere`
  return { path: [String(circle.at(-1) ?? 0)], message }
}

function unsetMessage(name: string, action: string): string {
  const instead = variableInstead(name)
  const remedy = name.startsWith('voipbin.')
    ? `there is none of that name before it${instead === undefined ? '' : `: read ${quoted(instead)}`}`
    : 'set it by a variable_set before, or in the variables of the flow'
  return `of ${action} reads the variable ${quoted(name)}, which is not set on every way there: ${remedy}`
}

/** What no schema says of an option. */
function ownFaults(action: FlowAction, place: number): FlowFault[] {
  if (action.type !== 'condition_datetime') return []
  const { time_zone, holidays } = action.option
  const path = (...names: string[]) => [String(place), 'option', ...names]
  const wrong = holidays.flatMap((day, at) =>
    isDay(day)
      ? []
      : [{ path: path('holidays', String(at)), message: `of ${named(action, place)} is no day of any year` }],
  )
  if (isTimeZone(time_zone)) return wrong
  const message = `of ${named(action, place)} is no time zone such as Europe/Berlin`
  return [{ path: path('time_zone'), message }, ...wrong]
}

function isDay(text: string): boolean {
  const day = text.length === 5 ? `2024-${text}` : text
  const read = new Date(`${day}T00:00:00Z`)
  return !Number.isNaN(read.getTime()) && read.toISOString().startsWith(day)
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

function named(action: FlowAction | undefined, place: number): string {
  if (!action) return 'an action'
  return isGiven(action.id) ? `actions.${place} (${action.type})` : `${quoted(action.id)} (${action.type})`
}

/** An action among others, in short. */
function nameOf(action: FlowAction | undefined, place: number): string {
  return action && !isGiven(action.id) ? quoted(action.id) : named(action, place)
}

/** Whether an id is of the shape of those which actions are given that came without: who wrote the flow may never have seen it. */
function isGiven(id: string): boolean {
  return uuid.test(id)
}

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

function quoted(text: string): string {
  return `"${text}"`
}

const listedAtMost = 12

/** Which ids there are, those alone which may have been meant by `instead`. */
function listed(actions: readonly FlowAction[], instead: string): string {
  const ids = actions.map(({ id }) => id).filter((id) => isGiven(instead) || !isGiven(id))
  if (ids.length === 0) return 'give the action which is meant an id'
  const first = ids.slice(0, listedAtMost).map(quoted).join(', ')
  return `there are ${ids.length > listedAtMost ? `${first} and ${ids.length - listedAtMost} more` : first}`
}
