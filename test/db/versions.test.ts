import type { PoolClient } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startDatabase, type TestDatabase } from '../support/database.ts'

/*
 * Who has seen number N has seen every change up to N: relays ask for what is newer than what they have.
 */

let database: TestDatabase
let [alice, bob, ids] = ['', '', {} as Record<Noun, string>]
beforeAll(async () => {
  database = await startDatabase()
})
afterAll(() => database.close())

beforeEach(async () => {
  ;[alice, bob] = [crypto.randomUUID(), crypto.randomUUID()]
  await run('insert into customers (id) values ($1), ($2)', [alice, bob])
  ids = Object.fromEntries(nouns.map((noun) => [noun, crypto.randomUUID()])) as typeof ids
  for (const noun of nouns) await run(inserts[noun], parameters(noun))
})

const nouns = ['providers', 'routes', 'extensions', 'trunks', 'flows', 'numbers'] as const
type Noun = (typeof nouns)[number]

/** $1 is the row's id, $2 the customer's. */
const inserts: Record<Noun, string> = {
  providers: "insert into providers (id, customer_id, name, hostname) values ($1::uuid, $2::uuid, '', 'x')",
  routes: `insert into routes (id, customer_id, name, provider_customer_id, provider_id, priority) values ($1::uuid, $2::uuid, '', $2, $3, 1)`,
  extensions: `insert into extensions (id, customer_id, extension, sealed_md5, sealed_sha256) values ($1::uuid, $2::uuid, $1::uuid::text, '', '')`,
  trunks: `insert into trunks (id, customer_id, domain_name, auth_types) values ($1::uuid, $2::uuid, $1::uuid::text, '{basic}')`,
  flows: "insert into flows (id, customer_id, actions) values ($1::uuid, $2::uuid, '[]')",
  numbers: 'insert into numbers (id, customer_id, number) values ($1::uuid, $2::uuid, $1::uuid::text)',
}

describe('a customer’s version', () => {
  test.each(nouns)(
    'rises with each change of its %s, deletions too, and nobody else’s does',
    async (noun) => {
      for (const statement of [
        `update ${noun} set detail = 'changed' where id = $1`,
        `update ${noun} set deleted_at = now() where id = $1`,
      ]) {
        await expectRise(() => run(statement, [ids[noun]]))
      }
      const row = { ...ids, [noun]: crypto.randomUUID() }
      await expectRise(() => run(inserts[noun], parameters(noun, row)))
      await expectRise(() => run(`delete from ${noun} where id = $1`, [row[noun]]))
    },
  )

  test('rises with a change of the customer itself', async () => {
    await expectRise(() => run("update customers set name = 'Alice' where id = $1", [alice]))
    await expectRise(() => run('update customers set deleted_at = now() where id = $1', [alice]))
  })

  test('cannot be kept by writing the one it has', async () => {
    await expectRise(() => run('update customers set version = version where id = $1', [alice]))
  })

  test('rises once for many rows written at once', async () => {
    const before = await latest()
    await run(
      `insert into numbers (id, customer_id, number) select gen_random_uuid(), $1, $2 || i from generate_series(1, 500) as i`,
      [alice, crypto.randomUUID()],
    )
    expect(await latest()).toBe(before + 1)
    expect(await version(alice)).toBe(before + 1)
  })

  test('rises for everybody whose rows one statement changes', async () => {
    await run(inserts.providers, [crypto.randomUUID(), bob])
    const before = await latest()
    await run("update providers set detail = 'x' where customer_id in ($1, $2)", [alice, bob])
    for (const customer of [alice, bob]) {
      expect(await version(customer)).toBeGreaterThan(before)
      expect(await version(customer)).toBeLessThanOrEqual(await latest())
    }
  })

  test('stays where a statement finds nothing to change', async () => {
    const before = await latest()
    await run('update providers set detail = $1 where id = gen_random_uuid()', ['x'])
    await run('delete from routes where id = gen_random_uuid()', [])
    expect(await latest()).toBe(before)
  })

  test('stays where a change is taken back', async () => {
    const before = await latest()
    const client = await database.pool.connect()
    try {
      await client.query('begin')
      await client.query("update providers set detail = 'x' where id = $1", [ids.providers])
      await client.query('rollback')
    } finally {
      client.release()
    }
    expect([await latest(), await version(alice)]).toEqual([before, before])
  })

  test.each([
    [
      'a provider’s health',
      `insert into provider_health (provider_id, customer_id, status, since, checked_at) values ($1::uuid, $2::uuid, 'healthy', now(), now())`,
    ],
    [
      'a report about it',
      `insert into provider_reports (provider_id, relay_id, customer_id, status, since, reported_at) values ($1, 'r', $2, 'healthy', now(), now())`,
    ],
    [
      'our registration there',
      `insert into provider_registrations (provider_id, customer_id, relay_id, epoch, status, since) values ($1::uuid, $2::uuid, 'r', 1, 'registered', now())`,
    ],
    [
      'an event',
      `insert into events (id, customer_id, type, at, subject_id, data) values (gen_random_uuid(), $2, 'x', now(), $1, '{}')`,
    ],
    [
      'a call’s lease',
      `insert into leases (call_id, scope_kind, scope_id, customer_id, relay_id) values (gen_random_uuid(), 'provider', $1, $2, 'r')`,
    ],
    [
      'an access key',
      `insert into access_keys (id, customer_id, hash, prefix) values (gen_random_uuid(), $2, $1::uuid::text, '')`,
    ],
  ])('is nothing to %s', async (_, statement) => {
    const before = [await latest(), await version(alice)]
    await run(statement, [ids.providers, alice])
    expect([await latest(), await version(alice)]).toEqual(before)
  })
})

