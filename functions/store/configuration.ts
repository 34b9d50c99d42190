import { flowFacts, type HealthStatus, type ProviderFacts, type RouteQuestion, type UtcMs } from '#contract'
import { ConfigIndex, type ConfigSlice, type Configuration, type Runtime, unused } from '#routing'
import type { Seal } from '../secrets.ts'
import type { Facts } from './facts.ts'

/** What was brought, as a decision looks things up. */
export function configurationOf(brought: Facts): Configuration {
  const shelf = new ConfigIndex()
  for (const portion of slicesOf(brought)) shelf.put(portion)
  return shelf.configuration
}

/** What was brought, by customer. */
function slicesOf(brought: Facts): ConfigSlice[] {
  const counts = new Map(brought.route_counts.map(({ customer_id, count }) => [customer_id, count]))
  return brought.customers.map(({ version, facts }) => {
    const own = <Thing extends { customer_id: string }>(things: Thing[]) =>
      things.filter(({ customer_id }) => customer_id === facts.id)
    return {
      customer_id: facts.id,
      version,
      customer: facts,
      extensions: own(brought.extensions),
      trunks: own(brought.trunks),
      numbers: own(brought.numbers),
      // As they were written by whichever edge.
      flows: own(brought.flows).map((flow) => flowFacts.parse(flow)),
      providers: own(brought.providers),
      routes: own(brought.routes),
      route_count: counts.get(facts.id) ?? 0,
    }
  })
}

/** How things stand as the database has it. Calls per second are known to relays only. */
export function runtimeOf(
  brought: Facts,
  { call_id }: Pick<RouteQuestion, 'call_id'>,
  baseDomain: string,
  at: UtcMs = brought.at,
): Runtime {
  const health = new Map<string, HealthStatus>(brought.health.map(({ id, status }) => [id, status]))
  return {
    at,
    baseDomain,
    decidedBy: 'edge',
    snapshotAgeMs: null,
    version: (id) => brought.customers.find(({ facts }) => facts.id === id)?.version ?? null,
    health: (id) => health.get(id) ?? 'unknown',
    // Trials are not counted here: about every eighth call is one, by its id.
    trial: () => Number.parseInt(call_id.slice(-1), 16) % 8 === 0,
    use: ({ kind, id }) => useOf(brought, kind, id),
  }
}

function useOf(brought: Facts, kind: string, id: string) {
  const use = brought.use.find((one) => one.kind === kind && one.id === id)
  const caps = capsOf(brought, kind, id)
  if (!use || !caps) return unused
  const { max_channels, max_daily_minutes } = caps
  return {
    channels: max_channels === null ? null : { used: use.calls, of: max_channels },
    cps: null,
    daily_minutes:
      max_daily_minutes === null ? null : { used: Math.floor(use.seconds / 60), of: max_daily_minutes },
  }
}

function capsOf(brought: Facts, kind: string, id: string) {
  if (kind === 'customer') return brought.customers.find(({ facts }) => facts.id === id)?.facts.caps
  const those =
    kind === 'extension' ? brought.extensions : kind === 'trunk' ? brought.trunks : brought.providers
  return those.find((one) => one.id === id)?.caps
}

/**
 * The same with the providers' passwords in the clear, and the word we registered under at the one it names.
 *
 * A password that cannot be opened must not stop the others.
 */
export async function unsealed(
  brought: Facts,
  seal: Seal,
  { provider, line }: { provider?: string | undefined; line?: string | null } = {},
): Promise<Facts> {
  const providers = brought.providers.map(async (one) => ({
    ...(await legible(one, seal)),
    line: one.id === provider ? (line ?? '') : '',
  }))
  return { ...brought, providers: await Promise.all(providers) }
}

async function legible(provider: ProviderFacts, seal: Seal): Promise<ProviderFacts> {
  if (provider.password === null) return provider
  const place = { table: 'providers', id: provider.id, field: 'password' }
  return seal.open(place, provider.password).then(
    (password) => ({ ...provider, password }),
    () => ({ ...provider, password: null, locked: true }),
  )
}
