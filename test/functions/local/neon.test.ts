import { neon, neonConfig } from '@neondatabase/serverless'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startDatabase, type TestDatabase } from '../../support/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await startDatabase()
  neonConfig.fetchEndpoint = database.endpointUrl
  await database.pool.query(
    'create table things (id int primary key, at timestamptz, tags text[], more jsonb)',
  )
})
afterAll(() => database.close())

describe('the Neon endpoint', () => {
  test('answers with values as the driver reads them', async () => {
    const sql = neon(database.databaseUrl)
    const [row] =
      await sql`select 1 as one, 'a' as text, true as yes, null as nothing, array['x','y'] as tags, '{"a":[1]}'::jsonb as more, 2.5::float8 as half`
    expect(row).toEqual({
      one: 1,
      text: 'a',
      yes: true,
      nothing: null,
      tags: ['x', 'y'],
      more: { a: [1] },
      half: 2.5,
    })
  })

  test('passes parameters of every kind', async () => {
    const sql = neon(database.databaseUrl)
    await sql.query('insert into things values ($1, $2, $3, $4)', [
      1,
      '2026-01-01T00:00:00Z',
      ['a "b"', 'c,d'],
      { deep: [null] },
    ])
    const [row] = await sql.query('select tags, more from things where id = $1', [1])
    expect(row).toEqual({ tags: ['a "b"', 'c,d'], more: { deep: [null] } })
  })

  test('runs a batch all or nothing', async () => {
    const sql = neon(database.databaseUrl)
    const twice = [
      sql.query('insert into things (id) values (10)'),
      sql.query('insert into things (id) values (10)'),
    ]
    await expect(sql.transaction(twice)).rejects.toMatchObject({ code: '23505', constraint: 'things_pkey' })
    expect(await sql`select id from things where id = 10`).toEqual([])
    const [, rows] = await sql.transaction([
      sql.query('insert into things (id) values (11)'),
      sql.query('select id from things where id = 11'),
    ])
    expect(rows).toEqual([{ id: 11 }])
  })

  test('keeps a read-only batch from writing', async () => {
    const sql = neon(database.databaseUrl)
    const write = sql.transaction([sql.query('insert into things (id) values (12)')], {
      readOnly: true,
      isolationLevel: 'Serializable',
    })
    await expect(write).rejects.toMatchObject({ code: '25006' })
  })

  test('says what the database said, and works on afterwards', async () => {
    const sql = neon(database.databaseUrl)
    await expect(sql.query('selec $1', ['x'])).rejects.toMatchObject({ code: '42601' })
    await expect(sql.query('select $1::int', ['x'])).rejects.toMatchObject({ code: '22P02' })
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
  })

  test('plans a long statement once, whatever it is asked with, and every other one as PostgreSQL likes', async () => {
    const sql = neon(database.databaseUrl)
    const mode = sql`select current_setting('plan_cache_mode') as mode`
    const long = `select current_setting('plan_cache_mode') as mode, $1::int as one /* ${'x'.repeat(10_000)} */`
    expect(await sql.query(long, [1])).toEqual([{ mode: 'force_generic_plan', one: 1 }])
    await expect(sql.query(long, ['x'])).rejects.toMatchObject({ code: '22P02' })
    expect(await mode).toEqual([{ mode: 'auto' }])
    // So it is behind a guard, in whose transaction it goes.
    const batch = [sql`select 1 as guard`, sql.query(long, [1])]
    expect((await sql.transaction(batch)).at(-1)).toEqual([{ mode: 'force_generic_plan', one: 1 }])
    expect(await mode).toEqual([{ mode: 'auto' }])
  })

  test('asks again over a fresh connection what it asked over one that is gone', async () => {
    const sql = neon(database.databaseUrl)
    await sql.query('select $1::int as again', [1])
    // A statement that fails outside the endpoint costs the pool its connection.
    await expect(database.pool.query('selec')).rejects.toMatchObject({ code: '42601' })
    expect(await sql.query('select $1::int as again', [2])).toEqual([{ again: 2 }])
  })

  test('plans once what is asked over a fresh connection, however much the one before was asked', async () => {
    const sql = neon(database.databaseUrl)
    for (let n = 0; n < 200; n++) await sql.query(`select ${n} as n`)
    await expect(database.pool.query('selec')).rejects.toMatchObject({ code: '42601' })
    await sql`select 'fresh' as word`
    const { rows } = await database.pool.query('select statement from pg_prepared_statements')
    expect(rows).toContainEqual({ statement: "select 'fresh' as word" })
  })

  test('serves many at once', async () => {
    const sql = neon(database.databaseUrl)
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => sql.query('select $1::int as n', [n])),
    )
    expect(answers.map(([row]) => row?.n)).toEqual(Array.from({ length: 40 }, (_, n) => n))
  })

  test('runs nothing for a stranger on this machine', async () => {
    const before = database.heard.length
    const stranger = neon(database.databaseUrl.replace(/:[0-9a-f]+@/, ':guess@'))
    await expect(stranger`select 1`).rejects.toThrow('401')
    const bare = await fetch(database.endpointUrl, { method: 'POST', body: '{"query":"select 1"}' })
    expect(bare.status).toBe(401)
    expect(database.heard).toHaveLength(before)
  })
})
