import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PLATFORM } from '#contract'
import { startDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
const [alice, bob] = [crypto.randomUUID(), crypto.randomUUID()]
beforeAll(async () => {
  database = await startDatabase()
  await database.pool.query('insert into customers (id) values ($1), ($2)', [alice, bob])
  await forget()
})
afterAll(() => database.close())

describe('an event', () => {
  test('is numbered as its transaction commits: from 1, without a gap, whatever is written twice or taken back', async () => {
    const [first, second] = [crypto.randomUUID(), crypto.randomUUID()]
    await write([[alice, first]])
    await write([[alice, first]])
    await undone([[alice, crypto.randomUUID()]])
    await write([
      [bob, crypto.randomUUID()],
      [alice, second],
      [bob, crypto.randomUUID()],
    ])
    expect(await numbersOf(alice)).toEqual(['1', '2'])
    expect(await numbersOf(bob)).toEqual(['1', '2'])
    const { rows } = await database.pool.query('select sequence from events where id = $1', [second])
    expect(rows).toEqual([{ sequence: '2' }])
  })

  test('of no customer is one of the platform’s', async () => {
    await write([
      [null, crypto.randomUUID()],
      [PLATFORM, crypto.randomUUID()],
      [null, crypto.randomUUID()],
    ])
    const { rows } = await database.pool.query(
      'select sequence from events where customer_id is null or customer_id = $1 order by written',
      [PLATFORM],
    )
    expect(rows.map(({ sequence }) => sequence)).toEqual(['1', '2', '3'])
  })

  test('comes after those which its transaction wrote before it, by several statements', async () => {
    await forget()
    const client = await database.pool.connect()
    try {
      await client.query('begin')
      for (const nth of [1, 2, 3]) await client.query(insert, [[alice], [crypto.randomUUID()], nth])
      await client.query('commit')
    } finally {
      client.release()
    }
    const { rows } = await database.pool.query("select data ->> 'nth' as nth from events order by sequence")
    expect(rows.map(({ nth }) => nth)).toEqual(['1', '2', '3'])
  })

  test('of a batch is numbered in the order of the batch; what is told twice, or is there already, takes no number', async () => {
    await forget()
    const [first, second, third] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()]
    await write([[alice, second]])
    await writeBatch([
      [alice, third],
      [bob, crypto.randomUUID()],
      [alice, second],
      [alice, first],
      [alice, third],
    ])
    await writeBatch([
      [alice, first],
      [alice, crypto.randomUUID()],
    ])
    await write([
      [alice, crypto.randomUUID()],
      [bob, crypto.randomUUID()],
    ])
    const { rows } = await database.pool.query(
      'select id from events where customer_id = $1 order by sequence limit 3',
      [alice],
    )
    expect(rows.map(({ id }) => id)).toEqual([second, third, first])
    expect(await numbersOf(alice)).toEqual(['1', '2', '3', '4', '5'])
    expect(await numbersOf(bob)).toEqual(['1', '2'])
    expect((await database.pool.query('select from event_batches')).rowCount).toBe(0)
  })

  test('of a batch in which all are new is numbered likewise, those of each customer and of none by themselves', async () => {
    await forget()
    const ids = Array.from({ length: 40 }, () => crypto.randomUUID())
    const whose = (at: number) => [alice, bob, null][at % 3] ?? null
    await write([
      [alice, crypto.randomUUID()],
      [null, crypto.randomUUID()],
    ])
    await writeBatch(ids.map((id, at) => [whose(at), id]))
    for (const customer of [alice, bob, null]) {
      const { rows } = await database.pool.query(
        'select id, sequence from events where customer_id is not distinct from $1 and id = any($2) order by sequence',
        [customer, ids],
      )
      expect(rows.map(({ id }) => id)).toEqual(ids.filter((_, at) => whose(at) === customer))
      const before = customer === bob ? 0 : 1
      expect(rows.map(({ sequence }) => Number(sequence))).toEqual(rows.map((_, at) => before + at + 1))
    }
  })

  test('shows after all those with lower numbers, while many write for both customers in either order', async () => {
    await forget()
    let writing = true
    const seen: [number, number][] = []
    const reader = (async () => {
      while (writing) {
        const { rows } = await database.pool.query(
          'select max(sequence)::int as last, count(*)::int as count from events where customer_id = $1',
          [alice],
        )
        seen.push([Number(rows[0].last ?? 0), Number(rows[0].count)])
      }
    })()
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      for (let turn = 0; turn < 15; turn += 1) {
        const pair: Written[] = [
          [alice, crypto.randomUUID()],
          [bob, crypto.randomUUID()],
        ]
        await (turn % 5 === 4 ? undone : turn % 2 ? writeBatch : write)(writer % 2 ? pair : pair.reverse())
      }
    })
    await Promise.all(writers)
    writing = false
    await reader
    expect(seen.filter(([last, count]) => last !== count)).toEqual([])
    const all = Array.from({ length: 72 }, (_, nth) => String(nth + 1))
    expect(await numbersOf(alice)).toEqual(all)
    expect(await numbersOf(bob)).toEqual(all)
  })
})

type Written = [customerId: string | null, id: string]

const insert = `insert into events (id, customer_id, type, at, data)
  select id, customer_id, 'call.refused', now(), jsonb_build_object('nth', $3::integer)
  from unnest($1::uuid[], $2::uuid[]) as t (customer_id, id) on conflict (id) do nothing`

function write(events: Written[]) {
  return database.pool.query(insert, [events.map(([whose]) => whose), events.map(([, id]) => id), 0])
}

/** As what relays tell is written. */
function writeBatch(events: Written[]) {
  return database.pool.query(
    `insert into event_batches (events)
      select array_agg((id, customer_id, 'call.refused', now(), null, null, '{}')::written_event order by nth)
      from unnest($1::uuid[], $2::uuid[]) with ordinality as t (customer_id, id, nth)`,
    [events.map(([whose]) => whose), events.map(([, id]) => id)],
  )
}

/** Written by a transaction which does not commit, one after the other. */
async function undone(events: Written[]): Promise<void> {
  const client = await database.pool.connect()
  try {
    await client.query('begin')
    for (const [whose, id] of events) await client.query(insert, [[whose], [id], 0])
    await client.query('set constraints all immediate')
  } finally {
    await client.query('rollback')
    client.release()
  }
}

async function numbersOf(customer: string): Promise<string[]> {
  const { rows } = await database.pool.query(
    'select sequence from events where customer_id = $1 order by sequence',
    [customer],
  )
  return rows.map(({ sequence }) => sequence)
}

async function forget(): Promise<void> {
  await database.pool.query('truncate events, deliveries, event_counters')
}
