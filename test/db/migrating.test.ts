import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyMigrations } from '../../functions/local/migrations.ts'
import { startDatabase, type TestDatabase } from '../support/database.ts'

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
    await database.pool.query('create table in_use (id integer)')
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
})
