import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { groupOf } from '../../../functions/hub/groups.ts'
import { ensureFirstCustomer } from '../../../functions/local/first-customer.ts'
import { type RunningEdge, startEdge } from '../../../functions/local/worker.ts'
import { HubFacts } from '../../../functions/relay-api/hub-facts.ts'
import { RELAY_SECRET } from '../../support/app.ts'
import { channels } from '../../support/beat.ts'
import { startDatabase, type TestDatabase } from '../../support/database.ts'
import { freePort } from '../../support/free-port.ts'
import { HubRelay } from '../../support/hub-relay.ts'

let database: TestDatabase
let edge: RunningEdge
let folder: string
let key: string
let customerId: string
/** One of each group. */
const names = ['relay-1', 'relay-0', 'relay-3']

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hubs-'))
  database = await startDatabase()
  const first = await ensureFirstCustomer(database.pool)
  key = first.access_key ?? ''
  customerId = first.customer_id
  edge = await startEdge({
    host: '127.0.0.1',
    port: await freePort('127.0.0.1'),
    folder,
    said: () => undefined,
    note: () => undefined,
    lost: () => undefined,
    bindings: bindings(),
  })
})
afterAll(async () => {
  await edge.stop()
  await database.close()
  rmSync(folder, { recursive: true })
})

describe('relays in three groups, each with a hub in workerd', () => {
  test('hear of a change at once, of orders each its own, and have one limit together', async () => {
    expect(names.map((name) => groupOf(name, 3))).toEqual([0, 1, 2])
    await api('PATCH', '/v1.0/customer', { max_channels: 9 })
    const relays = await Promise.all(names.map((name) => HubRelay.connect(edge.url, name)))
    const [one, other, third] = relays as [HubRelay, HubRelay, HubRelay]
    const { version } = await one.beat()
    for (const relay of relays) await relay.beat({ version })
    const inPostgres = names.map(async (_, number) => new HubFacts(bindings()).meet({ number, of: 3 }))
    const named = (await Promise.all(inPostgres)).map((found) => found.map(({ relay_id }) => relay_id))
    expect(named).toEqual(names.map((name) => [name]))

    const { id } = await api('POST', '/v1.0/providers', { name: 'carrier', hostname: '127.0.7.1' })
    for (const relay of relays) await relay.news((news) => news.version === version + 1)

    await api('POST', `/v1.0/providers/${id}/test?wait=0`, { type: 'options', relay_id: 'relay-3' })
    await third.news(({ commands = [] }) => commands.length > 0)
    expect([one.orders, other.orders]).toEqual([[], []])

    await one.beat({ slices: [channels(customerId, null, 0, 9)] })
    const all = await one.news(({ slices }) => slices?.[0]?.amount === 9)
    expect(all.slices).toMatchObject([{ scope: { kind: 'customer', id: customerId }, resource: 'channels' }])
    await other.beat({ slices: [channels(customerId, null, 0, 9)] })
    const less = await one.news(({ slices }) => (slices?.[0]?.amount ?? 9) < 9)
    const left = less.slices?.[0]?.amount ?? 0
    await one.beat({ slices: [channels(customerId, left, left)] })
    await other.news(({ slices }) => slices?.[0]?.amount === 9 - left)
    expect([4, 5]).toContain(left)
    for (const relay of relays) relay.close()
  })

  async function api(method: string, path: string, body?: object) {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const response = await fetch(edge.url + path, { method, headers, body: JSON.stringify(body) })
    expect(response.status).toBeLessThan(300)
    // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies freely, and fail where they err.
    return (await response.json()) as any
  }
})

function bindings() {
  return {
    DATABASE_URL: database.databaseUrl,
    NEON_ENDPOINT: database.endpointUrl,
    SEAL_KEYS: `only:${btoa('0123456789abcdef0123456789abcdef')}`,
    RELAY_SECRET,
    ALLOW_PRIVATE_TARGETS: 'true',
    HUB_GROUPS: '3',
  }
}
