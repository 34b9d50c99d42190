import type { SecurePolicy } from '#contract'
import { hostPort } from '../ground/flow.ts'
import type { Aim, MediaCommand, PayloadChange } from '../ground/media.ts'
import { none } from '../ground/none.ts'
import { iceAimOf } from '../leg/ice.ts'
import { agree, keyingFor, keysToAnswer, keysToOffer } from '../leg/keying.ts'
import type { AimedMedia, InDialogRequest, Keying, Leg } from '../leg/leg.ts'
import { isOpenTo } from '../leg/path.ts'
import { aimOf } from '../media/aim.ts'
import { codecs, needsTurning, offering } from '../sdp/codecs.ts'
import { hasSdp, sdpOf } from '../sdp/message-sdp.ts'
import { payloadChanges, withOtherLaw } from '../sdp/numbering.ts'
import { activeMedia, composeSdp, type SaidKeys, type SentSdp, saidAgain } from '../sdp/offer.ts'
import { canBeTurned } from '../sdp/opus.ts'
import { playedCodecOf } from '../sdp/played.ts'
import {
  hostOf,
  mediaOf,
  type RelayedSdp,
  relayed,
  type SdpResult,
  type UnusableSdp,
} from '../sdp/relayed.ts'
import { phoneIn } from '../sdp/straight.ts'
import { g711Of } from '../sdp/tones.ts'
import { quote } from '../sip/grammar.ts'
import type { Header, Message, Request } from '../sip/message.ts'
import { mediaAddressOf, type SipEndpoint, straightReachOf } from '../ua/endpoint.ts'
import type { CallEvents } from './call-events.ts'
import type { CallOrder } from './call-step.ts'
import { digitAimOf, spokenBy, withKeys } from './digits.ts'
import { sipReason } from './reason.ts'
import { firstLeg, heardAt, opposite, sideOf } from './sides.ts'
import type { Call } from './state.ts'
import { isPast, straightWords } from './straight.ts'
import { inside, isOfferedOpus, opusAimOf, takesTurning } from './turned.ts'

/** The encoding names a message's SDP offers, best first; none without SDP. */
export function codecsOf(message: Message): string[] {
  const sdp = sdpOf(message)
  return sdp ? codecs(sdp) : []
}

/** What a party offers whose sound is to be as `secure` says; undefined: the message brings no SDP, and leaves the offer to the other side. */
export function offerOf(
  message: Message,
  endpoint: SipEndpoint,
  secure: SecurePolicy,
): SdpResult | undefined {
  if (!hasSdp(message)) return undefined
  return relayed(sdpOf(message), { address: mediaAddressOf(endpoint), secure, dtls: dtlsOf(endpoint) })
}

/** What a party answers to what was `sent` to it, or offers by its 2xx; undefined: the message brings no SDP. */
export function answerOf(
  message: Message,
  endpoint: SipEndpoint,
  sent: SentSdp | undefined,
  secure: SecurePolicy,
): SdpResult | undefined {
  if (!hasSdp(message)) return undefined
  const [address, dtls] = [mediaAddressOf(endpoint), dtlsOf(endpoint)]
  return relayed(sdpOf(message), { address, answered: true, offered: activeMedia(sent), secure, dtls })
}

/** Whether browsers are understood; words: why not. */
function dtlsOf({ dtls }: SipEndpoint): true | string | undefined {
  return typeof dtls === 'object' ? true : dtls
}

/** What a rewritten description is to be. */
interface RewriteTerms {
  /** What it answers; undefined: it is an offer. */
  readonly offer?: RelayedSdp | undefined
  /** Encoding names to keep; empty keeps all. */
  readonly only?: readonly string[]
  /** How an offer has keys. */
  readonly keying?: Keying
}

/**
 * What one leg said as another shall hear it: our address, our port, our origin. `offer`: that leg's
 * own, which this answers. `only` keeps these codecs; undefined comes back when none is left, or none without turning which is
 * not to be had.
 */
