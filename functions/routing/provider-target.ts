import { type Consideration, failoverPolicy, type ProviderTarget, type RouteQuestion } from '#contract'
import type { Dialled } from './e164.ts'
import type { RouteFacts } from './facts.ts'
import { inOrder } from './order.ts'

/** Providers to try in order, and about every route why it was kept or skipped. */
export function considered(routes: RouteFacts[], dialled: Dialled, { call_id }: RouteQuestion) {
  const [providers, explanation]: [ProviderTarget[], Consideration[]] = [[], []]
  for (const route of inOrder(routes, call_id)) {
    const flaw = flawOf(route, dialled, providers)
    if (flaw === undefined) providers.push(toTarget(route, dialled))
    explanation.push({
      ...blank,
      provider_id: route.provider.id,
      provider_name: route.provider.name,
      route_id: route.id,
      kept: flaw === undefined,
      why: flaw ?? `target ${route.target}, priority ${route.priority}`,
    })
  }
  return { providers, explanation }
}

const blank = {
  route_name: '',
  target: '',
  priority: null,
  weight: null,
  platform: false,
  order: null,
  demoted: false,
  health: 'unknown',
  code: '',
  dialled: null,
  policy: null,
} as const

function flawOf(
  { target, enabled, provider }: RouteFacts,
  dialled: Dialled,
  kept: ProviderTarget[],
): string | undefined {
  if (!matches(target, dialled)) return `the number does not begin with ${target}`
  if (!enabled) return 'the route is disabled'
  if (provider.deleted) return 'the provider was deleted'
  if (!provider.enabled) return 'the provider is disabled'
  if (provider.locked) return 'its password cannot be opened with the present SEAL_KEYS'
  if (kept.some(({ provider_id }) => provider_id === provider.id))
    return 'an earlier route has the same provider'
  return undefined
}

function matches(target: string, dialled: Dialled): boolean {
  return target === 'all' || (dialled.kind === 'number' && dialled.e164.startsWith(target))
}

function toTarget({ provider, failover }: RouteFacts, dialled: Dialled): ProviderTarget {
  const { username, password } = provider
  return {
    provider_id: provider.id,
    name: provider.name,
    hostname: provider.hostname,
    port: provider.port,
    transport: provider.transport,
    tls: { verify: 'full', fingerprint: null },
    user: userAt(provider, dialled),
    headers: Object.entries(provider.tech_headers),
    calling: null,
    asserted: null,
    codecs: provider.codecs === '' ? [] : provider.codecs.split(','),
    credentials: username !== null && password !== null ? { username, password, realm: null } : null,
    policy: failoverPolicy.parse({ ...provider.failover, ...failover }),
  }
}

/** The number as this provider wants it. Short and emergency numbers stay as dialled. */
function userAt(
  { tech_prefix, tech_postfix, called_format }: RouteFacts['provider'],
  dialled: Dialled,
): string {
  if (dialled.kind !== 'number') return dialled.kind === 'short' ? dialled.digits : ''
  const number = called_format === 'e164' ? dialled.e164.slice(1) : dialled.e164
  return tech_prefix + number + tech_postfix
}
