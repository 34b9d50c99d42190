import { type SQL, sql } from 'drizzle-orm'
import { type Database, numbers, providers, trunks } from '#db'
import { Problem } from '../http/problem.ts'

/*
 * Calls that prove nothing else are told apart by the address they come from, and by the number called. What
 * that could not tell apart is refused when it is saved, not puzzled over when somebody calls.
 */

/** Something that is recognised by its addresses, as it is about to be saved. */
export interface Claim {
  id: string
  customerId: string
  sources: string[]
  enabled: boolean
}

/** Who else may call from an address claimed. */
export interface Clash extends Record<string, unknown> {
  kind: 'provider' | 'trunk' | 'number'
  id: string
  customer_id: string
  /** Which of the claimed addresses. */
  network: string
}

/** What a provider claims: `sources` are the networks it listed, and then its host, where that is an address. */
export interface ProviderClaim extends Claim {
  register: boolean
  inboundAddresses: string[]
  port: number | null
}

/**
 * What stands in the way of a provider: a provider of the same customer, anybody's PBX, a stranger's catch-all.
 *
 * Two at one host are told apart by the ports their calls come from, unless either listed the address.
 */
export function providerClashes(claim: ProviderClaim): SQL {
  const { id, customerId, sources, enabled, register, inboundAddresses: listed, port } = claim
  const hosts = sql`(place > ${listed.length}::integer and own_place > cardinality(o.inbound_addresses)
    and coalesce(o.port, 5060) <> ${port ?? 5060}::integer)`
  const both = sql`(o.register and ${register}::boolean)`
  const anys = sql`select from ${numbers} mine join ${numbers} n on n.customer_id <> mine.customer_id
    where mine.provider_id = ${id}::uuid and n.provider_id = o.id and ${catchAll('mine')} and ${catchAll('n')}`
  return sql`(
    select 'provider' as kind, o.id, o.customer_id, abbrev(claimed) as network
    from unnest(${networks(sources)}) with ordinality as c (claimed, place), ${providers} o
    where ${enabled}::boolean and ${alive('o')} and o.id <> ${id}::uuid and not ${both} and exists (
        select from unnest(o.sources) with ordinality as own (network, own_place) where network && claimed
          and not (o.customer_id = ${customerId}::uuid and ${hosts}))
      and (o.customer_id = ${customerId}::uuid or exists (${anys}))
    union all ${pbxes(id, sources, enabled)}
  )`
}

/** What stands in the way of a PBX known by its addresses: any provider, any other such PBX. */
export function trunkClashes({ id, sources, enabled }: Claim): SQL {
  return sql`(
    select 'provider' as kind, o.id, o.customer_id, abbrev(claimed) as network
    from unnest(${networks(sources)}) as claimed, ${providers} o
    where ${enabled}::boolean and ${alive('o')} and ${calls('o')}
    union all ${pbxes(id, sources, enabled)}
  )`
}

/** What stands in the way of a catch-all: another customer's, where the same calls may come from. */
export function catchAllClashes(wish: {
  customerId: string
  providerId: string | null
  enabled: boolean
}): SQL {
  return sql`(
    select 'number' as kind, n.id, n.customer_id, coalesce(abbrev(claimed), '') as network
    from ${providers} p join ${numbers} n on ${catchAll('n')} and n.customer_id <> ${wish.customerId}::uuid
    join ${providers} o on o.id = n.provider_id and ${alive('o')}
    left join unnest(p.sources) as claimed on ${calls('o')}
    where p.id = ${wish.providerId}::uuid and p.enabled and ${wish.enabled}::boolean
      and (o.id = p.id or (claimed is not null and not (o.register and p.register)))
  )`
}

/** The first of some clashes, for a batch. */
export function firstClash(db: Database, clashes: SQL) {
  return db.execute<Clash>(sql`select kind, id, customer_id, network from ${clashes} as clash limit 1`)
}

/** Refuses what clashes; the other is named by its id only to its own customer. */
export function refuse(clash: Clash | undefined, customerId: string, field: string): void {
  if (clash === undefined) return
  const whose = clash.customer_id === customerId ? `your ${clash.kind} ${clash.id}` : others[clash.kind]
  const from = clash.network === '' ? 'the same provider' : clash.network
  throw Problem.field(
    field,
    `calls from ${from} could not be told apart from those of ${whose}`,
    'AMBIGUOUS_SOURCE',
  )
}

const others = {
  provider: 'another customer’s provider',
  trunk: 'another customer’s trunk',
  number: 'another customer’s catch-all number',
}

function pbxes(id: string, sources: string[], enabled: boolean): SQL {
  return sql`select 'trunk', o.id, o.customer_id, abbrev(claimed)
    from unnest(${networks(sources)}) as claimed, ${trunks} o
    where ${enabled}::boolean and ${alive('o')} and o.id <> ${id}::uuid and 'ip' = any(o.auth_types) and ${calls('o')}`
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
