import {
  type Address,
  type Consideration,
  type CustomerFacts,
  type Direction,
  type Explanation,
  type ExtensionFacts,
  type ExtensionTarget,
  type Identification,
  type Limit,
  PLATFORM,
  type RouteDecision,
  type RouteQuestion,
  type Scope,
} from '#contract'
import type { Book } from './book.ts'
import type { Live } from './live.ts'
import { realmOf } from './realm.ts'

/** One question on its way to a decision: what has been found so far. */
export interface Case {
  question: RouteQuestion
  book: Book
  live: Live
  caller: Identification
  customer_id: string | null
  direction: Direction
  source: Address
  destination: Address
  extension_id: string | null
  trunk_id: string | null
  scopes: Scope[]
  number: Explanation['number']
  caller_id: Explanation['caller_id']
  limits: Limit[]
  candidates: Consideration[]
}

export type Connect = Extract<RouteDecision, { kind: 'connect' }>

/** "Nowhere": a SIP status for the caller, a stable reason, a sentence for a person. */
export function refuse(known: Case, status: number, reason: string, message: string): RouteDecision {
  return {
    kind: 'reject',
    status,
    reason,
    message,
    ...told(known),
    explanation: explain(known, 'reject', status, reason, message),
  }
}

/** Somewhere: to whom, and what they see of the caller. */
export function connect(
  known: Case,
  message: string,
  place: Pick<Connect, 'targets' | 'caller_id'> & Partial<Pick<Connect, 'number_id' | 'provider_id'>>,
): RouteDecision {
  return {
    kind: 'connect',
    number_id: null,
    provider_id: null,
    ...place,
    ...told(known),
    explanation: explain(known, 'connect', null, null, message),
  }
}

function told({ customer_id, direction, source, destination, scopes, extension_id, trunk_id }: Case) {
  return { customer_id, direction, source, destination, scopes, extension_id, trunk_id }
}

function explain(
  known: Case,
  outcome: Explanation['outcome'],
  status: number | null,
  reason: string | null,
  message: string,
): Explanation {
  const { live, customer_id, caller, number, caller_id, limits, candidates } = known
  return {
    decided_by: live.decidedBy,
    at: new Date(live.at).toISOString(),
    version: customer_id === null ? null : live.version(customer_id),
    platform_version: live.version(PLATFORM),
    snapshot_age_ms: live.snapshotAgeMs,
    outcome,
    status,
    reason,
    message,
    caller,
    number,
    caller_id,
    limits,
    candidates,
  }
}

export function telAddress(number: string): Address {
  return { type: 'tel', target: number, target_name: '', name: '', detail: '' }
}

export function extensionAddress({ extension, name }: { extension: string; name: string }): Address {
  return { type: 'extension', target: extension, target_name: extension, name, detail: '' }
}

export function extensionTarget(
  callee: ExtensionFacts,
  customer: CustomerFacts,
  live: Live,
): ExtensionTarget {
  return {
    extension_id: callee.id,
    customer_id: customer.id,
    extension: callee.extension,
    realm: realmOf(customer.id, live.baseDomain),
    ring_ms: callee.ring_timeout * 1000,
  }
}
