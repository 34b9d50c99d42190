import type { Address, ExtensionTarget, RouteDecision } from '#contract'
import type { ExtensionFacts } from './facts.ts'
import { realmOf } from './realm.ts'

type Rejection = Extract<RouteDecision, { kind: 'reject' }>
type Known = Omit<
  Rejection,
  'kind' | 'status' | 'reason' | 'message' | 'explanation' | 'scopes' | 'extension_id' | 'trunk_id'
> &
  Partial<Pick<Rejection, 'explanation'>>

/** "Nowhere": a SIP status for the caller, a stable reason, a sentence for a person. */
export function rejection(status: number, reason: string, message: string, known: Known): RouteDecision {
  return {
    kind: 'reject',
    status,
    reason,
    message,
    explanation: null,
    scopes: [],
    extension_id: null,
    trunk_id: null,
    ...known,
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
  customerId: string,
  baseDomain: string,
): ExtensionTarget {
  return {
    extension_id: callee.id,
    customer_id: customerId,
    extension: callee.extension,
    realm: realmOf(customerId, baseDomain),
    ring_ms: callee.ring_timeout * 1000,
  }
}
