import { type SQL, sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { type AccountFacts, type Snapshot, type SnapshotSecrets, snapshot } from '#contract'
import { realmOf, trunkRealmOf } from '#routing'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { readId } from '../http/validate.ts'
import { log } from '../log.ts'
import { lineOf } from '../registration-token.ts'
import { bytes, type Seal } from '../secrets.ts'
import { writeEvents } from '../store/event-log.ts'
import { MOST_BYTES, type SealedAccount, type SnapshotRows, snapshotRows } from '../store/snapshot-rows.ts'
import { seal as sealFor, signature } from './envelope.ts'

/** All of one customer's configuration for one relay, signed; 304 where the relay has this version already. */
export const snapshots = new Hono<Edge>().get('/:id', async (c) => {
  const { RELAY_SECRET, BASE_DOMAIN } = c.get('settings')
  const known = readTag(c.req.header('if-none-match'))
  const rows = await snapshotRows(c.get('db'), readId(c), known)
  if (!rows) throw new ApiError('CUSTOMER_NOT_FOUND', 'There is no such customer.')
  c.header('ETag', `"${rows.version}"`)
  if (rows.version === known) return c.body(null, 304)
  if (!rows.facts) {
    const refusal = tooLarge(rows)
    log('error', 'snapshot.too_large', {
      customer_id: readId(c),
      version: rows.version,
      why: refusal.message,
    })
    await c.get('db').execute(toldTooLarge(readId(c), rows, refusal))
    throw refusal
  }
  const { accounts, passwords, facts } = rows
  const secrets: SnapshotSecrets = {
    accounts: await openAccounts(accounts ?? [], c.get('seal'), BASE_DOMAIN),
    passwords: await openPasswords(passwords ?? {}, c.get('seal')),
  }
  const key = c.get('relayKey')
  const providers = facts.providers.map(async (provider) => ({
    ...provider,
    line: await lineOf(RELAY_SECRET[0], provider.id),
    locked: passwords?.[provider.id] !== undefined && secrets.passwords[provider.id] === undefined,
  }))
  const whole: Snapshot = snapshot.parse({
    ...facts,
    providers: await Promise.all(providers),
    sealed: await sealFor(
      key,
      { customerId: facts.customer_id, version: rows.version },
      JSON.stringify(secrets),
    ),
  })
  const body = JSON.stringify(whole)
  return c.body(body, 200, {
    'content-type': 'application/json',
    'trunkline-signature': await signature(key, bytes(body)),
  })
})

/** Its relays ask about each of its calls instead. */
function tooLarge({ bytes }: SnapshotRows): ApiError {
  const most = `${MOST_BYTES / 1024 / 1024} MiB`
  return new ApiError(
    'SNAPSHOT_TOO_LARGE',
    `This customer’s configuration is ${bytes} bytes, more than the ${most} of a snapshot: relays ask about each of its calls, and have nothing to go by while the edge is away. Delete what is not used, or lower its quotas.`,
  )
}

/** An event of it once an hour, whichever relays ask. */
function toldTooLarge(customerId: string, { bytes }: SnapshotRows, { message, reason }: ApiError): SQL {
  const limit = { kind: 'customer', name: '', resource: 'snapshot', used: bytes, of: MOST_BYTES }
  return writeEvents(
    {
      type: 'limit.reached',
      id: sql`md5(concat_ws(' ', 'limit.reached', id, 'snapshot', date_trunc('hour', now(), 'UTC')))::uuid`,
      customerId: sql`id`,
      subjectId: sql`id`,
      data: sql`${JSON.stringify({ ...limit, reason, why: message })}::jsonb`,
    },
    sql`from customers where id = ${customerId}::uuid`,
  )
}

function readTag(tag: string | undefined): number | undefined {
  const [, digits] = /^(?:W\/)?"(\d{1,15})"$/.exec(tag ?? '') ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** An account whose secret was sealed under a key we no longer have is left out: it cannot prove itself. */
async function openAccounts(
  accounts: SealedAccount[],
  seal: Seal,
  baseDomain: string,
): Promise<AccountFacts[]> {
  const opened = await Promise.all(accounts.map((account) => openAccount(account, seal, baseDomain)))
  return opened.filter((account) => account !== undefined)
}

async function openAccount({ customer_id, ...account }: SealedAccount, seal: Seal, baseDomain: string) {
  const place = { table: `${account.kind}s`, id: account.id }
  const realm =
    account.kind === 'extension' ? realmOf(customer_id, baseDomain) : trunkRealmOf(account.realm, baseDomain)
  try {
    const [ha1_md5, ha1_sha256] = await Promise.all([
      seal.open({ ...place, field: 'ha1_md5' }, account.ha1_md5),
      seal.open({ ...place, field: 'ha1_sha256' }, account.ha1_sha256),
    ])
    return { ...account, realm, ha1_md5, ha1_sha256 }
  } catch {
    return undefined
  }
}

/** Passwords by provider; one that cannot be opened is left out, and its provider is `locked`. */
async function openPasswords(sealed: Record<string, string>, seal: Seal): Promise<Record<string, string>> {
  const opened = await Promise.all(
    Object.entries(sealed).map(async ([id, text]) => {
      const place = { table: 'providers', id, field: 'password' }
      return seal.open(place, text).then(
        (password) => [[id, password] as const],
        () => [],
      )
    }),
  )
  return Object.fromEntries(opened.flat())
}
