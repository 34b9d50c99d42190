import {
  type CivicPlace,
  type Consideration,
  type CustomerFacts,
  type HealthStatus,
  PLATFORM,
  type ProviderFacts,
  type ProviderTarget,
  type RouteFacts,
} from '#contract'
import type { Configuration } from './configuration.ts'
import type { Dialled } from './e164.ts'
import { fullness, limited, limitsOf } from './limits.ts'
import { inOrder } from './order.ts'
import { targetOf } from './provider-target.ts'
import { type Runtime, unused } from './runtime.ts'
import { closedAt } from './windows.ts'

/** The number which is dialled, the party which dials it, and what the callee sees of the caller. */
export interface Dialling {
  callId: string
  customer: CustomerFacts
  dialled: Exclude<Dialled, { kind: 'nonsense' }>
  /** The calling code of the country it is dialled in, with a plus. */
  zone: string
  /** No route is too narrow for it, if there is no other. */
  emergency: boolean
  /** Where who calls for help is, as far as it is known. */
  place: CivicPlace | null
  /** E.164; null: none may be claimed. */
  shown: string | null
  /** E.164 of the caller of a call which is sent on, for those who hear on whose behalf it comes. */
  original: string | null
}

/** Most providers one call tries. */
const TRIED = 32

/** Most skipped routes an explanation lists, besides those which are tried and as many that are not well. */
const SKIPPED = 36

/** Providers to try in order, and about every route why it was kept or skipped. */
interface Choice {
  providers: ProviderTarget[]
  candidates: Consideration[]
  /** Skipped routes which are not listed: the customer's own, and default ones which match. */
  leftOut: number
}

/** Chooses among the customer's routes and the default ones. */
export function candidatesFor(dialling: Dialling, book: Configuration, standing: Runtime): Choice {
  const { callId, customer, dialled, emergency } = dialling
  // A provider which is full is asked all the same where nothing may stop the call.
  const live: Runtime = emergency ? { ...standing, use: () => unused } : standing
  const search: Search = { live, book, well: [], unwell: [], candidates: [], skipped: 0, unlisted: 0 }
  look(search, inOrder(routesFor(dialling, customer.id, book), callId))
  if (customer.use_default_routes) look(search, inOrder(routesFor(dialling, PLATFORM, book), callId))
  const spare = dialled.kind === 'short' && isEmpty(search) ? spareFor(dialling, book, search) : none
  if (spare.length > 0) look(search, spare)
  const providers = dial(inTurn(search), dialling)
  const number = dialled.kind === 'number' ? dialled.e164 : dialled.digits
  for (const route of book.eldest(customer.id))
    if (route.target !== 'all' && !number.startsWith(route.target) && !spare.includes(route))
      list(search, mismatch(route, book.provider(route.provider_id)))
  const { candidates, unlisted } = search
  const own = candidates.filter(({ platform }) => !platform).length
  return { providers, candidates, leftOut: book.routeCount(customer.id) - own + unlisted }
}

function routesFor({ dialled }: Dialling, customerId: string, book: Configuration): readonly RouteFacts[] {
  return dialled.kind === 'number'
    ? book.routes(customerId, dialled.e164)
    : book.shortRoutes(customerId, dialled.digits)
}

function isEmpty({ well, unwell }: Search): boolean {
  return well.length + unwell.length === 0
}

/**
 * For a short number nothing else takes: the routes of its country; for an emergency any other, too, those of some of
 * the country's numbers first.
 */
function spareFor(dialling: Dialling, book: Configuration, { candidates }: Search): readonly RouteFacts[] {
  const { customer, zone, emergency } = dialling
  const owners = customer.use_default_routes ? [customer.id, PLATFORM] : [customer.id]
  const national = owners.flatMap((owner) => ofCountry(dialling, owner, book))
  if (!emergency) return national
  const looked = new Set(candidates.map(({ route_id }) => route_id))
  const others = owners.flatMap((owner) => {
    const every = book.everyRoute(owner)
    return [...every.filter(isIn(zone)).sort(longest), ...every.filter((route) => !isIn(zone)(route))]
  })
  return [...new Set([...national, ...others])].filter(({ id }) => !looked.has(id))
}

function ofCountry(
  { zone, callId }: Dialling,
  customerId: string,
  book: Configuration,
): readonly RouteFacts[] {
  return inOrder(
    book.routes(customerId, zone).filter(({ target }) => target === zone),
    callId,
  )
}

function isIn(zone: string): (route: RouteFacts) => boolean {
  return ({ target }) => target.startsWith(zone)
}

function longest(a: RouteFacts, b: RouteFacts): number {
  return b.target.length - a.target.length || a.priority - b.priority
}

const none: readonly RouteFacts[] = []

/** What was found on one pass over the routes. */
interface Search {
  live: Runtime
  book: Configuration
  well: KeptCandidates[]
  /** Not well, and no trial call is due. */
  unwell: KeptCandidates[]
  candidates: Consideration[]
  /** How many were skipped, listed or not. */
  skipped: number
  /** How many default routes were skipped and not listed. */
  unlisted: number
}

/** A route to take, and what is said of it. */
interface KeptCandidates {
  route: RouteFacts
  provider: ProviderFacts
  said: Consideration
}

interface Flaw {
  code: string
  why: string
}

function look(search: Search, routes: readonly RouteFacts[]): void {
  for (const route of routes) {
    const provider = search.book.provider(route.provider_id)
    const health = provider ? search.live.health(provider.id) : 'unknown'
    const flaw = flawOf(route, provider, search)
    if (flaw || !provider) list(search, considered(route, provider, health, flaw))
    else keep(search, route, provider, health)
  }
}

