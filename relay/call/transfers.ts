import { isEncrypted } from '../ground/flow.ts'
import type { InDialogRequest } from '../leg/leg.ts'
import type { ReferTarget } from '../sip/refer-to.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallIndex, LegFound } from './call-index.ts'
import { busy, isBusy, type ReferRefusal } from './refer.ts'
import { type ReferredCall, referredCall } from './referred.ts'
import { otherOf } from './sides.ts'
import { isSips } from './sips.ts'
import type { Call } from './state.ts'
import { notOverTls } from './verdict.ts'

/** Where a transfer leads: to a party which is spoken to in another call, to a call which is made for it, or nowhere. */
type TransferLead =
  | { readonly type: 'attended'; readonly found: LegFound }
  | ({ readonly type: 'blind' } & ReferredCall)
  | ({ readonly type: 'refused' } & ReferRefusal)

/** Where the transfer leads which a party of a call asks for. */
export function transferLead(
  call: Call,
  { asked, target }: { readonly asked: InDialogRequest; readonly target: ReferTarget },
  index: Pick<CallIndex, 'replaced'>,
  endpoint: SipEndpoint,
): TransferLead {
  if (!target.replaces) {
    const made = referredCall(call, asked, target, endpoint)
    return 'why' in made ? { type: 'refused', ...made } : { type: 'blind', ...made }
  }
  const found = index.replaced(target.replaces)
  if (!found) return { type: 'refused', ...noneOfTheirs }
  const refusal =
    cannotReplace(call, found) ??
    losesTls(call, asked, found) ??
    (target.replaces.earlyOnly ? answeredAlready : undefined)
  return refusal ? { type: 'refused', ...refusal } : { type: 'attended', found }
}

/** Why one cannot take the place of a party of the call it names; undefined: it can. */
function cannotReplace(call: Call, { active, leg }: LegFound): ReferRefusal | undefined {
  const { record } = active.call
  // Another customer's call is none which could be named.
  if (active.call === call || record.customerId !== call.record.customerId) return noneOfTheirs
  if (active.machine.state !== 'answered' || !otherOf(active.call, leg))
    return { status: 403, why: 'the call which Replaces names has not been answered' }
  return isBusy(active.call) ? busy : undefined
}

/** Two parties of which one was promised TLS on every hop, and one has none. */
function losesTls(
  call: Call,
  { leg: by }: InDialogRequest,
  { active, leg }: LegFound,
): ReferRefusal | undefined {
  if (!isSips(call) && !isSips(active.call)) return undefined
  const ways = [otherOf(call, by)?.flow, otherOf(active.call, leg)?.flow]
  return ways.some((way) => way && !isEncrypted(way)) ? { status: 480, why: notOverTls } : undefined
}

/** It was to be replaced only while it rang (RFC 3891 §3). */
const answeredAlready: ReferRefusal = { status: 486, why: 'the call which Replaces names has been answered' }

/** Replaces names nothing which who asks could know of. */
const noneOfTheirs: ReferRefusal = { status: 403, why: 'Replaces names no call which goes on here' }
