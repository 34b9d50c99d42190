import type { Explanation, Limit, MonotonicMs, RouteDecision, Scope } from '#contract'
import { isOfCallsOut, isVelocity, rungAccount, suspicionOfLimit } from '#routing'
import type { Ledger } from './ledger.ts'
import type { LimitReached } from './scope-limits.ts'

/** What is told to a caller whom a limit stops: whom it calls is busy; a carrier told 503 would take us for broken. */
function statusFor(resource: string, isCalled: boolean): number {
  if (isOfCallsOut(resource)) return 403
  return resource === 'channels' && isCalled ? 486 : 503
}

/** Whether a limit is one of the called side's: of a call from outside each is, of one inside those of the account it rings. */
function isCalled(decision: RouteDecision, id: string): boolean {
  if (decision.direction === 'incoming') return true
  if (decision.kind !== 'connect' || decision.direction !== 'internal') return false
  // Who calls itself is stopped as who calls.
  const { targets, extension_id, trunk_id } = decision
  const called = targets.kind === 'plan' ? targets.plan.forwarder.id : rungAccount(decision)
  return id === called && id !== (extension_id ?? trunk_id)
}

/**
 * Lets a decided call into the limits of its customer and of who makes or takes it, or turns it away.
 *
 * A call which is let in counts from now on in every scope of its decision; `explanation.limits` says how they stood.
 * `leg`: the number of the hunt of a call under way which the decision is about; each which goes out has a place.
 * What a decision made here found full counts as refused, so that the edge hears of it.
 */
export function admitCall(
  ledger: Ledger,
  now: MonotonicMs,
  callId: string,
  decision: RouteDecision,
  leg?: number,
): RouteDecision {
  const customerId = decision.customer_id ?? undefined
  for (const limit of foreseen(decision.explanation)) ledger.refuse(now, callId, customerId, limit)
  if (decision.kind === 'reject') return decision
  // Minutes are a limit on what is paid for: calls out.
  const out = isPaid(decision)
  const paid = out ? leg : undefined
  const looked = decision.scopes
    .flatMap((scope) => ledger.limits(scope, now, customerId))
    .filter(
      ({ id, resource }) =>
        !(resource === 'daily_minutes' && isCalled(decision, id)) && (out || !isVelocity(resource)),
    )
    // A call which is sent on has its place already, for one leg of it, and may run out of minutes.
    .filter((limit) => limit.resource === 'daily_minutes' || ledger.adds(now, callId, limit, paid))
  const inTheWay = isUrgent(decision.explanation) ? undefined : looked.find(({ exceeded }) => exceeded)
  const explanation = explained(decision.explanation, looked)
  if (inTheWay) {
    ledger.refuse(now, callId, customerId, inTheWay)
    return refused(decision, explanation, inTheWay)
  }
  if (customerId !== undefined) ledger.open(callId, customerId)
  for (const scope of decision.scopes) ledger.take(now, callId, scope, paid, out)
  return { ...decision, explanation }
}

/** A decided call out begins which holds no place in any limit: the guard alone counts it. */
export function countBeginning(
  ledger: Ledger,
  now: MonotonicMs,
  callId: string,
  decision: RouteDecision,
): void {
  const { customer_id, scopes } = decision
  if (customer_id === null || !isPaid(decision)) return
  for (const scope of scopes) ledger.begins(now, callId, scope, customer_id)
}

/** Whether it goes out by providers. */
function isPaid(decision: RouteDecision): boolean {
  return decision.kind === 'connect' && decision.targets.kind === 'providers'
}

/** Limits which stand against a decided call only because other relays have shares of them. */
export function lacking(
  ledger: Ledger,
  now: MonotonicMs,
  callId: string,
  decision: RouteDecision,
): LimitReached[] {
  const full = decision.kind === 'reject' && /^(CHANNELS|CPS|VELOCITY)_EXCEEDED$|_FULL$/.test(decision.reason)
  const out = full || (decision.kind === 'connect' && isPaid(decision))
  if (isUrgent(decision.explanation) || (decision.kind === 'reject' && !full)) return []
  const providers = foreseen(decision.explanation).filter(({ kind }) => kind === 'provider')
  const wanted = [...decision.scopes, ...(full ? (providers as Scope[]) : [])]
  const reached = wanted
    .flatMap((scope) => ledger.reached(scope, now, decision.customer_id ?? undefined))
    .filter((limit) =>
      isVelocity(limit.resource)
        ? out && ledger.hears(now)
        : ledger.shares(now) && !ledger.holds(callId, { kind: limit.kind, id: limit.id } as Scope),
    )
  return reached.some(({ kind, whole }) => whole && kind !== 'provider')
    ? []
    : reached.filter(({ whole }) => !whole)
}

