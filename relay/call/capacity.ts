import type { Consideration, Limit } from '#contract'
import { describe, explained, isUrgent, limitAt, reserve } from '../limits/admit-call.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { soon } from './ending.ts'
import type { Call, CalledPeer, Hunt, HuntEnding } from './state.ts'
import { unturned } from './turned.ts'

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
 * No provider is called, for the caller's Opus would have to be turned, and as many are as may be; undefined: there is room, or
 * this one is to be sent Opus (`only`).
 */
export function turningFull(
  call: Call,
  endpoint: Pick<SipEndpoint, 'opus'>,
  only: readonly string[],
): HuntEnding | undefined {
  if (endpoint.opus !== true || only.some((name) => name.toUpperCase() === 'OPUS')) return undefined
  const words = unturned(call, endpoint)
  if (words === undefined) return undefined
  const [status, reason] = [503, 'TRANSCODING_BUSY']
  const because = { reason, message: `The caller speaks Opus alone, and ${words}.` }
  return {
    by: 'system',
    reason: 'rejected',
    status,
    why: `${reason}: ${because.message}`,
    because,
    headers: soon(status),
  }
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
