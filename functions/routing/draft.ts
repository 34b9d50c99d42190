import {
  type Address,
  type ConnectDecision,
  type Consideration,
  type CustomerFacts,
  type Direction,
  type Explanation,
  type ExtensionFacts,
  type ExtensionTarget,
  type Forwarder,
  type Identification,
  type Limit,
  PLATFORM,
  type PlannedRing,
  type RingDestination,
  type RouteDecision,
  type RouteQuestion,
  type Scope,
  type UtcMs,
} from '#contract'
import type { Configuration } from './configuration.ts'
import { realmOf } from './realm.ts'
import { plannedRings, planOf } from './ring-plan.ts'
import type { Runtime } from './runtime.ts'

/** One question on its way to a decision: what has been found so far, written down as it is found. */
export interface Draft {
  question: RouteQuestion
  book: Configuration
  live: Runtime
  caller: Identification
  customer_id: string | null
  direction: Direction
  source: Address
  destination: Address
  extension_id: string | null
  trunk_id: string | null
  scopes: Scope[]
  number: Explanation['number']
  emergency: boolean
  caller_id: Explanation['caller_id']
  /** Whether the caller id is hidden for this call, as a code dialled before the number asks; null: none does. */
  hidden: boolean | null
  limits: Limit[]
  /** What looked like fraud; absent: nothing did. */
  suspicion?: Explanation['suspicion']
  candidates: Consideration[]
  /** Candidates which were looked at and are not listed. */
  left_out: number
  /** The destinations it rings, where they are a list. */
  plan: PlannedRing[]
  /** The flow it follows; absent: none. */
  flow?: Explanation['flow']
  /** The number of the customer's own for which the call stays; absent: none. */
  own_number?: string
}

/** "Nowhere": a SIP status for the caller, a stable reason, a sentence for a person. */
export function refuse(known: Draft, status: number, reason: string, said: string): RouteDecision {
  const message = inWords(known, said)
  const { customer_id, direction, source, destination, scopes, extension_id, trunk_id } = known
  return {
    kind: 'reject',
    status,
    reason,
    message,
    customer_id,
    direction,
    source,
    destination,
    explanation: explain(known, 'reject', status, reason, message),
    scopes,
    extension_id,
    trunk_id,
  }
}

/** A decision which connects the call: to these targets, which see this caller. */
export function connect(
  known: Draft,
  message: string,
  {
    targets,
    caller_id,
    transfer,
    dtmf,
    secure,
    record,
    record_announcement,
    number_id = null,
    provider_id = null,
  }: DraftDestination,
): RouteDecision {
  const { customer_id, direction, source, destination, scopes, extension_id, trunk_id } = known
  return {
    kind: 'connect',
    targets,
    caller_id,
    number_id,
    provider_id,
    transfer,
    dtmf,
    secure,
    record,
    record_announcement,
    customer_id,
    direction,
    source,
    destination,
    explanation: explain(known, 'connect', null, null, inWords(known, message)),
    scopes,
    extension_id,
    trunk_id,
  }
}

/** The target of a call, and what it sees of the caller. */
export type DraftDestination = Pick<
  ConnectDecision,
  'targets' | 'caller_id' | 'transfer' | 'dtmf' | 'secure' | 'record' | 'record_announcement'
> &
  Partial<Pick<ConnectDecision, 'number_id' | 'provider_id'>>

/** What is decided, and that the call stays in the house, where it does. */
export function inWords({ own_number }: Draft, message: string): string {
  return own_number === undefined ? message : `${own_number} is the customer’s own number. ${message}`
}

/** Why, as far as it was written down. */
export function explain(
  known: Draft,
  outcome: Explanation['outcome'],
  status: number | null,
  reason: string | null,
  message: string,
): Explanation {
  const {
    live,
    customer_id,
    caller,
    number,
    emergency,
    caller_id,
    limits,
    candidates,
    left_out,
    plan,
    flow,
    suspicion,
  } = known
  return {
    decided_by: live.decidedBy,
    at: instant(live.at),
    version: customer_id === null ? null : live.version(customer_id),
    platform_version: live.version(PLATFORM),
    snapshot_age_ms: live.snapshotAgeMs,
    outcome,
    status,
    reason,
    message,
    caller,
    number,
    emergency,
    caller_id,
    limits,
    candidates,
    left_out,
    plan,
    ...(flow && { flow }),
    ...(suspicion && { suspicion }),
  }
}

/** An instant in words; within a millisecond it is written once. */
function instant(at: UtcMs): string {
  if (at !== latest.at) latest = { at, text: new Date(at).toISOString() }
  return latest.text
}

let latest = { at: 0, text: new Date(0).toISOString() }

/** Somewhere where several are rung, as a list of destinations says. */
export function connectPlan(
  known: Draft,
  destinations: readonly RingDestination[],
  forwarder: Forwarder,
  destination: Omit<DraftDestination, 'targets'>,
): RouteDecision {
  known.plan = plannedRings(destinations, forwarder)
  const { question, destination: dialled } = known
  const called = question.caller.kind === 'forwarder' ? question.caller.called : dialled.target
  const plan = planOf(destinations, forwarder, called)
  const message = `Rings whom the ${forwarder.kind} ${forwarder.name} names.`
  return connect(known, message, { ...destination, targets: { kind: 'plan', plan } })
}

/** An extension which does not want to be rung. */
export function disturbed(known: Draft, { extension }: { extension: string }): RouteDecision {
  return refuse(known, 486, 'DO_NOT_DISTURB', `The extension ${extension} does not want to be disturbed.`)
}

/** An extension as one who sends calls on. */
export function forwarderOf({ id, extension }: Pick<ExtensionFacts, 'id' | 'extension'>): Forwarder {
  return { kind: 'extension', id, name: extension }
}

/** A phone number as a party of a call. */
export function telAddress(number: string): Address {
  return { type: 'tel', target: number, target_name: '', name: '', detail: '' }
}

/** An extension as a party of a call. */
export function extensionAddress({ extension, name }: { extension: string; name: string }): Address {
  return { type: 'extension', target: extension, target_name: extension, name, detail: '' }
}

/** What a relay needs to ring an extension. */
export function extensionTarget(
  callee: ExtensionFacts,
  customer: CustomerFacts,
  live: Runtime,
): ExtensionTarget {
  return {
    extension_id: callee.id,
    customer_id: customer.id,
    extension: callee.extension,
    realm: realmOf(customer.id, live.baseDomain),
    codecs: listed(callee.codecs),
    ring_ms: callee.ring_timeout * 1000,
    transfer: callee.transfer,
    dtmf: callee.dtmf,
    secure: callee.secure,
    record: callee.record,
    record_announcement: callee.record_announcement,
  }
}

/** `PCMU,PCMA` as a list. */
export function listed(codecs: string): string[] {
  return codecs === '' ? [] : codecs.split(',')
}
