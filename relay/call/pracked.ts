import type { InDialogRequest } from '../leg/leg.ts'
import { acknowledgedBy, awaitsAnswer, holdsAnswer } from '../leg/reliable.ts'
import { hasSdp } from '../sdp/message-sdp.ts'
import { reply } from '../sip/reply.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { branchAnswered } from './branch-answered.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { cause } from './cause.ts'
import { offerPracked } from './early-update.ts'
import { after, end } from './ending.ts'
import { answerReleased } from './flow.ts'
import { answerPracked } from './late-offer.ts'
import { refuseRequest } from './pending-reinvite.ts'
import type { Call } from './state.ts'

/*
 * The caller's PRACKs, and an answer which has to wait for one: a 2xx may not overtake a description of which it is not
 * known whether it was heard (RFC 3262 §3).
 */

/** A PRACK of the caller: 200 where it acknowledges something, and whatever waited for it. */
export function callerPracked(call: Call, asked: InDialogRequest, endpoint: SipEndpoint): CallStep {
  const { leg, request, transaction, source } = asked
  const answers = leg.kind === 'uas' && awaitsAnswer(leg)
  const orders = leg.kind === 'uas' ? acknowledgedBy(leg, request) : undefined
  if (!orders) return { effects: [refuseRequest(asked, 481)] }
  if (answers) {
    const step = answerPracked(call, asked, orders, endpoint)
    return step.to ? step : after(step.effects, heldAnswer(call, endpoint))
  }
  const ok: CallOrder[] = hasSdp(request)
    ? offerPracked(call, asked, endpoint)
    : [{ type: 'respond', transaction, response: reply(request, 200, { flow: source }) }]
  return after([...ok, ...orders], heldAnswer(call, endpoint))
}

/** The answer which waited, if it need not wait any more. */
function heldAnswer(call: Call, endpoint: SipEndpoint): CallStep {
  const { held, flow } = call
  if (flow?.answerHeld && !holdsAnswer(call.caller)) return answerReleased(call, endpoint)
  if (!held || holdsAnswer(call.caller)) return { effects: [] }
  call.held = undefined
  return branchAnswered(call, held.branch, held.response, endpoint)
}

/** Timer: 64·T1 without the caller's PRACK; its INVITE is refused (§3). */
export function neverPracked(call: Call, endpoint: SipEndpoint): CallStep {
  const message = 'The caller did not acknowledge a provisional response which it wanted reliably (PRACK).'
  const because = cause('NOT_ACKNOWLEDGED', message)
  return end(call, endpoint, { by: 'system', reason: 'failed', status: 504, why: 'no PRACK', because })
}
