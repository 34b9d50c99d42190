import type { PoolClient } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startDatabase, type TestDatabase } from '../support/database.ts'

/*
 * The history of what is configured is written by triggers: no statement which changes something can leave it out.
 */

let database: TestDatabase
let [customer, provider] = ['', '']
beforeAll(async () => {
  database = await startDatabase()
})
afterAll(() => database.close())

beforeEach(async () => {
  ;[customer, provider] = [crypto.randomUUID(), crypto.randomUUID()]
  await run("insert into customers (id, name) values ($1, 'Alice')", [customer])
  await run(
    "insert into providers (id, customer_id, name, hostname, sealed_password) values ($1, $2, 'one', 'x.test', 'sealed secret')",
    [provider, customer],
  )
})

describe('the history of a customer', () => {
  test('has each row before and after, in the order of the changes', async () => {
    await run("update providers set name = 'two' where id = $1", [provider])
    await run('update providers set deleted_at = now() where id = $1', [provider])
    await run('delete from providers where id = $1', [provider])
    const names = (await history()).map(({ resource_type, before, after }) => [
      resource_type,
      before?.name ?? null,
      after?.name ?? null,
    ])
    expect(names).toEqual([
      ['customer', null, 'Alice'],
      ['provider', null, 'one'],
      ['provider', 'one', 'two'],
      ['provider', 'two', 'two'],
      ['provider', 'two', null],
    ])
  })

  test('is numbered as the configuration is, and from 1 without a gap', async () => {
    await run("update providers set name = 'two' where id = $1", [provider])
    const rows = await history()
    expect(rows.map(({ ordinal }) => ordinal)).toEqual(['1', '2', '3'])
    const { rows: now } = await run('select version from customers where id = $1', [customer])
    expect(rows.at(-1)?.version).toBe(now[0].version)
    expect(new Set(rows.map(({ version }) => version)).size).toBe(3)
  })

  test('has times which rise with every change, though one statement made several', async () => {
    await run(
      "insert into providers (id, customer_id, name, hostname) select gen_random_uuid(), $1, '', 'x' from generate_series(1, 50)",
      [customer],
    )
    const times = (await history()).map(({ at }) => String(at))
    expect(new Set(times).size).toBe(52)
  })

  test('has one number for all statements of a transaction', async () => {
    await within(async (client) => {
      await client.query("update providers set name = 'two' where id = $1", [provider])
      await client.query("update customers set name = 'Bob' where id = $1", [customer])
      await client.query("update providers set name = 'three' where id = $1", [provider])
    })
    const made = (await history()).slice(2)
    expect(made.map(({ resource_type }) => resource_type)).toEqual(['provider', 'customer', 'provider'])
    expect(new Set(made.map(({ version }) => version)).size).toBe(1)
    await run("update providers set name = 'four' where id = $1", [provider])
    expect(Number((await history()).at(-1)?.version)).toBe(Number(made[0]?.version) + 1)
  })

  test('says which key and which request made a change, and forgets both with the transaction', async () => {
    const key = crypto.randomUUID()
    await within(async (client) => {
      await client.query(
        "select set_config('trunkline.key_id', $1, true), set_config('trunkline.request_id', 'req_1', true)",
        [key],
      )
      await client.query("update providers set name = 'two' where id = $1", [provider])
    })
    await run("update providers set name = 'three' where id = $1", [provider])
    const authors = (await history()).slice(2).map(({ key_id, request_id }) => [key_id, request_id])
    expect(authors).toEqual([
      [key, 'req_1'],
      [null, null],
    ])
  })

  test('says that a secret changed, and has none', async () => {
    await run("update providers set sealed_password = 'another sealed secret' where id = $1", [provider])
    await run(
      "insert into access_keys (id, customer_id, hash, prefix) values (gen_random_uuid(), $1::uuid, $1::uuid::text, '')",
      [customer],
    )
    const rows = await history()
    expect(rows.map(({ secret_changed }) => secret_changed)).toEqual(['f', 'f', 't', 'f'])
    expect(rows.map(({ after }) => after?.password_set)).toEqual([undefined, true, true, undefined])
    expect(JSON.stringify(rows)).not.toMatch(/seal|hash/)
  })

  test('passes over what DNS finds, and what changes nothing', async () => {
    await run("update providers set found = '{192.0.2.1}', found_since = array[now()] where id = $1", [
      provider,
    ])
    await run('update providers set name = name where id = $1', [provider])
    expect(await history()).toHaveLength(2)
  })

  test('has a key’s changes under the number there is, which they leave', async () => {
    const { rows: before } = await run('select version from configuration', [])
    await run("insert into access_keys (id, customer_id, hash, prefix) values ($1, $2, $1::uuid::text, '')", [
      crypto.randomUUID(),
      customer,
    ])
    expect((await history()).at(-1)).toMatchObject({ resource_type: 'accesskey', version: before[0].version })
    expect((await run('select version from configuration', [])).rows).toEqual(before)
  })

  test('is not there for a change which was taken back', async () => {
    const failing = within(async (client) => {
      await client.query("update providers set name = 'two' where id = $1", [provider])
      throw new Error('taken back')
    })
    await expect(failing).rejects.toThrow('taken back')
    expect(await history()).toHaveLength(2)
  })

  test('keeps the last 30 000 changes, and sweeps at each sixteenth', async () => {
    await run('update changes set ordinal = 30015 where customer_id = $1 and ordinal = 2', [customer])
    await run("update providers set name = 'two' where id = $1", [provider])
    expect((await history()).map(({ ordinal }) => ordinal)).toEqual(['30015', '30016'])
  })

  test('keeps 90 days, and of what is older the last change: how things were before the others', async () => {
    await run("update providers set name = 'two' where id = $1", [provider])
    await run(
      "update changes set at = at - interval '91 days', ordinal = ordinal + 12 where customer_id = $1",
      [customer],
    )
    await run("update providers set name = 'three' where id = $1", [provider])
    await run("update providers set name = 'four' where id = $1", [provider])
    expect((await history()).map(({ after }) => after?.name)).toEqual(['two', 'three', 'four'])
  })
})

interface Change {
  resource_type: string
  version: string
  ordinal: string
  at: string
  key_id: string | null
  request_id: string | null
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
  secret_changed: string
}

async function history(): Promise<Change[]> {
  const { rows } = await run('select * from changes where customer_id = $1 order by at', [customer])
  return rows.map((row) => ({ ...row, before: JSON.parse(row.before), after: JSON.parse(row.after) }))
}

async function within(act: (client: PoolClient) => Promise<void>): Promise<void> {
  const client = await database.pool.connect()
  try {
    await client.query('begin')
    await act(client)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

function run(statement: string, values: unknown[]) {
  return database.pool.query(statement, values)
}
