/*
 * The database, its schema and its endpoint in a process of their own: a statement which hangs the embedded database
 * hangs nothing else, and a signal to stop the product is always heard.
 *
 * Says where it is in its ready line. `NEON_PORT` and `NEON_SECRET` come from the parent: after a death the Worker
 * finds the next one where the last was.
 */
import { keepAccess } from './access.ts'
import { openDatabase } from './database.ts'
import { startNeonEndpoint } from './neon.ts'
import { run } from './parts.ts'
import { keepSecrets } from './secrets-file.ts'
import { placeOf, readSettings } from './settings.ts'

await run(async (parts) => {
  const { settings } = readSettings(process.env)
  const { NEON_PORT, NEON_SECRET } = process.env
  const database = await openDatabase(placeOf(settings))
  parts.add(() => database.close())
  const access = await keepAccess(database.pool, settings.folder, keepSecrets(settings.folder))
  const port = Number(NEON_PORT ?? 0)
  const neon = await startNeonEndpoint({
    pool: database.pool,
    port,
    ...(NEON_SECRET && { secret: NEON_SECRET }),
  })
  parts.add(() => neon.close())
  const ready = { event: 'ready', url: neon.url, database_url: neon.databaseUrl, access }
  process.stdout.write(`${JSON.stringify(ready)}\n`)
})