/** What a decision made here found full: limits of the caller's side, and of providers it left out. */
function foreseen(explanation: Explanation | null): LimitReached[] {
  if (explanation?.decided_by !== 'relay') return []
  const providers = explanation.candidates.flatMap(({ provider_id: id, code }): LimitReached[] =>
    id && (code === 'CHANNELS' || code === 'CPS')
      ? [{ kind: 'provider', id, resource: code.toLowerCase() }]
      : [],
  )
  return [...explanation.limits.filter(({ exceeded }) => exceeded), ...providers]
}

/**
 * Takes a place at one provider for a `leg` of a call; gives the limit which is in the way where there is none.
 *
 * An urgent call is let in whatever the limit.
 */
export function reserve(
  ledger: Ledger,
  now: MonotonicMs,
  callId: string,
  providerId: string,
  urgent: boolean,
  leg?: number,
): Limit | undefined {
  const inTheWay = limitAt(ledger, now, callId, providerId, urgent, leg)
  if (inTheWay) ledger.refuse(now, callId, undefined, inTheWay)
  else ledger.take(now, callId, { kind: 'provider', id: providerId }, leg)
  return inTheWay
}

/** The limit of a provider which a call would meet there now; nothing is taken. */
export function limitAt(
  ledger: Ledger,
  now: MonotonicMs,
  callId: string,
  providerId: string,
  urgent: boolean,
  leg?: number,
): Limit | undefined {
  if (urgent) return undefined
  const limits = ledger.limits({ kind: 'provider', id: providerId }, now)
  return limits.find((limit) => limit.exceeded && ledger.adds(now, callId, limit, leg))
}

/** A call to an emergency number: no limit stops it, and it counts in all of them. Other short numbers may be dear. */
export function isUrgent(explanation: Explanation | null): boolean {
  return explanation?.emergency ?? false
}

/** A limit in a few words, e.g. `channels 30/30`. */
export function describe({ resource, used, of }: Limit): string {
  return `${words[resource] ?? resource} ${used}/${of}`
}

const words: Readonly<Record<string, string>> = { cps: 'calls per second', daily_minutes: 'minutes today' }

/**
 * The limits as they stand here replace what the edge may have seen of the same ones. null where there is no
 * explanation.
 */
export function explained<Told extends { readonly limits: readonly Limit[] } | null>(
  explanation: Told,
  looked: readonly Limit[],
): Told {
  if (!explanation || looked.length === 0) return explanation
  const same = (one: Limit) => looked.some(({ id, resource }) => id === one.id && resource === one.resource)
  return { ...explanation, limits: [...explanation.limits.filter((one) => !same(one)), ...looked] }
}

function refused(decision: RouteDecision, explanation: Explanation | null, limit: Limit): RouteDecision {
  const status = statusFor(limit.resource, isCalled(decision, limit.id))
  const suspicion = isVelocity(limit.resource) ? suspicionOfLimit(limit) : undefined
  const reason = suspicion?.reason ?? `${limit.resource.toUpperCase()}_EXCEEDED`
  const whose = `this ${limit.kind}${limit.name && ` (${limit.name})`}`
  const message = suspicion?.message ?? `No more calls of ${whose}: ${describe(limit)} in use.`
  const { customer_id, direction, source, destination, scopes, extension_id, trunk_id } = decision
  const known = { customer_id, direction, source, destination, scopes, extension_id, trunk_id }
  const why = explanation && {
    ...explanation,
    outcome: 'reject' as const,
    status,
    reason,
    message,
    ...(suspicion && { suspicion }),
  }
  return { kind: 'reject', status, reason, message, ...known, explanation: why }
}
