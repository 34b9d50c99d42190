import { hangUpLeg } from '../leg/bye.ts'
import { moveIce } from '../leg/ice.ts'
import type { GivenReason, Leg } from '../leg/leg.ts'
import { reach } from '../leg/path.ts'
import { isRefreshing, type RefreshResult } from '../leg/refresh.ts'
import { mayReoffer, reofferAnswered, reofferLeg } from '../leg/reoffer.ts'
import { setSession } from '../leg/session.ts'
import { timerCMs } from '../leg/session-timer.ts'
import { buildCancel } from '../leg/uac.ts'
import { directionOf, readSdp, resumed } from '../sdp/description.ts'
import { sdpBytes } from '../sdp/message-sdp.ts'
import { activeMedia, type SentSdp } from '../sdp/offer.ts'
import { mediaOf, type RelayedSdp } from '../sdp/relayed.ts'
import type { Response } from '../sip/message.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { failed, hangUp, partyLeft } from './answered.ts'
import type { CallEvents } from './call-events.ts'
import { partyOn } from './call-party.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { cause, silentInside } from './cause.ts'
import { after } from './ending.ts'
import { noneAnswered } from './flow-left.ts'
import { listening, spokenIn } from './flow-sound.ts'
import { aloneMs, mayStay } from './flow-time.ts'
import { aim, aimAnew, answerOf, rewriteFor, takeBackOffer } from './offer-answer.ts'
import { dropRefresh } from './pending-reinvite.ts'
import { answeredNow, carriedFrom } from './record.ts'
import { joinedLegs, mediaOn, otherOf, sideOf } from './sides.ts'
import { isSips } from './sips.ts'
import type { Call, CallParty, Joining } from './state.ts'

/*
 * A transfer as the call sees it which goes on: a party of another call comes into it, and is offered what the party
 * says which it is to speak with. `transfer.ts` is the call it comes from.
 */

/** Milliseconds until a leg is asked again which is busy with something else. */
const busyMs = 200

/** So long a party may take to answer the offer by which it comes, a little longer than one which says nothing at all. */
const comesWithinMs = 33_000

const transferred = { reason: 'SIP;cause=200;text="transferred"' }

/** The transferred party was left alone: it waits here until the call is answered, and cannot go back. */
export function partyAdopted(call: Call): CallOrder[] {
  const { joining } = call
  if (!joining || joining.alone) return []
  joining.alone = true
  return joining.state === 'waiting' ? seated(call, joining) : []
}

/** Who was called for the transferred party has answered: it comes, as soon as it is free. */
export function partyComes(
  call: Call,
  joining: Joining,
  endpoint: SipEndpoint,
  said?: RelayedSdp,
): CallOrder[] {
  answeredNow(call)
  if (!isFree(call, joining.party)) return [againIn(joining.party, busyMs)]
  return arrived(call, joining, endpoint, said)
}

/** It comes in the place of the party which asked for the transfer. */
export function partyReplaces(
  call: Call,
  { from, party, replaced }: CallEvents['replaced'],
  endpoint: SipEndpoint,
): CallOrder[] {
  const side = sideOf(call, replaced)
  const as = partyOn(from, sideOf(from, party))
  call.joining = {
    type: 'attended',
    from,
    party,
    as,
    side,
    replaced,
    before: call.came[side],
    alone: false,
    state: 'waiting',
  }
  return [{ type: 'stop', timer: 'session', of: replaced }, ...arrived(call, call.joining, endpoint)]
}

function arrived(call: Call, joining: Joining, endpoint: SipEndpoint, said?: RelayedSdp): CallOrder[] {
  joining.state = 'offered'
  const comes: CallOrder[] = joining.alone
    ? []
    : [{ type: 'onward', call: joining.from, name: 'partyTaken', event: undefined }, ...seated(call, joining)]
  return [...comes, ...offerTo(call, joining.party, endpoint, said)]
}

function seated(call: Call, { party, as, side }: Joining): CallOrder[] {
  call.joined[side] = party
  call.came = { ...call.came, [side]: as ?? unknown }
  party.media = mediaOn(call, side)
  if (party.signalling === 'any' && isSips(call)) party.signalling = 'tls'
  // What counts its packets begins anew there, and so must our key.
  if (party.sdp.srtp) party.sdp.spent = true
  moveIce(party)
  const { dialog } = party
  const known: CallOrder[] = dialog ? [{ type: 'dialog', leg: party, dialog }] : []
  return [...known, ...setSession(party)]
}

/** A party of which nothing is known transfers nothing. */
const unknown: CallParty = { kind: 'provider', id: null, transfer: 'deny' }

