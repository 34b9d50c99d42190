import type { RouteFacts } from '#contract'

/** One customer's routes, found by the beginning of a number. */
export interface RouteIndex {
  /** Longest target first, `all` last; null: only `all`. */
  matching(e164: string | null): readonly RouteFacts[]
  /** The first few by creation. */
  readonly eldest: readonly RouteFacts[]
}

/** How many of a customer's routes an explanation mentions although their target does not match. */
export const SHOWN = 5

/** Sorts routes under their targets: a look-up takes one step per length of target in use. */
export function indexRoutes(routes: readonly RouteFacts[]): RouteIndex {
  const targets = new Map<string, RouteFacts[]>()
  for (const route of routes) {
    const those = targets.get(route.target)
    if (those) those.push(route)
    else targets.set(route.target, [route])
  }
  for (const those of targets.values()) those.sort(inTurn)
  const all = targets.get('all') ?? []
  targets.delete('all')
  const lengths = [...new Set(Array.from(targets.keys(), ({ length }) => length))].sort((a, b) => b - a)
  return { matching: (e164) => (e164 === null ? all : under(e164)), eldest: eldestOf(routes) }

  function under(e164: string): readonly RouteFacts[] {
    let found: RouteFacts[] | undefined
    for (const length of lengths) {
      const those = length <= e164.length ? targets.get(e164.slice(0, length)) : undefined
      if (those) found = found ? found.concat(those) : those
    }
    return found ? (all.length > 0 ? found.concat(all) : found) : all
  }
}

/** The first few without sorting the rest. */
function eldestOf(routes: readonly RouteFacts[]): RouteFacts[] {
  const eldest: RouteFacts[] = []
  for (const route of routes) {
    const last = eldest.at(-1)
    if (eldest.length === SHOWN && last && byAge(last, route) < 0) continue
    eldest.push(route)
    eldest.sort(byAge).splice(SHOWN)
  }
  return eldest
}

function inTurn(a: RouteFacts, b: RouteFacts): number {
  return a.priority - b.priority || byAge(a, b)
}

/** Creation, then id. */
export function byAge(a: RouteFacts, b: RouteFacts): number {
  if (a.created_at !== b.created_at) return a.created_at < b.created_at ? -1 : 1
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
