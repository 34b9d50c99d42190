import { restSound } from '../leg/rest.ts'
import { joinedLegs } from './sides.ts'
import type { Call, ConnectDecision } from './state.ts'

/**
 * Its parties speak, and nothing is repeated which was said before they did: from now on it may last for hours, and lets go of
 * why it went where it went, once that was told. A flow may come to say more of it.
 */
export function restCall(call: Call): void {
  const { record, decision } = call
  restSound(joinedLegs(call))
  if (call.flow || call.made || record.decision !== record.toldDecision) return
  record.decision = null
  record.toldDecision = null
  call.decision = decision && unexplained(decision)
  for (const hunt of call.hunts) {
    const isOwn = hunt.decision === decision
    hunt.decision = isOwn ? call.decision : hunt.decision && unexplained(hunt.decision)
  }
}

function unexplained(decision: ConnectDecision): ConnectDecision {
  return decision.explanation === null ? decision : { ...decision, explanation: null }
}
