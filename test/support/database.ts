import { openDatabase } from '../../functions/local/database.ts'
import { startNeonEndpoint } from '../../functions/local/neon.ts'
import { emptyDatabase } from './empty-database.ts'

/**
 * A fresh database behind the Neon endpoint: PGlite in memory or in a folder, or an empty database of its own in the
 * PostgreSQL which TEST_DATABASE_URL names.
 */
export async function startDatabase(dataDir = `memory://${crypto.randomUUID()}`) {
  const { place, drop } = await freshPlace(dataDir)
  const { pool, close } = await openDatabase(place)
  const heard: string[] = []
  const trips: (readonly string[])[] = []
  const endpoint = await startNeonEndpoint({
    pool,
    heard: (statements) => {
      trips.push(statements)
      heard.push(...statements)
    },
  })
  return {
    pool,
    /** Every statement since the last `splice`, in order. */
    heard,
    /** How often it was asked since this was last called: a batch is asked once. */
    requests() {
      return trips.splice(0).length
    },
    /** The same, with the statements of each. */
    trips() {
      return trips.splice(0)
    },
    databaseUrl: endpoint.databaseUrl,
    endpointUrl: endpoint.url,
    async close() {
      await endpoint.close()
      await close()
      await drop()
    },
  }
}
export type TestDatabase = Awaited<ReturnType<typeof startDatabase>>

async function freshPlace(dataDir: string) {
  const server = process.env.TEST_DATABASE_URL
  if (!server) {
    const place = dataDir.startsWith('memory://') ? { dataDir, image: await emptyDatabase() } : { dataDir }
    return { place, drop: async () => {} }
  }
  const { Pool } = await import('pg')
  const admin = new Pool({ connectionString: server, max: 1 })
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`
  await admin.query(`create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  const drop = async () => {
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
  }
  return { place: { databaseUrl: url.href }, drop }
}
