import { type SQL, sql } from 'drizzle-orm'
import { PLATFORM, type Port } from '#contract'
import { numbers, providers, trunks } from '#db'
import { ApiError } from '../http/api-error.ts'
import { type Check, noneOf } from '../http/check.ts'

/*
 * Calls that prove nothing else are told apart by the address they come from, and by the number called. What one
 * customer's own things could not tell apart is refused when it is saved, not puzzled over when a call comes.
 *
 * Another customer's never stand in the way: an address is no customer's by being listed. Those who share one are told
 * apart by the number, a trunk's domain or a registration, and else by who was there first (#routing's `recognise`).
 * The platform's providers are an administrator's word, and no trunk may be where they are.
 */

/** Something that is recognised by its addresses, as it is about to be saved. */
interface AddressClaim {
  id: string
  customerId: string
  sources: string[]
  enabled: boolean
}

/** Who else may call from an address claimed. */
export interface Clash {
  kind: 'provider' | 'trunk' | 'number'
  id: string
  customer_id: string
  /** Which of the claimed addresses, or the host name claimed. */
  network: string
}

/** What a provider claims: `sources` are the networks it listed, and then its host, where that is an address. */
interface ProviderClaim extends AddressClaim {
  register: boolean
  inbound_addresses: string[]
  /** Lower case. */
  hostname: string
  port: Port | null
}

/**
 * What stands in the way of a provider: a provider or a PBX of the same customer.
 *
 * Two at one host are told apart by the ports their calls come from, unless either listed the address. What two names
 * come to share by DNS later cannot be refused: an event says it (store/hosts.ts).
 */
export function providerClashes(claim: ProviderClaim): SQL {
  const { id, customerId, sources, enabled, register, inbound_addresses: listed, hostname, port } = claim
  const alike = sql`coalesce(o.port, 5060) = ${port ?? 5060}::integer`
  const hosts = sql`(place > ${listed.length}::integer and own_place > cardinality(o.inbound_addresses) and not ${alike})`
  const both = sql`(o.register and ${register}::boolean)`
  return sql`(
    select 'provider' as kind, o.id, o.customer_id, abbrev(claimed) as network
    from unnest(${networks(sources)}) with ordinality as c (claimed, place), ${providers} o
    where ${enabled}::boolean and ${alive('o')} and o.customer_id = ${customerId}::uuid and o.id <> ${id}::uuid
      and not ${both} and exists (
        select from unnest(o.sources || o.found) with ordinality as own (network, own_place)
        where network && claimed and not ${hosts})
    union all select 'provider', o.id, o.customer_id, o.hostname from ${providers} o
    where ${enabled}::boolean and ${alive('o')} and o.customer_id = ${customerId}::uuid and o.id <> ${id}::uuid
      and not ${both} and o.hostname = ${hostname}::text and ${alike}
    union all ${pbxes(claim)}
  )`
}

/** What stands in the way of a PBX known by its addresses: its customer's provider, the platform's, its other PBXs. */
export function trunkClashes(claim: AddressClaim): SQL {
  const { customerId, sources, enabled } = claim
  return sql`(
    select 'provider' as kind, o.id, o.customer_id, abbrev(claimed) as network
    from unnest(${networks(sources)}) as claimed, ${providers} o
    where ${enabled}::boolean and ${alive('o')} and o.customer_id in (${customerId}::uuid, ${PLATFORM}::uuid)
      and (${calls('o')} or claimed >>= any(o.found))
    union all ${pbxes(claim)}
  )`
}

/** What stands in the way of a catch-all of the platform's provider: another customer's of the same. */
export function catchAllClashes(claim: {
  customerId: string
  providerId: string | null
  enabled: boolean
}): SQL {
  return sql`(
    select 'number' as kind, n.id, n.customer_id, '' as network
    from ${providers} p join ${numbers} n on n.provider_id = p.id and ${catchAll('n')}
    where p.id = ${claim.providerId}::uuid and n.customer_id <> ${claim.customerId}::uuid
      and p.enabled and ${claim.enabled}::boolean
  )`
}

/**
 * The check that nothing clashes; what does is named by its id only to its own customer. `fieldOf` says which field is to
 * blame for what clashes at an address or a host name. `refuse` throws AMBIGUOUS_SOURCE.
 */
export function noClash(clashes: SQL, customerId: string, fieldOf: (network: string) => string): Check {
  return noneOf<Clash>(clashes, ({ kind, id, customer_id, network }) => {
    const whose = customer_id === customerId ? `your ${kind} ${id}` : others[kind]
    const from = network === '' ? 'the same provider' : network
    const why = `calls from ${from} could not be told apart from those of ${whose}`
    throw ApiError.field(fieldOf(network), why, 'AMBIGUOUS_SOURCE')
  })
}

const others = {
  provider: 'the platform’s provider',
  trunk: 'another customer’s trunk',
  number: 'another customer’s catch-all number',
}

function pbxes({ id, customerId, sources, enabled }: AddressClaim): SQL {
  return sql`select 'trunk', o.id, o.customer_id, abbrev(claimed)
    from unnest(${networks(sources)}) as claimed, ${trunks} o
    where ${enabled}::boolean and ${alive('o')} and o.customer_id = ${customerId}::uuid and o.id <> ${id}::uuid
      and 'ip' = any(o.auth_types) and ${calls('o')}`
}

/** The condition that something named so may call from the network `claimed`. */
function calls(name: string): SQL {
  return sql`exists (select from unnest(${sql.raw(name)}.sources) as own where own && claimed)`
}

function alive(name: string): SQL {
  return sql`${sql.raw(name)}.enabled and ${sql.raw(name)}.deleted_at is null`
}

function catchAll(name: string): SQL {
  return sql`${sql.raw(name)}.number = 'any' and ${alive(name)}`
}

function networks(sources: string[]): SQL {
  return sql`${sql.param(sources, providers.sources)}::inet[]`
}
