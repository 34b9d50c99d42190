import type { Pool } from 'pg'
import { PLATFORM } from '#contract'
import { newAccessKey } from '../access-key.ts'

/**
 * Makes the first customer and its administrator key, unless there is one already.
 *
 * The key is returned only when it was made just now; nobody can read it again.
 */
export async function ensureFirstCustomer(pool: Pool): Promise<{ customer_id: string; access_key?: string }> {
  const known = await firstCustomer(pool)
  if (known !== undefined) return { customer_id: known }
  const customer_id = crypto.randomUUID()
  await pool.query('insert into customers (id, name) values ($1, $2)', [customer_id, 'first customer'])
  return { customer_id, access_key: await addAdministratorKey(pool, customer_id, 'first key') }
}

/** Makes one more administrator key: for who lost the first. */
export async function addAdministratorKey(pool: Pool, customerId: string, name: string): Promise<string> {
  const { token, hash, prefix } = await newAccessKey()
  await pool.query(
    'insert into access_keys (id, customer_id, name, hash, prefix, admin) values ($1, $2, $3, $4, $5, true)',
    [crypto.randomUUID(), customerId, name, hash, prefix],
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
