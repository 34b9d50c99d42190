import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readInstant } from '#db'
import { applyMigrations } from '../../functions/local/migrations.ts'
import { startDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
const [alice, bob, provider] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()]
beforeAll(async () => {
  database = await startDatabase()
  await database.pool.query('insert into customers (id) values ($1), ($2)', [alice, bob])
  await database.pool.query(
    "insert into providers (id, customer_id, name, hostname) values ($1, $2, '', 'x')",
    [provider, alice],
  )
})
afterAll(() => database.close())

describe('the migrations', () => {
  test('are applied once, however often they are asked for, also at once', async () => {
    const applied = 'select hash from drizzle.__drizzle_migrations'
    const { rowCount } = await database.pool.query(applied)
    await Promise.all([applyMigrations(database.pool), applyMigrations(database.pool)])
    expect((await database.pool.query(applied)).rowCount).toBe(rowCount)
  })
})

describe('tenancy', () => {
  test('is in the keys: nothing can point at another customer’s row', async () => {
    const route =
      'insert into routes (id, customer_id, name, provider_customer_id, provider_id, priority) values (gen_random_uuid(), $1, $2, $3, $4, 1)'
    await expect(database.pool.query(route, [bob, '', bob, provider])).rejects.toThrow('route_provider')
    await expect(database.pool.query(route, [bob, '', alice, provider])).rejects.toThrow(
      'route_provider_own_or_platform',
    )
    await expect(database.pool.query(route, [alice, '', alice, provider])).resolves.toBeDefined()
  })

  test('is the first column of every key but a number’s and an access key’s', async () => {
    const { rows } = await database.pool.query(`
      select c.relname as name, (select attname from pg_attribute where attrelid = i.indrelid and attnum = i.indkey[0]) as first
      from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
      where i.indisunique and not i.indisprimary and n.nspname = 'public'`)
    const others = rows.filter(({ first }) => first !== 'customer_id').map(({ name }) => name)
    expect(others.sort()).toEqual(['access_key_hash', 'number_taken'])
  })
})

describe('an instant', () => {
  test.each([
    ['2026-11-23 07:00:00.123456+00', '2026-11-23T07:00:00.123456Z'],
    ['2026-11-23 07:00:00+00', '2026-11-23T07:00:00.000000Z'],
    ['2026-11-23 12:30:00.5+05:30', '2026-11-23T07:00:00.500000Z'],
    ['2026-11-22 23:00:00.000001-08', '2026-11-23T07:00:00.000001Z'],
  ])('%s is %s', (text, instant) => {
    expect(readInstant(text)).toBe(instant)
  })
})
