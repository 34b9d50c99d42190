import type { RouteFacts } from '#contract'

/** One customer's routes, found by the beginning of a number. */
export interface RouteIndex {
  /** Longest target first, `all` last. At most `LOOKED_AT`. */
  matching(e164: string): readonly RouteFacts[]
  /** Likewise for a short number as it was dialled. */
  matchingShort(digits: string): readonly RouteFacts[]
  /** The first few by creation. */
  readonly eldest: readonly RouteFacts[]
  /** Whatever their target, by priority. At most `LOOKED_AT`. */
  every(): RouteFacts[]
  /** How many there are. */
  readonly size: number
}

/** How many of a customer's routes an explanation mentions although their target does not match. */
export const SHOWN = 5

/** How many of one owner's routes are looked at for one call: one which has more for a number pays no more. */
export const LOOKED_AT = 256

/**
 * Sorts routes under their targets: a look-up takes one step per length of target in use.
 *
 * A target with a plus is kept as the number its digits make: none begins with 0, and numbers are found faster than
 * texts. One route stands there by itself: a list around it would be one more place in memory to fetch.
 */
export function indexRoutes(routes: readonly RouteFacts[]): RouteIndex {
  const targets = new Map<number, RouteFacts | RouteFacts[]>()
  const shorts = new Map<string, RouteFacts | RouteFacts[]>()
  for (const route of routes) {
    if (isShortTarget(route.target)) put(shorts, route.target, route)
    else put(targets, route.target === 'all' ? 0 : Number(route.target), route)
  }
  sortEach(targets)
  sortEach(shorts)
  const all = [targets.get(0) ?? []].flat()
  const powers = lengthsOf(routes).map((length) => 10 ** (length - 1))
  return {
    matching: under,
    matchingShort: underShort,
    eldest: firstOf(routes, SHOWN, byAge),
    every: () => firstOf(routes, LOOKED_AT, inTurn),
    size: routes.length,
  }

  function under(e164: string): readonly RouteFacts[] {
    const found: RouteFacts[] = []
    const whole = Number(e164)
    const first = 10 ** (e164.length - 2)
    for (const power of powers) {
      const those = power > first ? undefined : targets.get(Math.floor(whole / (first / power)))
      if (Array.isArray(those)) append(found, those)
      else if (those && found.length < LOOKED_AT) found.push(those)
    }
    return append(found, all)
  }

  function underShort(digits: string): readonly RouteFacts[] {
    const found: RouteFacts[] = []
    for (let length = digits.length; length > 0; length -= 1)
      append(found, [shorts.get(digits.slice(0, length)) ?? []].flat())
    return append(found, all)
  }
}

/** Whether a target is of numbers as they are dialled, and not of E.164 numbers or of all. */
function isShortTarget(target: string): boolean {
  return target !== 'all' && !target.startsWith('+')
}

function put<Key>(map: Map<Key, RouteFacts | RouteFacts[]>, key: Key, route: RouteFacts): void {
  const those = map.get(key)
  if (Array.isArray(those)) those.push(route)
  else map.set(key, those ? [those, route] : route)
}

function sortEach(map: Map<unknown, RouteFacts | RouteFacts[]>): void {
  for (const those of map.values()) if (Array.isArray(those)) those.sort(inTurn).splice(LOOKED_AT)
}

function append(found: RouteFacts[], more: readonly RouteFacts[]): RouteFacts[] {
  for (const route of more) if (found.length < LOOKED_AT) found.push(route)
  return found
}

/** How many digits the targets have, most first. */
function lengthsOf(routes: readonly RouteFacts[]): number[] {
  const lengths = new Set(
    routes.filter(({ target }) => target.startsWith('+')).map(({ target }) => target.length - 1),
  )
  return [...lengths].sort((a, b) => b - a)
}

/** The first few without sorting the rest. */
function firstOf(
  routes: readonly RouteFacts[],
  few: number,
  order: (a: RouteFacts, b: RouteFacts) => number,
): RouteFacts[] {
  const first: RouteFacts[] = []
  for (const route of routes) {
    const last = first.at(-1)
    if (first.length === few && last && order(last, route) < 0) continue
    first.push(route)
    first.sort(order).splice(few)
  }
  return first
}

function inTurn(a: RouteFacts, b: RouteFacts): number {
  return a.priority - b.priority || byAge(a, b)
}

/** Creation, then id. */
function byAge(a: RouteFacts, b: RouteFacts): number {
  if (a.created_at !== b.created_at) return a.created_at < b.created_at ? -1 : 1
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
