import { reachOf } from '#routing'
import { readSocketAddress } from '../ground/socket-address.ts'
import { connectionOf } from './description.ts'
import { isDtls } from './ice.ts'
import { isBlind, isNowhere, isSecure, mediaOf, type RelayedSdp } from './relayed.ts'
import { cryptosOf } from './sdes.ts'

/*
 * Sound which goes straight between a phone and the relay of the fleet where its call is, past the relay where it registered.
 * What relays say of that to one another stands in a description's session name (RFC 8866 §5.3): no relay, of whatever
 * version, has ever passed on a party's, so no party can say it.
 */

const word = 'trunkline-straight'

/** Of an offer which its reader may give a phone as it stands. */
export const straightAllowed = word

/** Of a description which is a phone's own, by the address that signals from. */
export function straightTo(signalling: string): string {
  return `${word} ${signalling}`
}

/** Whether another relay's offer may be given to a phone as it stands: it is plain sound, and says so. */
export function mayGoStraight(offer: RelayedSdp): boolean {
  return offer.sdp.session.includes(`s=${word}`) && isPlain(offer)
}

/** Whether no keys are to be agreed on for it, which each leg has of its own. */
export function isPlain(said: RelayedSdp): boolean {
  const media = mediaOf(said)
  return !isDtls(media) && !isSecure(media) && cryptosOf(media).length === 0
}

/** The address from which a phone signals to the relay that passed its description on; undefined: it is that relay's own. */
export function phoneIn({ sdp }: RelayedSdp): string | undefined {
  const name = sdp.session.find((line) => line.startsWith(`s=${word} `))
  return name && readSocketAddress(name.slice(word.length + 3))?.address
}

/** How far apart a phone and a relay may be: both at public addresses, or in networks where each reaches the other. */
export type StraightReach = 'public' | 'any'

/** Whether a phone which signals from an address can send to where another relay wants the sound, and be sent some. */
export function isInReach(offer: RelayedSdp, signalling: string, reach: StraightReach): boolean {
  const named = connectionOf(offer.sdp, mediaOf(offer))
  const [relay, phone] = [readSocketAddress(named ?? ''), readSocketAddress(signalling)]
  if (!relay || !phone || isNowhere(named) || relay.isIPv4 !== phone.isIPv4 || isBlind(mediaOf(offer)))
    return false
  const [there, here] = [reachOf(relay.address), reachOf(phone.address)]
  return there === here && (here === 'public' || (reach === 'any' && here !== 'none'))
}