/** PGlite has one connection, which waits for nobody. */
describe.skipIf(!process.env.TEST_DATABASE_URL)('two who change at once', () => {
  const change = (name: string) =>
    [
      'update providers set detail = $2 where customer_id = $1 and detail <> $2',
      [name, crypto.randomUUID()] as const,
    ] as const

  test('are numbered in the order in which others can see them', async () => {
    await run(inserts.providers, [crypto.randomUUID(), bob])
    for (const [first, second] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const [one, two] = [await database.pool.connect(), await database.pool.connect()]
      try {
        await begin(one, first)
        let waiting = true
        const later = begin(two, second).then(() => {
          waiting = false
        })
        await new Promise((resolve) => setTimeout(resolve, 200))
        const seen = await latest()
        expect([waiting, await version(first)]).toEqual([true, expect.any(Number)])
        await one.query('commit')
        await later
        await two.query('commit')
        expect([await version(first), await version(second)]).toEqual([seen + 1, seen + 2])
      } finally {
        one.release()
        two.release()
      }
    }
    async function begin(client: PoolClient, customer: string) {
      const [statement, values] = change(customer)
      await client.query('begin')
      await client.query(statement, [...values])
    }
  })

  test('never show number N without everything up to N', async () => {
    await run(inserts.providers, [crypto.randomUUID(), bob])
    let writing = true
    const sightings: { n: number; versions: Record<string, number> }[] = []
    const reader = async () => {
      while (writing) sightings.push(await sight())
    }
    const seen = () => new Set(sightings.map(({ n }) => n)).size
    // A reader on a busy machine sees less of what is written.
    const writer = async (at: number) => {
      for (let round = 0; round < 40 || (seen() < 5 && round < 2_000); round++)
        await run(...turn((at + round) % 2 === 0 ? alice : bob))
    }
    const reading = reader()
    await Promise.all([0, 1, 2, 3].map(writer))
    writing = false
    await reading
    sightings.push(await sight())
    expect(seen()).toBeGreaterThan(3)
    const missed = sightings.flatMap((early, at) =>
      sightings.slice(at + 1).flatMap(({ versions }) =>
        Object.entries(versions)
          .filter(([customer, later]) => later <= early.n && later !== early.versions[customer])
          .map(([customer, later]) => ({ customer, later, n: early.n })),
      ),
    )
    expect(missed).toEqual([])

    function turn(customer: string): [string, unknown[]] {
      const [statement, values] = change(customer)
      return [statement, [...values]]
    }
  })

  test('do not wait for each other in a ring', async () => {
    const failed: unknown[] = []
    for (let round = 0; round < 30; round++) {
      const changes = [
        run('update customers set name = $2 where id = $1', [alice, String(round)]),
        run(inserts.providers, [crypto.randomUUID(), alice]),
        run('update providers set detail = $2 where id = $1', [ids.providers, String(round)]),
      ]
      for (const change of await Promise.allSettled(changes)) {
        if (change.status === 'rejected') failed.push(String(change.reason))
      }
    }
    expect(failed).toEqual([])
  })

  async function sight() {
    const { rows } = await run(
      `select (select version from configuration) as n, json_object_agg(id, version) as versions
       from customers where id in ($1, $2)`,
      [alice, bob],
    )
    const { n, versions } = rows[0]
    return { n: Number(n), versions: typeof versions === 'string' ? JSON.parse(versions) : versions }
  }
})

async function expectRise(act: () => Promise<unknown>) {
  const [before, others] = [await latest(), await version(bob)]
  await act()
  expect([await version(alice), await latest(), await version(bob)]).toEqual([before + 1, before + 1, others])
}

function parameters(noun: Noun, of: Record<Noun, string> = ids): string[] {
  return noun === 'routes' ? [of.routes, alice, of.providers] : [of[noun], alice]
}

async function latest(): Promise<number> {
  return Number((await run('select version from configuration', [])).rows[0].version)
}

async function version(customer: string): Promise<number> {
  return Number((await run('select version from customers where id = $1', [customer])).rows[0].version)
}

function run(statement: string, values: unknown[]) {
  return database.pool.query(statement, values)
}
