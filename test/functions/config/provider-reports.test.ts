import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type App, type Client, startApp } from '../../support/app.ts'
import { callUnderWay, newRelay, type TestRelay } from '../../support/beat.ts'

let app: App
let bob: Client & { id: string }
let carrier: { id: string }
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
  carrier = (
    await bob('POST', '/v1.0/providers', { name: 'telnyx', hostname: `${crypto.randomUUID()}.test` })
  ).body
})
afterAll(() => app.close())

/** A number which is Bob's by an administrator's word. */
function assign(number: object) {
  return app.alice('POST', '/v1.0/numbers', { ...number, customer_id: bob.id })
}

describe('POST /v1.0/providers/{id}/test', () => {
  test('waits for what the relay finds, and gives it in words', async () => {
    await one.beat()
    const asked = ask({ type: 'options' })
    const [command] = await commandsOf(one)
    expect(command).toMatchObject({
      kind: 'test_provider',
      type: 'options',
      provider_id: carrier.id,
      customer_id: bob.id,
      to: null,
    })
    const steps = [{ step: 'locate', ok: true, words: 'telnyx.test is 192.0.2.4', ms: 3 }]
    const result = { ok: true, verdict: 'it answers 200 in 12 ms', steps }
    await one.beat({ results: [{ command_id: command?.command_id ?? '', result }] })
    const { status, body } = await asked
    expect(status).toBe(200)
    expect(body).toMatchObject({ ...result, relay_id: 'relay-1', state: 'done', type: 'options' })
    await one.beat({ results: [{ command_id: body.id, result: { ok: false, verdict: 'late', steps: [] } }] })
    expect((await bob('GET', `/v1.0/providers/${carrier.id}/tests/${body.id}`)).body).toEqual(body)
  })

  test('answers 202 where it takes longer, and shows how it goes', async () => {
    await one.beat()
    const { status, body } = await ask({}, '?wait=0')
    expect(status).toBe(202)
    expect(body).toMatchObject({ state: 'waiting', ok: null, verdict: 'waiting for relay-1' })
    await one.beat()
    const at = `/v1.0/providers/${carrier.id}/tests/${body.id}`
    expect((await bob('GET', at)).body).toMatchObject({ state: 'running' })
    expect((await one.beat()).commands).toEqual([])
    await app.database.pool.query("update commands set created_at = created_at - interval '2 minutes'")
    expect((await bob('GET', at)).body).toMatchObject({
      state: 'lost',
      verdict: 'relay-1 never said what came of it',
    })
    expect(await app.platform('GET', at)).toMatchObject({
      status: 404,
      body: { error: { reason: 'TEST_NOT_FOUND' } },
    })
  })

  test('is carried out by the relay with the fewest calls, or the one named', async () => {
    await one.beat({ leases: [callUnderWay(bob.id, { kind: 'customer', id: bob.id })] })
    await two.beat()
    expect((await ask({}, '?wait=0')).body.relay_id).toBe('relay-2')
    expect((await ask({ relay_id: 'relay-1' }, '?wait=0')).body.relay_id).toBe('relay-1')
    await two.beat({ draining: true })
    expect((await ask({}, '?wait=0')).body.relay_id).toBe('relay-1')
  })

  test('says so where no relay lives', async () => {
    const none = { status: 503, body: { error: { reason: 'NO_RELAY' } } }
    expect(await ask({})).toMatchObject(none)
    await one.beat()
    expect(await ask({ relay_id: 'relay-9' })).toMatchObject(none)
  })

  test('calls only where the customer may call, from a number of its own', async () => {
    await one.beat()
    await assign({ number: '+15552220001' })
    await bob('POST', '/v1.0/numbers', { number: '+15559990000' })
    const call = (body: object) => ask({ type: 'call', ...body }, '?wait=0')
    expect((await call({ to: '555 123 4567', from: '5552220001' })).body).toMatchObject({
      to: '+15551234567',
      from: '+15552220001',
    })
    for (const [body, field] of [
      [{}, 'to'],
      [{ to: 'nobody' }, 'to'],
      [{ to: '+442079460000' }, 'to'],
      [{ to: '+15551234567', from: '+15559990000' }, 'from'],
      [{ type: 'options', to: '+15551234567' }, 'to'],
      [{ type: 'ping' }, 'type'],
    ] as const) {
      const { status, body: answer } = await call(body)
      expect([status, answer.error.details[0].field]).toEqual([400, field])
    }
  })

  test('calls no number its customer’s phones may not call: blocked, or its own abroad', async () => {
    await one.beat()
    await assign({ number: '+442079460000', number_to: '+442079460099' })
    const call = (body: object) => ask({ type: 'call', ...body }, '?wait=0')
    expect((await call({ to: '+442079460005', from: '+442079460042' })).status).toBe(202)
    await bob('PUT', '/v1.0/customer', { blocked_prefixes: ['+1900'], destination_whitelist: ['US'] })
    for (const [to, words] of [
      ['+19005551234', 'Calls to +1900 are blocked'],
      ['+442079460005', 'add "gb" to destination_whitelist'],
    ])
      expect(await call({ to })).toMatchObject({
        status: 400,
        body: { error: { details: [{ field: 'to', message: expect.stringContaining(words ?? '') }] } },
      })
    expect(await call({ to: '+15551234567', from: '+442079460100' })).toMatchObject({ status: 400 })
    await bob('PUT', '/v1.0/customer', {})
  })

  test('goes on three times at once, and no more often however many ask', async () => {
    await one.beat()
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask({}, '?wait=0')))
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 202, 202, 429, 429, 429])
    expect(answers.find(({ status }) => status === 429)?.body.error.reason).toBe('TOO_MANY_TESTS')
    const [command] = (await one.beat()).commands
    await one.beat({
      results: [{ command_id: command?.command_id ?? '', result: { ok: true, verdict: '', steps: [] } }],
    })
    expect((await ask({}, '?wait=0')).status).toBe(202)
  })

  test('calls thirty times within an hour, all providers together; by OPTIONS it goes on', async () => {
    await one.beat()
    const { rows: made } = await app.database.pool.query(
      `insert into commands (id, customer_id, relay_id, body, created_at, done_at)
       select gen_random_uuid(), $1, 'relay-1', jsonb_build_object('kind', 'test_provider', 'type', 'call', 'provider_id', gen_random_uuid()),
         now() - interval '59 minutes' + n * interval '1 minute', now() from generate_series(0, 29) n returning id`,
      [bob.id],
    )
    await app.database.pool.query(
      `update commands set done_at = now() where customer_id = $1 and done_at is null`,
      [bob.id],
    )
    const refused = await ask({ type: 'call', to: '+15551234567' }, '?wait=0')
    expect([refused.status, refused.body.error.reason]).toEqual([429, 'TOO_MANY_TESTS'])
    expect(refused.body.error.message).toMatch(
      /by 30 calls within an hour\. Wait \d+ s, or try by OPTIONS\.$/,
    )
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await ask({}, '?wait=0')).status).toBe(202)
    await app.database.pool.query(
      `update commands set created_at = created_at - interval '2 hours' where id = any($1)`,
      [made.map(({ id }) => id)],
    )
    expect((await ask({ type: 'call', to: '+15551234567' }, '?wait=0')).status).toBe(202)
  })

  test('is for one’s own providers', async () => {
    expect(await app.platform('POST', `/v1.0/providers/${carrier.id}/test`, {})).toMatchObject({
      status: 404,
    })
  })

  function ask(body: object, query = '') {
    return bob('POST', `/v1.0/providers/${carrier.id}/test${query}`, body)
  }
})

