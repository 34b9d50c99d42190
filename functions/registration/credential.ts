import { and, eq, isNull } from 'drizzle-orm'
import { Hono } from 'hono'
import { type CredentialAnswer, credentialQuestion } from '#contract'
import { customers, type Database, extensions } from '#db'
import { customerOf, realmOf } from '#routing'
import type { Edge } from '../env.ts'
import { readBody } from '../http/validate.ts'
import type { Seal } from '../secrets.ts'

/** Seconds a relay may go on believing an answer. */
const KNOWN_FOR = 60
const UNKNOWN_FOR = 5

/** The relay's question who username@realm is, and how they prove it. */
export const credential = new Hono<Edge>().post('/', async (c) => {
  const { realm, username } = await readBody(c, credentialQuestion)
  const baseDomain = c.get('settings').BASE_DOMAIN
  const customerId = customerOf(realm, baseDomain)
  const row = customerId === undefined ? undefined : await accountOf(c.get('db'), customerId, username)
  const answer: CredentialAnswer = row
    ? await known(row, c.get('seal'), baseDomain)
    : await unknown(c.get('seal'))
  return c.json(answer)
})

async function accountOf(db: Database, customerId: string, username: string) {
  const [row] = await db
    .select({ extension: extensions, customerAlgorithms: customers.digestAlgorithms })
    .from(extensions)
    .innerJoin(customers, and(eq(customers.id, extensions.customerId), isNull(customers.deletedAt)))
    .where(
      and(
        eq(extensions.customerId, customerId),
        eq(extensions.extension, username),
        isNull(extensions.deletedAt),
      ),
    )
  return row
}

type Account = NonNullable<Awaited<ReturnType<typeof accountOf>>>

/** Takes as long as an account would: time must not tell which names there are (RFC 7616 §5.7). */
async function unknown(seal: Seal): Promise<CredentialAnswer> {
  for (const field of ['ha1_md5', 'ha1_sha256'])
    await seal.close({ table: 'extensions', id: 'nobody', field }, nobody)
  return { kind: 'unknown', ttl: UNKNOWN_FOR }
}

const nobody = '0'.repeat(64)

async function known(
  { extension, customerAlgorithms }: Account,
  seal: Seal,
  baseDomain: string,
): Promise<CredentialAnswer> {
  const place = { table: 'extensions', id: extension.id }
  return {
    kind: 'known',
    customer_id: extension.customerId,
    account: 'extension',
    extension_id: extension.id,
    extension: extension.extension,
    realm: realmOf(extension.customerId, baseDomain),
    ha1_md5: await seal.open({ ...place, field: 'ha1_md5' }, extension.sealedMd5),
    ha1_sha256: await seal.open({ ...place, field: 'ha1_sha256' }, extension.sealedSha256),
    algorithms: extension.digestAlgorithms ?? customerAlgorithms,
    enabled: extension.enabled,
    max_contacts: extension.maxContacts,
    min_expires: extension.minExpires,
    max_expires: extension.maxExpires,
    default_expires: extension.defaultExpires,
    ttl: KNOWN_FOR,
  }
}
