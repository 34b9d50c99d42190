import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { PLATFORM, portNumber } from '#contract'
import { type App, type Client, startApp } from '../../support/app.ts'
import { callUnderWay, channels, newRelay, type Said, type TestRelay } from '../../support/beat.ts'

let app: App
let bob: Client & { id: string }
let one: TestRelay
let two: TestRelay
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
})
beforeEach(async () => {
  await app.database.pool.query('delete from relays')
  one = await newRelay(app, 'relay-1')
  two = await newRelay(app, 'relay-2')
})
afterAll(() => app.close())

const reported = {
  status: 'healthy' as const,
  since: '2026-11-24T00:00:00.000Z',
  latency_ms: 5,
  last: null,
  why: '',
}
const unsaid = { until: null, sip_status: null, next_at: null }

describe('POST /relay/v1/beat', () => {
  test('is one round trip, whatever it says', async () => {
    app.database.requests()
    await one.beat({ leases: [callUnderWay(bob.id, { kind: 'customer', id: bob.id })] })
    expect(app.database.requests()).toBe(1)
  })

  test('asks the database nothing about what the relay does not speak of', async () => {
    app.database.heard.splice(0)
    await one.beat()
    const idle = app.database.heard.splice(0)
    expect(idle.filter((sql) => /jsonb_to_recordset/.test(sql))).toHaveLength(1)
    await one.beat({
      slices: [channels(bob.id, null, 0)],
      results: [{ command_id: crypto.randomUUID(), result: {} }],
    })
    expect(app.database.heard.filter((sql) => /jsonb_to_recordset/.test(sql))).toHaveLength(3)
  })

  // PGlite is one session: nobody could hold what another waits for.
  test.runIf(process.env.TEST_DATABASE_URL)('waits for no dead relay which is just coming back', async () => {
    await one.beat({ leases: [callUnderWay(bob.id, { kind: 'customer', id: bob.id })] })
    await one.fallSilent()
    const back = await app.database.pool.connect()
    try {
      await back.query('begin')
      await back.query("select from leases where relay_id = 'relay-1' for update")
      expect((await two.beat()).relays).toBe(1)
      expect(await leases()).toHaveLength(1)
    } finally {
      await back.query('rollback')
      back.release()
    }
    await two.beat()
    expect(await leases()).toEqual([])
  })

  test('tells the seconds talked today, in calls out, of whoever has a limit on them: elsewhere, or before it began', async () => {
    const [plain, limited] = await Promise.all(
      [{}, { max_daily_minutes: 10 }].map((limits, at) =>
        bob('POST', '/v1.0/extensions', { extension: `e${at}`, password: 'long enough', ...limits }),
      ),
    )
    const office = { kind: 'extension', id: limited?.body.id } as const
    await two.beat()
    await talked('relay-2', limited?.body.id, 60)
    await talked('relay-1', limited?.body.id, 30)
    await talked('relay-1', plain?.body.id, 30)
    await talked('relay-2', limited?.body.id, 500, 'incoming')
    // Who is called and sends the call out pays for it, not who calls.
    await talked('relay-2', plain?.body.id, 5, 'internal', limited?.body.id)
    // So does who transferred a leg which is paid for into another's call out.
    await talked('relay-2', plain?.body.id, 7, 'outgoing', limited?.body.id)
    // A flow's call is paid for while one out there is in it.
    await followed('relay-2', limited?.body.id, 300, [4, null])
    const seconds = async (of = one) =>
      (await of.beat()).seconds.map(({ scope, seconds }) => ({ scope, seconds }))
    expect(await seconds()).toEqual([{ scope: office, seconds: 78 }])
    expect(await seconds(await newRelay(app, 'relay-1', { started_at: '2100-01-01T00:00:00.000Z' }))).toEqual(
      [{ scope: office, seconds: 108 }],
    )
    await bob('PUT', '/v1.0/customer', { max_daily_minutes: 100 })
    expect(await seconds(two)).toEqual([
      { scope: { kind: 'customer', id: bob.id }, seconds: 60 },
      { scope: office, seconds: 30 },
    ])
    await bob('PUT', '/v1.0/customer', {})
  })

  test('counts the relays which live', async () => {
    expect((await one.beat()).relays).toBe(1)
    expect((await two.beat()).relays).toBe(2)
    await two.fallSilent()
    expect((await one.beat()).relays).toBe(1)
  })

  test('names the other relays which live and say where they are reached', async () => {
    const neighbour = { address: '192.0.2.2', port: portNumber(5062), fingerprint: 'ab'.repeat(32) }
    expect((await one.beat()).neighbours).toEqual([])
    await two.beat({ neighbour, draining: true })
    expect((await one.beat()).neighbours).toEqual([{ ...neighbour, relay_id: 'relay-2', draining: true }])
    // One which speaks of no place has none, and a dead one neither.
    expect((await two.beat()).neighbours).toEqual([])
    expect((await one.beat()).neighbours).toEqual([])
    await two.beat({ neighbour })
    await two.fallSilent()
    expect((await one.beat()).neighbours).toEqual([])
    expect((await one.raw({ neighbour: { ...neighbour, fingerprint: 'ab' } })).status).toBe(400)
  })

  test('sends away the elder of two processes with one name', async () => {
    const younger = await newRelay(app, 'relay-1', { started_at: '2026-11-24T09:00:00.000Z' })
    await one.beat()
    await younger.beat()
    expect(await one.raw()).toMatchObject({ status: 409, body: { error: { reason: 'RELAY_REPLACED' } } })
    await younger.beat()
    const { rows } = await app.database.pool.query("select boot_id from relays where id = 'relay-1'")
    expect(rows).toEqual([{ boot_id: younger.bootId }])
  })

  test.each([
    ['an hour behind', '2026-11-23T23:00:00.000Z'],
    ['in the year 9999', '9999-12-31T23:59:59.000Z'],
  ])(
    'takes a relay which was started again for the relay, though its clock was %s',
    async (_, started_at) => {
      const before = await newRelay(app, 'relay-1', { started_at })
      await before.beat()
      await one.beat()
      expect(await before.raw()).toMatchObject({ status: 409 })
      const after = await newRelay(app, 'relay-1', { started_at })
      await after.beat()
      expect(await one.raw()).toMatchObject({ status: 409 })
      expect(await before.raw()).toMatchObject({ status: 409 })
      const { body } = await app.alice('GET', '/v1.0/relays')
      const shown = body.result.find(({ id }: { id: string }) => id === 'relay-1')
      expect(Date.parse(shown.tm_create)).toBeLessThanOrEqual(Date.now() + 1_000)
    },
  )

  test('lets a process which was replaced be the relay again once the other is dead', async () => {
    await one.beat()
    const other = await newRelay(app, 'relay-1')
    await other.beat()
    expect(await one.raw()).toMatchObject({ status: 409 })
    await other.fallSilent()
    await one.beat()
    expect(await other.raw()).toMatchObject({ status: 409 })
  })

  test('of the year 9999 does not make later ones unbelieved', async () => {
    const limited = { max_channels: 5 }
    await bob('PUT', '/v1.0/customer', limited)
    await one.raw({ at: '9999-12-31T23:59:59.000Z', slices: [channels(bob.id, null, 0)] })
    const { slices } = await one.beat({ slices: [channels(bob.id, 0, 2)] })
    expect(slices).toMatchObject([{ amount: 5 }])
    await bob('PUT', '/v1.0/customer', {})
  })

  test('is refused in another relay’s name, and where it is none', async () => {
    expect(await two.raw({ leases: [] } as object)).toMatchObject({ status: 200 })
    const body = { relay_id: 'relay-1' }
    expect(await two.client('POST', '/relay/v1/beat', body)).toMatchObject({ status: 400 })
    expect(await two.raw({ relay_id: 'relay-1' } as object)).toMatchObject({ status: 403 })
    expect(await app.alice('POST', '/relay/v1/beat', body)).toMatchObject({ status: 401 })
  })

  test('names every customer whose configuration is newer, and those which are gone', async () => {
    const { version, changed } = await one.beat()
    expect(changed).toContainEqual({ customer_id: bob.id, version: expect.any(Number), gone: false })
    expect(Math.max(...changed.map((customer) => customer.version))).toBeLessThanOrEqual(version)
    expect((await one.beat({ version })).changed).toEqual([])
    await bob('POST', '/v1.0/extensions', { extension: 'new', password: 'long enough' })
    const later = await one.beat({ version })
    expect(later.changed).toEqual([{ customer_id: bob.id, version: later.version, gone: false }])
    const eve = await app.newcomer('Eve')
    const known = (await one.beat()).version
    await app.alice('DELETE', `/v1.0/customers/${eve.id}`)
    expect((await one.beat({ version: known })).changed).toMatchObject([{ customer_id: eve.id, gone: true }])
  })

  test('replaces a relay’s leases, writing only what has changed', async () => {
    const scope = { kind: 'customer', id: bob.id } as const
    const [first, second] = [callUnderWay(bob.id, scope), callUnderWay(bob.id, scope)]
    await one.beat({ leases: [first, second] })
    const before = await leases()
    await one.beat({ leases: [first, second] })
    expect(await leases()).toEqual(before)
    await one.beat({ leases: [second] })
    expect((await leases()).map((row) => row.call_id)).toEqual([second.call_id])
    await one.fallSilent()
    await two.beat()
    expect(await leases()).toEqual([])
  })

  /** A call of Bob's which went on for some seconds of today; if the day is younger, they are to come. */
  async function talked(
    relayId: string,
    extensionId: string,
    seconds: number,
    direction = 'outgoing',
    sentOutBy: string | null = null,
  ) {
    await app.database.pool.query(
      `insert into calls (id, customer_id, relay_id, sequence, direction, source, destination, status, sip_call_id,
        started_at, answered_at, ended_at, attempts, unverified, extension_id, sent_out_by)
      select gen_random_uuid(), $1, $2, 1, $5::direction, '{}', '{}', 'hangup', 'x', day, day, day + $4 * interval '1 second',
        '[]', false, $3, $6 from date_trunc('day', now(), 'UTC') as day`,
      [bob.id, relayId, extensionId, seconds, direction, sentOutBy],
    )
  }

  /** A call in which followed a flow, on behalf of one who sent it out: whom it called answered three seconds before they left, null: the call's end. */
  async function followed(relayId: string, sentOutBy: string, seconds: number, talks: (number | null)[]) {
    const { rows } = await app.database.pool.query(
      `insert into calls (id, customer_id, relay_id, sequence, direction, source, destination, status, sip_call_id,
        started_at, answered_at, ended_at, attempts, unverified, sent_out_by, flow)
      select gen_random_uuid(), $1, $2, 1, 'incoming', '{}', '{}', 'hangup', 'x', day, day, day + $4 * interval '1 second',
        '[]', false, $3, '{}' from date_trunc('day', now(), 'UTC') as day returning id`,
      [bob.id, relayId, sentOutBy, seconds],
    )
    for (const [at, talk] of talks.entries())
      await app.database.pool.query(
        `insert into attempts (call_id, position, customer_id, provider_id, relay_id, started_at, ended_at, status, answered_at, talked_seconds)
        select c.id, $2, c.customer_id, gen_random_uuid(), c.relay_id, c.started_at, c.started_at, 200,
          case when $3::real is null then c.ended_at - interval '2 seconds' else c.started_at end, coalesce($3::real, 2)
        from calls c where c.id = $1`,
        [rows[0].id, at + 1, talk],
      )
  }

  test('makes no row of anything that never was', async () => {
    const never = crypto.randomUUID()
    const scope = { kind: 'customer', id: bob.id } as const
    await one.beat({
      leases: [
        callUnderWay(never, scope),
        ...(['customer', 'extension', 'trunk', 'provider'] as const).map((kind) =>
          callUnderWay(bob.id, { kind, id: never }),
        ),
      ],
      slices: [channels(never, null, 3)],
      health: [{ ...reported, provider_id: never, customer_id: bob.id, status: 'healthy' }],
      registrations: [
        { ...reported, provider_id: never, customer_id: bob.id, epoch: 1, status: 'registered', ...unsaid },
      ],
      results: [{ command_id: never, result: { ok: true } }],
    })
    const { rows } = await app.database.pool.query(
      `select (select count(*) from leases) + (select count(*) from slices) + (select count(*) from provider_reports)
         + (select count(*) from provider_registrations) + (select count(*) from commands)
         + (select count(*) from events where subject_id = $1) as rows`,
      [never],
    )
    expect(rows).toEqual([{ rows: '0' }])
  })

  test.each([
    ['used', { slices: [{ ...channels(PLATFORM, null, 0), used: 2 ** 40 }] }],
    [
      'since',
      {
        health: [
          { ...reported, provider_id: PLATFORM, customer_id: PLATFORM, since: '0000-01-01T00:00:00Z' },
        ],
      },
    ],
    ['port', { port: 2 ** 40 }],
  ] as [string, Said][])('refuses a %s no database can keep as the relay’s fault', async (_, said) => {
    expect(await one.raw(said)).toMatchObject({
      status: 400,
      body: { error: { reason: 'INVALID_ARGUMENT' } },
    })
    expect(await leases()).toEqual([])
  })

  async function leases() {
    const { rows } = await app.database.pool.query(
      'select call_id, taken_at, xmin from leases order by call_id',
    )
    return rows as { call_id: string }[]
  }
})
