import type { TransferPolicy } from '#contract'
import type { Branch, Call, CallParty, ConnectDecision, Side } from './state.ts'

/** Whose a side is; undefined where nothing is decided yet. */
export function partyOn({ decision, callee, came }: Call, side: Side): CallParty | undefined {
  // Who came into it by a transfer may what it might before, and not what the one might in whose place it came.
  if (came[side]) return came[side]
  if (!decision) return undefined
  if (side === 'caller') return callerOf(decision)
  // A call which was sent on is with whom it was sent on to.
  return calledParty(callee?.hunt.decision ?? decision, callee)
}

/** Whose a leg is which was called as this decision says; undefined: the branch of a call to providers is not known. */
export function calledParty(
  { targets }: ConnectDecision,
  branch: Pick<Branch, 'provider'> | undefined,
): CallParty | undefined {
  if (targets.kind === 'extension')
    return partyOf('extension', targets.extension.extension_id, targets.extension)
  if (targets.kind === 'trunk') return partyOf('trunk', targets.trunk.trunk_id, targets.trunk)
  const { provider } = branch ?? {}
  return provider && partyOf('provider', provider.provider_id, provider)
}

function callerOf(decision: ConnectDecision): CallParty {
  const { direction, trunk_id, extension_id, provider_id } = decision
  if (direction === 'incoming') return partyOf('provider', provider_id, decision)
  return trunk_id === null
    ? partyOf('extension', extension_id, decision)
    : partyOf('trunk', trunk_id, decision)
}

/** An edge which does not say what becomes of transfers does not know them. */
function partyOf(
  kind: CallParty['kind'],
  id: string | null,
  { transfer = 'deny' }: { transfer?: TransferPolicy | undefined },
): CallParty {
  return { kind, id, transfer }
}
