import type { OpusAim } from '../ground/media.ts'
import type { Media } from '../sdp/description.ts'
import { sdpOf } from '../sdp/message-sdp.ts'
import { activeMedia } from '../sdp/offer.ts'
import { insideOf, isOpusAlone, opusAimFrom, takesOpus } from '../sdp/opus.ts'
import { audioLine, mediaOf } from '../sdp/relayed.ts'
import { heardAt, opposite, sideOf } from './sides.ts'
import type { Call } from './state.ts'

/*
 * A codec in common passes as it is. Only where one party speaks Opus alone, and the other, or a flow, does not, its Opus is
 * turned into G.711 where it comes in, and back where it leaves: so all else here hears G.711 of both.
 */

type CallLeg = NonNullable<Call['joined']['caller']>

/** Whether a leg's Opus is turned, as things stand. */
export function isTurned(call: Call, leg: CallLeg): boolean {
  const own = leg.aimed && mediaOf(leg.aimed.said)
  if (!own || !isOpusAlone(own, activeMedia(leg.sdp.sent))) return false
  const partner = heardAt(call, opposite(sideOf(call, leg)))
  if (!partner?.aimed) return call.flow !== undefined
  return !takesOpus(mediaOf(partner.aimed.said), activeMedia(partner.sdp.sent))
}

/** A description of a leg's as the other party has to take it. */
export function inside(call: Call, leg: CallLeg | undefined, media: Media): Media {
  return leg && isTurned(call, leg) ? insideOf(media) : media
}

/** What the media thread is to turn of a leg; undefined: nothing. */
export function opusAimOf(call: Call, leg: CallLeg): OpusAim | undefined {
  if (!leg.aimed || !isTurned(call, leg)) return undefined
  const partner = heardAt(call, opposite(sideOf(call, leg)))
  const other = partner?.aimed && mediaOf(partner.aimed.said)
  return opusAimFrom(mediaOf(leg.aimed.said), activeMedia(leg.sdp.sent), other)
}

/**
 * Whether what a call's parties are told may rest on turning. Where it has to (`needed`), the call takes a place, unless it
 * has one.
 */
export function takesTurning(call: Call, { opus }: Turning, needed: () => boolean): boolean {
  const { ledger, id, record } = call
  return opus === true && (!needed() || ledger.turned.take(id, record.customerId ?? '', record.emergency))
}

/** Its place is another's where it turned out that nothing is turned: no offer which may rest on it is in the air any more. */
export function freeUnturned({ ledger, id, joined, earlyUpdate }: Call): void {
  const legs = [joined.caller, joined.callee]
  if (earlyUpdate || legs.some((leg) => leg?.pending || leg?.refresh)) return
  if (legs.every((leg) => leg?.aimed) && !legs.some((leg) => leg?.aimed?.opus)) ledger.turned.free(id)
}

/** Why a caller's Opus is not turned, where that is all it speaks; undefined: it is, or speaks more. */
export function unturned(call: Call, { opus }: Turning): string | undefined {
  const why = opus === true ? noRoom(call) : opus
  const sdp = why === undefined ? undefined : sdpOf(call.caller.invite)
  const media = sdp?.media[audioLine(sdp)]
  if (!media || !isOpusAlone(media, undefined)) return undefined
  return `its Opus is not turned into G.711 here: ${why}`
}

/** Why a call gets no place; undefined: it has one, or gets one. */
export function noRoom({ ledger: { turned }, id, record }: Call): string | undefined {
  if (record.emergency) return undefined
  const full = turned.fullFor(id, record.customerId ?? '')
  if (full === 'all')
    return `as many calls have theirs turned as this relay may at once (${turned.most}, OPUS_CALLS)`
  return (
    full &&
    `as many of this customer's calls have theirs turned as one customer's may at the time (${turned.shareOf(record.customerId ?? '')} of OPUS_CALLS, ${turned.most})`
  )
}

type Turning = { readonly opus?: true | string | undefined }

/** Whether Opus is all that a leg has ever said it takes, and none of it is in an offer: it can be offered that all the same. */
export function isOfferedOpus({ aimed }: CallLeg, offer: Media): boolean {
  return aimed !== undefined && isOpusAlone(mediaOf(aimed.said), undefined) && !takesOpus(offer, undefined)
}
