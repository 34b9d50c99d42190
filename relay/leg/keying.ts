import type { Entropy } from '../ground/effects.ts'
import type { SrtpKeys } from '../ground/media.ts'
import { none } from '../ground/none.ts'
import type { Media } from '../sdp/description.ts'
import { isDtls } from '../sdp/ice.ts'
import { sdpOf } from '../sdp/message-sdp.ts'
import { activeMedia, type SaidKeys } from '../sdp/offer.ts'
import { isBlind, isSecure, mediaOf, type RelayedSdp } from '../sdp/relayed.ts'
import { agreedOn, cryptosOf, cryptosToOffer, cryptoToAnswer, keyOf, type SecretMaker } from '../sdp/sdes.ts'
import type { Response } from '../sip/message.ts'
import { type IceDice, iceToAnswer, iceToOffer, isBrowser } from './ice.ts'
import type { Keying, Leg, UacLeg } from './leg.ts'

/*
 * The keys between a leg and us (SDES, RFC 4568): each leg has its own, whatever the other one has.
 */

/** How a description has it. */
function keyingOf(media: Media): Keying {
  if (isBlind(media)) return 'plain'
  if (isDtls(media)) return 'dtls'
  if (isSecure(media)) return 'strict'
  return cryptosOf(media).length > 0 ? 'either' : 'plain'
}

/** How a leg is offered what another `said`: as its policy has it, as it is agreed on already, else as that has it. */
export function keyingFor({ secure, sdp, aimed, flow }: Leg, said: RelayedSdp): Keying {
  const sent = activeMedia(sdp.sent)
  if (secure === 'off') return 'plain'
  if (sent === undefined ? isBrowser(flow) : isDtls(sent)) return 'dtls'
  if (secure === 'required') return 'strict'
  if (sent === undefined) return keyingOnto(said)
  if (isBlind(sent)) return sdp.sound ?? keyingOnto(said)
  return aimed !== undefined && sdp.srtp === undefined ? 'plain' : keyingOf(sent)
}

/** As another party has it; how browsers have it is for browsers alone. */
function keyingOnto(said: RelayedSdp): Keying {
  const keying = keyingOf(mediaOf(said))
  return keying === 'dtls' ? 'plain' : keying
}

/** The keys a leg is offered. */
export function keysToOffer(leg: Leg, keying: Keying, dice: IceDice): SaidKeys {
  const { sdp } = leg
  const ice = keying === 'dtls' ? iceToOffer(leg, dice) : undefined
  if (ice) sdp.lines = none
  if (ice) return { lines: [], strict: true, ice }
  const strict = keying === 'strict'
  const before = sdp.spent ? { ours: [], agreed: undefined } : { ours: sdp.lines, agreed: sdp.srtp }
  // Spent keys are so until others are agreed on: an offer may be refused, or cross another.
  const isPlain = keying === 'plain' || keying === 'dtls'
  sdp.lines = isPlain ? none : cryptosToOffer(before, secretMaker(dice.entropy))
  return { lines: sdp.lines, strict }
}

/** The key a leg's offer is answered with; the same offer gets the same. */
export function keysToAnswer(leg: Leg, offer: RelayedSdp, dice: IceDice): SaidKeys {
  const { secure, sdp } = leg
  const { entropy } = dice
  const ice = iceToAnswer(leg, offer, dice)
  const offered = secure === 'off' ? [] : cryptosOf(mediaOf(offer))
  const [theirs] = offered
  const ours = cryptoToAnswer(offered, sdp.spent ? undefined : sdp.srtp, secretMaker(entropy))
  if (ours !== undefined && theirs !== undefined) {
    sdp.srtp = { theirs: keyOf(theirs), ours: keyOf(ours) }
    sdp.spent = false
  }
  sdp.lines = ours === undefined ? none : [ours]
  return ice ? { lines: [], strict: false, ice } : { lines: sdp.lines, strict: false }
}

/** The keys by which a leg is heard from now on, by what it said to what it was told; undefined: it is heard without. */
export function agree({ sdp }: Leg, said: RelayedSdp): SrtpKeys | undefined {
  const keys = agreedOn(cryptosOf(mediaOf(said)), sdp.lines)
  sdp.spent = keys === undefined && (sdp.spent || sdp.srtp !== undefined)
  sdp.srtp = keys
  if (!isBlind(mediaOf(said))) sdp.sound = keys === undefined ? keyless(said) : keyingOf(soundOf(sdp, said))
  return keys
}

function keyless(said: RelayedSdp): Keying {
  return isDtls(mediaOf(said)) ? 'dtls' : 'plain'
}

/** The m-line of sound as a leg was sent it; before that, as it offered it. */
function soundOf({ sent }: Leg['sdp'], said: RelayedSdp): Media {
  const media = activeMedia(sent)
  return media === undefined || isBlind(media) ? mediaOf(said) : media
}

/**
 * Who refuses sound as it was offered is offered it once more in the other way, unless that is forbidden: to who knows no
 * SRTP as RTP with keys it may ignore (RFC 8643), to who wants nothing else as SRTP. So the next INVITE of the leg is to
 * have it, under the next number. undefined: there is no other way.
 */
export function otherKeying(leg: UacLeg, response: Response): Keying | undefined {
  const sent = activeMedia(leg.sdp.sent)
  if (leg.secure !== 'allowed' || leg.reoffered || !sent || isBlind(sent)) return undefined
  const was = keyingOf(sent)
  // A phone is not the less refused for being asked twice; to a carrier 488 has many reasons.
  const strict = was === 'strict' || was === 'dtls'
  const wants = strict || !leg.trusted || asksForKeys(response)
  if (!refusesKeys(response.status) || !wants) return undefined
  leg.reoffered = true
  leg.cseq++
  return strict ? 'either' : 'strict'
}

/** Whether an answer may mean that sound is not wanted in the way it was offered (RFC 3261 §21.4.13, §21.4.26, §21.6.4). */
export function refusesKeys(status: number): boolean {
  return status === 488 || status === 415 || status === 606
}

/** Whether a refusal says that it is for want of encryption. */
export function asksForKeys(response: Response): boolean {
  const words = [response.reason, ...response.all('warning')].join(' ')
  return /srtp|savp|sdes|crypto|encrypt|secur/i.test(words) || /RTP\/SAVP/.test(sdpText(response))
}

function sdpText(response: Response): string {
  return (
    sdpOf(response)
      ?.media.map(({ proto }) => proto.toUpperCase())
      .join(' ') ?? ''
  )
}

function secretMaker(entropy: Entropy): SecretMaker {
  return (bytes) => {
    const hex = entropy.hex(bytes)
    return Uint8Array.from({ length: bytes }, (_, i) => Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16))
  }
}
