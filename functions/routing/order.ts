import { PLATFORM } from '#contract'
import type { RouteFacts } from './facts.ts'

/**
 * Routes in the order they are tried: the customer's before the defaults; then the longest target, the
 * lowest priority, the weights' choice, the oldest.
 *
 * The weights' choice is drawn from the call's id: the same call always gets the same order.
 */
export function inOrder(routes: RouteFacts[], callId: string): RouteFacts[] {
  return routes
    .map((route) => ({ route, rank: rank(route, callId) }))
    .sort((a, b) => compare(a.rank, b.rank))
    .map(({ route }) => route)
}

type Rank = (number | string)[]

function rank(route: RouteFacts, callId: string): Rank {
  return [
    route.customer_id === PLATFORM ? 1 : 0,
    route.target === 'all' ? 0 : -route.target.length,
    route.priority,
    // Exponential draws, divided by weight, come first in proportion to weight; weight 0 comes last.
    route.weight === 0 ? Number.POSITIVE_INFINITY : -Math.log(draw(callId + route.id)) / route.weight,
    route.created_at,
    route.id,
  ]
}

function compare(a: Rank, b: Rank): number {
  for (const [at, left] of a.entries()) {
    const right = b[at] ?? 0
    if (left !== right) return left < right ? -1 : 1
  }
  return 0
}

/** A number in (0, 1) that depends on every character: FNV-1a, then a finishing mix. */
function draw(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32
}
