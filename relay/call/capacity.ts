import type { Consideration, Limit } from '#contract'
import { describe, explained, isUrgent, limitAt, reserve } from '../limits/admit-call.ts'
import { needsTurning, offering } from '../sdp/codecs.ts'
import { takesOpus } from '../sdp/opus.ts'
import { mediaOf } from '../sdp/relayed.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { offered } from './branch.ts'
import { soon } from './ending.ts'
import type { Branch, Call, CallEvents, CalledPeer, Hunt, HuntEnding } from './state.ts'
import { codecsFor } from './taken.ts'
import { noRoom } from './turned.ts'

/**
 * The best provider not tried yet whose limits have room; the full ones before it are left out, and said to be.
 * undefined where none is left.
 */
export function nextWithRoom(call: Call, hunt: Hunt): CalledPeer | undefined {
  const urgent = isUrgent(call.record.decision)
  const leg = call.hunts.indexOf(hunt)
  for (let provider = hunt.waiting.shift(); provider; provider = hunt.waiting.shift()) {
    const { provider_id } = provider
    const limit = provider_id ? reserve(call.ledger, call.now, call.id, provider_id, urgent, leg) : undefined
    if (!limit) return provider
    if (!hunt.parent) skip(call, provider, limit)
  }
  return undefined
}

/** Whether a provider not tried yet has room, as things stand. */
export function roomElsewhere({ record, ledger, now, id, hunts }: Call, hunt: Hunt): boolean {
  const urgent = isUrgent(record.decision)
  const leg = hunts.indexOf(hunt)
  return hunt.waiting.some(
    ({ provider_id }) => !provider_id || !limitAt(ledger, now, id, provider_id, urgent, leg),
  )
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

/**
 * How a branch fails whose sound would have to be turned, while there is no room for one more; undefined: there is, or it can be
 * called without. A phone is called with whatever is left of the offer, a provider with Opus alone only where its codecs name it.
 */
export function turningFull(
  call: Call,
  branch: Branch,
  endpoint: SipEndpoint,
): CallEvents['failure'] | undefined {
  const why = endpoint.opus === true ? noRoom(call) : undefined
  const offer = why === undefined ? undefined : offered(call, endpoint)
  if (!offer?.ok) return undefined
  const [said, only] = [offer.value, codecsFor(branch)]
  const passes = only.length === 0 ? !branch.provider : offering(said, only) !== undefined
  if (passes || !needsTurning(said, only) || !offering(said, only, true)) return undefined
  const words = takesOpus(mediaOf(said), undefined)
    ? 'the caller speaks Opus alone, and its Opus is not turned into G.711 here'
    : 'the caller speaks no Opus, which alone is to be sent there, and its G.711 is not turned into it here'
  return { branch, status: 503, why: `${words}: ${why}`, response: undefined }
}

function skip({ record }: Call, { provider_id }: CalledPeer, limit: Limit): void {
  const explanation = explained(record.decision, [limit])
  if (!explanation) return
  const skipped = (candidate: Consideration): Consideration => ({
    ...candidate,
    kept: false,
    order: null,
    code: limit.resource.toUpperCase(),
    why: describe(limit),
    dialled: null,
    policy: null,
  })
  const which = explanation.candidates.findIndex((one) => one.kept && one.provider_id === provider_id)
  const candidates = explanation.candidates.map((one, index) => (index === which ? skipped(one) : one))
  record.decision = { ...explanation, candidates }
}
