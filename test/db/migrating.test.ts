import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyMigrations } from '../../functions/local/migrations.ts'
import { startDatabase, type TestDatabase } from '../support/database.ts'
import { soon } from '../support/wait.ts'

const server = process.env.TEST_DATABASE_URL ?? ''
/** A change of a table, as a later version of the schema brings it. */
const later = {
  sql: ['alter table in_use add column more integer'],
  hash: 'later',
  folderMillis: Date.now() + 1e12,
  bps: true,
}
let database: TestDatabase
let busy: pg.Client

describe.skipIf(server === '')('a migration, while the database is in use', () => {
  beforeAll(async () => {
    database = await startDatabase()
    const { rows } = await database.pool.query('select current_database() as name')
    const url = new URL(server)
    url.pathname = `/${rows[0]?.name}`
    busy = new pg.Client({ connectionString: url.href })
    await busy.connect()
    await database.pool.query('create table in_use (id integer); create table beside (id integer)')
  })
  afterAll(async () => {
    await busy?.end()
    await database?.close()
  })

  test('stands back from a table which is held, so that who came after it is served, and has it in the end', async () => {
    await busy.query('begin; lock table in_use in access share mode')
    const migrating = applyMigrations(database.pool, [later], 200)
    const waits: number[] = []
    for (let reads = 0; reads < 8; reads += 1) {
      const began = performance.now()
      await database.pool.query('select count(*) from in_use')
      waits.push(performance.now() - began)
      await new Promise((resume) => setTimeout(resume, 100))
    }
    await busy.query('commit')
    await migrating
    expect(Math.max(...waits)).toBeLessThan(5_000)
    expect((await database.pool.query('select more from in_use')).rows).toEqual([])
  })

  test('stands back too where who uses the database waits for it, and it for them', async () => {
    await busy.query('begin; lock table in_use in access share mode')
    const both = [
      'alter table beside add column more integer',
      'alter table in_use add column even_more integer',
    ]
    const next = { ...later, sql: both, hash: 'next', folderMillis: later.folderMillis + 1 }
    const migrating = applyMigrations(database.pool, [next], 1_500)
    const waits = "select from pg_locks where relation = 'in_use'::regclass and not granted"
    await soon('the migration to wait', async () => (await database.pool.query(waits)).rowCount === 1)
    const reading = busy.query('select count(*) from beside')
    await expect(reading).resolves.toMatchObject({ rowCount: 1 })
    await busy.query('commit')
    await migrating
    expect((await database.pool.query('select more from beside')).rows).toEqual([])
  })
})
