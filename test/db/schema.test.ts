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

  /*
   * A key which begins elsewhere is one of these, for its reason: it could otherwise let two customers collide,
   * or a query forget whose row it reads.
   */
  const elsewhere = {
    // What exists once in the world: it says whose it is.
    number_taken: 'a phone number rings in one place',
    trunk_domain_taken: 'a domain leads to one PBX',
    registrar_name_taken: 'a domain leads to one customer’s phones',
    access_key_hash: 'a key is looked up before its customer is known',
    replaced_tokens_pkey: 'likewise, by the token it had before',
    provisioning_link_hash: 'likewise, by the token of a link',
    events_in_order: 'what is no customer’s is numbered among the platform’s',
    // Nobody's in particular.
    configuration_pkey: 'one row, of the installation',
    relays_pkey: 'a relay is the installation’s and serves everybody',
    relay_keys_hash_index: 'a key is looked for before it is known whose it is',
    relay_keys_derived: 'one mark for each relay',
    // A row per thing, and the thing is one customer's already; relays and the edge write them, no customer does.
    attempts_call_id_position_pk: 'part of a call',
    call_messages_pkey: 'likewise',
    leases_call_id_scope_kind_scope_id_pk: 'a call counted in a limit',
    slices_scope_id_scope_kind_resource_relay_id_pk: 'a relay’s share of a limit',
    provider_reports_provider_id_relay_id_pk: 'a provider seen from a relay',
    provider_health_pkey: 'a provider seen from all of them',
    provider_hosts_provider_id_relay_id_pk: 'where a provider is, as a relay resolves it',
    provisioning_links_pkey: 'the one link of an extension',
    access_key_uses_pkey: 'when a key was last used',
    provider_registrations_pkey: 'our place at a provider',
  }

  test('is the first column of every key but an id’s and those with a reason', async () => {
    const { rows } = await database.pool.query(`
      select c.relname as name, (select attname from pg_attribute where attrelid = i.indrelid and attnum = i.indkey[0]) as first,
        i.indisprimary and i.indnkeyatts = 1 and (select attname from pg_attribute where attrelid = i.indrelid and attnum = i.indkey[0]) = 'id' as is_id
      from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
      where i.indisunique and n.nspname = 'public'`)
    const others = rows
      .filter(
        ({ name, first, is_id }) => first !== 'customer_id' && (is_id !== 't' || name === 'relays_pkey'),
      )
      .map(({ name }) => name)
    expect(others.sort()).toEqual(Object.keys(elsewhere).sort())
  })

  test('is in every table but those of the installation itself', async () => {
    const { rows } = await database.pool.query(`
      select t.table_name as name from information_schema.tables t
      where t.table_schema = 'public' and t.table_type = 'BASE TABLE' and not exists (
        select from information_schema.columns c
        where c.table_schema = 'public' and c.table_name = t.table_name and c.column_name = 'customer_id')`)
    expect(rows.map(({ name }) => name).sort()).toEqual([
      'configuration',
      'customers',
      // Of several customers, and of no transaction which has committed.
      'event_batches',
      'relay_keys',
      'relays',
    ])
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