export function rewriteFor(
  call: Call,
  to: Leg,
  said: RelayedSdp,
  endpoint: SipEndpoint,
  { offer, only = [], keying = keyingFor(to, said) }: RewriteTerms = {},
): SentSdp | undefined {
  const sound = withKeys(call, to, said, offer)
  const us = mediaAddressOf(endpoint)
  // What goes past us we turn into nothing else.
  const past = straightWords(call, to, said, { offer, keys: unkeyed, reach: endpoint.straight, us }).straight
  const names = endpoint.opus === true && !past && isOfferedOpus(to, mediaOf(sound)) ? ['OPUS'] : only
  const isTurned = () => (offer ? canBeTurned(mediaOf(offer), mediaOf(sound)) : needsTurning(sound, names))
  const turns = !past && takesTurning(call, endpoint, isTurned)
  // In an answer stands nothing which was not offered (RFC 3264 §6.1).
  if (offer && !past && !turns && isTurned()) return undefined
  const kept = offer || past ? sound : offering(sound, names, turns)
  if (!kept || !to.media) return undefined
  to.sdp.before = offer ? undefined : { sent: to.sdp.sent, lines: to.sdp.lines }
  const keys = offer ? keysToAnswer(to, offer, endpoint) : keysToOffer(to, keying, endpoint)
  const words = straightWords(call, to, said, { offer, keys, reach: straightReachOf(endpoint), us })
  const leg = { address: us, port: to.media.port, id: to.sdp.id, keys, turns, ...words }
  to.sdp.sent = composeSdp(to.sdp.sent, kept, leg, offer)
  return to.sdp.sent
}

const unkeyed: SaidKeys = { lines: [], strict: false }

/** What a leg was offered is refused: what was agreed on before stands, keys and all, and a repetition says that. */
export function takeBackOffer({ sdp }: Leg): void {
  const { sent, before } = sdp
  if (!sent || !before?.sent) return
  sdp.lines = before.lines
  sdp.sent = saidAgain(before.sent, sent)
  sdp.before = undefined
}

/** Tells the media thread where a leg listens and from where it may speak; a host it names is looked up. */
export function aim(call: Call, leg: Leg, said: RelayedSdp, endpoint: SipEndpoint): CallOrder[] {
  const { flow, trusted } = leg
  if (!flow) return []
  // Branches have one place of the media thread's: the last which is aimed at is heard there.
  const side = sideOf(call, leg)
  for (const other of call.branches) if (other.side === side) other.aimed = undefined
  const [srtp, ice] = [agree(leg, said), iceAimOf(leg, said)]
  const past = isPast(call, leg, said, straightReachOf(endpoint))
  leg.aimed = { said, flow, trusted, changes: none, digits: undefined, opus: undefined, srtp, ice, past }
  return [...(past ? [] : callerHeard(call, leg, endpoint)), ...aimed(call, leg, leg.aimed, endpoint)]
}

/** A relay which hands a call on has a part in our sound as soon as a phone has. */
function callerHeard(call: Call, phone: Leg, endpoint: SipEndpoint): CallOrder[] {
  const { caller } = call
  if (caller === phone || !caller.aimed?.past) return []
  caller.aimed.past = false
  return aimed(call, caller, caller.aimed, endpoint)
}

/** A leg said nothing new, but signals from elsewhere by now, or speaks with another: it keeps its keys. */
export function aimAnew(call: Call, leg: Leg, endpoint: SipEndpoint): CallOrder[] {
  const { flow } = leg
  if (!flow || !leg.aimed) return []
  leg.aimed = { ...leg.aimed, flow }
  return aimed(call, leg, leg.aimed, endpoint)
}

function aimed(call: Call, leg: Leg, media: AimedMedia, endpoint: SipEndpoint): CallOrder[] {
  const { said, flow, srtp, ice } = media
  if (media.past) return []
  // Whatever led here: what has to be encrypted never leaves in the open.
  if (leg.secure === 'required' && !srtp && !ice) return []
  const host = hostOf(said)
  const known = host === undefined ? undefined : call.hosts?.get(host)
  const ask: CallOrder[] = host !== undefined && known === undefined ? [{ type: 'resolve', leg, host }] : []
  // A phone at another relay is to us what it is there: heard from where it signals.
  const phone = flow.neighbour === undefined ? undefined : phoneIn(said)
  const target = aimOf(said, {
    signalling: phone ?? flow.address,
    trusted: media.trusted && phone === undefined,
    found: known?.address,
    us: mediaAddressOf(endpoint),
    described: endpoint.mediaAddress !== undefined,
  })
  if (!target || !leg.media) return ask
  media.changes = changesFor(call, leg, said)
  media.digits = digitAimOf(call, leg, said)
  media.opus = opusAimOf(call, leg)
  const { session, side } = leg.media
  const told = activeMedia(leg.sdp.sent)
  const plays = playedCodecOf(inside(call, leg, mediaOf(said)), told && inside(call, leg, told))
  const stages = {
    ...(plays && { plays }),
    ...(media.changes.length > 0 && { rewrite: media.changes }),
    ...(media.digits && { digits: media.digits }),
    ...spokenOf(call, leg),
    ...(media.opus && { opus: media.opus }),
    ...(srtp && { srtp }),
    ...(ice && { ice }),
  }
  const command: MediaCommand = { type: 'aim', session, side, aim: { ...target, ...stages } }
  const waits = phone !== undefined && !target.quiet && !leg.spoke && !leg.detours
  const detour: CallOrder[] = waits ? [{ type: 'set', ms: straightMs, timer: { timer: 'detour', leg } }] : []
  return [{ type: 'media', command }, ...ask, ...detour]
}

