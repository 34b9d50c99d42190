import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, type Database } from '#db'
import { bring, statementFor } from '../../../functions/resolution/facts.ts'
import { wantedFor } from '../../../functions/resolution/wanted.ts'
import { type App, BASE_DOMAIN, startApp } from '../../support/app.ts'

let app: App
let db: Database
let phone: string
beforeAll(async () => {
  app = await startApp()
  db = connect(app.database.databaseUrl, app.database.endpointUrl)
  const { body: provider } = await app.alice('POST', '/v1.0/providers', { hostname: '203.0.113.5' })
  const { body: extension } = await app.alice('POST', '/v1.0/extensions', {
    extension: 'desk',
    password: 'secure-password',
  })
  phone = extension.id
  await app.database.pool.query(
    `insert into routes (id, name, customer_id, provider_customer_id, provider_id, target, priority, created_at)
     select gen_random_uuid(), '', $1, $1, $2, '+1' || at, 1, now() + at * interval '1 ms' from generate_series(200001, 300000) as at`,
    [app.aliceId, provider.id],
  )
  await app.database.pool.query('analyze')
})
afterAll(() => app.close())

describe('one question to a database with 100 000 routes', () => {
  test.each(['+12345671234', '2345671234', '4601234', 'desk2'])('brings few of them: %s', async (dialled) => {
    const { routes } = await bring(db, asked(dialled))
    const targets = routes.map(({ target }) => target).filter((target) => target > '+1200005')
    expect(targets).toEqual(dialled.includes('234567') ? ['+1234567'] : [])
  })

  // From jit_above_cost on PostgreSQL compiles a statement before it runs it, which takes it a second.
  test.each(['+12345671234', '2345671234', '4601234', 'desk2'])(
    'is not dear enough to be compiled: %s',
    async (dialled) => {
      const { rows } = await db.execute<{ 'QUERY PLAN': { Plan: { 'Total Cost': number } }[] }>(
        sql`explain (format json) ${statementFor(asked(dialled))}`,
      )
      expect(rows[0]?.['QUERY PLAN'][0]?.Plan['Total Cost']).toBeLessThan(100_000)
    },
  )

  test('and nothing else is compiled either', async () => {
    const { rows } = await app.database.pool.query(
      `select setconfig from pg_db_role_setting join pg_database d on d.oid = setdatabase
       where datname = current_database()`,
    )
    expect(JSON.stringify(rows)).toContain('jit=off')
  })
})

function asked(dialled: string) {
  const caller = { kind: 'extension' as const, customer_id: app.aliceId, extension_id: phone }
  const from = { user: 'desk', display: '', asserted: null }
  const to = { user: dialled, host: BASE_DOMAIN }
  return wantedFor({ call_id: crypto.randomUUID(), caller, from, to, codecs: [] }, null, BASE_DOMAIN)
}
