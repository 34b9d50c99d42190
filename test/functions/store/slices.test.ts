import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type App, type Client, startApp } from '../../support/app.ts'
import { channels, newRelay, type TestRelay } from '../../support/beat.ts'

let app: App
let bob: Client & { id: string }
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
})
beforeEach(startAfresh)
afterAll(() => app.close())

describe('a limit shared by relays', () => {
  test('is a lone relay’s in full', async () => {
    await limitTo(10)
    const one = await newHolder('relay-1')
    expect(await one.beat(0)).toBe(10)
    expect(await one.beat(7)).toBe(10)
  })

  test('is nobody’s where there is none', async () => {
    await limitTo(null)
    const one = await newHolder('relay-1')
    expect(await one.beat(3)).toBeUndefined()
  })

  test('moves to who needs it, and never from under a call', async () => {
    await limitTo(10)
    const [one, two] = [await newHolder('relay-1'), await newHolder('relay-2')]
    await one.beat(6)
    expect(await two.beat(0, 5)).toBe(0)
    expect(await one.beat(6, 3)).toBe(6)
    expect(await two.beat(0, 5)).toBe(0)
    await one.beat(6, 3)
    expect(await two.beat(0, 5)).toBe(4)
    await one.beat(4, 3)
    await one.beat(4, 3)
    expect(await two.beat(4, 5)).toBe(5)
    expect(await one.beat(4, 3)).toBe(5)
  })

  test('comes to a relay which returns while nobody calls, as many as there are calls there', async () => {
    await limitTo(5)
    const [one, two] = [await newHolder('relay-1'), await newHolder('relay-2')]
    expect(await one.beat(0)).toBe(5)
    expect(await two.beat(0, 1)).toBe(0)
    for (let calls = 0; calls < 5; calls += 1) {
      // The other one hears of it, and says that it knows.
      await one.beat(0)
      await one.beat(0)
      expect(await two.beat(calls, 1)).toBeGreaterThan(calls)
    }
    expect(two.held + one.held).toBe(5)
  })

  test('of one goes to one of two, and stays where it is used', async () => {
    await limitTo(1)
    const [one, two] = [await newHolder('relay-1'), await newHolder('relay-2')]
    await two.beat(1)
    for (let beat = 0; beat < 4; beat += 1) {
      expect(await one.beat(0, 5)).toBe(0)
      expect(await two.beat(1, 5)).toBe(1)
    }
  })

  test('is taken over from a dead relay, and from a process which began anew', async () => {
    await limitTo(10)
    const [one, two] = [await newHolder('relay-1'), await newHolder('relay-2')]
    await one.beat(10)
    expect(await two.beat(0, 1)).toBe(0)
    const reborn = await newHolder('relay-1', { started_at: '2026-11-24T08:00:00.000Z' })
    await reborn.beat(0)
    expect(await two.beat(0, 9)).toBeGreaterThan(0)
    await reborn.relay.fallSilent()
    expect(await two.beat(5)).toBe(10)
  })

  test('is not given twice to two who ask at once', async () => {
    await limitTo(100)
    const holders = await Promise.all(Array.from({ length: 8 }, (_, n) => newHolder(`relay-${n}`)))
    for (let round = 0; round < 6; round += 1) {
      await Promise.all(holders.map((holder) => holder.beat(0, 50)))
      expect(sum(holders.map((holder) => holder.held))).toBeLessThanOrEqual(100)
      expect(await booked()).toBeLessThanOrEqual(100)
    }
    // Now one after the other: the first time round each gives up what is too much, the second it gets the rest.
    for (let round = 0; round < 2; round += 1) for (const holder of holders) await holder.beat(0, 50)
    expect(holders.map((holder) => holder.held).sort()).toEqual([12, 12, 12, 12, 13, 13, 13, 13])
  })

  test('is not given twice to strangers whose first beats come at once', async () => {
    await limitTo(100)
    for (let trial = 0; trial < 4; trial += 1) {
      await startAfresh()
      // As many connections as there will be beats: else the first would be over before the others begin.
      await Promise.all(Array.from({ length: 8 }, () => app.database.pool.query('select pg_sleep(0.05)')))
      const holders = await Promise.all(Array.from({ length: 8 }, (_, n) => newHolder(`relay-${n}`)))
      await Promise.all(holders.map((holder) => holder.beat(0, 50)))
      expect(sum(holders.map((holder) => holder.held))).toBeLessThanOrEqual(100)
    }
  })

  test('is not given away by a beat which comes late', async () => {
    await limitTo(10)
    const [one, two] = [await newRelay(app, 'relay-1'), await newHolder('relay-2')]
    const late = { at: '2026-11-24T00:00:01.000Z', slices: [channels(bob.id, null, 0)] }
    await one.beat({ slices: [channels(bob.id, null, 0, 10)] })
    await two.beat(0, 10)
    expect((await one.beat(late)).slices).toMatchObject([{ amount: 10 }])
    expect(await booked()).toBe(10)
    expect(await two.beat(0, 10)).toBe(0)
  })

  test('never is believed to be more than it is, whatever is lost, dies or changes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 30 }), fc.array(happening, { maxLength: 40 }), believed),
      { numRuns: RUNS },
    )
  })

  test('starves nobody while another holds what it does not use', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat({ max: 30 }), { minLength: 4, maxLength: 4 }),
        everybodyServed,
      ),
      { numRuns: RUNS, endOnFailure: true, examples: [[18, [17, 28], [7, 8, 13, 4]]] },
    )
  })
})

