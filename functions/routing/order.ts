import type { RouteFacts } from '#contract'

/**
 * Routes in the order they are tried: as they come, but where several have one target and one priority the
 * weights choose.
 *
 * The choice is drawn from the call's id: the same call always gets the same order. Weight 0 comes last.
 */
export function inOrder(routes: readonly RouteFacts[], callId: string): readonly RouteFacts[] {
  if (!routes.some(({ weight }) => weight > 0)) return routes
  const ordered: RouteFacts[] = []
  for (let from = 0, to = 0; from < routes.length; from = to) {
    while (to < routes.length && equals(routes[from], routes[to])) to += 1
    ordered.push(...(to - from === 1 ? routes.slice(from, to) : drawn(routes.slice(from, to), callId)))
  }
  return ordered
}

function equals(a: RouteFacts | undefined, b: RouteFacts | undefined): boolean {
  return a?.target === b?.target && a?.priority === b?.priority
}

/** Exponential draws, divided by weight, come first in proportion to weight. */
function drawn(routes: RouteFacts[], callId: string): RouteFacts[] {
  return routes
    .map((route) => ({
      route,
      wait: route.weight === 0 ? Number.MAX_VALUE : -Math.log(draw(callId + route.id)) / route.weight,
    }))
    .sort((a, b) => a.wait - b.wait)
    .map(({ route }) => route)
}

/** A number in (0, 1) that depends on every character: FNV-1a, then a finishing mix. */
function draw(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32
}
