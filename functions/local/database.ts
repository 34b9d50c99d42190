import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { createPgConfig } from '@electric-sql/pglite/node-postgres'
import pg from 'pg'
import { lockFolder } from './lock.ts'
import { applyMigrations } from './migrations.ts'

interface LocalDatabase {
  /** Every value it returns is PostgreSQL's own text, as Neon's protocol wants it. */
  pool: pg.Pool
  kind: 'pglite' | 'postgres'
  close(): Promise<void>
}

/** `image`: what a new folder begins with instead of nothing, as PGlite dumps it. */
type DatabasePlace = { dataDir: string; image?: Blob } | { databaseUrl: string }

/**
 * Opens PGlite in a folder, or a PostgreSQL by its URL, and brings the schema up to date.
 *
 * What a person can mend is thrown as an Error whose message is one sentence for them. A folder of
 * `memory://` is a PGlite that is gone when closed.
 */
export async function openDatabase(place: DatabasePlace): Promise<LocalDatabase> {
  const opened =
    'databaseUrl' in place
      ? await openPostgres(place.databaseUrl)
      : await openPGlite(place.dataDir, place.image)
  try {
    await applyMigrations(opened.pool)
    return opened
  } catch (error) {
    await opened.close()
    throw new Error(`The database schema could not be brought up to date: ${why(error)}.`, { cause: error })
  }
}

async function openPostgres(databaseUrl: string): Promise<LocalDatabase> {
  let pool: pg.Pool
  try {
    pool = listening(
      new pg.Pool({
        connectionString: databaseUrl,
        max: 10,
        connectionTimeoutMillis: 5_000,
        // A new one has everything to plan anew: 0.1 s of CPU.
        idleTimeoutMillis: 300_000,
        onConnect: interpret,
        types: asText,
      }),
    )
    await pool.query('select 1')
  } catch (error) {
    throw new Error(`DATABASE_URL cannot be used: ${why(error)}.`, { cause: error })
  }
  return { pool, kind: 'postgres', close: () => pool.end() }
}

async function openPGlite(dataDir: string, image?: Blob): Promise<LocalDatabase> {
  const inMemory = dataDir.startsWith('memory://')
  const unlock = inMemory ? () => {} : takeFolder(dataDir)
  try {
    if (!inMemory && readdirSync(dataDir).length === 0) await layOut(dataDir)
    const pglite = await PGlite.create(dataDir, image && { loadDataDir: image })
    const pool = listening(
      new pg.Pool({
        Client: clientOf(pglite),
        max: 1,
        idleTimeoutMillis: 0,
        onConnect: forget,
        types: asText,
      }),
    )
    await pool.query('select 1')
    const close = async () => {
      await pool.end()
      await pglite.close()
      unlock()
    }
    return { pool, kind: 'pglite', close }
  } catch (error) {
    unlock()
    throw new Error(
      `The database folder ${dataDir} cannot be opened (${why(error)}): move it away to start afresh, or put a backup in its place.`,
      { cause: error },
    )
  }
}

/** Makes a database beside its place and moves it there whole, since a first start may be interrupted. */
async function layOut(dataDir: string): Promise<void> {
  const fresh = `${dataDir}.new`
  rmSync(fresh, { recursive: true, force: true })
  const pglite = await PGlite.create(fresh)
  await pglite.close()
  renameSync(fresh, dataDir)
}

/** A client with a connection of its own: one shared by all would carry a failed client's end to the next. */
function clientOf(pglite: PGlite) {
  return class extends pg.Client {
    constructor(config?: pg.ClientConfig) {
      super({ ...config, ...createPgConfig(pglite) } as pg.ClientConfig)
    }
  }
}

/** PGlite is one session for all connections: it still holds the statements which the connection before has named. */
async function forget(client: pg.ClientBase): Promise<void> {
  await client.query('deallocate all')
}

/** As the database does for connections from now on; this connection may be older than that. */
async function interpret(client: pg.ClientBase): Promise<void> {
  await client.query("set jit = off; set statement_timeout = '20s'")
}

/** Makes the folder if need be, checks that it is one of ours, and locks it. */
function takeFolder(dataDir: string): () => void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    const foreign = readdirSync(dataDir).length > 0 && !existsSync(join(dataDir, 'PG_VERSION'))
    if (foreign) throw new Error('it holds something else than a database')
  } catch (error) {
    throw new Error(`The database folder ${dataDir} cannot be used: ${why(error)}.`, { cause: error })
  }
  return lockFolder(dataDir)
}

const asText = { getTypeParser: () => (value: string) => value }

/** A broken connection is replaced by the pool; it must not end the process, idle or under a statement, which fails by itself. */
function listening(pool: pg.Pool): pg.Pool {
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

function why(error: unknown): string {
  if (error instanceof AggregateError) return why(error.errors[0])
  const { message } = error instanceof Error ? error : { message: String(error) }
  return message.split('\n', 1)[0]?.replace(/\.$/, '') || 'it does not answer'
}
