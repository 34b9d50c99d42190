import {
  type callVariables,
  destinationName,
  type FlowAction,
  type FlowDecision,
  type FlowFacts,
  type FlowProgram,
  type Forwarder,
  flowLimits,
} from '#contract'
import type { Configuration } from './configuration.ts'
import { type Draft, type DraftDestination, explain, inWords } from './draft.ts'

/** The extension which a flow rings, where it does that and nothing more; undefined: it is followed. */
export function rungAlone({
  actions,
  extension,
}: Pick<FlowFacts, 'actions' | 'extension'>): string | undefined {
  if (actions === null) return extension ?? undefined
  const [action, second] = actions
  if (action?.type !== 'connect' || second !== undefined || action.next_id !== null) return undefined
  const { source, timeout, anonymous, destinations } = action.option
  const [destination, other] = destinations
  if (!destination || other || source !== null || timeout !== null) return undefined
  if (anonymous !== 'auto' && anonymous !== '') return undefined
  const { type, ring_seconds, delay_seconds } = destination
  const name = destinationName(destination)
  const isPlain = type === 'extension' && ring_seconds === null && delay_seconds === 0
  return isPlain && !name.includes('${') ? name : undefined
}

/** A call follows a flow on behalf of the number or extension which was called. */
export function follow(
  known: Draft,
  { actions, ...flow }: FlowFacts & { readonly actions: FlowAction[] },
  forwarder: Forwarder,
  { number_id = null, provider_id = null, ...place }: Omit<DraftDestination, 'targets'>,
): FlowDecision {
  const { customer_id, direction, source, destination, scopes, extension_id, trunk_id, question } = known
  const { id, version, name } = flow
  known.flow = { id, version, name }
  const message = inWords(known, `Follows the flow ${name === '' ? id : name} (version ${version}).`)
  return {
    kind: 'flow',
    program: programOf({ actions, ...flow }),
    programs: ledTo(known.book, customer_id ?? '', id, actions),
    variables: { ...flow.variables, ...variablesOf(known, { id, version }) },
    forwarder,
    called: question.caller.kind === 'forwarder' ? question.caller.called : destination.target,
    ...place,
    number_id,
    provider_id,
    customer_id,
    direction,
    source,
    destination,
    explanation: explain(known, 'flow', null, null, message),
    scopes,
    extension_id,
    trunk_id,
  }
}

function programOf({
  id,
  version,
  name,
  variables = {},
  actions,
}: FlowFacts & { readonly actions: FlowAction[] }): FlowProgram {
  return { id, version, name, variables, actions }
}

/** The flows to which actions lead, and to which those do: the nearest of them, where they are too many. */
function ledTo(
  book: Configuration,
  customerId: string,
  from: string,
  actions: readonly FlowAction[],
): FlowProgram[] {
  const found = new Map<string, FlowProgram>()
  const lists = [actions]
  // The list grows as it is gone through.
  for (const list of lists)
    for (const id of list.flatMap(flowsOf)) {
      const flow = found.has(id) || id === from ? undefined : book.flow(customerId, id)
      if (!flow?.actions || found.size >= flowLimits.reached - 1) continue
      found.set(id, programOf({ ...flow, actions: flow.actions }))
      lists.push(flow.actions)
    }
  return [...found.values()]
}

/** Flows which an action names. */
function flowsOf(action: FlowAction): string[] {
  if (action.type === 'fetch_flow') return [action.option.flow_id]
  if (action.type !== 'call') return []
  const { flow_id, actions } = action.option
  return [...(flow_id === null ? [] : [flow_id]), ...(actions ?? []).flatMap(flowsOf)]
}

type CallVariable = (typeof callVariables)[number]

/** What a flow knows of its call. */
function variablesOf(
  { question, source, destination, direction }: Draft,
  { id, version }: { readonly id: string; readonly version: number },
): Record<CallVariable, string> {
  return {
    'voipbin.call.id': question.call_id,
    'voipbin.call.source.type': source.type,
    'voipbin.call.source.target': source.target,
    'voipbin.call.source.target_name': source.target_name,
    'voipbin.call.source.name': source.name,
    'voipbin.call.source.detail': source.detail,
    'voipbin.call.destination.type': destination.type,
    'voipbin.call.destination.target': destination.target,
    'voipbin.call.destination.target_name': destination.target_name,
    'voipbin.call.destination.name': destination.name,
    'voipbin.call.destination.detail': destination.detail,
    'voipbin.call.direction': direction,
    'voipbin.call.digits': '',
    'voipbin.activeflow.flow_id': id,
    'voipbin.activeflow.version': String(version),
  }
}

/** Whether all of a flow's actions are known here. */
export function isReadable(flow: FlowFacts): flow is FlowFacts & { actions: FlowAction[] } {
  return flow.actions !== null && flow.actions.length > 0
}
