import { callingCode } from '#routing'
import { type BrokenPractice, grouped, providerThing, routeThing } from './advice-broken.ts'
import type { AdvisedConfiguration, AdvisedRoute } from './advice-facts.ts'
import { patch, post } from './finding.ts'

/*
 * Where calls go: practices of routes, and of the providers behind them.
 */

/** Countries which may be called and to which no route leads, each calling code once; none where there is no provider at all. */
export function uncovered({ countries, routes, providers }: AdvisedConfiguration): BrokenPractice[] {
  const carrier = providers.find(({ own }) => own) ?? providers[0]
  if (!carrier || routes.length === 0) return []
  const codes = grouped(countries, (country) => callingCode(country))
  return [...codes].flatMap(([code, those]) => {
    const target = `+${code}`
    if (code === undefined || routes.some((route) => leadsTo(route.target, target))) return []
    const names = those.map((country) => country.toLowerCase())
    return [
      {
        sentence: `Calls to ${names.join(', ')} (${target}) are allowed, and no route leads there.`,
        todo: 'Make a route by a provider which reaches that country; or do not allow it.',
        request: post('routes', {
          name: `To ${names[0]}`,
          detail: `Calls to ${target} by ${carrier.name}.`,
          provider_id: carrier.id,
          target,
          priority: 1,
        }),
        evidence: { countries: names, target },
      },
    ]
  })
}

/** Whether a route takes numbers which begin so, or some of them. */
function leadsTo(target: string, beginning: string): boolean {
  return target === 'all' || beginning.startsWith(target) || target.startsWith(beginning)
}

/** Routes of one target and one priority which share by no weight: which of them is tried first is their age’s matter. */
export function samePriority({ routes }: AdvisedConfiguration): BrokenPractice[] {
  const own = routes.filter((route) => route.own && !route.windowed)
  const groups = grouped(own, ({ target, priority }) => `${target} ${priority}`)
  return [...groups.values()].flatMap((group) => {
    const [first, ...later] = group
    if (!first || group.some(({ weight }) => weight > 0)) return []
    const highest = Math.max(
      ...own.filter(({ target }) => target === first.target).map(({ priority }) => priority),
    )
    return later.map((route, nth) => ({
      sentence: `The routes ${named(first)} and ${named(route)} have one target (${first.target}) and one priority (${first.priority}): the older one is tried first.`,
      todo: 'Give each its own priority, or weights by which they share the calls.',
      request: patch('routes', route.id, { priority: highest + 1 + nth }),
      objects: [routeThing(first), routeThing(route)],
    }))
  })
}

/** Targets whose calls have nowhere else to go, though there is another provider; and routes which never move on. */
export function withoutFailover({ routes, providers }: AdvisedConfiguration): BrokenPractice[] {
  const own = routes.filter((route) => route.own)
  const always = routes.filter(({ windowed }) => !windowed)
  const targets = grouped(own, ({ target }) => target)
  const alone = [...targets].flatMap(([target, those]) => {
    const matching = always.filter((route) => route.target === 'all' || target.startsWith(route.target))
    const used = new Set([...matching, ...those].map(({ provider_id }) => provider_id))
    const other = providers.find(({ id }) => !used.has(id))
    const [only] = those
    if (used.size > 1 || !other || !only) return []
    return [
      {
        sentence: `Calls to ${target} go by ${providerOf(only, providers)} alone: where it fails they fail.`,
        todo: 'Make a second route for them.',
        request: post('routes', {
          name: `${named(only)}, failover`.slice(0, 255),
          detail: `Calls to ${target} by ${other.name}, where ${providerOf(only, providers)} fails.`,
          provider_id: other.id,
          target,
          priority: Math.max(...those.map(({ priority }) => priority)) + 1,
        }),
        objects: [routeThing(only)],
      },
    ]
  })
  const stuck = own
    .filter(({ next_on }) => next_on?.length === 0)
    .map((route) => ({
      sentence: `The route ${named(route)} never moves on to the next: its failover.next_on is empty.`,
      todo: 'Let it move on after the usual failures.',
      request: patch('routes', route.id, { failover: { next_on: null } }),
      objects: [routeThing(route)],
    }))
  return [...alone, ...stuck]
}

/** Days after which a trial says nothing any more. */
const testedWithinDays = 30

/** Providers which are nowhere first, and of which nothing is known since long. */
export function untested({ routes, providers, now }: AdvisedConfiguration): BrokenPractice[] {
  const targets = grouped(
    routes.filter(({ own }) => own),
    ({ target }) => target,
  )
  const first = new Set(
    [...targets.values()].flatMap((those) => {
      const best = Math.min(...those.map(({ priority }) => priority))
      return those.filter(({ priority }) => priority === best).map(({ provider_id }) => provider_id)
    }),
  )
  const routed = new Set(routes.filter(({ own }) => own).map(({ provider_id }) => provider_id))
  return providers
    .filter(({ id, own }) => own && routed.has(id) && !first.has(id))
    .filter(({ tested_at, carried_at }) => !isWithin(tested_at, now) && !isWithin(carried_at, now))
    .map((provider) => ({
      sentence: `Nothing was sent to ${provider.name}, which is to take over, for ${testedWithinDays} days: neither a call nor a trial which went well.`,
      todo: 'Try it; with {"type": "call", "to": …} by a call, which tells the most.',
      request: post(`providers/${provider.id}/test`, { type: 'options' }),
      objects: [providerThing(provider)],
      evidence: { tested_at: provider.tested_at, carried_at: provider.carried_at },
    }))
}

function isWithin(at: string | null, now: string): boolean {
  return at !== null && daysBetween(at, now) <= testedWithinDays
}

function daysBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 86_400_000
}

/** A route which does not say what it is for. */
export function undocumented(
  route: AdvisedRoute,
  providers: AdvisedConfiguration['providers'],
): BrokenPractice {
  return {
    sentence: `The route ${named(route)} does not say what it is for.`,
    todo: 'Write it into its detail: who comes after you reads that.',
    request: patch('routes', route.id, {
      detail: `Calls to ${route.target} by ${providerOf(route, providers)}, priority ${route.priority}.`,
    }),
    objects: [routeThing(route)],
  }
}

function named({ name, target }: AdvisedRoute): string {
  return name === '' ? `to ${target}` : name
}

function providerOf({ provider_id }: AdvisedRoute, providers: AdvisedConfiguration['providers']): string {
  return providers.find(({ id }) => id === provider_id)?.name ?? 'its provider'
}
