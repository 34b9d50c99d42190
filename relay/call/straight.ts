import { reachOf } from '#routing'
import { type Flow, isWebSocket, usualPort } from '../ground/flow.ts'
import { readSocketAddress } from '../ground/socket-address.ts'
import type { SaidKeys } from '../sdp/offer.ts'
import type { RelayedSdp } from '../sdp/relayed.ts'
import {
  isInReach,
  isPlain,
  mayGoStraight,
  type StraightReach,
  straightAllowed,
  straightTo,
} from '../sdp/straight.ts'
import { parseUri } from '../sip/uri.ts'
import { otherOf } from './sides.ts'
import type { Branch, Call, Side } from './state.ts'

/*
 * Sound of a call which one relay of the fleet hands another, straight between the first one and the phone:
 *
 *   caller           first relay                     phone's relay              phone
 *     │ ◄── sound ──► │ ◄──── SIP over TLS ─────────► │ ◄──────── SIP ────────► │
 *                     │ ◄────────────────────── sound ─────────────────────────► │
 *
 * The first one allows it by its offer. The phone's relay passes descriptions on as they are then, says where the phone
 * signals from, and has no part in its sound; to the first one the phone is what it would be if it had registered there.
 */

/** Whether a phone of ours is to be offered the sound of the relay which hands the call on, and not ours. */
export function isStraightAt(
  { handedBy }: Call,
  { contact, secure }: Branch,
  {
    flow,
    offer,
    reach,
  }: {
    readonly flow: Flow
    readonly offer: RelayedSdp
    readonly reach: StraightReach | undefined
  },
): boolean {
  if (handedBy === undefined || reach === undefined || !contact || secure === 'required') return false
  const isAlone = contact.path.length === 0 && flow.proxy === undefined && !isWebSocket(flow)
  return (
    isAlone && isAtContact(contact, flow) && mayGoStraight(offer) && isInReach(offer, flow.address, reach)
  )
}

/** Whether a phone is where it says that it is: no NAT is between. */
function isAtContact(
  { requestUri }: NonNullable<Branch['contact']>,
  { transport, address, port }: Flow,
): boolean {
  const uri = parseUri(requestUri)
  const [said, seen] = [readSocketAddress(uri?.host ?? ''), readSocketAddress(address)]
  if (!uri || !said || !seen?.sameAddress(said)) return false
  return transport !== 'udp' || (uri.port ?? usualPort('udp')) === port
}

type JoinedLeg = NonNullable<Call['joined'][Side]>

/** What there is of a description besides what it is made of. */
interface StraightTerms {
  /** What it answers; undefined: it is an offer. */
  readonly offer: RelayedSdp | undefined
  readonly keys: SaidKeys
  readonly reach: StraightReach | undefined
  /** Where we want sound. */
  readonly us: string
}

/** What is said to whom: whether a leg has the other party's own place, and what relays tell each other of that. */
export function straightWords(
  call: Call,
  to: JoinedLeg,
  said: RelayedSdp,
  terms: StraightTerms,
): { readonly straight: boolean; readonly name?: string | undefined } {
  if (call.handedBy === undefined) return { straight: false, name: allowed(to, terms) }
  if (to !== call.caller) {
    const [branch] = call.branches.filter((one) => one === to)
    const straight = terms.offer
      ? call.caller.sdp.sent?.straight === true
      : branch?.straight === true && mayGoStraight(said)
    return { straight }
  }
  const phone = otherOf(call, to) ?? call.branches.find(({ early }) => early?.values().includes(said))
  const straight = phone?.sdp.sent?.straight === true && (terms.offer !== undefined || isPlain(said))
  return { straight, name: straight && phone.flow ? straightTo(phone.flow.address) : undefined }
}

/** To a relay to which we hand a call on, where phones can send to us. */
function allowed(to: JoinedLeg, { keys, reach, us }: StraightTerms): string | undefined {
  if (to.kind !== 'uac' || to.flow?.neighbour === undefined || to.detours) return undefined
  const isNear = reach === 'any' || (reach === 'public' && reachOf(us) === 'public')
  return isNear && keys.lines.length === 0 && !keys.ice ? straightAllowed : undefined
}

/** Whether a leg's sound has no way through us. */
export function isPast(
  call: Call,
  leg: JoinedLeg,
  said: RelayedSdp,
  reach: StraightReach | undefined,
): boolean {
  if (call.handedBy === undefined) return false
  const { sent } = leg.sdp
  if (sent || leg !== call.caller) return sent?.straight === true
  // Until a phone is heard it may be either way.
  return reach !== undefined && mayGoStraight(said)
}
