import {
  type CivicPlace,
  type FailoverPolicy,
  failoverPolicy,
  type ProviderFacts,
  type ProviderTarget,
  type RouteFacts,
} from '#contract'
import { listed } from './draft.ts'
import type { Dialled } from './e164.ts'
import { dialable, written } from './formats.ts'
import { takenBy } from './taken-bodies.ts'

/** A provider to try: the number and the caller as it writes them, under the policy of the route. */
export function targetOf(
  route: RouteFacts,
  provider: ProviderFacts,
  { dialled, calling, shown, home, emergency, place }: DialledThere,
): ProviderTarget {
  const country = provider.country ?? home
  const { hostname, port, transport, tls, headers, codecs, credentials, policy, transfer, dtmf, secure } =
    fixedPart(provider)
  return {
    provider_id: provider.id,
    route_id: route.id,
    name: provider.name,
    hostname,
    port,
    transport,
    tls,
    user: userAt(provider, dialled, country),
    calling: calling === null ? null : written(calling, provider.calling_format, country),
    asserted: shown === null ? null : written(shown, provider.asserted_format, country),
    headers,
    codecs,
    credentials,
    place: provider.emergency_location ? place : null,
    takes: takenBy(provider, emergency),
    policy: route.failover === null ? policy : policyOf(route, provider),
    transfer,
    dtmf,
    diversion: provider.diversion,
    redirects: provider.redirects,
    secure,
  }
}

/** What is dialled there, in the terms of who calls: the number shown, the country at home, where it is. */
interface DialledThere {
  readonly dialled: Exclude<Dialled, { kind: 'nonsense' }>
  /** Who calls; and which number of the customer's is asserted. */
  readonly calling: string | null
  readonly shown: string | null
  readonly home: string
  readonly emergency: boolean
  readonly place: CivicPlace | null
}

/** The number as this provider wants it. Short and emergency numbers stay as they were dialled. */
function userAt(
  { tech_prefix, tech_postfix, called_format }: ProviderFacts,
  dialled: Exclude<Dialled, { kind: 'nonsense' }>,
  country: string,
): string {
  if (dialled.kind === 'short') return dialled.digits
  const number = written(dialled.e164, called_format, country)
  return tech_prefix === '' && tech_postfix === '' ? number : dialable(tech_prefix + number + tech_postfix)
}

type Fixed = Omit<
  ProviderTarget,
  | 'provider_id'
  | 'route_id'
  | 'name'
  | 'user'
  | 'calling'
  | 'asserted'
  | 'place'
  | 'takes'
  | 'diversion'
  | 'redirects'
>

/** Whatever is the same for every call, made once. */
function fixedPart(provider: ProviderFacts): Fixed {
  const known = fixed.get(provider)
  if (known) return known
  const made = makeFixed(provider)
  fixed.set(provider, made)
  return made
}

const fixed = new WeakMap<ProviderFacts, Fixed>()

function makeFixed(provider: ProviderFacts): Fixed {
  const { hostname, port, transport, tls, codecs, username, password, realm } = provider
  const { failover, transfer, dtmf, secure } = provider
  return {
    hostname,
    port,
    transport,
    tls,
    headers: Object.entries(provider.tech_headers),
    codecs: listed(codecs),
    credentials: username !== null && password !== null ? { username, password, realm } : null,
    policy: failoverPolicy.parse({ ...failover }),
    transfer,
    dtmf,
    secure,
  }
}

/** The route's wishes before the provider's, and those before the defaults. */
function policyOf(route: RouteFacts, provider: ProviderFacts): FailoverPolicy {
  const made = policies.get(route)
  if (made?.provider === provider) return made.policy
  const policy = failoverPolicy.parse({ ...provider.failover, ...route.failover })
  policies.set(route, { provider, policy })
  return policy
}

const policies = new WeakMap<RouteFacts, { provider: ProviderFacts; policy: FailoverPolicy }>()
