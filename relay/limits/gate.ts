import type { Explanation, Limit, RouteDecision, Scope } from '#contract'
import type { Ledger } from './ledger.ts'

type Connect = Extract<RouteDecision, { kind: 'connect' }>

/** What is told to a caller whom a limit stops. */
const refusals: Readonly<Record<string, { readonly status: number; readonly reason: string }>> = {
  channels: { status: 503, reason: 'CHANNELS_EXCEEDED' },
  cps: { status: 503, reason: 'CPS_EXCEEDED' },
  daily_minutes: { status: 403, reason: 'DAILY_MINUTES_EXCEEDED' },
}

/**
 * Lets a decided call into the limits of its customer and of who makes or takes it, or turns it away.
 *
 * A call which is let in counts from now on in every scope of its decision; `explanation.limits` says how they stood.
 * What a decision made here found full counts as refused, so that the edge hears of it.
 */
export function admitted(
  ledger: Ledger,
  now: number,
  callId: string,
  decision: RouteDecision,
): RouteDecision {
  const customerId = decision.customer_id ?? undefined
  const foreseen = decision.explanation?.decided_by === 'relay' ? decision.explanation.limits : []
  for (const limit of foreseen) if (limit.exceeded) ledger.refuse(now, callId, customerId, limit)
  if (decision.kind === 'reject') return decision
  const looked = decision.scopes.flatMap((scope) => ledger.limits(scope, now, customerId))
  const inTheWay = isUrgent(decision.explanation) ? undefined : looked.find(({ exceeded }) => exceeded)
  const explanation = explained(decision.explanation, looked)
  if (inTheWay) {
    ledger.refuse(now, callId, customerId, inTheWay)
    return refused(decision, explanation, inTheWay)
  }
  if (customerId !== undefined) ledger.open(callId, customerId)
  for (const scope of decision.scopes) ledger.take(now, callId, scope)
  return { ...decision, explanation }
}

/**
 * Takes a place at one provider for a call; gives the limit which is in the way where there is none.
 *
 * An urgent call is let in whatever the limit.
 */
export function placeAt(
  ledger: Ledger,
  now: number,
  callId: string,
  providerId: string,
  urgent: boolean,
): Limit | undefined {
  const scope: Scope = { kind: 'provider', id: providerId }
  const held = urgent || ledger.holds(callId, scope)
  const inTheWay = held ? undefined : ledger.limits(scope, now).find(({ exceeded }) => exceeded)
  if (inTheWay) ledger.refuse(now, callId, undefined, inTheWay)
  else ledger.take(now, callId, scope)
  return inTheWay
}

/** A call to a short number, an emergency's among them: no limit stops it, and it counts in all of them. */
export function isUrgent(explanation: Explanation | null): boolean {
  return explanation?.number?.kind === 'short'
}

/** A limit in a few words, e.g. `channels 30/30`. */
export function inWords({ resource, used, of }: Limit): string {
  return `${words[resource] ?? resource} ${used}/${of}`
}

const words: Readonly<Record<string, string>> = { cps: 'calls per second', daily_minutes: 'minutes today' }

/** The limits as they stand here replace what the edge may have seen of the same ones. */
export function explained(explanation: Explanation | null, looked: readonly Limit[]): Explanation | null {
  if (!explanation || looked.length === 0) return explanation
  const same = (one: Limit) => looked.some(({ id, resource }) => id === one.id && resource === one.resource)
  return { ...explanation, limits: [...explanation.limits.filter((one) => !same(one)), ...looked] }
}

function refused(decision: Connect, explanation: Explanation | null, limit: Limit): RouteDecision {
  const { status, reason } = refusals[limit.resource] ?? { status: 503, reason: 'LIMIT_EXCEEDED' }
  const message = `No more calls of this ${limit.kind}${limit.name && ` (${limit.name})`}: ${inWords(limit)} in use.`
  const { customer_id, direction, source, destination, scopes, extension_id, trunk_id } = decision
  const known = { customer_id, direction, source, destination, scopes, extension_id, trunk_id }
  const why = explanation && { ...explanation, outcome: 'reject' as const, status, reason, message }
  return { kind: 'reject', status, reason, message, ...known, explanation: why }
}