/** Whether a leg may be offered something: no INVITE is in the air, neither its own nor one for it. */
function isFree(call: Call, leg: Leg): boolean {
  const others = [otherOf(call, leg), call.joining?.from.transfer?.by]
  return mayReoffer(leg) && others.every((other) => !other?.pending)
}

/** Timer: a leg which was busy may be free by now. */
export function offerAgain(call: Call, leg: Leg, endpoint: SipEndpoint): CallOrder[] {
  const { joining } = call
  // With its flow it is offered what it was told before.
  const alone = joining || otherOf(call, leg) ? undefined : leg.sdp.sent?.said
  return joining?.state === 'waiting' && leg === joining.party
    ? partyComes(call, joining, endpoint)
    : offerTo(call, leg, endpoint, alone)
}

/** Offers a leg what the other one said; who comes finds no call on hold. */
function offerTo(call: Call, leg: Leg, endpoint: SipEndpoint, last?: RelayedSdp): CallOrder[] {
  if (!isFree(call, leg)) return [againIn(leg, busyMs)]
  const said = last ?? otherOf(call, leg)?.aimed?.said
  const offer = said && (call.joining?.state === 'joined' ? said : { ...said, sdp: resumed(said.sdp) })
  const sent = offer && rewriteFor(call, leg, offer, endpoint)
  const offers = sent ? reofferLeg(leg, sdpBytes(sent), endpoint) : []
  const comes = call.joining?.state === 'offered' && leg === call.joining.party
  if (offers.length === 0) return comes ? [stalledIn(leg, 0, 488)] : []
  return [...offers, comes ? stalledIn(leg, comesWithinMs, 408) : stalledIn(leg, timerCMs, 487)]
}

/** An offer of ours to a leg counts as answered by this status, if it is not answered in time. */
function stalledIn(leg: Leg, ms: number, status: number): CallOrder {
  return { type: 'set', ms, timer: { timer: 'stalledOffer', leg, status } }
}

/** Timer: no offer could be made, or it was heard of and never answered: it is taken back. */
export function offerStalled(
  call: Call,
  { leg, status }: CallEvents['stalledOffer'],
  endpoint: SipEndpoint,
): CallStep {
  const flow = reach(leg)?.flow
  const { refresh } = leg
  if (!refresh && status !== 488) return { effects: [] }
  const cancel: CallOrder[] =
    refresh && flow && isRefreshing(leg)
      ? [{ type: 'request', request: buildCancel(refresh, undefined), flow, role: { role: 'cancel' } }]
      : []
  return after([...dropRefresh(leg), ...cancel], offerRefused(call, leg, status, endpoint))
}

function againIn(leg: Leg, ms: number): CallOrder {
  return { type: 'set', ms, timer: { timer: 'reoffer', leg } }
}

/** What became of that. */
export function offerAnswered(call: Call, result: RefreshResult, endpoint: SipEndpoint): CallStep {
  const { orders: said, answer, againMs, refused } = reofferAnswered(result, endpoint)
  const over = answer !== undefined || againMs !== undefined || refused !== undefined
  const orders: CallOrder[] = over ? [...said, { type: 'stop', timer: 'stalledOffer', of: result.leg }] : said
  if (againMs !== undefined || refused !== undefined) takeBackOffer(result.leg)
  if (againMs !== undefined) return { effects: [...orders, againIn(result.leg, againMs)] }
  if (answer) return after(orders, taken(call, result.leg, answer, endpoint))
  if (refused === undefined) return { effects: orders }
  const step = offerRefused(call, result.leg, refused, endpoint)
  return { ...step, effects: [...orders, ...step.effects] }
}

/** A leg took what it was offered. With a party which was transferred to a flow that begins now. */
function taken(call: Call, leg: Leg, answer: Response, endpoint: SipEndpoint): CallStep {
  const { joining, flow } = call
  const follows = flow?.party === leg && joining?.state === 'offered' && leg === joining.party
  const effects = heard(call, leg, answer, endpoint)
  if (!follows) return { effects }
  flow.ours = (leg.aimed && spokenIn(call, leg.aimed.said, endpoint)) ?? flow.ours
  const begun: CallOrder = { type: 'onward', call, name: 'flowHappened', event: { type: 'begun' } }
  const quiet = noneAnswered(call, flow, endpoint)
  return { to: 'flow', effects: [...effects, ...quiet, listening(call), mayStay(aloneMs), begun] }
}

