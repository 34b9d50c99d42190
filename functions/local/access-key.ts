import { openDatabase } from './database.ts'
import { addAdministratorKey, ensureFirstCustomer } from './first-customer.ts'
import { takeFolder } from './folder.ts'
import { readKeyWords } from './key-words.ts'
import { openParts } from './parts.ts'
import { keepSecrets } from './secrets-file.ts'
import { placeOf, readSettings } from './settings.ts'

/*
 * `npm run access-key`: makes a fresh administrator key straight in the local database, for who lost the
 * first one. Words after `--` bound it: `npm run access-key -- read --expire=86400`. The stack must be stopped, unless
 * its database is a PostgreSQL of its own.
 */

const parts = openParts()

try {
  const bounds = readKeyWords(process.argv.slice(2))
  const { settings, wrong } = readSettings(process.env)
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  if (settings.databaseUrl === undefined) {
    parts.add(takeFolder(settings.folder))
    keepSecrets(settings.folder)
  }
  const database = await openDatabase(placeOf(settings))
  parts.add(() => database.close())
  const { customer_id, access_key } = await ensureFirstCustomer(database.pool, bounds)
  const key = access_key ?? (await addAdministratorKey(database.pool, customer_id, 'made by hand', bounds))
  process.stdout.write(`${key}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
await parts.stop()