describe('GET /v1.0/providers/{id}/stats', () => {
  test('counts attempts by what became of them, in one statement', async () => {
    await attempt({ status: 200, answered: true, talked: 60, pdd: 100 })
    await attempt({ status: 200, answered: true, talked: 30, pdd: 300 })
    await attempt({ status: 486, pdd: 200 })
    await attempt({ status: 487 })
    await attempt({ status: 503, relay: 'relay-2' })
    await attempt({ status: 0 })
    await attempt({ status: 0, ended: false })
    await attempt({ status: 503, hoursAgo: 30 })
    app.database.heard.splice(0)
    expect(await stats('')).toEqual({
      provider_id: carrier.id,
      window: '24h',
      attempts: 6,
      under_way: 1,
      answered: 2,
      asr: 0.3333,
      ner: 0.6667,
      user_outcomes: { no_answer: 0, busy: 1, cancelled: 1, declined: 0 },
      failures: { '503': 1, silence: 1 },
      acd_seconds: 45,
      pdd_ms: { p50: 200, p95: 290 },
      relays: [
        { relay_id: 'relay-1', attempts: 5, answered: 2, asr: 0.4 },
        { relay_id: 'relay-2', attempts: 1, answered: 0, asr: 0 },
      ],
    })
    expect(app.database.heard).toHaveLength(2)
    expect(await stats('?window=7d')).toMatchObject({ attempts: 7, failures: { '503': 2, silence: 1 } })
  })

  test('has no figures where nothing was tried', async () => {
    expect(await stats('?window=15m')).toMatchObject({
      attempts: 0,
      asr: null,
      ner: null,
      acd_seconds: null,
      pdd_ms: { p50: null },
    })
  })

  test('of a shared provider are one’s own, and all of them an administrator’s', async () => {
    const shared = (await app.platform('POST', '/v1.0/providers', { name: 'shared', hostname: 's.test' }))
      .body
    await attempt({ status: 503, provider: shared.id })
    await attempt({ status: 503, provider: shared.id, customer: app.aliceId })
    expect((await bob('GET', `/v1.0/providers/${shared.id}/stats`)).body.attempts).toBe(1)
    expect((await app.alice('GET', `/v1.0/providers/${shared.id}/stats`)).body.attempts).toBe(2)
  })

  test('refuses a window it does not understand, and strangers', async () => {
    for (const window of ['', '0m', '1y', '91d', '-1h'])
      expect(await bob('GET', `/v1.0/providers/${carrier.id}/stats?window=${window}`)).toMatchObject({
        status: 400,
      })
    const eve = await app.newcomer('Eve')
    expect(await eve('GET', `/v1.0/providers/${carrier.id}/stats`)).toMatchObject({ status: 404 })
  })

  async function stats(query: string) {
    return (await bob('GET', `/v1.0/providers/${carrier.id}/stats${query}`)).body
  }
})

