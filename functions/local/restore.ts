import { openDatabase } from './database.ts'
import { settleRestored } from './restored.ts'

/* After a backup was put into the PostgreSQL named by DATABASE_URL, and before the edge serves from it. */

try {
  const { DATABASE_URL } = process.env
  if (!DATABASE_URL) throw new Error('Set DATABASE_URL to the PostgreSQL into which the backup was put.')
  const { pool, close } = await openDatabase({ databaseUrl: DATABASE_URL })
  const { version, customers } = await settleRestored(pool)
  await close()
  process.stdout.write(
    `The schema is up to date, and relays will take what ${customers} customers have, as version ${version}.\n`,
  )
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
