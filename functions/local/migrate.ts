import { openDatabase } from './database.ts'

/* Brings the PostgreSQL named by DATABASE_URL to the present schema: before a deploy. */

try {
  const { DATABASE_URL } = process.env
  if (!DATABASE_URL) throw new Error('Set DATABASE_URL to the PostgreSQL that should get the schema.')
  const { close } = await openDatabase({ databaseUrl: DATABASE_URL })
  await close()
  process.stdout.write('The schema is up to date.\n')
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
