import {
  type Caps,
  type Explanation,
  type OutboundGuard,
  outboundGuard,
  type RouteDecision,
  type Scope,
} from '#contract'
import type { LimitSource } from '../../relay/limits/scope.ts'
import { customerId, extensionIds } from './office.ts'

/** Limits by the id of whoever they are set on; all others are known to have none. */
export function limitedBy(
  limits: Readonly<Record<string, Partial<Caps & OutboundGuard>>>,
  known: Scope[] = [],
): LimitSource {
  return {
    of: ({ kind, id }) => ({
      customerId,
      name: kind === 'customer' ? 'Acme' : '',
      caps: { max_channels: null, max_cps: null, max_daily_minutes: null, ...limits[id] },
      guard: outboundGuard.parse(limits[id] ?? {}),
    }),
    known: () => known,
  }
}

export const acme: Scope = { kind: 'customer', id: customerId }
export const alicesPhone: Scope = { kind: 'extension', id: extensionIds.alice }

/** What the edge says of an outgoing call of Alice's; `candidates`: provider ids, best first. */
export function explanationOf(candidates: readonly string[], kind = 'number'): Explanation {
  return {
    decided_by: 'edge',
    at: '2026-01-05T12:00:00Z',
    version: 1,
    platform_version: null,
    snapshot_age_ms: null,
    outcome: 'connect',
    status: null,
    reason: null,
    message: '',
    caller: { rule: 'digest', why: '' },
    emergency: false,
    number: { dialled: '+15551234567', kind, e164: '+15551234567', country: 'us' },
    caller_id: null,
    limits: [],
    left_out: 0,
    plan: [],
    candidates: candidates.map((provider_id, index) => ({
      provider_id,
      provider_name: '',
      route_id: null,
      route_name: '',
      target: 'all',
      priority: 1,
      weight: 0,
      platform: false,
      kept: true,
      order: index + 1,
      demoted: false,
      health: 'unknown',
      code: 'KEPT',
      why: '',
      dialled: '+15551234567',
      policy: null,
    })),
  }
}

/** The decision with the scopes of Acme and of Alice's phone, and its explanation. */
export function counted(decision: RouteDecision, kind = 'number'): RouteDecision {
  if (decision.kind !== 'connect') return decision
  const { targets } = decision
  const ids = targets.kind === 'providers' ? targets.providers.map((one) => one.provider_id) : []
  return { ...decision, scopes: [acme, alicesPhone], explanation: explanationOf(ids, kind) }
}
