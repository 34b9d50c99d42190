import type {
  CustomerFacts,
  ExtensionFacts,
  FlowAction,
  FlowFacts,
  Forwarder,
  NumberFacts,
  RingDestination,
  RouteDecision,
  TrunkFacts,
} from '#contract'
import type { Configuration } from './configuration.ts'
import { connectPlan, type Draft, type DraftDestination } from './draft.ts'
import { follow, isReadable, rungAlone } from './flows.ts'
import { toExtension, toTrunk } from './ringing.ts'

/*
 * What a number leads to.
 */

/** An extension, a PBX, a list of destinations or a flow to which a number leads. */
export type Callee =
  | { kind: 'extension'; one: ExtensionFacts }
  | { kind: 'trunk'; one: TrunkFacts }
  | { kind: 'number'; destinations: readonly RingDestination[]; forwarder: Forwarder }
  | { kind: 'flow'; flow: FlowFacts & { actions: FlowAction[] }; forwarder: Forwarder }
export type CalledAccount = Extract<Callee, { one: unknown }>

/** Whether it is one account, which has limits of its own. */
export function isAccount(callee: Callee): callee is CalledAccount {
  return callee.kind === 'extension' || callee.kind === 'trunk'
}

/** Why a number leads nowhere. */
export interface CalleeRefusal {
  status: number
  reason: string
  message: string
}

/** What a number leads to, or why nowhere. */
export function calleeOf(number: NumberFacts, e164: string, book: Configuration): Callee | CalleeRefusal {
  const { customer_id, enabled, extension_id, trunk_id, flow_id, destinations } = number
  const name = nameOf(number)
  const forwarder = { kind: 'number', id: number.id, name: e164 } as const
  const what = name.charAt(0).toUpperCase() + name.slice(1)
  if (!enabled) return refusal(404, 'NUMBER_DISABLED', `${what} is not in service: it is disabled.`)
  if (destinations) return { kind: 'number', destinations, forwarder }
  if (trunk_id !== null) return trunkOf(name, book.trunk(customer_id, trunk_id))
  if (extension_id !== null)
    return extensionOf(`extension ${name}`, book.extension(customer_id, extension_id))
  if (flow_id !== null) return flowOf(name, book.flow(customer_id, flow_id), forwarder, book)
  const message = `${what} is not in service: it leads nowhere yet. Give it an extension_id, a trunk_id, a call_flow_id or destinations.`
  return refusal(404, 'NUMBER_NOT_CONNECTED', message)
}

function nameOf({ number, number_to }: NumberFacts): string {
  if (number === 'any') return 'the number any of this provider'
  return number_to === null ? number : `${number} to ${number_to}`
}

function extensionOf(what: string, extension: ExtensionFacts | undefined): Callee | CalleeRefusal {
  const message = `The ${what} leads to names no extension any more.`
  if (!extension) return refusal(404, 'EXTENSION_NOT_FOUND', message)
  return extension.enabled
    ? { kind: 'extension', one: extension }
    : refusal(480, 'EXTENSION_DISABLED', `The ${what} leads to is disabled.`)
}

/** What a flow is to which `name` leads: one which rings one extension and does nothing more is that extension. */
export function flowOf(
  name: string,
  flow: FlowFacts | undefined,
  forwarder: Forwarder,
  book: Configuration,
): Callee | CalleeRefusal {
  if (!flow) return extensionOf(`flow ${name}`, undefined)
  const extension = rungAlone(flow)
  if (extension !== undefined)
    return extensionOf(`flow ${name}`, book.extensionNamed(flow.customer_id, extension))
  if (isReadable(flow)) return { kind: 'flow', flow, forwarder }
  const message = `The flow ${name} leads to has actions which are not known here: this relay is older than the edge.`
  return refusal(503, 'FLOW_UNREADABLE', message)
}

function trunkOf(name: string, trunk: TrunkFacts | undefined): Callee | CalleeRefusal {
  if (!trunk) return refusal(404, 'TRUNK_NOT_FOUND', `The trunk ${name} leads to is gone.`)
  return trunk.enabled
    ? { kind: 'trunk', one: trunk }
    : refusal(480, 'TRUNK_DISABLED', `The trunk ${name} leads to is disabled.`)
}

function refusal(status: number, reason: string, message: string): CalleeRefusal {
  return { status, reason, message }
}

/** Rings it; `e164`: the number which was called, `from`: the caller's, where it is known. */
export function ringCallee(
  known: Draft,
  callee: Callee,
  customer: CustomerFacts,
  { e164, from }: { readonly e164: string; readonly from: string | null },
  place: Omit<DraftDestination, 'targets'>,
): RouteDecision {
  if (callee.kind === 'flow') return follow(known, callee.flow, callee.forwarder, place)
  if (callee.kind === 'number') return connectPlan(known, callee.destinations, callee.forwarder, place)
  if (callee.kind === 'extension') return toExtension(known, callee.one, customer, place)
  return toTrunk(known, callee.one, customer, e164, from, place)
}
