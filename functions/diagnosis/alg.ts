import { type CallTell, isEncryptedTransport, type MediaSide } from '#contract'
import { type Finding, found } from './finding.ts'
import { reachAt } from './sound.ts'

/*
 * Signs of an application layer gateway (SIP ALG): a router which rewrites SIP as it passes, one place and not another.
 * A device behind NAT names its own address everywhere; one which knows its outer address (STUN) names that everywhere.
 */

/**
 * What a call's own addresses contradict; for a call which has other trouble, since a phone may have learned its outer
 * address in one place alone, and that does no harm.
 */
export function algFindings(media: CallTell['call']['media']): Finding[] {
  if (!media) return []
  return (['caller', 'callee'] as const).flatMap((party) => {
    const side = party === 'caller' ? media.from_caller : media.from_callee
    const signs = signsOf(side)
    if (signs.length === 0) return []
    const { source_address, contact_address, via_address, sdp_address, sdp_origin } = side
    return [
      found(
        'SIP_ALG_SUSPECTED',
        `A router between the ${party} and the relay rewrites SIP: ${signs.join('; ')}.`,
        'Switch SIP ALG (SIP helper, SIP fix-up) off in the router of the device, or let it use TLS, which no router reads.',
        {
          evidence: { party, source_address, contact_address, via_address, sdp_address, sdp_origin },
        },
      ),
    ]
  })
}

/** What contradicts itself; a side over TLS was read by no router, and one which is seen where it says is behind none. */
function signsOf(side: MediaSide): string[] {
  const { signalling, source_address, contact_address, via_address, sdp_address } = side
  const seen = hostAt(source_address)
  if (
    (signalling !== null && isEncryptedTransport(signalling)) ||
    seen === null ||
    reachAt(seen) !== 'public'
  )
    return []
  const outer = (place: string | null) => hostAt(place) === seen
  const inner = (place: string | null) => reachAt(place) === 'private'
  return [
    ...(outer(contact_address) && inner(sdp_address)
      ? [`its Contact names ${contact_address}, where it is seen, and its session description ${sdp_address}`]
      : []),
    ...(inner(contact_address) && outer(sdp_address)
      ? [`its Contact names ${contact_address}, and its session description ${sdp_address}, where it is seen`]
      : []),
    ...(outer(via_address) && inner(contact_address)
      ? [`its Via names ${via_address}, where it is seen, and its Contact ${contact_address}`]
      : []),
  ]
}

function hostAt(place: string | null): string | null {
  return place === null ? null : place.replace(/:\d+$/, '')
}
