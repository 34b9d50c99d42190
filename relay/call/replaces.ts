import { hasSdp } from '../sdp/message-sdp.ts'
import type { Request } from '../sip/message.ts'
import { type Replaces, readReplaces } from '../sip/refer-to.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallIndex, LegFound } from './call-index.ts'
import { partyOn } from './call-party.ts'
import { unknownHost } from './offer-answer.ts'
import { isBusy, type ReferRefusal } from './refer.ts'
import { otherOf, sideOf } from './sides.ts'

/*
 * An INVITE with Replaces (RFC 3891): a phone takes the place of a party of a call, as one does which was told by a REFER
 * that we passed on.
 */

/** Whose place an INVITE of a customer's takes, or why it takes none (RFC 3891 §3); undefined: it names no dialog. */
export function replacedBy(
  request: Request,
  customerId: string | undefined,
  index: Pick<CallIndex, 'replaced'>,
  endpoint: SipEndpoint,
): LegFound | ReferRefusal | undefined {
  const said = readReplaces(request)
  if (said === undefined) return undefined
  if ('why' in said) return said
  const found = index.replaced(said)
  // Another customer's call is none.
  if (!found || customerId === undefined || found.active.call.record.customerId !== customerId)
    return notThere
  return obstacle(request, said, found, endpoint) ?? found
}

const notThere: ReferRefusal = { status: 481, why: 'Replaces names no call which goes on here' }

function obstacle(
  request: Request,
  { earlyOnly }: Replaces,
  { active, leg }: LegFound,
  endpoint: SipEndpoint,
): ReferRefusal | undefined {
  const { call, machine } = active
  // We were called in it, and it rings: it cannot be replaced.
  if (machine.state !== 'answered' || !otherOf(call, leg)) return notThere
  if (earlyOnly) return { status: 486, why: 'the call which Replaces names has been answered' }
  if (partyOn(call, sideOf(call, leg))?.transfer === 'deny')
    return { status: 403, why: 'the party in whose place it would come may not transfer calls' }
  if (isBusy(call)) return { status: 491, why: 'the call is being changed or transferred already' }
  const offers = hasSdp(request) && unknownHost(call, leg, request, endpoint) === undefined
  return offers ? undefined : { status: 488, why: 'it offers no sound at an address' }
}
