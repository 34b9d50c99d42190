import { restSound } from '../leg/rest.ts'
import { restHunt } from './new-hunt.ts'
import { forgetLeg } from './settled.ts'
import { joinedLegs } from './sides.ts'
import type { Branch, Call, ConnectDecision } from './state.ts'

/**
 * Its parties speak, and nothing is repeated which was said before they did: from now on it may last for hours, and lets go of
 * why it went where it went, once that was told. A flow may come to say more of it.
 */
export function restCall(call: Call): void {
  const { record, decision } = call
  restSound(joinedLegs(call))
  if (call.flow || call.made || !call.callee || record.decision !== record.toldDecision) return
  record.decision = null
  record.toldDecision = null
  call.decision = decision && carriedOut(decision)
  for (const hunt of call.hunts) {
    const isOwn = hunt.decision === decision
    hunt.decision = isOwn ? call.decision : hunt.decision && carriedOut(hunt.decision)
    restHunt(hunt)
  }
  for (const branch of call.branches) {
    if (!isRefused(branch)) continue
    forgetLeg(branch)
    branch.invite = undefined
  }
}

/** Its final answer came, after which nothing does; it may have been a 2xx which was too late. */
function isRefused({ state, attempt }: Branch): boolean {
  return state === 'over' && attempt.status >= 300
}

/** Whom it led to is being spoken with. */
function carriedOut(decision: ConnectDecision): ConnectDecision {
  const { explanation, targets } = decision
  const isSettled = targets.kind !== 'providers' || targets === carriersCalled
  if (explanation === null && isSettled) return decision
  return { ...decision, explanation: null, targets: isSettled ? targets : carriersCalled }
}

/** Carriers which were called for it stand in its branches. */
const carriersCalled: ConnectDecision['targets'] = { kind: 'providers', providers: [] }
