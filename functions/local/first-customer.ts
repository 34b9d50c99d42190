import type { Pool } from 'pg'
import { type AccessScope, accessScopes, PLATFORM } from '#contract'
import { newAccessKey } from '../access-key.ts'

/**
 * Makes the first customer and its administrator key, unless there is one already.
 *
 * The key is returned only when it was made just now; it cannot be read again.
 */
export async function ensureFirstCustomer(
  pool: Pool,
  bounds: KeyBounds = {},
): Promise<{ customer_id: string; access_key?: string }> {
  const known = await firstCustomer(pool)
  if (known !== undefined) return { customer_id: known }
  const customer_id = crypto.randomUUID()
  await pool.query('insert into customers (id, name) values ($1, $2)', [customer_id, 'first customer'])
  return { customer_id, access_key: await addAdministratorKey(pool, customer_id, 'first key', bounds) }
}

/** What an administrator key opens, and for how many seconds; absent: everything, for good. */
export interface KeyBounds {
  scopes?: readonly AccessScope[]
  expire?: number
}

/** Makes one more administrator key, and gives its token. */
export async function addAdministratorKey(
  pool: Pool,
  customerId: string,
  name: string,
  { scopes = accessScopes, expire }: KeyBounds = {},
): Promise<string> {
  const { token, hash, prefix } = await newAccessKey()
  await pool.query(
    `insert into access_keys (id, customer_id, name, hash, prefix, admin, scopes, expires_at)
     values ($1, $2, $3, $4, $5, true, $6::access_scope[], now() + $7::double precision * interval '1 second')`,
    [crypto.randomUUID(), customerId, name, hash, prefix, scopes, expire ?? null],
  )
  return token
}

/** The oldest customer that is neither deleted nor the platform. */
async function firstCustomer(pool: Pool): Promise<string | undefined> {
  const { rows } = await pool.query<{ id: string }>(
    'select id from customers where id <> $1 and deleted_at is null order by created_at, id limit 1',
    [PLATFORM],
  )
  return rows[0]?.id
}
