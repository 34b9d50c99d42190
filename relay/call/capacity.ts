import type { Limit } from '#contract'
import { describe, limitAt, reserve } from '../limits/admit-call.ts'
import { needsTurning, offering } from '../sdp/codecs.ts'
import { takesOpus } from '../sdp/opus.ts'
import { mediaOf, type RelayedSdp } from '../sdp/relayed.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { offered } from './branch.ts'
import { soon } from './ending.ts'
import { noteSkipped } from './planned-rings.ts'
import type { Cause } from './reason.ts'
import type { Branch, Call, CalledPeer, Hunt, HuntEnding } from './state.ts'
import { codecsFor } from './taken.ts'
import { noRoom, unturned } from './turned.ts'

/** Whom a hunt is to call next; or why it cannot be called, and takes up no room. */
interface NextPeer {
  readonly provider: CalledPeer
  readonly obstacle: NothingToOffer | undefined
}

/**
 * The best provider not tried yet whose limits have room, or which cannot be called whatever its limits; the full ones before it
 * are left out, and said to be. undefined where none is left.
 */
export function nextWithRoom(call: Call, hunt: Hunt, endpoint: SipEndpoint): NextPeer | undefined {
  const { emergency } = call.record
  const leg = call.hunts.indexOf(hunt)
  for (let provider = hunt.waiting.shift(); provider; provider = hunt.waiting.shift()) {
    const obstacle = obstacleTo(call, { provider, hunt }, endpoint)
    if (obstacle) return { provider, obstacle }
    const { provider_id } = provider
    const limit = provider_id
      ? reserve(call.ledger, call.now, call.id, provider_id, emergency, leg)
      : undefined
    if (!limit) return { provider, obstacle }
    skip(call, hunt, provider, limit)
  }
  return undefined
}

/** Whether a provider not tried yet can be called and has room, as things stand. */
export function roomElsewhere(call: Call, hunt: Hunt, endpoint: SipEndpoint): boolean {
  const { record, ledger, now, id, hunts } = call
  const leg = hunts.indexOf(hunt)
  return hunt.waiting.some((provider) => {
    const { provider_id } = provider
    const limit = provider_id ? limitAt(ledger, now, id, provider_id, record.emergency, leg) : undefined
    return !limit && !obstacleTo(call, { provider, hunt }, endpoint)
  })
}

/** No provider was called, for every one is full. */
export function allFull({ record }: Call, { parent }: Hunt): HuntEnding {
  const [status, reason] = [503, 'ALL_PROVIDERS_FULL']
  const message = 'Every provider this call could take is at its limit.'
  if (!parent)
    record.decision = record.decision && { ...record.decision, outcome: 'reject', status, reason, message }
  const because = { reason, message }
  return {
    by: 'system',
    reason: 'rejected',
    status,
    why: `${reason}: ${message}`,
    because,
    headers: soon(status),
  }
}

/** Why there is nothing which whom we call could be offered: what that counts as, in SIP and in words. */
interface NothingToOffer {
  readonly status: 488 | 503
  readonly why: string
}

/** undefined: there is something. 488: no codec is left; 503: what is left would have to be turned, and there is no room for one more. */
export function obstacleTo(
  call: Call,
  called: Pick<Branch, 'provider' | 'hunt'>,
  endpoint: SipEndpoint,
): NothingToOffer | undefined {
  const [full, only] = [endpoint.opus === true ? noRoom(call) : undefined, codecsFor(called)]
  if (full === undefined && only.length === 0) return undefined
  const offer = offered(call, endpoint)
  if (!offer?.ok) return undefined
  if (!offering(offer.value, only, endpoint.opus === true))
    return { status: 488, why: unturned(call, endpoint) ?? noCodecLeft.why }
  return full === undefined ? undefined : turningFull(offer.value, only, { called, full })
}

/** Nothing of what the caller offers may be sent there. */
export const noCodecLeft: NothingToOffer = { status: 488, why: 'no codec left' }

/** A phone is called with whatever is left of the offer, a provider with Opus alone only where its codecs name it. */
function turningFull(
  said: RelayedSdp,
  only: readonly string[],
  { called, full }: { readonly called: Pick<Branch, 'provider'>; readonly full: string },
): NothingToOffer | undefined {
  const passes = only.length === 0 ? !called.provider : offering(said, only) !== undefined
  if (passes || !needsTurning(said, only)) return undefined
  const words = takesOpus(mediaOf(said), undefined)
    ? 'the caller speaks Opus alone, and its Opus is not turned into G.711 here'
    : 'the caller speaks no Opus, which alone is to be sent there, and its G.711 is not turned into it here'
  return { status: 503, why: `${words}: ${full}` }
}

/**
 * The explanation says why a branch was never called, where no other of its hunt called the same one, as who redirects is; what it
 * took of that one's calls per second, to be looked up, is given back.
 */
export function notePassedOver(call: Call, { hunt, provider, attempt }: Branch, cause: Cause): void {
  const same = (other: Branch) => other.hunt === hunt && other.provider?.provider_id === provider?.provider_id
  if (attempt.counts || !provider || call.branches.some((other) => same(other) && other.attempt.counts))
    return
  if (provider.provider_id)
    call.ledger.takeBack(call.id, { kind: 'provider', id: provider.provider_id }, call.hunts.indexOf(hunt))
  noteSkipped(call, hunt, provider, { code: cause.reason, why: cause.message })
}

function skip(call: Call, hunt: Hunt, provider: CalledPeer, limit: Limit): void {
  noteSkipped(call, hunt, provider, {
    code: limit.resource.toUpperCase(),
    why: describe(limit),
    looked: [limit],
  })
}
