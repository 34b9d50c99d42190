import type { InDialogRequest, Leg } from '../leg/leg.ts'
import { readReferTo } from '../sip/refer-to.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { partyOn } from './call-party.ts'
import type { CallOrder } from './call-step.ts'
import { passRequest, screenWithin } from './in-dialog.ts'
import { warning } from './offer-answer.ts'
import { refuseRequest } from './pending-reinvite.ts'
import { sipReason } from './reason.ts'
import { joinedLegs, sideOf } from './sides.ts'
import type { Call } from './state.ts'

/*
 * REFER (RFC 3515): what becomes of a transfer is as the setting of the party says which asks for it.
 */

/** Why a transfer is refused, as the party hears it which asks. */
export interface ReferRefusal {
  readonly status: number
  readonly why: string
}

/** A party asks that the other one be connected elsewhere. */
export function referAsked(call: Call, asked: InDialogRequest, endpoint: SipEndpoint): CallOrder[] {
  const target = readReferTo(asked.request)
  if ('why' in target) return [referRefused(asked, target, endpoint)]
  const party = partyOn(call, sideOf(call, asked.leg))
  if (party?.transfer === 'relay') return passRequest(call, asked, endpoint)
  const whose = party ? `this ${party.kind}` : 'this party'
  if (party?.transfer !== 'local')
    return [referRefused(asked, { status: 403, why: `calls are not transferred for ${whose}` }, endpoint)]
  const refusal = screenWithin(asked.request, asked.leg)
  if (refusal) return [refuseRequest(asked, refusal.status, [...(refusal.headers ?? [])])]
  if (isBusy(call)) return [referRefused(asked, busy, endpoint)]
  return [{ type: 'refer', asked, target }]
}

/** One of its calls is in the middle of something else. */
export const busy: ReferRefusal = { status: 491, why: 'the call is being changed or transferred already' }

/** Whether its two parties cannot be parted just now: a change or a transfer is under way. */
export function isBusy(call: Call): boolean {
  const legs = joinedLegs(call)
  const joins = call.joining !== undefined && call.joining.state !== 'joined'
  return call.transfer !== undefined || joins || legs.length < 2 || legs.some(isChanging)
}

function isChanging(leg: Leg): boolean {
  return (
    leg.pending !== undefined || leg.refresh !== undefined || (leg.kind === 'uas' && leg.answer !== undefined)
  )
}

/** Says why, to persons and to machines. */
export function referRefused(
  asked: InDialogRequest,
  { status, why }: ReferRefusal,
  endpoint: SipEndpoint,
): CallOrder & { readonly type: 'respond' } {
  const order = refuseRequest(asked, status, [sipReason(status, why), warning(endpoint, 399, why)])
  return order as CallOrder & { readonly type: 'respond' }
}
