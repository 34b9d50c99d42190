import { and, eq, isNotNull, type SQL, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import { bindings, numbers, trunks as table } from '#db'
import { trunkRealmOf } from '#routing'
import type { Edge, Settings } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { type Check, condition } from '../http/check.ts'
import { exampleIds } from '../http/example-ids.ts'
import { lists } from '../http/page.ts'
import { leaning, live } from '../http/queries.ts'
import { resource } from '../http/resource.ts'
import { readId } from '../http/validate.ts'
import { expiryRow, proofs } from './account.ts'
import { noClash, trunkClashes } from './ambiguity.ts'
import { name } from './fields.ts'
import { leadingTo } from './flow-references.ts'
import { countriesKnown, guardShown } from './guard-fields.ts'
import { neighbourhood, networks, refusePrivate } from './inbound-addresses.ts'
import { ownNumbers } from './own-numbers.ts'
import { quota } from './quota.ts'
import { historyFilters, historyOf } from './registration-history.ts'
import { registrationsOf } from './registrations.ts'
import { ringing } from './ring-destinations.ts'
import { domain, refuseHalves, type TrunkInput, type TrunkRow, trunkFields } from './trunk-fields.ts'
import { refuseWeak } from './weak-password.ts'

/** Customers' own PBXs: they call through us, and numbers lead to them. */
export const trunks = resource({
  name: 'trunk',
  path: '/v1.0/trunks',
  about: 'Customers’ own PBXs: they call through the platform, and numbers lead to them.',
  table,
  fields: trunkFields,
  filters: { name, domain_name: domain },
  quota: quota('trunks'),
  async draft(input, { c, id, customerId, stored }) {
    const domainName = stored ? await unmoved(input, stored) : named(input)
    const sources = sourcesOf(input, c.get('settings'))
    const callerIds = await ownNumbers(c, 'caller_ids', input.caller_ids, input.country)
    const kept = await secrets(c, { id, customerId, domainName }, input)
    const known = await countriesKnown('trunk', { id, customerId }, input, stored)
    if (!stored && input.auth_types.includes('basic') && !kept.sealedMd5) throw passwordNeeded()
    // It is known by its addresses only where they prove something.
    const enabled = input.enabled && input.auth_types.includes('ip')
    return {
      row: { ...(!stored && { domainName }), sources, callerIds, ...expiryRow(input), ...kept, ...known },
      checks: [
        ...(stored && leansOnPassword(input, kept) ? [passwordKept(live(table, customerId, id), input)] : []),
        noClash(trunkClashes({ id, customerId, sources, enabled }), customerId, () => 'allowed_ips'),
      ],
    }
  },
  deleting: {
    leaners: (trunk) => [
      leaning(numbers, 'trunkId', trunk),
      leadingTo('trunk', nameOf(trunk.id), trunk),
      ...ringing('trunk', trunk),
    ],
    cascade: 'asked',
    inUse: 'Numbers, flows or extensions lead to this trunk. Change them first, or ask with ?cascade=true.',
  },
  errors: ['TRUNK_DOMAIN_TAKEN', 'REFERENCE_NOT_FOUND', 'AMBIGUOUS_SOURCE'],
  example: {
    id: exampleIds.trunk,
    body: {
      name: 'PBX',
      domain_name: 'office',
      auth_types: ['basic'],
      username: 'pbx',
      password: 'a-long-password',
    },
    shown: { realm: 'office.trunk.trunkline.example', password_set: true, ...guardShown },
  },
})

trunks.endpoints.get('/:id/registrations/history', lists(historyFilters), async (c) => {
  const { id } = await trunks.find(c, readId(c))
  return c.json(await historyOf(c, id))
})

trunks.endpoints.get('/:id/registrations', lists(), async (c) => {
  const { id } = await trunks.find(c, readId(c))
  return c.json(await registrationsOf(c, eq(bindings.trunkId, id)))
})

function nameOf(id: string): SQL {
  return sql`(select t.domain_name from ${table} t where t.id = ${id}::uuid)`
}

/** The domain of a new one. */
function named({ domain_name }: TrunkInput): string {
  if (domain_name !== undefined) return domain_name
  throw ApiError.field('domain_name', 'is needed: the first part of its domain')
}

/** The domain of the one there is, which stays. */
async function unmoved({ domain_name }: TrunkInput, stored: () => Promise<TrunkRow>): Promise<string> {
  const { domainName } = await stored()
  if ((domain_name ?? domainName) === domainName) return domainName
  throw ApiError.field('domain_name', 'cannot be changed; make another trunk instead')
}

/** The networks it may call from. */
function sourcesOf(input: TrunkInput, { ALLOW_PRIVATE_TARGETS, BASE_DOMAIN }: Settings): string[] {
  refuseHalves(input)
  if (input.hostname !== null && !ALLOW_PRIVATE_TARGETS) refusePrivate(input.hostname, BASE_DOMAIN)
  return networks('allowed_ips', input.allowed_ips, ALLOW_PRIVATE_TARGETS, neighbourhood)
}

/** What is kept of a password: made anew, forgotten, or (where none is sent) as it is. */
async function secrets(
  c: Context<Edge>,
  { id, customerId, domainName }: Pick<TrunkRow, 'id' | 'customerId' | 'domainName'>,
  { name, username, password }: TrunkInput,
): Promise<{ sealedMd5?: string | null; sealedSha256?: string | null; passwordHash?: string | null }> {
  if (username === null) return { sealedMd5: null, sealedSha256: null, passwordHash: null }
  if (password === null) return {}
  refuseWeak(password, [username, domainName, name])
  const realm = trunkRealmOf(domainName, c.get('settings').BASE_DOMAIN)
  return proofs(c.get('seal'), { table: 'trunks', id, customerId }, { username, realm, password })
}

function leansOnPassword(input: TrunkInput, { sealedMd5 }: { sealedMd5?: string | null }): boolean {
  return sealedMd5 === undefined && input.auth_types.includes('basic')
}

/** The password which is kept must be the one of this username: what is kept of it depends on both. */
function passwordKept(mine: SQL | undefined, { username }: TrunkInput): Check {
  const its = username === null ? undefined : eq(table.username, username)
  const proves = sql`exists (select from ${table} where ${and(mine, isNotNull(table.sealedMd5), its)})`
  return condition(proves, passwordNeeded)
}

function passwordNeeded(): ApiError {
  return ApiError.field('password', 'is needed with each new username: what is kept of it depends on both')
}