interface Tried {
  status: number
  answered?: boolean
  ended?: boolean
  talked?: number
  pdd?: number
  relay?: string
  hoursAgo?: number
  provider?: string
  customer?: string
}

async function attempt(tried: Tried) {
  const { status, answered = false, ended = true, talked = null, pdd = null, relay = 'relay-1' } = tried
  const { hoursAgo = 0, provider = carrier.id, customer = bob.id } = tried
  await app.database.pool.query(
    `with call as (
       insert into calls (id, customer_id, relay_id, sequence, direction, source, destination, status, unverified,
         sip_call_id, started_at, attempts)
       values (gen_random_uuid(), $1, $2, 1, 'outgoing', '{}', '{}', 'hangup', false, '', now(), '[]') returning id)
     insert into attempts (call_id, position, customer_id, provider_id, relay_id, started_at, ended_at, status, pdd_ms,
       answered_at, talked_seconds)
     select id, 1, $1, $3, $2, now() - $4 * interval '1 hour', case when $5::boolean then now() end, $6, $7,
       case when $8::boolean then now() end, $9 from call`,
    [customer, relay, provider, hoursAgo, ended, status, pdd, answered, talked],
  )
}

/** Beats until there is something to do. */
async function commandsOf(relay: TestRelay) {
  for (let beat = 0; beat < 50; beat += 1) {
    const { commands } = await relay.beat()
    if (commands.length > 0) return commands
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return []
}
