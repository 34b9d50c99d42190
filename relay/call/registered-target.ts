import type { ConnectDecision, RouteDecision, TargetQuestion } from '#contract'

/** An extension, or a PBX which is called where it registered. */
export interface RegisteredTarget {
  readonly customerId: string
  readonly id: string
  /** What is called at it, in its realm. */
  readonly user: string
  readonly realm: string
}

/** It has no phone anywhere, or is no party which registers. */
export const reachesNone = { contacts: [], unreached: [] } as const

/** What a decision calls where it registered; undefined: nothing. */
export function registeredTarget(decision: RouteDecision): RegisteredTarget | undefined {
  return decision.kind === 'connect' ? registeredIn(decision.targets) : undefined
}

function registeredIn(targets: ConnectDecision['targets']): RegisteredTarget | undefined {
  if (targets.kind === 'extension') {
    const { customer_id: customerId, extension_id: id, extension: user, realm } = targets.extension
    return { customerId, id, user, realm }
  }
  if (targets.kind !== 'trunk' || targets.trunk.hostname !== null) return undefined
  const { customer_id: customerId, trunk_id: id, user, realm } = targets.trunk
  return { customerId, id, user, realm }
}

/** At which relays are its phones? */
export function questionOf({ customerId, id }: RegisteredTarget): TargetQuestion {
  return { customer_id: customerId, ids: [id] }
}
