import { uasDialog } from '../dialog/dialog.ts'
import { keyingFor, keysToAnswer, keysToOffer } from '../leg/keying.ts'
import { needsTurning, offering } from '../sdp/codecs.ts'
import { sdpBytes } from '../sdp/message-sdp.ts'
import { composeSdp, type SaidKeys, saysTheSame } from '../sdp/offer.ts'
import { canBeTurned } from '../sdp/opus.ts'
import { mediaOf, type RelayedSdp } from '../sdp/relayed.ts'
import { mediaAddressOf, type SipEndpoint, straightReachOf } from '../ua/endpoint.ts'
import type { CallOrder } from './call-step.ts'
import { withKeys } from './digits.ts'
import { offerOf } from './offer-answer.ts'
import type { Call } from './state.ts'
import { straightWords } from './straight.ts'
import { takesTurning } from './turned.ts'

/*
 * The session descriptions the caller is sent before and with the answer.
 *
 * A caller takes the first description under a To tag for the answer and ignores any other (RFC 3261 §13.2.1,
 * RFC 6337 §3.1.1). So where a provider forks, or says something else than it said before, the caller gets another
 * early dialog.
 */

/** No provider forks wider; the description of what comes then is not sent before the answer. */
const mostTags = 16

/**
 * The session description of a response which brings the caller this media, under the To tag which the caller's leg
 * then has. undefined where it can have none.
 */
export function sdpForCaller(
  call: Call,
  said: RelayedSdp,
  endpoint: SipEndpoint,
  when: 'early' | 'answer',
): { body: Uint8Array; orders: CallOrder[] } | undefined {
  const { caller } = call
  if (!caller.media || isUntellable(call, said, endpoint)) return undefined
  const agreed = agreedOn(call, said)
  if (agreed) return { body: sdpBytes(agreed.sent), orders: [] }
  const offer = offerOf(caller.invite, endpoint, caller.secure)
  const keyed = withKeys(call, caller, said, offer?.ok ? offer.value : undefined)
  const sound = offer
    ? keyed
    : offering(
        keyed,
        [],
        takesTurning(call, endpoint, () => needsTurning(keyed, [])),
      )
  if (!sound) return undefined
  const keys = offer?.ok
    ? keysToAnswer(caller, offer.value, endpoint)
    : keysToOffer(caller, keyingFor(caller, said), endpoint)
  const [us, answered] = [mediaAddressOf(endpoint), offer?.ok ? offer.value : undefined]
  const words = straightWords(call, caller, said, {
    offer: answered,
    keys,
    reach: straightReachOf(endpoint),
    us,
  })
  const isTurned = () => answered !== undefined && canBeTurned(mediaOf(answered), mediaOf(sound))
  const turns = !words.straight && takesTurning(call, endpoint, isTurned)
  const leg = { address: us, port: caller.media.port, id: caller.sdp.id, keys, turns, ...words }
  const sent = composeSdp(caller.sdp.sent, sound, leg, answered)
  const known = caller.told.find((told) => saysTheSame(told.sent, sent))
  if (!known && when === 'early' && caller.told.length >= mostTags) return undefined
  const told = known ?? { tag: freeTag(call, endpoint), sent, said }
  if (!known) caller.told = caller.told.concat(told)
  const orders: CallOrder[] =
    told.tag === caller.localTag
      ? []
      : [{ type: 'dialog', leg: caller, dialog: uasDialog(caller.invite, told.tag) }]
  caller.localTag = told.tag
  caller.sdp.sent = told.sent
  return { body: sdpBytes(told.sent), orders }
}

/** Whether it would name to the caller what that never offered (RFC 3264 §6.1), for its codec would have to be turned and is not. */
export function isUntellable(call: Call, said: RelayedSdp, endpoint: SipEndpoint): boolean {
  const { caller } = call
  const offer = agreedOn(call, said) ? undefined : offerOf(caller.invite, endpoint, caller.secure)
  if (!offer?.ok) return false
  const us = mediaAddressOf(endpoint)
  const words = { offer: offer.value, keys: unkeyed, reach: straightReachOf(endpoint), us }
  if (straightWords(call, caller, said, words).straight) return false
  const sound = withKeys(call, caller, said, offer.value)
  const isTurned = canBeTurned(mediaOf(offer.value), mediaOf(sound))
  return isTurned && !takesTurning(call, endpoint, () => true)
}

const unkeyed: SaidKeys = { lines: [], strict: false }

/** What the caller has acknowledged already, where that is what it would be told. */
function agreedOn({ caller }: Call, said: RelayedSdp) {
  const agreed = caller.told.find((told) => told.tag === caller.reliable?.settled && told.said === said)
  return agreed?.tag === caller.localTag ? agreed : undefined
}

/** The tag the caller knows already, as long as it brought no description. */
function freeTag({ caller }: Call, { entropy }: SipEndpoint): string {
  return caller.told.some(({ tag }) => tag === caller.localTag) ? entropy.hex(8) : caller.localTag
}
