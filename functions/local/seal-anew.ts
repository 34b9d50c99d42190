import { readSettings } from '../env.ts'
import { openDatabase } from './database.ts'
import { sealAnew } from './sealed-anew.ts'

/* Seals under the first of SEAL_KEYS all that an older one sealed, in the PostgreSQL named by DATABASE_URL; then the older may go. */

try {
  const { DATABASE_URL, SEAL_KEYS } = process.env
  if (!DATABASE_URL || !SEAL_KEYS) throw new Error('Set DATABASE_URL and SEAL_KEYS as the edge has them.')
  const { SEAL_KEYS: keys } = readSettings({ DATABASE_URL, SEAL_KEYS, RELAY_SECRET: 'x'.repeat(32) })
  const { pool, close } = await openDatabase({ databaseUrl: DATABASE_URL })
  const sealed = await sealAnew(pool, keys).finally(close)
  process.stdout.write(`${sealed} secrets were sealed anew: all are sealed by ${keys[0].kid}.\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
