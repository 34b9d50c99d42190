import type { TimeWindow } from '#contract'
import type { ShownRoute } from './shown.ts'

/** The routes of one target, in the order in which they are tried. */
export interface TriedTarget {
  /** `all`, or how numbers begin. */
  readonly target: string
  readonly routes: readonly ShownRoute[]
}

/** Routes as a call goes through them: what begins with more of its number comes first, then what has the lower priority. */
export function asTried(routes: readonly ShownRoute[]): TriedTarget[] {
  const targets = [...new Set(routes.map(({ target }) => target))].sort(
    (one, other) => reach(other) - reach(one) || (one < other ? -1 : 1),
  )
  return targets.map((target) => ({
    target,
    routes: routes.filter((route) => route.target === target).sort(inTurn),
  }))
}

function reach(target: string): number {
  return target === 'all' ? 0 : target.length
}

/** Of one priority those which share come before those which take their turn after them; else the oldest. */
function inTurn(one: ShownRoute, other: ShownRoute): number {
  return (
    one.priority - other.priority ||
    Number(one.weight === 0) - Number(other.weight === 0) ||
    (one.tm_create < other.tm_create ? -1 : 1)
  )
}

/** Which share of the calls a route is tried first for, among those of its priority which share; undefined: it shares none. */
export function shareOf(route: ShownRoute, routes: readonly ShownRoute[]): number | undefined {
  const sharing = routes.filter(
    ({ priority, weight, enabled }) => priority === route.priority && weight > 0 && enabled,
  )
  if (route.weight === 0 || !route.enabled || sharing.length < 2) return undefined
  return route.weight / sharing.reduce((sum, { weight }) => sum + weight, 0)
}

/** Which numbers a target means. */
export function targetWords(target: string): string {
  return target === 'all' ? 'Every number' : `Numbers which begin with ${target}`
}

const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

/** When a route may be taken: `Mon–Fri 08:00–17:00, Sat 09:00–12:00 in Europe/Berlin`. */
export function windowWords({ time_zone, periods }: TimeWindow): string {
  const told = periods.map(({ days: on, from, to }) => `${daysWords(on)} ${from}–${to}`)
  return `${told.join(', ')} in ${time_zone}`
}

/** Days in a row by the first and the last of them. */
function daysWords(on: readonly number[]): string {
  if (on.length === 0 || on.length === 7) return 'every day'
  const runs: [number, number][] = []
  for (const day of [...on].sort((one, other) => one - other)) {
    const last = runs.at(-1)
    if (last && last[1] === day - 1) last[1] = day
    else runs.push([day, day])
  }
  const name = (day: number) => days[day - 1] ?? ''
  return runs
    .map(([first, last]) => (first === last ? name(first) : `${name(first)}–${name(last)}`))
    .join(', ')
}
