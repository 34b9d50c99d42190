import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, type Database } from '#db'
import { load, statementFor } from '../../../functions/store/facts.ts'
import { lookupFor } from '../../../functions/store/lookup.ts'
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
    max_daily_minutes: 1000,
    password: 'secure-password',
  })
  phone = extension.id
  const { pool } = app.database
  // What follows from each of so many rows takes longer than they do.
  for (const table of ['routes', 'customers', 'providers', 'numbers', 'calls'])
    await pool.query(`alter table ${table} disable trigger user`)
  await pool.query(
    `insert into routes (id, name, customer_id, provider_customer_id, provider_id, target, priority, created_at)
     select gen_random_uuid(), '', $1, $1, $2, '+1' || at, 1, now() + at * interval '1 ms' from generate_series(200001, 300000) as at`,
    [app.aliceId, provider.id],
  )
  await pool.query(
    `insert into customers (id, name) select gen_random_uuid(), 'customer ' || at from generate_series(1, 2000) as at`,
  )
  await pool.query(
    `insert into providers (id, customer_id, name, hostname, sources)
     select gen_random_uuid(), id, '', '', array[('10.9.' || row_number() over () / 256 || '.' || row_number() over () % 256)::inet]
     from customers`,
  )
  await pool.query(
    `insert into numbers (id, customer_id, number, country, ownership)
     select gen_random_uuid(), $1, '+1555' || 1000000 + at, case when at % 2 = 0 then 'US' else 'CA' end, 'assigned'
     from generate_series(1, 10000) as at`,
    [app.aliceId],
  )
  await pool.query(
    `insert into calls (id, customer_id, relay_id, sequence, direction, source, destination, status, unverified,
       sip_call_id, started_at, answered_at, ended_at, attempts, extension_id)
     select gen_random_uuid(), $1, 'relay-1', 1, 'outgoing', '{}', '{}', 'hangup', false, '',
       at, at, at + interval '50 seconds', '[]', $2
     from generate_series(now() - interval '40 days', now(), interval '3 minutes') as at`,
    [app.aliceId, phone],
  )
  await app.database.pool.query('analyze')
})
afterAll(() => app.close())

const dialled = ['+12345671234', '2345671234', '4601234', 'desk2']

describe('one question to a database with 100 000 routes', () => {
  test.each(dialled)('brings few of them: %s', async (number) => {
    const { routes } = await load(db, asked(number))
    const targets = routes.map(({ target }) => target).filter((target) => target > '+1200005')
    expect(targets).toEqual(number.includes('234567') ? ['+1234567'] : [])
  })

  test.each(dialled)('looks all of it up by index: %s', async (number) => {
    const { rows } = await db.execute<{ 'QUERY PLAN': { Plan: Plan }[] }>(
      sql`explain (format json) ${statementFor(asked(number))}`,
    )
    const read = rows.flatMap((row) => row['QUERY PLAN']).flatMap(({ Plan }) => scanned(Plan))
    const many = ['calls', 'customers', 'numbers', 'providers', 'routes']
    expect(many.filter((table) => read.includes(table))).toEqual([])
  })

  test('knows of ten thousand numbers which countries they are in, and counts the minutes of today', async () => {
    const { customers, numbers, use } = await load(db, asked('+12345671234'))
    const [alice] = customers.filter(({ facts }) => facts.id === app.aliceId)
    expect(alice?.facts).toMatchObject({ number_countries: ['CA', 'US'], only_number: null })
    expect(numbers).toEqual([])
    const midnight = new Date().setUTCHours(0, 0, 0, 0)
    const expected = ((Date.now() - midnight) / 180_000) * 50
    const [{ seconds = -1 } = {}] = use
    expect(Math.abs(Number(seconds) - expected)).toBeLessThan(110)
  })

  // A statement of a certain cost PostgreSQL compiles before it runs it, which takes it a second.
  test('is never compiled first, and has an end', async () => {
    const { rows } = await app.database.pool.query(
      `select setconfig from pg_db_role_setting join pg_database d on d.oid = setdatabase
       where datname = current_database()`,
    )
    expect(JSON.stringify(rows)).toContain('jit=off')
    expect(JSON.stringify(rows)).toContain('statement_timeout=20s')
  })
})

function asked(number: string) {
  const caller = { kind: 'extension' as const, customer_id: app.aliceId, extension_id: phone }
  const from = { user: 'desk', display: '', asserted: null, diverting: [] }
  const to = { user: number, host: BASE_DOMAIN }
  return lookupFor({ call_id: crypto.randomUUID(), caller, from, to, codecs: [] }, null, BASE_DOMAIN)
}

interface Plan {
  'Node Type': string
  'Relation Name'?: string
  Plans?: Plan[]
}

/** Tables which are read from one end to the other. */
function scanned({ Plans = [], ...node }: Plan): string[] {
  const here = node['Node Type'] === 'Seq Scan' ? [node['Relation Name'] ?? ''] : []
  return [...here, ...Plans.flatMap(scanned)]
}
