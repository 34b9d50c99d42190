import type { ExtensionFacts, Limit, RouteDecision, TrunkFacts } from '#contract'
import { type Draft, refuse } from './draft.ts'
import { isVelocity, suspicionOfLimit, velocityWords } from './guard.ts'
import { type Counted, fullness, isOfCallsOut, limitsOf } from './limits.ts'

/*
 * Calls are refused whose limits are reached.
 */

/** A refusal where a limit of the caller's side is reached; undefined where none is. */
export function fullLimit(known: Draft): RouteDecision | undefined {
  // How fast calls out begin says nothing about those which stay inside.
  if (known.direction !== 'outgoing')
    known.limits = known.limits.filter(({ resource }) => !isVelocity(resource))
  const full = known.limits.find(({ exceeded }) => exceeded)
  if (!full) return undefined
  if (isVelocity(full.resource)) return tooFast(known, full)
  const status = full.resource === 'daily_minutes' ? 403 : 503
  const whose = full.name === '' ? `The ${full.kind}` : `The ${full.kind} ${full.name}`
  const message = `${whose} is at its limit: ${fullness(full)}. Wait, or raise max_${full.resource}.`
  return refuse(known, status, `${full.resource.toUpperCase()}_EXCEEDED`, message)
}

/** Trying again at once is of no use, as where the day's minutes are used up: 403. */
function tooFast(known: Draft, full: Limit): RouteDecision {
  known.suspicion = suspicionOfLimit(full)
  return refuse(known, 403, 'VELOCITY_EXCEEDED', velocityWords(full))
}

type CountedAccount = { kind: 'extension'; one: ExtensionFacts } | { kind: 'trunk'; one: TrunkFacts }

/** One account as it counts a call which rings it. */
export function countedOf({ kind, one }: CountedAccount): Counted {
  return { scope: { kind, id: one.id }, name: one.name, caps: one.caps, guard: one.guard }
}

/** Notes in whose limits a call counts which comes in. */
export function countIn(known: Draft, counted: readonly Counted[]): void {
  known.limits = limitsOf(counted, known.live).filter(({ resource }) => !isOfCallsOut(resource))
  known.scopes = counted.map(({ scope }) => scope)
}

/** Notes that a call counts at the account which it rings, too; once where that account calls itself. */
export function countAlso(known: Draft, called: CountedAccount): void {
  const { kind, id } = countedOf(called).scope
  if (known.scopes.some((scope) => scope.kind === kind && scope.id === id)) return
  const { limits, scopes } = known
  countIn(known, [countedOf(called)])
  known.limits = [...limits, ...known.limits]
  known.scopes = [...scopes, ...known.scopes]
}

/** Busy where all channels are taken: a carrier told 503 would take us for broken. undefined where there is room. */
export function fullCallee(known: Draft): RouteDecision | undefined {
  const full = known.limits.find(({ exceeded }) => exceeded)
  if (!full) return undefined
  const status = full.resource === 'channels' ? 486 : 503
  const whose = full.name === '' ? `The called ${full.kind}` : `The called ${full.kind} ${full.name}`
  const message = `${whose} is at its limit: ${fullness(full)}.`
  return refuse(known, status, `${full.resource.toUpperCase()}_EXCEEDED`, message)
}
