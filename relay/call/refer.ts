import type { InDialogRequest } from '../leg/leg.ts'

import { type BadReferTo, readReferTo } from '../sip/refer-to.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { partyOn } from './call-party.ts'
import { passRequest } from './in-dialog.ts'
import { warning } from './offer-answer.ts'
import { refuseRequest } from './pending-reinvite.ts'
import { sipReason } from './reason.ts'
import { sideOf } from './sides.ts'
import type { Call, CallOrder } from './state.ts'

/*
 * REFER (RFC 3515): what becomes of a transfer is as the setting of the party says which asks for it.
 */

/** A party asks that the other one be connected elsewhere. */
export function referAsked(call: Call, asked: InDialogRequest, endpoint: SipEndpoint): CallOrder[] {
  const target = readReferTo(asked.request)
  if ('why' in target) return [refused(asked, target, endpoint)]
  const party = partyOn(call, sideOf(call, asked.leg))
  if (party?.transfer === 'relay') return passRequest(call, asked, endpoint)
  const whose = party ? `this ${party.kind}` : 'this party'
  return [refused(asked, { status: 403, why: `calls are not transferred for ${whose}` }, endpoint)]
}

/** Why, to persons and to machines. */
function refused(
  asked: InDialogRequest,
  { status, why }: Pick<BadReferTo, 'why'> & { readonly status: number },
  endpoint: SipEndpoint,
): CallOrder {
  return refuseRequest(asked, status, [sipReason(status, why), warning(endpoint, 399, why)])
}
