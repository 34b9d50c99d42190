import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { prepare } from '../../../functions/env.ts'
import { drillsDueIn, sweepDrills } from '../../../functions/store/drills.ts'
import { type App, type Client, startApp } from '../../support/app.ts'
import { newRelay, type TestRelay } from '../../support/beat.ts'

/*
 * Drills as their customer configures and runs them, a relay being told and telling.
 */

let app: App
let alice: Client & { id: string }
let relay: TestRelay
let provider: string
let drill: string
beforeAll(async () => {
  app = await startApp()
  alice = await app.newcomer('Alice')
  relay = await newRelay(app, 'relay-1', { protocol: 4 })
  await beat()
  provider = (await alice('POST', '/v1.0/providers', { name: 'Telnyx', hostname: 'sip.telnyx.test' })).body.id
  await alice('POST', '/v1.0/extensions', { extension: 'desk', password: 'secure-password' })
  await alice('POST', '/v1.0/alerts', { when: { kind: 'drill_failed' } })
  const made = await alice('POST', '/v1.0/drills', {
    name: 'Telnyx is down',
    assume: { provider_id: provider, down: true },
    call: { from: 'desk', to: '(212) 555-0000' },
  })
  drill = made.body.id
})
afterAll(() => app.close())

const passed = {
  ok: true,
  verdict: 'Twilio takes the call.',
  status: 180,
  pdd_ms: 900,
  provider_id: null,
  decision: { outcome: 'connect', reason: null, message: '', version: 1, candidates: [] },
  attempts: [],
}
const failed = { ...passed, ok: false, verdict: 'Twilio does not take the call.', pdd_ms: null }
const runs = async () => (await alice('GET', `/v1.0/drills/${drill}/runs`)).body.result
const told = async () =>
  (await alice('GET', '/v1.0/events?type=drill.*')).body.result.filter(
    ({ type }: { type: string }) => /ed$/.test(type) && !/(created|updated)$/.test(type),
  )

