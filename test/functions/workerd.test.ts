import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'
import { ensureFirstCustomer } from '../../functions/local/first-customer.ts'
import { type RunningEdge, startEdge } from '../../functions/local/worker.ts'
import { relayKey } from '../../functions/relay-key.ts'
import { RELAY_SECRET } from '../support/app.ts'
import { startDatabase, type TestDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { Receiver } from '../support/receiver.ts'

let database: TestDatabase
let edge: RunningEdge
let folder: string
let first: { customer_id: string; access_key?: string }
const said: string[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'edge-'))
  database = await startDatabase()
  first = await ensureFirstCustomer(database.pool)
  edge = await startEdge({
    host: '127.0.0.1',
    port: await freePort('127.0.0.1'),
    folder,
    said: (_, line) => said.push(line),
    note: (sentence) => said.push(sentence),
    lost: (error) => said.push(error.message),
    bindings: {
      DATABASE_URL: database.databaseUrl,
      NEON_ENDPOINT: database.endpointUrl,
      SEAL_KEYS: `only:${btoa('0123456789abcdef0123456789abcdef')}`,
      RELAY_SECRET,
      ALLOW_PRIVATE_TARGETS: 'true',
      RATE_LIMIT_KEY: '20',
    },
  })
})
afterAll(async () => {
  await edge.stop()
  await database.close()
  rmSync(folder, { recursive: true })
})

describe('the Worker in workerd', () => {
  test('takes the three bodies of the setup, and answers the relay’s two questions', async () => {
    const key = first.access_key ?? ''
    const provider = await post('/v1.0/providers', key, {
      name: 'Primary SIP Provider',
      type: 'sip',
      hostname: '127.0.7.3',
    })
    const route = await post('/v1.0/routes', key, {
      name: 'Default Outbound Route',
      provider_id: provider.body.id,
      priority: 1,
    })
    const extension = await post('/v1.0/extensions', key, {
      name: 'office-phone',
      username: 'office1',
      password: 'secure-password',
    })
    expect([provider.status, route.status, extension.status]).toEqual([200, 200, 200])

    const relay = await relayKey(RELAY_SECRET, 'relay-1')
    const realm = `${first.customer_id}.registrar.trunkline.localhost`
    const credential = await post('/relay/v1/credential', relay, { realm, username: 'office1' })
    const ha1 = createHash('md5').update(`office1:${realm}:secure-password`).digest('hex')
    expect(credential.body).toMatchObject({ kind: 'known', ha1_md5: ha1 })

    const caller = { kind: 'extension', customer_id: first.customer_id, extension_id: extension.body.id }
    const question = {
      call_id: crypto.randomUUID(),
      caller,
      from: { user: 'office1' },
      to: { user: '+1-555-123-4567', host: realm },
    }
    const decision = await post('/relay/v1/route', relay, question)
    expect(decision.body).toMatchObject({
      kind: 'connect',
      targets: { providers: [{ hostname: '127.0.7.3', user: '+15551234567' }] },
    })
  })

  test('writes down when a key was last used, after it has answered', async () => {
    await post('/v1.0/providers', first.access_key ?? '', {})
    await vi.waitFor(
      async () => expect((await database.pool.query('select from access_key_uses')).rowCount).toBe(1),
      { timeout: 30_000, interval: 100 },
    )
  })

  test('refuses in the same envelope, and writes nothing to its log for it', async () => {
    const before = said.length
    const refused = await post('/v1.0/providers', first.access_key ?? '', { hostname: 'https://x' })
    expect(refused).toMatchObject({ status: 400, body: { error: { reason: 'INVALID_ARGUMENT' } } })
    expect(said).toHaveLength(before)
  })
})

describe('workerd’s own Queue', () => {
  test('is bound as wrangler.toml says, and has an event sent to a webhook which no minute has swept', async () => {
    const { workerOptions } = unstable_getMiniflareWorkerOptions(
      join(import.meta.dirname, '..', '..', 'wrangler.toml'),
    )
    expect(workerOptions).toMatchObject({
      queueProducers: { DELIVERY_QUEUE: { queueName: 'trunkline-deliveries' } },
      queueConsumers: { 'trunkline-deliveries': { maxBatchTimeout: 0 } },
    })
    const receiver = await Receiver.open()
    await post('/v1.0/webhooks', first.access_key ?? '', { url: receiver.url, events: ['call.*'] })
    const event = {
      kind: 'event',
      tell_id: crypto.randomUUID(),
      at: new Date().toISOString(),
      relay_id: 'relay-1',
      customer_id: first.customer_id,
      type: 'call.refused',
      data: {},
    }
    const told = { relay_id: 'relay-1', tells: [event] }
    await post('/relay/v1/tells', await relayKey(RELAY_SECRET, 'relay-1'), told)
    await vi.waitFor(() => expect(receiver.messages).toHaveLength(1), { timeout: 30_000, interval: 50 })
    await receiver.close()
  })
})

describe('workerd’s own rate limiter', () => {
  test('counts the requests of a key, in whichever minute they come', async () => {
    const headers = { authorization: 'Bearer of-nobody' }
    const statuses = new Set<number>()
    let last = await fetch(`${edge.url}/v1.0/providers`, { headers })
    for (let sent = 1; sent < 41 && last.status !== 429; sent += 1) {
      statuses.add(last.status)
      expect(last.headers.get('ratelimit-policy')).toBe('"key";q=20;w=60, "address";q=6000;w=60')
      last = await fetch(`${edge.url}/v1.0/providers`, { headers })
    }
    expect([...statuses, last.status]).toEqual([401, 429])
    expect(Number(last.headers.get('retry-after'))).toBeLessThanOrEqual(60)
  })
})

async function post(path: string, key: string, body: object) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const response = await fetch(edge.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies freely, and fail where they err.
  return { status: response.status, body: (await response.json()) as any }
}
