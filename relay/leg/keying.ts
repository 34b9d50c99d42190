import type { Entropy } from '../ground/effects.ts'
import type { SrtpKeys } from '../ground/media.ts'
import type { Media } from '../sdp/description.ts'
import { activeMedia, type SaidKeys } from '../sdp/offer.ts'
import { isBlind, isSecure, mediaOf, type RelayedSdp } from '../sdp/relayed.ts'
import {
  agreedOn,
  type CryptoLine,
  cryptosOf,
  cryptosToOffer,
  cryptoToAnswer,
  keyOf,
  type SecretMaker,
} from '../sdp/sdes.ts'
import type { Leg } from './leg.ts'

/*
 * The keys between a leg and us (SDES, RFC 4568): each leg has its own, whatever the other one has.
 */

/** What keys are made of. */
interface Dice {
  readonly entropy: Entropy
}

/** How sound is offered: plain, encrypted where the other party likes (RFC 8643), or encrypted alone. */
export type Keying = 'plain' | 'either' | 'strict'

/** How a description has it. */
export function keyingOf(media: Media): Keying {
  if (isBlind(media)) return 'plain'
  if (isSecure(media)) return 'strict'
  return cryptosOf(media).length > 0 ? 'either' : 'plain'
}

/** How a leg is offered what another `said`: as its policy has it, as it is agreed on already, else as that has it. */
export function keyingFor({ secure, sdp, aimed }: Leg, said: RelayedSdp): Keying {
  if (secure === 'required') return 'strict'
  if (secure === 'off') return 'plain'
  const sent = activeMedia(sdp.sent)
  if (sent === undefined) return keyingOf(mediaOf(said))
  return aimed !== undefined && sdp.srtp === undefined ? 'plain' : keyingOf(sent)
}

/** The keys a leg is offered. */
export function keysToOffer({ sdp }: Leg, keying: Keying, { entropy }: Dice): SaidKeys {
  const strict = keying === 'strict'
  if (keying === 'plain') return { lines: say(sdp, []), strict }
  const before = sdp.spent ? { ours: [], agreed: undefined } : { ours: sdp.lines, agreed: sdp.srtp }
  return { lines: say(sdp, cryptosToOffer(before, secretMaker(entropy))), strict }
}

/** The key a leg's offer is answered with; the same offer gets the same. */
export function keysToAnswer({ secure, sdp }: Leg, offer: RelayedSdp, { entropy }: Dice): SaidKeys {
  const offered = secure === 'off' ? [] : cryptosOf(mediaOf(offer))
  const [theirs] = offered
  const ours = cryptoToAnswer(offered, sdp.spent ? undefined : sdp.srtp, secretMaker(entropy))
  if (ours !== undefined && theirs !== undefined) {
    sdp.srtp = { theirs: keyOf(theirs), ours: keyOf(ours) }
    sdp.spent = false
  }
  sdp.lines = ours === undefined ? [] : [ours]
  return { lines: sdp.lines, strict: false }
}

/** The keys by which a leg is heard from now on, by what it said to what it was told; undefined: it is heard without. */
export function agree({ sdp }: Leg, said: RelayedSdp): SrtpKeys | undefined {
  const keys = agreedOn(cryptosOf(mediaOf(said)), sdp.lines)
  sdp.spent = keys === undefined && (sdp.spent || sdp.srtp !== undefined)
  sdp.srtp = keys
  return keys
}

function say(sdp: Leg['sdp'], lines: readonly CryptoLine[]): readonly CryptoLine[] {
  sdp.lines = lines
  sdp.spent = false
  return lines
}

function secretMaker(entropy: Entropy): SecretMaker {
  return (bytes) => {
    const hex = entropy.hex(bytes)
    return Uint8Array.from({ length: bytes }, (_, i) => Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16))
  }
}
