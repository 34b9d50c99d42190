import { callRefused, callServes } from '#routing'
import type { CallOrder } from './call-step.ts'
import type { Branch } from './state.ts'

/**
 * What the end of an attempt, or its first ringing, says about the provider's health.
 *
 * Said once: who rang has shown that it serves, whatever becomes of the call.
 */
export function observation(branch: Branch, status: number, why: string): CallOrder[] {
  const { provider, attempt } = branch
  // A customer's PBX is no provider.
  if (!provider?.provider_id || branch.heard === 'ringing') return []
  const ok = callServes(status, provider.policy.next_on)
  const words = [status === 0 ? '' : String(status), why, status === 0 ? 'at' : 'from', attempt.address]
  const refused = callRefused(status)
  const seen = { by: 'call', ok, refused, status, why: words.filter(Boolean).join(' ') } as const
  return [{ type: 'observed', providerId: provider.provider_id, seen }]
}