/** How long a phone at another relay may take to be heard straight, ms. */
const straightMs = 2_000

/** By which payload types a leg's sound can be recorded; none where they are the usual ones. */
function spokenOf(call: Call, leg: Leg): Pick<Aim, 'spoken'> {
  const spoken = g711Of(spokenBy(call, leg))
  const isUsual = spoken.every(({ type, law }) => type === (law === 'PCMU' ? 0 : 8))
  return isUsual && spoken.length > 0 ? {} : { spoken }
}

/** What is done to the packets of the other side before they go to this one; one which was told nothing will be offered what this one said. */
function changesFor(call: Call, leg: Leg, said: RelayedSdp): readonly PayloadChange[] {
  const heard = inside(call, leg, mediaOf(said))
  const partner = heardAt(call, opposite(sideOf(call, leg)))
  const told = inside(call, partner, activeMedia(partner?.sdp.sent) ?? withOtherLaw(heard))
  const own = partner?.aimed && inside(call, partner, mediaOf(partner.aimed.said))
  return payloadChanges({ told, own }, heard)
}

/** The party which was there first is aimed again where the callee, now that it is heard, numbers codecs in another way than it was told. */
export function aimFirstAnew(call: Call, endpoint: SipEndpoint): CallOrder[] {
  const leg = firstLeg(call)
  if (!leg.aimed) return []
  const { said, changes, digits, opus } = leg.aimed
  const anew = [changesFor(call, leg, said), digitAimOf(call, leg, said), opusAimOf(call, leg)]
  const same = JSON.stringify(anew) === JSON.stringify([changes, digits, opus])
  return same ? [] : aimed(call, leg, leg.aimed, endpoint)
}

/** The host a leg named was looked up: what it said last is aimed at again, unless it has said something else since. */
export function aimAgain(
  call: Call,
  { leg, host }: CallEvents['resolved'],
  endpoint: SipEndpoint,
): CallOrder[] {
  const last = leg.aimed
  if (!last || hostOf(last.said) !== host || call.hosts?.get(host)?.address === undefined) return []
  return aimed(call, leg, last, endpoint)
}

/** Why an offer cannot be served: what it says, or that its host leads nowhere. A phone is heard from where it signals. */
export function faultOf(call: Call, offer: SdpResult | undefined, trusted: boolean): UnusableSdp | undefined {
  if (!offer?.ok) return offer?.fault
  const host = hostOf(offer.value)
  const found = host !== undefined && trusted ? call.hosts?.get(host) : undefined
  return found && found.address === undefined ? { status: 488, code: 301, why: found.why } : undefined
}

/** Why no offer is taken, nor made, where a request came from: keys could be read there which must not be. */
export function inTheOpen({ leg, source }: InDialogRequest): UnusableSdp | undefined {
  return isOpenTo(leg, source) ? { status: 488, code: 399, why: 'calls are to come over TLS' } : undefined
}

/**
 * The host a leg's offer names, which has to be looked up before anything is said to it. undefined where it names none,
 * or one which was looked up.
 */
export function unknownHost(
  call: Call,
  { secure }: Leg,
  request: Request,
  endpoint: SipEndpoint,
): string | undefined {
  const offer = offerOf(request, endpoint, secure)
  const host = offer?.ok ? hostOf(offer.value) : undefined
  return host !== undefined && call.hosts?.get(host) === undefined ? host : undefined
}

/** Goes with a refusal: what is in the way (RFC 3261 §20.43), on one line. */
export function warning({ address, port }: SipEndpoint, code: number, text: string): Header {
  return ['warning', `${code} ${hostPort(address, port)} ${quote(text.replace(/\p{Cc}+/gu, ' '))}`]
}

/** Incompatible media format. */
export function noCodec(endpoint: SipEndpoint): Header {
  return warning(endpoint, 305, 'no codec is left that both sides speak')
}

/** Says why a description is refused, to persons and to machines. */
export function refusalWords({ status, code, why }: UnusableSdp, endpoint: SipEndpoint): Header[] {
  return [sipReason(status, why), warning(endpoint, code, why)]
}
