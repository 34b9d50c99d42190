import { join } from 'node:path'
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator'
import type { Pool, PoolClient } from 'pg'

const migrationsFolder = join(import.meta.dirname, '../../db/migrations')
/** Any number, the same for each process which migrates: two starting at once take turns. */
const MIGRATING = 7_465_827

/** How long a migration waits for a table, and all others behind it; then it stands back for as long, and tries anew. */
const WAIT_MS = 2_000
const TRIES = 60
/**
 * PostgreSQL's words for a lock which was not to be had in time (`lock_not_available`), or never, since who has it waits for one of
 * the migration's (`deadlock_detected`): who reads takes tables in another order.
 */
const LOCKED = ['55P03', '40P01']

/**
 * Applies what db/migrations holds and the database has not seen: each once, in order, all or nothing.
 *
 * What serves from the database meanwhile goes on: a table which is in use is waited for in turns. They are recorded where
 * `drizzle-kit migrate` records them too. Throws what one fails by; then none was applied.
 */
export async function applyMigrations(
  pool: Pool,
  migrations: readonly MigrationMeta[] = readMigrationFiles({ migrationsFolder }),
  waitMs = WAIT_MS,
): Promise<void> {
  for (let tries = TRIES; ; tries -= 1) {
    try {
      return await applyOnce(pool, migrations, waitMs)
    } catch (error) {
      if (!LOCKED.includes((error as { code?: string }).code ?? '') || tries === 1) throw error
      await new Promise((resume) => setTimeout(resume, waitMs))
    }
  }
}

async function applyOnce(pool: Pool, migrations: readonly MigrationMeta[], waitMs: number): Promise<void> {
  const client = await pool.connect()
  client.on('notice', pass)
  try {
    await client.query('begin')
    // An index of many rows takes as long as it takes.
    await client.query('set local statement_timeout = 0')
    await client.query('select pg_advisory_xact_lock($1)', [MIGRATING])
    await client.query(`set local lock_timeout = ${waitMs}`)
    await applyMissing(client, migrations)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.off('notice', pass)
    client.release()
  }
}

/** What a migration wants a person to know; that something is there already PostgreSQL says under other codes. */
function pass({ code, message }: { code?: string | undefined; message?: string | undefined }): void {
  if (code === '00000') process.stderr.write(`${message}\n`)
}

async function applyMissing(client: PoolClient, migrations: readonly MigrationMeta[]): Promise<void> {
  await client.query('create schema if not exists drizzle')
  await client.query(
    'create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)',
  )
  const { rows } = await client.query(
    'select coalesce(max(created_at), 0) as latest from drizzle.__drizzle_migrations',
  )
  const latest = Number(rows[0]?.latest)
  for (const { sql, hash, folderMillis } of migrations) {
    if (folderMillis <= latest) continue
    for (const statement of sql) await client.query(statement)
    await client.query('insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)', [
      hash,
      folderMillis,
    ])
  }
}
