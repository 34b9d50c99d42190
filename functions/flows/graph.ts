import type { FlowAction } from '#contract'

/** Where a flow may go on from one action: to another one by its place, or nowhere: then it is over. */
export interface FlowEdge {
  readonly to: number | undefined
  /** It is not taken by a caller who does nothing, or not more than so often: no circle of such goes on for ever. */
  readonly bounded: boolean
}

/** A place in an action's option which names another action. */
export interface NamedTarget {
  /** Below the action: `option.target_ids.1`. */
  readonly path: readonly string[]
  readonly id: string
}

/** What an action names of others, with where it does. */
export function targetsOf(action: FlowAction): NamedTarget[] {
  const named = [at(['next_id'], action.next_id)]
  if (action.type === 'branch') {
    for (const [value, id] of Object.entries(action.option.target_ids))
      named.push(at(['option', 'target_ids', value], id))
    named.push(at(['option', 'default_target_id'], action.option.default_target_id))
  }
  for (const key of ['target_id', 'false_target_id', 'failed_target_id'] as const)
    named.push(at(['option', key], optionOf(action, key)))
  return named.flat()
}

function at(path: readonly string[], id: unknown): NamedTarget[] {
  return typeof id === 'string' ? [{ path, id }] : []
}

function optionOf({ option }: FlowAction, key: string): unknown {
  return Reflect.get(option, key)
}

/** The ways of a flow whose targets are all there, from each of its actions. */
export function edgesOf(actions: readonly FlowAction[]): FlowEdge[][] {
  const places = new Map(actions.map(({ id }, place) => [id, place]))
  const typed = typedVariables(actions)
  return actions.map((action, place) => {
    const follows = action.next_id === null ? place + 1 : places.get(action.next_id)
    const next = follows === undefined || follows >= actions.length ? undefined : follows
    const to = (id: string | null) => (id === null ? next : places.get(id))
    return waysFrom(action, next, to, typed)
  })
}

function waysFrom(
  action: FlowAction,
  next: number | undefined,
  to: (id: string | null) => number | undefined,
  typed: ReadonlySet<string>,
): FlowEdge[] {
  const free = (place: number | undefined) => ({ to: place, bounded: false })
  switch (action.type) {
    case 'hangup':
    case 'stop':
      return [free(undefined)]
    case 'goto': {
      const { target_id, loop_count } = action.option
      const bounded = loop_count !== null
      return [{ to: to(target_id), bounded }, ...(bounded ? [free(next)] : [])]
    }
    case 'branch': {
      const { variable, target_ids, default_target_id } = action.option
      // It forgets what it read, so that the caller has to press that again.
      const pressed = typed.has(variableIn(variable))
      const chosen = Object.entries(target_ids).map(([value, id]) => ({
        to: to(id),
        bounded: pressed && value !== '',
      }))
      return [...chosen, free(to(default_target_id))]
    }
    case 'condition_variable':
    case 'condition_datetime':
      return [free(next), free(to(action.option.false_target_id))]
    case 'digits_receive': {
      const { failed_target_id } = action.option
      if (failed_target_id === null) return [free(next)]
      return [{ to: next, bounded: true }, free(to(failed_target_id))]
    }
    case 'fetch':
    case 'fetch_flow':
    case 'webhook_send': {
      const { failed_target_id } = action.option
      return failed_target_id === null ? [free(next)] : [free(next), free(to(failed_target_id))]
    }
    default:
      return [free(next)]
  }
}

/** Variables which hold nothing but what the caller pressed. */
function typedVariables(actions: readonly FlowAction[]): ReadonlySet<string> {
  const typed = new Set(['voipbin.call.digits'])
  for (const action of actions) if (action.type === 'digits_receive') typed.add(action.option.variable)
  for (const action of actions) {
    if (action.type === 'variable_set') typed.delete(action.option.key)
    if (action.type === 'fetch' || action.type === 'webhook_send')
      for (const name of action.option.variables) typed.delete(name)
    if (action.type === 'connect' && action.option.variable !== null) typed.delete(action.option.variable)
  }
  return typed
}

/** The name of a variable which may stand in braces. */
export function variableIn(text: string): string {
  return /^\$\{([^${}]+)\}$/.exec(text)?.[1] ?? text
}

/** The places of a circle in which a flow may go round for ever; undefined: there is none. */
export function endlessCircle(edges: readonly (readonly FlowEdge[])[]): number[] | undefined {
  const done = new Set<number>()
  for (const start of edges.keys()) {
    const path: number[] = []
    const circle = circleFrom(edges, start, path, done)
    if (circle) return circle
  }
  return undefined
}

function circleFrom(
  edges: readonly (readonly FlowEdge[])[],
  place: number,
  path: number[],
  done: Set<number>,
): number[] | undefined {
  const before = path.indexOf(place)
  if (before >= 0) return path.slice(before)
  if (done.has(place)) return undefined
  path.push(place)
  for (const { to, bounded } of edges[place] ?? []) {
    const circle = bounded || to === undefined ? undefined : circleFrom(edges, to, path, done)
    if (circle) return circle
  }
  path.pop()
  done.add(place)
  return undefined
}