const RUNS = 10

/** One thing that happens: to which of three relays, and how. */
const happening = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('beat'),
      relay: fc.nat(2),
      use: fc.nat(12),
      refused: fc.nat(9),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('lost'),
      relay: fc.nat(2),
      use: fc.nat(12),
      refused: fc.nat(9),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('death'),
      relay: fc.nat(2),
      use: fc.nat(0),
      refused: fc.nat(0),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('limit'),
      relay: fc.nat(0),
      use: fc.nat(20),
      refused: fc.nat(0),
    }),
  },
)

/** The sum of what relays believe stays within the limit; where that was lowered it only falls, until it is. */
async function believed(
  first: number,
  happenings: Awaited<typeof happening extends fc.Arbitrary<infer T> ? T : never>[],
) {
  await startAfresh()
  await limitTo(first)
  let limit = first
  let most = first
  const holders = await Promise.all([0, 1, 2].map((n) => newHolder(`relay-${n}`)))
  for (const { kind, relay, use, refused } of happenings) {
    const holder = holders[relay]
    if (!holder) continue
    if (kind === 'limit') {
      limit = use
      await limitTo(limit)
    } else if (kind === 'death') await holder.die()
    else await holder.beat(Math.min(use, holder.held), refused, kind === 'lost')
    const total = sum(holders.map(({ held }) => held))
    expect(total).toBeLessThanOrEqual(Math.max(limit, most))
    most = Math.max(limit, Math.min(most, total))
  }
}

/** After some beats, who wants more than it has stands beside nobody who has more than it wants. */
async function everybodyServed(limit: number, idleThenWanting: number[], wants: number[]) {
  await startAfresh()
  await limitTo(limit)
  const holders = await Promise.all(idleThenWanting.map((_, n) => newHolder(`relay-${n}`)))
  for (const [n, holder] of holders.entries())
    await holder.beat(Math.min(idleThenWanting[n] ?? 0, holder.held))
  const demand = (n: number) => wants[n] ?? 0
  const rounds = async (count: number) => {
    for (let round = 0; round < count; round += 1)
      for (const [n, holder] of holders.entries()) {
        const used = Math.min(demand(n), holder.held)
        await holder.beat(used, demand(n) - used)
      }
  }
  await rounds(5)
  const hungry = holders.filter(({ held }, n) => held < demand(n))
  const idle = holders.filter(({ held }, n) => held > demand(n))
  expect(hungry.length > 0 && idle.length > 0).toBe(false)
  // Who gave the odd one back with its last beat says in the next that it has: only then may another have it.
  await rounds(1)
  expect(sum(holders.map(({ held }) => held))).toBe(limit)
  await fairAsCallsEnd(limit, holders, demand)
}

async function fairAsCallsEnd(limit: number, holders: Holder[], demand: (n: number) => number) {
  for (let round = 0; round < 3; round += 1)
    for (const [n, holder] of holders.entries()) await holder.beat(0, demand(n))
  const fair = Math.floor(limit / holders.length)
  for (const [n, { held }] of holders.entries())
    expect(held).toBeGreaterThanOrEqual(Math.min(fair, demand(n)))
}

type Holder = Awaited<ReturnType<typeof newHolder>>

/** A relay which believes what it was last told. */
async function newHolder(relayId: string, process = {}) {
  let relay: TestRelay = await newRelay(app, relayId, process)
  const holder = { relay, held: 0, beat, die }
  let known = false
  return holder

  /** What it may use from now on; undefined: it was told nothing. */
  async function beat(used: number, refused = 0, lost = false): Promise<number | undefined> {
    const { slices } = await relay.beat({
      slices: [channels(bob.id, known ? holder.held : null, used, refused)],
    })
    await keepAlive(relayId)
    if (lost) return undefined
    known = slices.length > 0
    holder.held = slices[0]?.amount ?? 0
    return slices[0]?.amount
  }

  /** It ends, and a new process begins in its place. */
  async function die() {
    await relay.fallSilent()
    relay = await newRelay(app, relayId, { started_at: new Date().toISOString() })
    holder.relay = relay
    holder.held = 0
    known = false
  }
}

/** However slow this machine is, no relay dies of it: one that is to be dead falls silent. */
async function keepAlive(relayId: string) {
  await app.database.pool.query("update relays set beat_at = now() + interval '1 hour' where id = $1", [
    relayId,
  ])
}

async function startAfresh() {
  await app.database.pool.query('delete from relays')
  await app.database.pool.query('delete from slices')
}

async function limitTo(limit: number | null) {
  await app.database.pool.query('update customers set max_channels = $1 where id = $2', [limit, bob.id])
}

async function booked(): Promise<number> {
  const { rows } = await app.database.pool.query('select sum(amount) as total from slices')
  return Number(rows[0].total)
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
