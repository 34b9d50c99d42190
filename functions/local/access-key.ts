import { join } from 'node:path'
import { openDatabase } from './database.ts'
import { addAdministratorKey, ensureFirstCustomer } from './first-customer.ts'

/*
 * Makes a fresh administrator key straight in the local database: for who lost the first one. The stack
 * must be stopped, unless its database is a PostgreSQL of its own.
 */

try {
  const { DATABASE_URL, DATA_DIR = '.trunkline' } = process.env
  const place = DATABASE_URL ? { databaseUrl: DATABASE_URL } : { dataDir: join(DATA_DIR, 'database') }
  const { pool, close } = await openDatabase(place)
  const { customer_id, access_key } = await ensureFirstCustomer(pool)
  const key = access_key ?? (await addAdministratorKey(pool, customer_id, 'made by hand'))
  await close()
  process.stdout.write(`${key}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