describe('a drill', () => {
  test('which is run by hand is told to a relay, and keeps what that found out', async () => {
    const { status, body } = await alice('POST', `/v1.0/drills/${drill}/run?wait=0`)
    expect([status, body]).toMatchObject([
      202,
      { drill_id: drill, cause: 'asked', state: 'waiting', ok: null },
    ])
    const again = await alice('POST', `/v1.0/drills/${drill}/run?wait=0`)
    expect(again.body.error).toMatchObject({ reason: 'TOO_MANY_TESTS' })
    const { commands } = await beat()
    const extension = expect.any(String)
    const order = {
      kind: 'drill',
      drill_id: drill,
      provider_down: provider,
      extension_id: extension,
      to: '+12125550000',
    }
    expect(commands).toMatchObject([{ ...order, from: null, command_id: body.id, customer_id: alice.id }])
    await beat({ results: [{ command_id: body.id, result: passed }] })
    const done = { id: body.id, relay_id: 'relay-1', state: 'done', assumed_down: provider, ...passed }
    expect(await runs()).toMatchObject([done])
    expect(await told()).toMatchObject([
      { type: 'drill.passed', data: { run_id: body.id, ok: true, pdd_ms: 900 } },
    ])
    expect((await alice('POST', `/v1.0/drills/${drill}/run?wait=0`)).status).toBe(202)
  })

  test('which fails is an event and raises an alert, until it passes', async () => {
    const [{ id }] = await runs()
    await beat()
    await beat({ results: [{ command_id: id, result: failed }] })
    expect((await told())[0]).toMatchObject({ type: 'drill.failed', data: { verdict: failed.verdict } })
    const { rows } = await app.database.pool.query(`select type from alert_facts where subject_id = $1`, [
      drill,
    ])
    expect(rows.map(({ type }: { type: string }) => type)).toContain('drill.failed')
  })

  test('whose time has come runs once, whoever looks, and again when it says', async () => {
    const db = prepare(app.env).db
    const set = await alice('PATCH', `/v1.0/drills/${drill}`, { schedule: { every_minutes: 60 } })
    expect(set.body.tm_next_run).toEqual(expect.any(String))
    const dueIn = async () =>
      Number((await db.execute<{ ms: number }>(sql`select ${drillsDueIn} as ms`)).rows[0]?.ms)
    expect(await dueIn()).toBeGreaterThan(3_500_000)
    await sweepDrills(db)
    expect(await runs()).toHaveLength(2)
    await age()
    expect(await dueIn()).toBeLessThanOrEqual(0)
    await Promise.all([sweepDrills(db), sweepDrills(db)])
    expect((await runs()).map(({ cause }: { cause: string }) => cause)).toEqual([
      'schedule',
      'asked',
      'asked',
    ])
    const versions = (await alice('GET', `/v1.0/changes?resource_id=${drill}`)).body.result
    expect(versions).toHaveLength(2)
    await relay.fallSilent()
    await app.database.pool.query(`update drills set lost_at = now() where id = $1`, [drill])
    await app.database.pool.query(
      `update commands set created_at = now() - interval '2 minutes' where done_at is null`,
    )
    await sweepDrills(db)
    const lost = { state: 'done', ok: false, verdict: 'relay-1 never said what came of it.' }
    expect(await runs()).toContainEqual(expect.objectContaining(lost))
    await age()
    await sweepDrills(db)
    expect((await runs())[0]).toMatchObject({
      relay_id: '',
      verdict: 'No relay was alive which could run it.',
    })
    expect((await told()).slice(0, 2)).toMatchObject([{ type: 'drill.failed' }, { type: 'drill.failed' }])
    expect((await alice('POST', `/v1.0/drills/${drill}/run?wait=0`)).body.error.reason).toBe('NO_RELAY')
  })

  test('runs with the customer’s others thirty times within an hour, by hand or by itself', async () => {
    const db = prepare(app.env).db
    const bob = await app.newcomer('Bob')
    await beat()
    const made = async () =>
      (await bob('POST', '/v1.0/drills', { call: { to: '+12125550000' } })).body.id as string
    const [worn, one, other] = [await made(), await made(), await made()]
    await app.database.pool.query(
      `insert into commands (id, customer_id, relay_id, body, created_at, done_at)
       select gen_random_uuid(), $1, case when n = 29 then '' else 'relay-1' end, jsonb_build_object('kind', 'drill', 'drill_id', $2::text),
         now() - interval '59 minutes' + n * interval '1 minute', now() from generate_series(0, 29) n`,
      [bob.id, worn],
    )
    const both = await Promise.all([one, other].map((id) => bob('POST', `/v1.0/drills/${id}/run?wait=0`)))
    expect(both.map(({ status }) => status).sort()).toEqual([202, 429])
    const refused = both.find(({ status }) => status === 429)
    expect(refused?.body.error).toMatchObject({
      reason: 'TOO_MANY_DRILLS',
      message: expect.stringMatching(/^Drills of yours ran 30 times within an hour\. Wait \d+ s\.$/),
    })
    const wait = Number(refused?.headers.get('retry-after'))
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(60)
    const last = both[0]?.status === 429 ? one : other
    const due = () =>
      app.database.pool.query(
        `update drills set schedule = '{"every_minutes": 60}', next_run_at = now() - interval '1 second' where id = $1`,
        [last],
      )
    await due()
    await sweepDrills(db)
    const list = async () => (await bob('GET', `/v1.0/drills/${last}/runs`)).body.result
    const verdict = 'Drills of this customer ran 30 times within an hour: this one did not run.'
    expect(await list()).toMatchObject([
      { cause: 'schedule', state: 'done', ok: false, relay_id: '', verdict },
    ])
    await app.database.pool.query(
      `update commands set created_at = created_at - interval '2 minutes' where customer_id = $1 and body ->> 'drill_id' = $2`,
      [bob.id, worn],
    )
    expect((await bob('POST', `/v1.0/drills/${last}/run?wait=0`)).status).toBe(202)
  })

  test('is refused where schedules would come to more within an hour, whichever is changed', async () => {
    const carol = await app.newcomer('Carol')
    const often = { call: { to: '+12125550000' }, schedule: { every_minutes: 5 } }
    const [one, two] = [
      await carol('POST', '/v1.0/drills', often),
      await carol('POST', '/v1.0/drills', often),
    ]
    expect([one.status, two.status]).toEqual([200, 200])
    const refused = await carol('POST', '/v1.0/drills', often)
    expect(refused).toMatchObject({ status: 400, body: { error: { details: [{ field: 'schedule' }] } } })
    expect(refused.body.error.message).toContain('36 times within an hour, and 30 are allowed')
    const daily = { at: '03:30', time_zone: 'Europe/Berlin' }
    expect((await carol('POST', '/v1.0/drills', { ...often, schedule: daily })).status).toBe(200)
    const idle = await carol('POST', '/v1.0/drills', { ...often, enabled: false })
    expect(idle.status).toBe(200)
    const enabled = () => carol('PATCH', `/v1.0/drills/${idle.body.id}`, { enabled: true })
    expect((await enabled()).status).toBe(400)
    // One which stays as it is counts once, and what is deleted no more.
    expect((await carol('PATCH', `/v1.0/drills/${one.body.id}`, { name: 'often' })).status).toBe(200)
    await carol('DELETE', `/v1.0/drills/${two.body.id}`)
    expect((await enabled()).status).toBe(200)
  })

  test.each([
    ['assume.provider_id', { assume: { provider_id: crypto.randomUUID(), down: true } }],
    ['call.to', { call: { to: '911' } }],
    ['call.to', { call: { to: '+493012345678' } }],
    ['call.from', { call: { from: 'nobody', to: '+12125550000' } }],
    ['schedule', { schedule: { every_minutes: 1 } }],
  ])('is refused where %s is wrong', async (field, changes) => {
    const { status, body } = await alice('POST', '/v1.0/drills', { call: { to: '+12125550000' }, ...changes })
    expect(status).toBe(400)
    expect(body.error.details[0].field).toContain(field)
  })

  test('which runs by itself needs a key which may call', async () => {
    const key = (await alice('POST', '/v1.0/accesskeys', { name: 'k', scopes: ['configure'] })).body.token
    const body = { call: { to: '+12125550000' } }
    expect((await app.as(key)('POST', '/v1.0/drills', body)).status).toBe(200)
    const scheduled = await app.as(key)('POST', '/v1.0/drills', { ...body, schedule: { every_minutes: 60 } })
    expect(scheduled.body.error.reason).toBe('SCOPE_MISSING')
  })

  test('is asked about without a call, too', async () => {
    await alice('POST', '/v1.0/routes', { provider_id: provider, priority: 1 })
    const asked = { from: 'desk', to: '+12125550000' }
    const assume = { provider_id: provider, down: true }
    expect((await alice('POST', '/v1.0/routes/resolve', asked)).body.outcome).toBe('connect')
    const { body } = await alice('POST', '/v1.0/routes/resolve', { ...asked, assume })
    expect(body).toMatchObject({ outcome: 'reject', candidates: [{ code: 'ASSUMED_DOWN' }] })
  })
})

/** However slow this machine is, it does not die of it. */
async function beat(said = {}) {
  const answer = await relay.beat(said)
  await app.database.pool.query("update relays set beat_at = now() + interval '1 hour'")
  return answer
}

function age() {
  return app.database.pool.query(
    `update drills set next_run_at = now() - interval '1 second' where id = $1`,
    [drill],
  )
}
