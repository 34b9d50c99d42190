import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { retentionDays } from '../../../functions/retention.ts'
import { keepHouse } from '../../../functions/store/keeping.ts'
import { type App, type Client, startApp } from '../../support/app.ts'
import { callTell, tellAs } from '../../support/call-tells.ts'

/*
 * What is older than it is kept goes, a few rows at a time; here two at a time, by two Workers at once.
 */

let app: App
let bob: Client & { id: string }
let webhook: string
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
  webhook = (
    await bob('POST', '/v1.0/webhooks', { name: 'all', url: 'https://hooks.example.com/', events: ['*'] })
  ).body.id
  await ask('delete from deliveries')
  await ask('delete from events')
})
afterAll(() => app.close())

describe('what is old', () => {
  test('goes when it is older than its customer has it kept, or else than the platform is set', async () => {
    await bob('PATCH', '/v1.0/customer', { retention_days: { calls: 30, commands: 2 } })
    for (const days of [29, 31, 40, 364, 366]) {
      await call(bob.id, days)
      await call(app.aliceId, days)
    }
    await call(bob.id, 400, { status: 'progressing', ended_at: null })
    for (const days of [1, 3, 31])
      await ask(
        `insert into commands (id, customer_id, relay_id, body, created_at)
      select gen_random_uuid(), id, 'relay-1', '{}', now() - $1::integer * interval '1 day' from customers where id in ($2, $3)`,
        [days, bob.id, app.aliceId],
      )
    await Promise.all([keepHouse(app.env, { most: 2 }), keepHouse(app.env, { most: 2 })])
    expect(await agesOf('calls', 'started_at', bob.id)).toEqual([29, 400])
    expect(await agesOf('calls', 'started_at', app.aliceId)).toEqual([29, 31, 40, 364])
    expect(await agesOf('commands', 'created_at', bob.id)).toEqual([1])
    expect(await agesOf('commands', 'created_at', app.aliceId)).toEqual([1, 3])
    const { rows } = await ask(
      'select count(*) as n from attempts a where not exists (select from calls c where c.id = a.call_id)',
    )
    expect(Number(rows[0]?.n)).toBe(0)
  })

  test('does not come back when its relay tells it again, nor count twice', async () => {
    const told = await call(bob.id, 20)
    const counted = await figures()
    await bob('PATCH', '/v1.0/customer', { retention_days: { calls: 10 } })
    await keepHouse(app.env)
    await tellAs(app, 'relay-1', told, { ...told, sequence: 2, tell_id: crypto.randomUUID() })
    expect(await figures()).toEqual(counted)
    expect((await bob('GET', `/v1.0/calls/${told.call.call_id}`)).status).toBe(404)
    const late = callTell(bob.id, { ...at(9) })
    await tellAs(app, 'relay-1', late)
    expect((await bob('GET', `/v1.0/calls/${late.call.call_id}`)).status).toBe(200)
  })

  test('goes with its deliveries where it is an event, unless one is on its way yet', async () => {
    await ask('delete from deliveries')
    await ask('delete from events')
    const told = [
      [93, 'delivered'],
      [92, 'waiting'],
      [91, null],
      [89, 'waiting'],
      [31, 'delivered'],
      [29, 'failed'],
      [1, 'delivered'],
    ] as const
    for (const [days, status] of told) await event(days, status)
    await ask("update deliveries set created_at = now() - interval '1 day' where status = 'waiting'")
    await Promise.all([keepHouse(app.env, { most: 2 }), keepHouse(app.env, { most: 2 })])
    await keepHouse(app.env, { most: 2 })
    expect(await agesOf('events', 'at', bob.id)).toEqual([1, 29, 31, 89, 92])
    expect(await agesOf('deliveries d join events e on e.id = d.event_id', 'e.at', bob.id, 'd.')).toEqual([
      1, 29, 89, 92,
    ])
  })
})

describe('retention_days', () => {
  test('is shortened by customers themselves, lengthened by administrators, and bounded', async () => {
    const set = (retention_days: object, by: Client = bob) =>
      by('PATCH', '/v1.0/customer', { retention_days })
    expect((await set({ calls: null, events: 7 })).body.retention_days).toEqual({
      ...usual,
      commands: 2,
      events: 7,
    })
    expect(await set({ events: 91 })).toMatchObject({
      status: 403,
      body: { error: { reason: 'PERMISSION_DENIED' } },
    })
    expect((await set({ calls: 3_650 }, app.alice)).body.retention_days.calls).toBe(3_650)
    for (const wrong of [{ calls: 1 }, { events: 0 }, { deliveries: 3_651 }, { calls: 2.5 }, { numbers: 3 }])
      expect((await set(wrong)).status).toBe(400)
    expect((await bob('GET', '/v1.0/customer')).body.retention_days).toEqual({
      ...usual,
      commands: 2,
      events: 7,
    })
  })

  test.each([
    ['calls=30', { ...retentionDays.parse(undefined), calls: 30 }],
    [' events = 7 , commands=1', { ...retentionDays.parse(undefined), events: 7, commands: 1 }],
    ['calls=1', undefined],
    ['calls', undefined],
    ['calls=30;events=7', undefined],
    ['numbers=3', undefined],
    ['events=3651', undefined],
  ])('is set for all by RETENTION_DAYS="%s"', (text, days) => {
    expect(retentionDays.safeParse(text).data).toEqual(days)
  })
})

const usual = retentionDays.parse(undefined)

function ask(text: string, values: unknown[] = []) {
  return app.database.pool.query(text, values)
}

/** Times of a call which began so many days ago. */
function at(days: number) {
  const start = Date.now() - days * 86_400_000 - 3_600_000
  const after = (seconds: number) => new Date(start + seconds * 1000).toISOString()
  return { started_at: after(0), ringing_at: after(2), answered_at: after(10), ended_at: after(70) }
}

async function call(customerId: string, days: number, changes: object = {}) {
  const attempt = {
    provider_id: crypto.randomUUID(),
    provider_name: '',
    address: '',
    transport: 'udp',
    status: 200,
    reason: '',
  }
  const told = callTell(customerId, {
    ...at(days),
    attempts: [{ ...attempt, decision: 'final', started_ms: 0, ended_ms: 9, pdd_ms: 5 }],
    ...changes,
  })
  await tellAs(app, 'relay-1', told)
  return told
}

async function event(days: number, status: string | null) {
  const { rows } = await ask(
    `insert into events (id, customer_id, type, at, subject_id, data)
     values (gen_random_uuid(), $1, 'call.ended', now() - $2::integer * interval '1 day' - interval '1 hour', gen_random_uuid(), '{}') returning id`,
    [bob.id, days],
  )
  await ask('delete from deliveries where event_id = $1', [rows[0]?.id])
  if (status !== null)
    await ask(
      `insert into deliveries (id, customer_id, webhook_id, event_id, line, sequence, status, created_at)
       select gen_random_uuid(), customer_id, $2, id, id, sequence, $3, at from events where id = $1`,
      [rows[0]?.id, webhook, status],
    )
}

async function agesOf(table: string, column: string, customerId: string, of = '') {
  const { rows } = await ask(
    `select floor(extract(epoch from now() - ${column}) / 86400)::integer as days from ${table} where ${of}customer_id = $1 order by 1`,
    [customerId],
  )
  return rows.map(({ days }) => Number(days))
}

async function figures() {
  const { rows } = await ask(
    'select sum(attempts) as attempts, sum(talked_ms) as talked from call_figures where customer_id = $1',
    [bob.id],
  )
  return [Number(rows[0]?.attempts), Number(rows[0]?.talked)]
}
