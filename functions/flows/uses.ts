import { callVariables, type FlowAction, resultVariables, statusVariable } from '#contract'
import { type FlowEdge, variableIn } from './graph.ts'

/** A variable which an action reads, and where in it. */
export interface VariableUse {
  readonly path: readonly string[]
  readonly name: string
}

/** Variables which are surely set at one place of a flow; `any`: besides VoIPBIN's own, whichever another flow set. */
interface SetThere {
  readonly any: boolean
  readonly names: ReadonlySet<string>
}

/** Uses of variables which may not be set yet when a flow comes there, by the action's place. */
export function unsetUses(
  actions: readonly FlowAction[],
  edges: readonly (readonly FlowEdge[])[],
  given: Iterable<string>,
): { readonly place: number; readonly use: VariableUse }[] {
  const there = setBefore(actions, edges, new Set<string>([...callVariables, statusVariable, ...given]))
  return actions.flatMap((action, place) => {
    const set = there[place]
    // What no way leads to uses nothing.
    if (!set) return []
    return usesOf(action)
      .filter(({ name }) => !isSet(set, name))
      .map((use) => ({ place, use }))
  })
}

function isSet({ any, names }: SetThere, name: string): boolean {
  return names.has(name) || (any && !name.startsWith('voipbin.'))
}

/** What is set before each action on all ways to it; undefined: none leads there. */
function setBefore(
  actions: readonly FlowAction[],
  edges: readonly (readonly FlowEdge[])[],
  given: ReadonlySet<string>,
): (SetThere | undefined)[] {
  const before: (SetThere | undefined)[] = actions.map(() => undefined)
  before[0] = { any: false, names: given }
  const changed = [0]
  for (let place = changed.pop(); place !== undefined; place = changed.pop()) {
    const [action, set] = [actions[place], before[place]]
    if (!action || !set) continue
    const after = setAfter(action, set)
    for (const { to } of edges[place] ?? []) {
      if (to === undefined) continue
      const known = before[to]
      const met = known ? inBoth(known, after) : after
      if (known && isSame(known, met)) continue
      before[to] = met
      changed.push(to)
    }
  }
  return before
}

function setAfter(action: FlowAction, { any, names }: SetThere): SetThere {
  const more = setBy(action)
  const leads = action.type === 'fetch_flow'
  return more.length === 0 && !leads
    ? { any, names }
    : { any: any || leads, names: new Set([...names, ...more]) }
}

/** Variables which an action sets, whatever it comes to. */
function setBy(action: FlowAction): readonly string[] {
  const usual: Partial<Record<FlowAction['type'], readonly string[]>> = resultVariables
  return [...(usual[action.type] ?? []), ...namedBy(action)]
}

function namedBy(action: FlowAction): readonly string[] {
  switch (action.type) {
    case 'variable_set':
      return [action.option.key]
    case 'digits_receive':
      return [action.option.variable]
    case 'connect':
      return action.option.variable === null ? [] : [action.option.variable]
    case 'fetch':
    case 'webhook_send':
      return action.option.variables
    default:
      return []
  }
}

function inBoth(one: SetThere, other: SetThere): SetThere {
  const names = new Set([...one.names, ...other.names])
  for (const name of names) if (!isSet(one, name) || !isSet(other, name)) names.delete(name)
  return { any: one.any && other.any, names }
}

function isSame(one: SetThere, other: SetThere): boolean {
  return one.any === other.any && one.names.size === other.names.size
}

/** The variables an action reads; those of the actions of another call are that one's. */
function usesOf(action: FlowAction): VariableUse[] {
  const whole: VariableUse[] = []
  if (action.type === 'branch')
    return [{ path: ['option', 'variable'], name: variableIn(action.option.variable) }]
  if (action.type === 'condition_variable' && !action.option.variable.includes('${'))
    whole.push({ path: ['option', 'variable'], name: action.option.variable })
  const { actions: _, ...option } = action.option as { actions?: unknown }
  return [...whole, ...usedIn(option, ['option'])]
}

function usedIn(part: unknown, path: readonly string[]): VariableUse[] {
  if (typeof part === 'string')
    return [...part.matchAll(/\$\{([^${}]+)\}/g)].map(([, name = '']) => ({ path, name }))
  if (typeof part !== 'object' || part === null) return []
  return Object.entries(part).flatMap(([key, one]) => usedIn(one, [...path, key]))
}
