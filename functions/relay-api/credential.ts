import { type SQL, sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { type CredentialAnswer, credentialQuestion, type DigestAlgorithm } from '#contract'
import type { Database } from '#db'
import { customerOf, realmOf, trunkDomainOf, trunkRealmOf } from '#routing'
import type { Edge } from '../env.ts'
import { readTold } from '../http/validate.ts'
import type { Seal } from '../secrets.ts'
import { endedTokens } from '../store/ended-tokens.ts'

/** Seconds a relay may go on believing an answer. */
const KNOWN_FOR = 60
const UNKNOWN_FOR = 5

/** The relay's question who username@realm is, and how they prove it: a phone, or a PBX. */
export const credential = new Hono<Edge>().post('/', async (c) => {
  const { realm, username } = await readTold(c, credentialQuestion)
  const baseDomain = c.get('settings').BASE_DOMAIN
  const found = await accountOf(c.get('db'), realm, username, baseDomain)
  const row = found?.account
  const proofs = row && (await proofsOf(row, c.get('seal')))
  const answer: CredentialAnswer = proofs
    ? known(row, proofs, baseDomain)
    : await unknown(c.get('seal'), found?.customer_id)
  return c.json(answer)
})

/** One account which may prove itself by digest; `domain` of a trunk is its domain's first part. */
interface AccountRow extends Record<string, unknown> {
  kind: 'extension' | 'trunk'
  id: string
  customer_id: string
  username: string
  domain: string
  sealed_md5: string
  sealed_sha256: string
  algorithms: DigestAlgorithm[]
  enabled: boolean
  max_contacts: number
  min_expires: number
  max_expires: number
  default_expires: number
  keepalive_s: number
  ended_tokens: string[]
}

async function accountOf(db: Database, realm: string, username: string, baseDomain: string) {
  const question =
    extensionIn(customerOf(realm, baseDomain), username) ??
    trunkAt(trunkDomainOf(realm, baseDomain), username)
  if (!question) return undefined
  const { rows } = await db.execute<{ account: AccountRow | null; customer_id: string }>(question)
  return rows[0]
}

function extensionIn(customerId: string | undefined, username: string): SQL | undefined {
  if (customerId === undefined) return undefined
  return sql`
    select case when a.id is not null
      then ${account(sql`'kind', 'extension', 'username', a.extension, 'domain', '', 'ended_tokens', array(${endedTokens(sql`a.customer_id`, sql`a.id`)})`)} end as account, c.id as customer_id
    from customers c left join extensions a
      on a.customer_id = c.id and a.extension = ${username} and a.deleted_at is null
    where c.id = ${customerId}::uuid and c.deleted_at is null`
}

function trunkAt(domain: string | undefined, username: string): SQL | undefined {
  if (domain === undefined) return undefined
  return sql`
    select ${account(sql`'kind', 'trunk', 'username', a.username, 'domain', a.domain_name, 'ended_tokens', array[]::uuid[]`)} as account, c.id as customer_id
    from trunks a join customers c on c.id = a.customer_id and c.deleted_at is null
    where a.domain_name = ${domain} and a.username = ${username} and a.deleted_at is null
      and 'basic' = any(a.auth_types) and a.sealed_md5 is not null and a.sealed_sha256 is not null`
}

function account(self: SQL): SQL {
  return sql`jsonb_build_object(${self}, 'id', a.id, 'customer_id', a.customer_id, 'sealed_md5', a.sealed_md5,
    'sealed_sha256', a.sealed_sha256, 'algorithms', coalesce(a.digest_algorithms, c.digest_algorithms),
    'enabled', a.enabled, 'max_contacts', a.max_contacts, 'min_expires', a.min_expires, 'max_expires', a.max_expires,
    'default_expires', a.default_expires, 'keepalive_s', a.keepalive_s)`
}

/** Takes as long as an account would: time must not tell which names there are (RFC 7616 §5.7). */
async function unknown(seal: Seal, customer_id: string | undefined): Promise<CredentialAnswer> {
  for (const field of ['ha1_md5', 'ha1_sha256'])
    await seal.close({ table: 'extensions', id: 'nobody', field }, nobody)
  return { kind: 'unknown', ttl: UNKNOWN_FOR, ...(customer_id && { customer_id }) }
}

const nobody = '0'.repeat(64)

interface Proofs {
  ha1_md5: string
  ha1_sha256: string
}

/** undefined where they were sealed under a key we no longer have: no phone can prove to be this account then. */
async function proofsOf({ kind, id, sealed_md5, sealed_sha256 }: AccountRow, seal: Seal) {
  const place = { table: `${kind}s`, id }
  try {
    const ha1_md5 = await seal.open({ ...place, field: 'ha1_md5' }, sealed_md5)
    return { ha1_md5, ha1_sha256: await seal.open({ ...place, field: 'ha1_sha256' }, sealed_sha256) }
  } catch {
    return undefined
  }
}

function known(row: AccountRow, proofs: Proofs, baseDomain: string): CredentialAnswer {
  return {
    kind: 'known',
    customer_id: row.customer_id,
    account: row.kind,
    extension_id: row.id,
    extension: row.username,
    realm: row.kind === 'trunk' ? trunkRealmOf(row.domain, baseDomain) : realmOf(row.customer_id, baseDomain),
    ...proofs,
    algorithms: row.algorithms,
    enabled: row.enabled,
    max_contacts: row.max_contacts,
    min_expires: row.min_expires,
    max_expires: row.max_expires,
    default_expires: row.default_expires,
    keepalive_s: row.keepalive_s,
    ended_tokens: row.ended_tokens,
    ttl: KNOWN_FOR,
  }
}