function heard(call: Call, leg: Leg, response: Response, endpoint: SipEndpoint): CallOrder[] {
  const { joining } = call
  const said = answerOf(response, endpoint, leg.sdp.sent, leg.secure)
  const sounds = said?.ok ? aim(call, leg, said.value, endpoint) : []
  if (joining?.state !== 'offered' || leg !== joining.party) return sounds
  const { type, from, replaced } = joining
  joining.state = 'joined'
  Object.assign(call.record, {
    transferredFrom: from.id,
    transferType: type,
    carried: carriedFrom(from, leg) ?? call.record.carried,
  })
  return [
    ...sounds,
    ...(replaced ? hangUpLeg(replaced, transferred, endpoint) : []),
    { type: 'onward', call: from, name: 'partyJoined', event: undefined },
    { type: 'tell' },
    ...aimedAnew(call, leg, endpoint),
    ...(said?.ok ? putRight(call, leg, said.value, endpoint) : []),
  ]
}

/** Payload types of who it speaks with may have to be turned into others now. */
function aimedAnew(call: Call, leg: Leg, endpoint: SipEndpoint): CallOrder[] {
  const other = otherOf(call, leg)
  return other ? aimAnew(call, other, endpoint) : []
}

/** Who it speaks with was told that it listens, or speaks, otherwise than it does, as one who was on hold: it is told anew. */
export function putRight(call: Call, leg: Leg, said: RelayedSdp, endpoint: SipEndpoint): CallOrder[] {
  const other = otherOf(call, leg)
  const last = other?.sdp.sent
  const wrong = last && directionTold(last) !== directionOf(said.sdp, mediaOf(said))
  return other && wrong ? offerTo(call, other, endpoint) : []
}

function directionTold(sent: SentSdp) {
  const sdp = readSdp(sent.text)
  const media = activeMedia(sent)
  return sdp && media && directionOf(sdp, media)
}

/** A party hangs up; one which was about to take another's place leaves that one there. */
export function partyGone(call: Call, leg: Leg, given: GivenReason, endpoint: SipEndpoint): CallStep {
  const { joining } = call
  const comes = joining?.state === 'offered' && joining.replaced !== undefined && leg === joining.party
  return comes ? offerRefused(call, leg, 481, endpoint) : partyLeft(call, leg, given, endpoint)
}

/** A leg does not take the offer: who came goes back where it can, and the session of any other stays as it was. */
function offerRefused(call: Call, leg: Leg, status: number, endpoint: SipEndpoint): CallStep {
  const { joining } = call
  const left = dropRefresh(leg)
  const gone = status === 481 || status === 408
  if (joining?.state !== 'offered' || leg !== joining.party)
    return gone && joinedLegs(call).includes(leg)
      ? after(left, lost(call, leg, status, endpoint))
      : { effects: left }
  call.joining = undefined
  const back: CallOrder = {
    type: 'onward',
    call: joining.from,
    name: 'partyReturned',
    event: { status: gone ? 480 : status, gone },
  }
  const goes = joining.alone ? left : [...left, back]
  if (joining.replaced) {
    call.joined[joining.side] = joining.replaced
    call.came = { ...call.came, [joining.side]: joining.before }
    // It is in no call any more; who says 481 knows that already.
    const stays = (joining.alone || gone) && status !== 481
    const byes = stays ? hangUpLeg(leg, { reason: `SIP;cause=${status}` }, endpoint) : []
    return { effects: [...byes, ...goes, ...setSession(joining.replaced)] }
  }
  if (gone) return after(goes, lost(call, leg, status, endpoint))
  if (!joining.alone) call.joined[joining.side] = undefined
  const why = `The transferred party did not take the offer of the new one: ${status}.`
  const ended = failed(cause('TRANSFER_FAILED', why))
  return after(goes, hangUp(call, 'system', { reason: `SIP;cause=${status}` }, endpoint, ended))
}

/** Who says 481 has no call any more; who says nothing may still have one. */
function lost(call: Call, leg: Leg, status: number, endpoint: SipEndpoint): CallStep {
  const ended = { reason: 'timeout', because: silentInside(sideOf(call, leg), 'INVITE') } as const
  const given = { reason: `SIP;cause=${status}` }
  return status === 481 ? hangUp(call, leg, given, endpoint) : hangUp(call, 'system', given, endpoint, ended)
}

/** The call which was transferred into this one is over, and its party with it. */
export function transferOff(call: Call, endpoint: SipEndpoint): CallStep {
  if (call.joining?.state !== 'waiting') return { effects: [] }
  const because = cause('TRANSFER_OFF', 'The party which was to be transferred here has hung up.')
  return hangUp(call, 'system', { reason: undefined }, endpoint, failed(because))
}
