import type { FlowOrder } from '#flows'
import type { PlayedSound } from '../ground/media.ts'
import type { UasLeg } from '../leg/leg.ts'
import { holdsAnswer, sendProvisional } from '../leg/reliable.ts'
import { codecs, keepCodecs, needsTurning, offering } from '../sdp/codecs.ts'
import { resumed } from '../sdp/description.ts'
import { hasSdp } from '../sdp/message-sdp.ts'
import { ourSound } from '../sdp/ours.ts'
import type { RelayedSdp } from '../sdp/relayed.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { answerCaller } from './answered.ts'
import type { CallOrder } from './call-step.ts'
import { sdpForCaller } from './early-dialogs.ts'
import type { AskedSound } from './flow-call.ts'
import { aloneMs, mayStay } from './flow-time.ts'
import { offerOf } from './offer-answer.ts'
import { isAnswered } from './sides.ts'
import type { Call, FlowCall, Side } from './state.ts'
import { takesTurning } from './turned.ts'

/*
 * What a caller hears of a flow. It is answered by G.711, which is what sounds are played in, and whom it is connected with is
 * offered the same: so the caller need be told nothing more when the other party comes, or has left.
 */

/** Codecs in which sounds are played. */
const spoken = ['PCMU', 'PCMA']

/**
 * What a caller is told of the sound here: as much of its offer as is played, or an offer of ours where it made none. undefined:
 * nothing of it is.
 */
export function ownSound(call: Call, leg: UasLeg, endpoint: SipEndpoint): RelayedSdp | undefined {
  const offer = offerOf(leg.invite, endpoint, leg.secure)
  return offer ? (offer.ok ? spokenIn(call, offer.value, endpoint) : undefined) : ourSound
}

/** As much of what a party says as is played, or what its Opus becomes, on hold or not. undefined: nothing of it is. */
export function spokenIn(call: Call, said: RelayedSdp, endpoint: SipEndpoint): RelayedSdp | undefined {
  const names = codecs(said.sdp).filter((name) => spoken.includes(name))
  const meant = { ...said, sdp: resumed(said.sdp) }
  if (names.length > 0) return keepCodecs(meant, names)
  return takesTurning(call, endpoint, () => needsTurning(meant, spoken))
    ? offering(meant, spoken, true)
    : undefined
}

/** On which side the party is whom a flow is with. */
export function flowSide({ flow }: Call): Side {
  return flow?.side ?? 'caller'
}

/** What an answer of ours comes to. */
export type Answering = 'answered' | 'offered' | 'held' | 'no_codec'

/** Whether the caller has said where it is heard, by its INVITE or a PRACK, before it is answered. */
export function hasSaid({ invite, reliable, localTag }: UasLeg): boolean {
  return hasSdp(invite) || reliable?.answers.has(localTag) === true
}

/** Answers the caller in the flow's name, once it has acknowledged what it was told before. */
export function answerByFlow(
  call: Call,
  flow: FlowCall,
  endpoint: SipEndpoint,
): { readonly came: Answering; readonly orders: readonly CallOrder[] } {
  if (isAnswered(call)) return { came: 'answered', orders: [] }
  const { ours } = flow
  if (!ours) return { came: 'no_codec', orders: [] }
  flow.answerHeld = holdsAnswer(call.caller)
  if (flow.answerHeld) return { came: 'held', orders: [] }
  flow.answerOffered = !hasSaid(call.caller)
  const orders = [...answerCaller(call, ours, endpoint), mayStay(aloneMs), { type: 'tell' } as const]
  if (flow.answerOffered) return { came: 'offered', orders }
  return { came: 'answered', orders: [...orders, listening(call)] }
}

/** A caller who is answered is to be heard, whatever is played to it. */
export function listening(call: Call): CallOrder {
  return { type: 'media', command: { type: 'listen', session: call.session, side: flowSide(call) } }
}

/** Begins to bring the sounds of a play here, and plays them at once where nothing is to be brought. */
export function playSounds(
  call: Call,
  flow: FlowCall,
  { play, sounds }: Extract<FlowOrder, { type: 'play' }>,
  endpoint: SipEndpoint,
): CallOrder[] | { readonly why: string } {
  const early = letHear(call, flow, endpoint)
  if ('why' in early) return early
  const asked: AskedSound[] = []
  const known = sounds.map((sound, at) => {
    if (sound.kind === 'tone') return sound
    asked.push({ play, at, sound })
    return undefined
  })
  const waiting = { sounds: known, missing: asked.length, why: undefined }
  if (asked.length === 0) return [...early, ...playing(call, play, known)]
  flow.plays.set(play, waiting)
  return [...early, ...asked.map((one): CallOrder => ({ type: 'sound', asked: one }))]
}

/** A caller who was not answered hears it before the answer (RFC 3960), where it has said how. */
function letHear(call: Call, flow: FlowCall, endpoint: SipEndpoint): CallOrder[] | { readonly why: string } {
  const { caller } = call
  if (!flow.ours) return { why: 'the caller speaks neither PCMU nor PCMA' }
  if (flow.early || isAnswered(call)) return []
  const sound = hasSdp(caller.invite) ? sdpForCaller(call, flow.ours, endpoint, 'early') : undefined
  if (!sound) return { why: 'the caller is not answered, and has not said where it is heard' }
  flow.early = true
  call.rang = true
  return [...sound.orders, ...sendProvisional(caller, endpoint, 183, sound.body, false)]
}

/** A sound is here, or is not to be had; when none is missing what there is is played. */
export function soundArrived(
  call: Call,
  flow: FlowCall,
  { play, at }: AskedSound,
  found: PlayedSound | string,
): CallOrder[] | { readonly why: string } {
  const waiting = flow.plays.get(play)
  if (!waiting) return []
  if (typeof found === 'string') waiting.why ??= found
  else waiting.sounds[at] = found
  if (--waiting.missing > 0) return []
  flow.plays.delete(play)
  const orders = playing(call, play, waiting.sounds)
  return orders.length > 0 ? orders : { why: waiting.why ?? 'there is nothing to be played' }
}

function playing(call: Call, play: number, sounds: readonly (PlayedSound | undefined)[]): CallOrder[] {
  const there = sounds.filter((sound) => sound !== undefined)
  if (there.length === 0) return []
  const at = { session: call.session, side: flowSide(call) }
  return [{ type: 'media', command: { type: 'play', ...at, play, sounds: there } }]
}

/** Stops what is played to the caller, or was to be. */
export function stopPlaying({ session }: Call, flow: FlowCall, play: number): CallOrder[] {
  if (flow.plays.delete(play)) return []
  return [{ type: 'media', command: { type: 'stop-play', session, side: flow.side, play } }]
}

/** What a caller hears while another phone rings: 425 Hz, a second of five. */
const ringing: readonly PlayedSound[] = [
  { kind: 'tone', hz: [425], ms: 1_000 },
  { kind: 'silence', ms: 4_000 },
]
/** Numbers of ringings are above those of what flows play. */
const ringingsFrom = 1_000_000

/** An answered caller hears that a phone rings. */
export function ringOn({ session }: Call, flow: FlowCall): CallOrder[] {
  if (flow.ringing !== undefined) return []
  flow.ringing = ringingsFrom + ++flow.ringings
  const { ringing: play } = flow
  return [
    { type: 'media', command: { type: 'play', session, side: flow.side, play, sounds: ringing, loop: true } },
  ]
}

/** And hears that no longer. */
export function hushRinging(call: Call, flow: FlowCall): CallOrder[] {
  const { ringing: play } = flow
  flow.ringing = undefined
  return play === undefined ? [] : stopPlaying(call, flow, play)
}
