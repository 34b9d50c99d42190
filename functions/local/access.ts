import { createHash } from 'node:crypto'
import type { Pool } from 'pg'
import { addAdministratorKey, ensureFirstCustomer } from './first-customer.ts'
import { type Secrets, writeSecrets } from './secrets-file.ts'

/** The first customer, and an administrator key of theirs which works. */
export interface Access {
  readonly customerId: string
  readonly key: string
  /** Made just now, and not shown yet. */
  readonly isNew: boolean
}

/** The access key kept since the first start; another in its place when it was lost, deleted or has expired. */
export async function keepAccess(pool: Pool, folder: string, secrets: Secrets): Promise<Access> {
  const { customer_id: customerId, access_key: first } = await ensureFirstCustomer(pool)
  const kept = secrets.access_key
  if (first === undefined && kept !== undefined && (await opens(pool, customerId, kept))) {
    return { customerId, key: kept, isNew: false }
  }
  const key = first ?? (await addAdministratorKey(pool, customerId, 'npm start'))
  writeSecrets(folder, { ...secrets, access_key: key })
  return { customerId, key, isNew: true }
}

async function opens(pool: Pool, customerId: string, key: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `select 1 from access_keys where hash = $1 and customer_id = $2 and admin and 'admin' = any(scopes)
       and deleted_at is null and (expires_at is null or expires_at > now())`,
    [createHash('sha256').update(key).digest('hex'), customerId],
  )
  return rowCount === 1
}
