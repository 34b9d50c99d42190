import type { RouteQuestion } from '#contract'
import type { Flow } from '../ground/flow.ts'
import type { InDialogRequest, Leg, UasLeg } from '../leg/leg.ts'
import { resumed, type Sdp, writeSdp } from '../sdp/description.ts'
import { hasSdp, sdpOf } from '../sdp/message-sdp.ts'
import { parseNameAddr } from '../sip/address.ts'
import { quote } from '../sip/grammar.ts'
import { type Header, noBody, type Request, request } from '../sip/message.ts'
import type { ReferTarget } from '../sip/refer-to.ts'
import { contactOf, type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import { partyOn } from './call-party.ts'
import type { ReferRefusal } from './refer.ts'
import { otherOf, sideOf } from './sides.ts'
import type { Call, CallParty, Joining } from './state.ts'

const bytes = new TextEncoder()

/** A call which a blind transfer leads to. */
export interface ReferredCall {
  readonly arrival: Pick<UasLeg, 'invite' | 'flow' | 'trusted'>
  readonly caller: RouteQuestion['caller']
  readonly joining: Joining
}

/** What it begins with, or why there is none. */
export function referredCall(
  call: Call,
  { leg: by, request: refer }: Pick<InDialogRequest, 'leg' | 'request'>,
  target: Pick<ReferTarget, 'uri'>,
  endpoint: SipEndpoint,
): ReferredCall | ReferRefusal {
  const party = otherOf(call, by)
  const caller = callerOf(call, by, partyOn(call, sideOf(call, by)))
  if (!party?.flow || !caller) return { status: 403, why: 'it is not known in whose name it would be made' }
  // Each transfer of a transfer has a hop less: none goes round for ever (RFC 7332).
  const hops = Math.min(refer.maxForwards, call.caller.invite.maxForwards) - 1
  if (hops <= 0) return { status: 483, why: 'too many hops' }
  const invite = referredInvite({ by, party, target, hops }, party.flow, endpoint)
  return {
    arrival: { invite, flow: party.flow, trusted: party.trusted },
    caller,
    joining: {
      type: 'blind',
      from: call,
      party,
      as: partyOn(call, sideOf(call, party)),
      side: 'caller',
      replaced: undefined,
      before: undefined,
      alone: false,
      state: 'waiting',
    },
  }
}

/** In whose name it is made: who asks may transfer where it may call. A provider may call as it does from its address. */
function callerOf(
  { record }: Call,
  { flow }: Leg,
  party: CallParty | undefined,
): RouteQuestion['caller'] | undefined {
  const { customerId: customer_id } = record
  if (!party || customer_id === undefined || !flow) return undefined
  const { address, port, transport } = flow
  if (party.kind === 'provider') return { kind: 'source', address, port, transport, line: null }
  if (party.id === null) return undefined
  return party.kind === 'trunk'
    ? { kind: 'trunk', customer_id, trunk_id: party.id }
    : { kind: 'extension', customer_id, extension_id: party.id }
}

/**
 * The INVITE of a blind transfer: as if who asks for it had dialled its target, with the description of the party which
 * is to speak there. No party sent it, so that its answers are told to who asked (RFC 3515 §2.4.4).
 */
function referredInvite(
  asked: {
    readonly by: Leg
    readonly party: Leg
    readonly target: Pick<ReferTarget, 'uri'>
    readonly hops: number
  },
  flow: Flow,
  endpoint: SipEndpoint,
): Request {
  const { by, party, target, hops } = asked
  const { entropy } = endpoint
  const caller = parseNameAddr(by.dialog?.remote ?? '')
  const uri = caller?.uri ?? 'sip:anonymous@anonymous.invalid'
  const display = caller?.display ? `${quote(caller.display)} ` : ''
  const sdp = offerOf(party)
  const headers: Header[] = [
    ['via', viaOf(endpoint, flow)],
    ['max-forwards', String(hops)],
    ['from', `${display}<${uri}>;tag=${entropy.hex(8)}`],
    ['to', `<${target.uri}>`],
    ['call-id', entropy.hex(16)],
    ['cseq', '1 INVITE'],
    ['contact', contactOf(endpoint, flow.transport)],
    ['referred-by', `<${uri}>`],
    ...(sdp ? [['content-type', 'application/sdp'] as Header] : []),
  ]
  const body = sdp ? bytes.encode(writeSdp(sdp)) : noBody
  return request({ method: 'INVITE', requestUri: target.uri, headers, body })
}

/** What a party can: its first offer, where it made one, else what it said last; on hold or not. */
function offerOf(party: Leg): Sdp | undefined {
  const first = party.kind === 'uas' && hasSdp(party.invite) ? sdpOf(party.invite) : undefined
  const sdp = first ?? party.aimed?.said.sdp
  return sdp && resumed(sdp)
}
