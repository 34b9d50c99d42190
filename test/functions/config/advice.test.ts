import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, type Client, startApp } from '../../support/app.ts'
import { newRelay, type TestRelay } from '../../support/beat.ts'

/*
 * Each practice broken alone at a customer who keeps them all gives that finding alone; the request which it names, sent as
 * it is, makes it go.
 */

let app: App
let alice: Client & { id: string }
let relay: TestRelay
const ids: Record<string, string> = {}
beforeAll(async () => {
  app = await startApp()
  alice = await app.newcomer('Alice')
  await made('telnyx', 'providers', { name: 'Telnyx', hostname: '203.0.113.1' })
  await made('twilio', 'providers', { name: 'Twilio', hostname: '203.0.113.2' })
  await made('first', 'routes', { name: 'First', detail: 'All calls.', provider_id: ids.telnyx, priority: 1 })
  await made('second', 'routes', {
    name: 'Second',
    detail: 'Failover.',
    provider_id: ids.twilio,
    priority: 2,
  })
  await made('office1', 'extensions', { extension: 'office1', password: 'secure-password' })
  await made('office2', 'extensions', { extension: 'office2', password: 'another-password' })
  for (const when of watched) await made(`${when.kind}${when.of ?? ''}`, 'alerts', { when })
  await made('log', 'webhooks', { url: 'https://example.com/calls', events: ['call.*'] })
  relay = await newRelay(app, 'relay-1')
  await relay.beat()
  await alice('POST', `/v1.0/providers/${ids.twilio}/test?wait=0`, {})
  await carriedOut()
})
afterAll(() => app.close())

const watched: { kind: string; of?: string }[] = [
  { kind: 'success_rate', of: 'provider' },
  { kind: 'success_rate', of: 'customer' },
  { kind: 'registration_failures' },
  { kind: 'post_dial_delay' },
  { kind: 'quality' },
  { kind: 'unregistered' },
]

async function made(name: string, noun: string, body: object): Promise<void> {
  const answer = await alice('POST', `/v1.0/${noun}`, body)
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
  ids[name] = answer.body.id
}

/** A relay carries out the trial which waits. */
async function carriedOut(): Promise<void> {
  const { commands } = await relay.beat()
  expect(commands).toHaveLength(1)
  await relay.beat({
    results: commands.map(({ command_id }) => ({ command_id, result: { ok: true, verdict: 'answers' } })),
  })
}

interface Item {
  code: string
  request: { method: string; path: string; body: object; fill_in: string[] }
}

const advice = async (): Promise<Item[]> => (await alice('GET', '/v1.0/advice')).body.findings
const change = (noun: string, name: string, body: object) => () =>
  alice('PATCH', `/v1.0/${noun}/${ids[name]}`, body)
const gone = (noun: string, name: string) => () => alice('DELETE', `/v1.0/${noun}/${ids[name]}`)
const sql =
  (text: string, ...values: unknown[]) =>
  () =>
    app.database.pool.query(text, values)

type Row = readonly [code: string, breaks: () => Promise<unknown>, after?: () => Promise<unknown>]

const rows: Row[] = [
  ['PROVIDER_NOT_PROBED', () => change('providers', 'telnyx', { probe_interval: 0 })()],
  ['PROVIDER_SUCCESS_NOT_WATCHED', () => gone('alerts', 'success_rateprovider')()],
  [
    'COUNTRY_NOT_COVERED',
    async () => {
      await change('routes', 'first', { target: '+1' })()
      await change('routes', 'second', { target: '+1' })()
      await alice('PATCH', '/v1.0/customer', { destination_whitelist: ['us', 'de'] })
    },
    async () => {
      // What the request made has no failover: that is another practice.
      expect((await advice()).map(({ code }) => code)).toEqual(['ROUTE_WITHOUT_FAILOVER'])
      await alice('PATCH', '/v1.0/customer', { destination_whitelist: null })
      for (const { id, name } of (await alice('GET', '/v1.0/routes?target=%2B49')).body.result)
        expect([name, (await alice('DELETE', `/v1.0/routes/${id}`)).status]).toEqual(['To de', 200])
    },
  ],
  ['ROUTES_SHARE_PRIORITY', () => change('routes', 'second', { priority: 1 })()],
  ['ROUTE_WITHOUT_FAILOVER', () => change('routes', 'second', { enabled: false })()],
  [
    'FAILOVER_NOT_TESTED',
    async () =>
      sql(
        "update commands set created_at = created_at - interval '40 days' where customer_id = $1",
        alice.id,
      )(),
    carriedOut,
  ],
  ['ROUTE_NOT_DOCUMENTED', () => change('routes', 'first', { detail: '' })()],
  ['PASSWORD_SHARED', () => change('extensions', 'office2', { password: 'secure-password' })()],
  [
    'PASSWORD_OLD',
    async () =>
      sql(
        `update extensions set password_hash = '2025-01-01' || substr(password_hash, 11) where id = $1`,
        ids.office1,
      )(),
  ],
  ['REGISTRATION_ATTEMPTS_NOT_WATCHED', () => gone('alerts', 'registration_failures')()],
  ['ENCRYPTION_OFF', () => change('extensions', 'office1', { secure: 'off' })()],
  ['CALL_SUCCESS_NOT_WATCHED', () => gone('alerts', 'success_ratecustomer')()],
  ['LATENCY_NOT_WATCHED', () => gone('alerts', 'post_dial_delay')()],
  ['QUALITY_NOT_WATCHED', () => gone('alerts', 'quality')()],
  ['REGISTRATION_LOSS_NOT_WATCHED', () => gone('alerts', 'unregistered')()],
  ['CALL_LOG_NOT_REVIEWED', () => change('webhooks', 'log', { events: ['alert.*'] })()],
  [
    'ONE_PROVIDER_ALONE',
    async () => {
      await gone('routes', 'second')()
      for (const { id, provider_id } of (await alice('GET', '/v1.0/routes')).body.result)
        if (provider_id === ids.twilio) await alice('DELETE', `/v1.0/routes/${id}`)
      await change('providers', 'twilio', { enabled: false })()
    },
    async () => {
      expect((await advice()).map(({ code }) => code)).toEqual(['ROUTE_WITHOUT_FAILOVER'])
    },
  ],
]

describe('GET /v1.0/advice', () => {
  test('finds nothing where all is well, and asks the database once', async () => {
    expect(await advice()).toEqual([])
    app.database.requests()
    await advice()
    expect(app.database.requests()).toBeLessThanOrEqual(2)
  })

  // One after the other at one customer: each mends what it broke.
  test.for(rows)('finds %s alone, and its request makes that go', async ([code, breaks, after]) => {
    await breaks()
    const [found, ...others] = await advice()
    expect([found?.code, others.map((one) => one.code)]).toEqual([code, []])
    if (!found) return
    const { method, path, body } = found.request
    const sent = await alice(method, path.endsWith('/test') ? `${path}?wait=0` : path, body)
    expect([sent.status, sent.body]).toEqual([expect.toBeOneOf([200, 202]), expect.anything()])
    await after?.()
    const left = (await advice()).map((one) => one.code)
    expect(left).toEqual(code === 'ONE_PROVIDER_ALONE' ? ['ROUTE_WITHOUT_FAILOVER'] : [])
  })
})
