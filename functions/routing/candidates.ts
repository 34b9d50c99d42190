import {
  type Consideration,
  type CustomerFacts,
  type HealthStatus,
  PLATFORM,
  type ProviderFacts,
  type ProviderTarget,
  type RouteFacts,
} from '#contract'
import type { Book } from './book.ts'
import type { Dialled } from './e164.ts'
import { fullness, limitsOf } from './limits.ts'
import type { Live } from './live.ts'
import { inOrder } from './order.ts'
import { targetOf } from './provider-target.ts'
import { closedAt } from './windows.ts'

/** What is dialled, for whom, and what the callee sees of the caller. */
export interface Dialling {
  callId: string
  customer: CustomerFacts
  dialled: Exclude<Dialled, { kind: 'nonsense' }>
  /** E.164; null: none may be claimed. */
  shown: string | null
}

/** Providers to try in order, and about every route why it was kept or skipped. */
export function candidatesFor(
  dialling: Dialling,
  book: Book,
  live: Live,
): { providers: ProviderTarget[]; candidates: Consideration[] } {
  const { callId, customer, dialled } = dialling
  const e164 = dialled.kind === 'number' ? dialled.e164 : null
  const [considered, listed]: [Considered[], Set<string>] = [[], new Set()]
  for (const owner of customer.use_default_routes ? [customer.id, PLATFORM] : [customer.id])
    for (const route of inOrder(book.routes(owner, e164), callId)) {
      const one = consider(route, listed, book, live)
      if (!one.flaw) listed.add(route.provider_id)
      considered.push(one)
    }
  const tried = inTurn(considered)
  const providers = tried.map(({ route, provider }) =>
    targetOf(route, provider, dialling.dialled, dialling.shown, customer.country),
  )
  tried.forEach((one, at) => {
    one.order = at + 1
  })
  const candidates = considered.map((one) => told(one, providers))
  return { providers, candidates: candidates.concat(mismatches(customer, e164, book)) }
}

/** A route which was looked at: skipped where it has a flaw. */
interface Considered {
  route: RouteFacts
  provider: ProviderFacts | undefined
  flaw: Flaw | undefined
  health: HealthStatus
  /** Not well, and no trial call is due. */
  unwell: boolean
  demoted: boolean
  order: number | null
}
type Kept = Considered & { provider: ProviderFacts }
interface Flaw {
  code: string
  why: string
}

function consider(route: RouteFacts, listed: ReadonlySet<string>, book: Book, live: Live): Considered {
  const provider = book.provider(route.provider_id)
  const flaw = flawOf(route, provider, listed, live)
  const health = provider ? live.health(provider.id) : 'unknown'
  const unwell = health === 'unhealthy' || (health === 'half_open' && !live.trial(route.provider_id))
  return { route, provider, flaw, health, unwell, demoted: false, order: null }
}

function flawOf(
  { enabled, time_window, provider_id }: RouteFacts,
  provider: ProviderFacts | undefined,
  listed: ReadonlySet<string>,
  live: Live,
): Flaw | undefined {
  if (!enabled) return flaws.DISABLED
  const closed = time_window === null ? undefined : closedAt(time_window, live.at)
  if (closed !== undefined) return { code: 'TIME_WINDOW', why: `outside its time window: it is ${closed}` }
  if (!provider || provider.deleted) return flaws.PROVIDER_DELETED
  if (!provider.enabled) return flaws.PROVIDER_DISABLED
  if (provider.locked) return flaws.PROVIDER_LOCKED
  if (listed.has(provider_id)) return flaws.DUPLICATE_PROVIDER
  return fullOf(provider, live)
}

const flaws = {
  DISABLED: { code: 'DISABLED', why: 'the route is disabled' },
  PROVIDER_DELETED: { code: 'PROVIDER_DELETED', why: 'the provider was deleted' },
  PROVIDER_DISABLED: { code: 'PROVIDER_DISABLED', why: 'the provider is disabled' },
  PROVIDER_LOCKED: {
    code: 'PROVIDER_LOCKED',
    why: 'its password cannot be opened with the present SEAL_KEYS',
  },
  DUPLICATE_PROVIDER: { code: 'DUPLICATE_PROVIDER', why: 'an earlier route has the same provider' },
}

function fullOf({ id, name, caps }: ProviderFacts, live: Live): Flaw | undefined {
  const full = limitsOf([{ scope: { kind: 'provider', id }, name, caps }], live).find(
    ({ exceeded }) => exceeded,
  )
  return full && { code: full.resource.toUpperCase(), why: fullness(full) }
}

/** The well before the unwell; where none is well, all of them as they come: a last resort beats silence. */
function inTurn(considered: readonly Considered[]): Kept[] {
  const kept = considered.filter((one): one is Kept => one.flaw === undefined && one.provider !== undefined)
  const well = kept.filter(({ unwell }) => !unwell)
  if (well.length === 0 || well.length === kept.length) return kept
  const unwell = kept.filter((one) => one.unwell)
  for (const one of unwell) one.demoted = true
  return [...well, ...unwell]
}

function told(
  { route, provider, flaw, health, unwell, demoted, order }: Considered,
  providers: readonly ProviderTarget[],
): Consideration {
  const target = order === null ? undefined : providers[order - 1]
  return {
    provider_id: route.provider_id,
    provider_name: provider?.name ?? '',
    route_id: route.id,
    route_name: route.name,
    target: route.target,
    priority: route.priority,
    weight: route.weight,
    platform: route.customer_id === PLATFORM,
    kept: flaw === undefined,
    order,
    demoted,
    health,
    code: flaw?.code ?? 'KEPT',
    why: flaw?.why ?? reasonOf(route, health, unwell, demoted),
    dialled: target?.user ?? null,
    policy: target?.policy ?? null,
  }
}

function reasonOf(
  { target, priority, weight }: RouteFacts,
  health: HealthStatus,
  unwell: boolean,
  demoted: boolean,
): string {
  const place = `target ${target}, priority ${priority}${weight > 0 ? `, weight ${weight}` : ''}`
  if (demoted) return `${place}; ${words[health]}, so it is tried after those that are well`
  if (unwell) return `${place}; ${words[health]}, and so are all the others: they are tried in order`
  return health === 'half_open' ? `${place}; its trial call is due` : place
}

const words = {
  unknown: 'of unknown health',
  healthy: 'healthy',
  unhealthy: 'unhealthy',
  half_open: 'half open without a trial call due',
}

/** A few of the customer's routes which do not match, so that one who looks for them finds out why. */
function mismatches(customer: CustomerFacts, e164: string | null, book: Book): Consideration[] {
  return book
    .eldest(customer.id)
    .filter(({ target }) => target !== 'all' && (e164 === null || !e164.startsWith(target)))
    .map((route) => mismatch(route, book.provider(route.provider_id)))
}

function mismatch(route: RouteFacts, provider: ProviderFacts | undefined): Consideration {
  const known = mismatched.get(route)
  if (known && known.provider_name === (provider?.name ?? '')) return known
  const flaw = { code: 'PREFIX', why: `the number does not begin with ${route.target}` }
  const health = 'unknown' as const
  const made = told({ route, provider, flaw, health, unwell: false, demoted: false, order: null }, [])
  mismatched.set(route, made)
  return made
}

const mismatched = new WeakMap<RouteFacts, Consideration>()