function keep(search: Search, route: RouteFacts, provider: ProviderFacts, health: HealthStatus): void {
  const ill = health === 'unhealthy' || (health === 'half_open' && !search.live.trial(provider.id))
  const those = ill ? search.unwell : search.well
  if (those.length === TRIED) return list(search, considered(route, provider, health, flaws.ENOUGH))
  const said = considered(route, provider, health, undefined)
  if (health === 'half_open' && !ill) said.why += '; its trial call is due'
  those.push({ route, provider, said })
  search.candidates.push(said)
}

function list(search: Search, said: Consideration): void {
  search.skipped += 1
  if (search.skipped <= SKIPPED) search.candidates.push(said)
  else if (said.platform) search.unlisted += 1
}

function flawOf(
  { enabled, time_window }: RouteFacts,
  provider: ProviderFacts | undefined,
  { live, well, unwell }: Search,
): Flaw | undefined {
  if (provider && live.down?.(provider.id)) return flaws.ASSUMED_DOWN
  if (!enabled) return flaws.DISABLED
  const closed = time_window === null ? undefined : closedAt(time_window, live.at)
  if (closed !== undefined) return { code: 'TIME_WINDOW', why: `outside its time window: it is ${closed}` }
  if (!provider || provider.deleted) return flaws.PROVIDER_DELETED
  if (!provider.enabled) return flaws.PROVIDER_DISABLED
  if (provider.locked) return flaws.PROVIDER_LOCKED
  if (isAmong(well, provider) || isAmong(unwell, provider)) return flaws.DUPLICATE_PROVIDER
  return limited(provider.caps) ? fullOf(provider, live) : undefined
}

function isAmong(kept: readonly KeptCandidates[], provider: ProviderFacts): boolean {
  for (const one of kept) if (one.provider === provider) return true
  return false
}

const flaws = {
  DISABLED: { code: 'DISABLED', why: 'the route is disabled' },
  PROVIDER_DELETED: { code: 'PROVIDER_DELETED', why: 'the provider was deleted' },
  ASSUMED_DOWN: { code: 'ASSUMED_DOWN', why: 'it is taken to be down' },
  PROVIDER_DISABLED: { code: 'PROVIDER_DISABLED', why: 'the provider is disabled' },
  PROVIDER_LOCKED: {
    code: 'PROVIDER_LOCKED',
    why: 'its password cannot be opened with the present SEAL_KEYS',
  },
  DUPLICATE_PROVIDER: { code: 'DUPLICATE_PROVIDER', why: 'an earlier route has the same provider' },
  ENOUGH: { code: 'ENOUGH', why: `${TRIED} providers are tried before it, and no more than that` },
}

function fullOf({ id, name, caps }: ProviderFacts, live: Runtime): Flaw | undefined {
  const full = limitsOf([{ scope: { kind: 'provider', id }, name, caps }], live).find(
    ({ exceeded }) => exceeded,
  )
  return full && { code: full.resource.toUpperCase(), why: fullness(full) }
}

/** The well before the unwell; where none is well, all of them as they come: a last resort beats silence. */
function inTurn({ well, unwell }: Search): KeptCandidates[] {
  if (unwell.length === 0) return well
  const demoted = well.length > 0
  for (const { said } of unwell) {
    const turn = demoted
      ? 'so it is tried after those that are well'
      : 'and so are all the others: they are tried in order'
    said.demoted = demoted
    said.why += `; ${words[said.health]}, ${turn}`
  }
  const tried = [...well, ...unwell]
  for (const { said } of tried.splice(TRIED))
    Object.assign(said, flaws.ENOUGH, { kept: false, demoted: false })
  return tried
}

/** What is sent to each of them; and notes it. */
function dial(tried: readonly KeptCandidates[], dialling: Dialling): ProviderTarget[] {
  const { dialled, shown, original, customer, emergency, place } = dialling
  return tried.map(({ route, provider, said }, at) => {
    const calling = provider.diversion === 'off' ? shown : (original ?? shown)
    const target = targetOf(route, provider, {
      dialled,
      calling,
      shown,
      home: customer.country,
      emergency,
      place,
    })
    said.order = at + 1
    said.dialled = target.user
    said.policy = target.policy
    return target
  })
}

function considered(
  route: RouteFacts,
  provider: ProviderFacts | undefined,
  health: HealthStatus,
  flaw: Flaw | undefined,
): Consideration {
  return {
    provider_id: route.provider_id,
    provider_name: provider ? provider.name : '',
    route_id: route.id,
    route_name: route.name,
    target: route.target,
    priority: route.priority,
    weight: route.weight,
    platform: route.customer_id === PLATFORM,
    kept: flaw === undefined,
    order: null,
    demoted: false,
    health,
    code: flaw ? flaw.code : 'KEPT',
    why: flaw ? flaw.why : placeOf(route),
    dialled: null,
    policy: null,
  }
}

function placeOf({ target, priority, weight }: RouteFacts): string {
  const place = `target ${target}, priority ${priority}`
  return weight > 0 ? `${place}, weight ${weight}` : place
}

const words = {
  unknown: 'of unknown health',
  healthy: 'healthy',
  unhealthy: 'unhealthy',
  half_open: 'half open without a trial call due',
}

/** About a route of the customer which does not match, so that one who looks for it finds out why. */
function mismatch(route: RouteFacts, provider: ProviderFacts | undefined): Consideration {
  const known = mismatched.get(route)
  if (known && known.provider_name === (provider?.name ?? '')) return known
  const flaw = { code: 'PREFIX', why: `the number does not begin with ${route.target}` }
  const made = considered(route, provider, 'unknown', flaw)
  mismatched.set(route, made)
  return made
}

const mismatched = new WeakMap<RouteFacts, Consideration>()
