import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BeatAnswer, relayProtocol } from '#contract'
import { ensureFirstCustomer } from '../../../functions/local/first-customer.ts'
import { type RunningEdge, startEdge } from '../../../functions/local/worker.ts'
import { relayKey } from '../../../functions/relay-key.ts'
import { RELAY_SECRET } from '../../support/app.ts'
import { callUnderWay, channels, idleBeat } from '../../support/beat.ts'
import { startDatabase, type TestDatabase } from '../../support/database.ts'
import { freePort } from '../../support/free-port.ts'
import { HubRelay } from '../../support/hub-relay.ts'
import { pause, soon } from '../../support/wait.ts'

let database: TestDatabase
let edge: RunningEdge
let folder: string
let key: string
let customerId: string
const said: string[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hub-'))
  database = await startDatabase()
  const first = await ensureFirstCustomer(database.pool)
  key = first.access_key ?? ''
  customerId = first.customer_id
  edge = await open()
})
afterAll(async () => {
  await edge.stop()
  await database.close()
  rmSync(folder, { recursive: true })
})

describe('the hub in workerd', () => {
  test('answers a beat with what there is, and pushes what the API changed at once, without a beat', async () => {
    const relay = await HubRelay.connect(edge.url, 'relay-1')
    const answer = await relay.beat()
    expect(answer).toMatchObject({ relays: 1, base_domain: 'trunkline.localhost' })
    expect(answer.changed).toContainEqual({ customer_id: customerId, version: answer.version, gone: false })
    for (let change = 1; change <= 5; change += 1) {
      await api('POST', '/v1.0/providers', { name: `carrier ${change}`, hostname: `127.0.7.${change}` })
      const news = await relay.news(({ version }) => version === answer.version + change)
      expect(news.changed).toEqual([
        { customer_id: customerId, version: answer.version + change, gone: false },
      ])
    }
    relay.close()
  })

  test('asks the database nothing while relays stand still, and knows that they live', async () => {
    const relays = await Promise.all(
      ['relay-1', 'relay-2', 'relay-3'].map((id) => HubRelay.connect(edge.url, id)),
    )
    const version = (await relays[0]?.beat())?.version
    for (const relay of relays) await relay.beat({ version })
    await quiet()
    const before = asked()
    // Longer than it takes to look whether they live, and to fall asleep.
    for (let ping = 0; ping < 9; ping += 1) {
      for (const relay of relays) relay.ping()
      await pause(2_000)
    }
    expect(asked() - before).toBe(0)
    expect(relays.map(({ pongs }) => pongs)).toEqual([9, 9, 9])
    const { result } = await api('GET', '/v1.0/relays')
    expect(result.map(({ id, alive }: { id: string; alive: boolean }) => [id, alive])).toEqual([
      ['relay-1', true],
      ['relay-2', true],
      ['relay-3', true],
    ])
    for (const relay of relays) relay.close()
  })

  test('gives one limit to two relays, by socket and by request, and what a silent one had to the other', async () => {
    await api('PATCH', '/v1.0/customer', { max_channels: 10 })
    const one = await HubRelay.connect(edge.url, 'relay-1')
    expect((await one.beat({ slices: [channels(customerId, null, 0)] })).slices).toMatchObject([
      { amount: 10 },
    ])
    const asks = {
      ...idleBeat('relay-2'),
      at: new Date().toISOString(),
      slices: [channels(customerId, null, 0, 4)],
    }
    expect((await request('relay-2', asks)).slices).toMatchObject([{ amount: 0 }])
    const { slices } = await one.news((news) => news.slices !== undefined)
    expect(slices).toMatchObject([{ amount: 3 }])
    await one.beat({ slices: [channels(customerId, 3, 0)] })
    const later = { ...asks, at: new Date().toISOString(), slices: [channels(customerId, 0, 0, 4)] }
    expect((await request('relay-2', later)).slices).toMatchObject([{ amount: 7 }])
    // relay-2 says no more: once it is dead, all is the first one's.
    const keepAlive = setInterval(() => one.ping(), 500)
    one.say({ slices: [channels(customerId, 3, 3, 9)] })
    await one.news((news) => news.slices?.[0]?.amount === 10)
    clearInterval(keepAlive)
    one.close()
  })

  test('carries a command, hears what came of it, and says farewell to a process which was replaced', async () => {
    const relay = await HubRelay.connect(edge.url, 'relay-1')
    await relay.beat()
    const provider = (await api('GET', '/v1.0/providers')).result[0]
    const trial = api('POST', `/v1.0/providers/${provider.id}/test`, { type: 'options' })
    const { commands } = await relay.news((news) => (news.commands?.length ?? 0) > 0)
    expect(commands).toMatchObject([{ kind: 'test_provider', provider_id: provider.id }])
    await relay.beat({ results: [{ command_id: commands?.[0]?.command_id, result: { ok: true } }] })
    await trial
    const other = await HubRelay.connect(edge.url, 'relay-1')
    await other.beat()
    expect(await soon('a farewell', () => relay.heard.find(({ type }) => type === 'bye'))).toMatchObject({
      reason: 'replaced',
    })
    await soon('the end of the line', () => relay.closed)
    other.close()
  })

  test('names to each relay who begins to watch calls', async () => {
    const relays = await Promise.all(['relay-1', 'relay-2'].map((id) => HubRelay.connect(edge.url, id)))
    for (const relay of relays) await relay.beat()
    await api('GET', '/v1.0/calls')
    for (const relay of relays)
      expect(await relay.news(({ watched }) => watched !== undefined)).toEqual({ watched: [customerId] })
    for (const relay of relays) relay.close()
  })

  test('brings an order as soon as it is given', async () => {
    const relay = await HubRelay.connect(edge.url, 'relay-1')
    await relay.beat({ protocol: relayProtocol })
    const providers: { id: string }[] = (await api('GET', '/v1.0/providers')).result
    let [given, atOnce] = [0, 0]
    // By passes alone the second would come two seconds after the first; a machine which others share stands still at times.
    await soon('two in a row', async () => {
      const [heard, at] = [relay.orders.length, performance.now()]
      const { id } = providers[given++ % providers.length] ?? { id: '' }
      await api('POST', `/v1.0/providers/${id}/test?wait=0`, { type: 'options' })
      await soon('the order', () => relay.orders.length > heard, 30_000, 2)
      atOnce = performance.now() - at < 1_000 ? atOnce + 1 : 0
      const [command_id] = relay.orders.slice(heard)
      await relay.beat({ results: [{ command_id, result: { ok: true } }] })
      return atOnce === 2
    })
    relay.close()
  })

  test('gives an order once more on another line, where the relay on the first never says that it has it', async () => {
    const mute = await HubRelay.connect(edge.url, 'relay-1')
    mute.deaf = true
    await mute.beat({ protocol: relayProtocol })
    const provider = (await api('GET', '/v1.0/providers')).result[0]
    await api('POST', `/v1.0/providers/${provider.id}/test?wait=0`, { type: 'options' })
    const [order] = await soon('the order', () => (mute.orders.length > 0 ? mute.orders : undefined))
    mute.ping()
    await soon('the end of the line', () => mute.closed)
    const relay = await HubRelay.connect(edge.url, 'relay-1')
    await soon('the order', async () => {
      await relay.beat({ protocol: relayProtocol })
      return relay.orders.includes(order ?? '')
    })
    await relay.beat({ protocol: relayProtocol, results: [{ command_id: order, result: { ok: true } }] })
    relay.close()
  })

  test('closes every line of a key which is revoked, and opens none by it', async () => {
    const { id, key } = await api('POST', '/v1.0/relays/relay-1/keys', { name: 'lost' })
    const spoken = await HubRelay.connect(edge.url, 'relay-1', key)
    await spoken.beat()
    const mute = await HubRelay.connect(edge.url, 'relay-1', key)
    mute.ping()
    await soon('a pong', () => mute.pongs > 0)
    const other = await HubRelay.connect(edge.url, 'relay-1')
    await api('DELETE', `/v1.0/relays/relay-1/keys/${id}`)
    await soon('the lines to be closed', () => spoken.closed && mute.closed)
    expect(spoken.heard.at(-1)).toMatchObject({ type: 'bye', reason: 'revoked' })
    expect(other.closed).toBe(false)
    await other.beat()
    other.close()
  })

  test('parts with the line which a key opens while it is revoked, though its relay says nothing', async () => {
    const { id, key } = await api('POST', '/v1.0/relays/relay-1/keys', { name: 'lost' })
    const first = await HubRelay.connect(edge.url, 'relay-1', key)
    // The Worker has found it good just now, and believes that for a moment.
    const [, late] = await Promise.all([
      api('DELETE', `/v1.0/relays/relay-1/keys/${id}`),
      pause(30).then(() => HubRelay.connect(edge.url, 'relay-1', key).catch(() => undefined)),
    ])
    const later = await HubRelay.connect(edge.url, 'relay-1', key).catch(() => undefined)
    for (const line of [first, late, later])
      if (line) await soon('a farewell', () => line.heard.find((word) => word.type === 'bye'))
  })

  test('knows after it was killed what it had promised', async () => {
    const [first, second] = [
      await HubRelay.connect(edge.url, 'relay-1'),
      await HubRelay.connect(edge.url, 'relay-2'),
    ]
    await first.beat({ slices: [channels(customerId, 2, 2)] })
    await second.beat({ slices: [channels(customerId, 8, 8)] })
    await edge.stop()
    edge = await open()
    const { result } = await api('GET', '/v1.0/relays')
    expect(result.map(({ alive }: { alive: boolean }) => alive)).toContain(true)
    const one = await HubRelay.connect(edge.url, 'relay-1')
    const { slices } = await one.beat({ slices: [channels(customerId, 2, 2, 20)] })
    // Another may still hold the rest: it has the time of a silence to say so.
    expect(slices).toMatchObject([{ amount: 2 }])
    const keepAlive = setInterval(() => one.ping(), 500)
    await one.news((news) => news.slices?.[0]?.amount === 10)
    clearInterval(keepAlive)
    one.close()
  })

  test('hears five thousand calls in one beat, and closes the line of what no beat may be', async () => {
    const relay = await HubRelay.connect(edge.url, 'relay-9')
    const kinds = ['customer', 'extension', 'provider'] as const
    const scopes = kinds.map((kind) => ({ kind, id: customerId }))
    const leases = Array.from({ length: 5_000 }, () => callUnderWay(customerId, ...scopes))
    expect((await relay.beat({ leases })).relays).toBeGreaterThan(0)
    relay.say({ address: 'x'.repeat(4 * 1_048_576) })
    await soon('the end of the line', () => relay.closed)
  })
})

/** Until the hub has told the database what it had to. */
async function quiet(): Promise<void> {
  let before = -1
  await soon('quiet', async () => {
    await pause(4_000)
    const [now, was] = [asked(), before]
    before = now
    return now === was
  })
}

/** Statements which the database was asked, but for the looks of rounds whether anything is due: those go on for a minute. */
function asked(): number {
  return database.heard.filter((statement) => !statement.includes('alert_facts')).length
}

async function api(method: string, path: string, body?: object) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const response = await fetch(edge.url + path, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
  })
  expect(response.status).toBeLessThan(300)
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies freely, and fail where they err.
  return (await response.json()) as any
}

/** A beat over HTTP. */
async function request(relayId: string, beat: object): Promise<BeatAnswer> {
  const headers = {
    authorization: `Bearer ${await relayKey(RELAY_SECRET, relayId)}`,
    'content-type': 'application/json',
  }
  const response = await fetch(`${edge.url}/relay/v1/beat`, {
    method: 'POST',
    headers,
    body: JSON.stringify(beat),
  })
  return (await response.json()) as BeatAnswer
}

async function open(): Promise<RunningEdge> {
  return startEdge({
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
    },
  })
}
