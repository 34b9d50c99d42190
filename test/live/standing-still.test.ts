import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureFirstCustomer } from '../../functions/local/first-customer.ts'
import { type RunningEdge, startEdge } from '../../functions/local/worker.ts'
import { relayKey } from '../../functions/relay-key.ts'
import { RELAY_SECRET } from '../support/app.ts'
import { CountingProxy } from '../support/counting-proxy.ts'
import { startDatabase, type TestDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import { pause, soon } from '../support/wait.ts'

/**
 * How long nothing happens, and how many phones there are, each of which refreshes its registration once in that time:
 * `STILL_SECONDS=600 STILL_PHONES=167` is what a thousand do in ten minutes which refresh hourly.
 */
const seconds = Number(process.env.STILL_SECONDS ?? 6)
const phonesAtAll = Number(process.env.STILL_PHONES ?? 12)
/** What is due is looked for so long after the database was last used; a short run does not wait for that to be over. */
const isLong = seconds > 60

let database: TestDatabase
let edge: RunningEdge
let proxies: CountingProxy[]
let relays: LoneRelay[]
let phones: Phone[]
let call: (method: string, path: string, body?: object) => Promise<{ id: string }>
const folder = mkdtempSync(join(tmpdir(), 'still-'))

describe('three relays on one hub, where no call goes on', () => {
  beforeAll(async () => {
    database = await startDatabase()
    const first = await ensureFirstCustomer(database.pool)
    edge = await openEdge()
    call = callerAs(first.access_key ?? '')
    proxies = await Promise.all([1, 2, 3].map(() => CountingProxy.open(edge.url)))
    relays = await Promise.all(proxies.map((proxy, at) => openRelay(proxy.url, at)))
    await soon('the hub', () =>
      relays.every((relay) => relay.lines().some(({ event }) => event === 'hub.live')),
    )
    phones = await openPhones(first.customer_id)
  })
  afterAll(async () => {
    for (const phone of phones ?? []) phone.close()
    await Promise.all((relays ?? []).map((relay) => relay.kill()))
    await Promise.all((proxies ?? []).map((proxy) => proxy.close()))
    await edge?.stop()
    await database?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('know of a change within a tenth of a second, each of them, as the median of nine', async () => {
    const { id } = await call('POST', '/v1.0/extensions', extension('desk'))
    // A machine which others share stands still at times: once is enough.
    await soon('medians of less', async () => (await nineChanges(id)).every((median) => median < 100), 90_000)
  })

  test(
    'ask the database nothing, tell of refreshes once a minute together, and each asks its Worker once a minute at most',
    async () => {
      await asleep()
      for (const proxy of proxies) proxy.heard.length = 0
      database.trips()
      const from = new Date()
      for (const phone of phones) {
        expect(statusOf(await phone.register(3_600))).toBe(200)
        await pause((seconds * 1_000) / phones.length)
      }
      const trips = database.trips().filter((statements) => !isToWait(statements))
      const [refreshes, others] = [trips.filter(isRefresh), trips.filter((trip) => !isRefresh(trip))]
      const minutes = Math.ceil(seconds / 60)
      process.stdout.write(
        `in ${seconds} s ${refreshes.length} batches of refreshes, ${others.length} other questions; requests ${proxies.map(({ heard }) => heard.length).join(', ')}\n`,
      )
      expect(others).toEqual([])
      expect(refreshes.length).toBeLessThanOrEqual(minutes)
      for (const { heard } of proxies) expect(heard.length, heard.join()).toBeLessThanOrEqual(minutes)
      await allTold(from)
    },
    (seconds + 150) * 1_000,
  )
})

/** How long each relay takes to know of a change of that extension, in ms: the median of nine. */
async function nineChanges(id: string): Promise<number[]> {
  const took: number[][] = proxies.map(() => [])
  for (let times = 0; times < 9; times++) {
    await pause(200)
    for (const proxy of proxies) proxy.heard.length = 0
    await call('PATCH', `/v1.0/extensions/${id}`, { detail: `change ${crypto.randomUUID()}` })
    const changedAt = performance.now()
    const known = await Promise.all(proxies.map((proxy) => asksForSnapshot(proxy)))
    for (const [at, knownAt] of known.entries()) took[at]?.push(Math.max(0, knownAt - changedAt))
  }
  const medians = took.map((times) => times.sort((a, b) => a - b)[4] ?? Number.NaN)
  process.stdout.write(
    `known after ${medians.map((ms) => ms.toFixed(0)).join(', ')} ms, at most ${took.map((times) => times.at(-1)?.toFixed(0)).join(', ')}\n`,
  )
  return medians
}

/** When a relay asks for what changed: it then knows that it did. */
async function asksForSnapshot(proxy: CountingProxy): Promise<number> {
  await soon('the snapshot', () => proxy.heard.some((path) => path.includes('/snapshots/')), 30_000, 1)
  return performance.now()
}

/** What is not told yet is when a relay ends: no refresh was lost, and each relay told its own in one batch. */
async function allTold(from: Date): Promise<void> {
  database.trips()
  await Promise.all(relays.map((relay) => relay.stop()))
  expect(database.trips().filter(isRefresh).length).toBeLessThanOrEqual(relays.length)
  const { rows } = await database.pool.query('select from bindings where refreshed_at >= $1', [from])
  expect(rows).toHaveLength(phones.length)
}

/** Until the database has been left alone for longer than is looked for what is due while it is used. */
async function asleep(): Promise<void> {
  let quietSince = performance.now()
  await soon(
    'the database to be left alone',
    () => {
      if (database.trips().some((statements) => isLong || !isToWait(statements)))
        quietSince = performance.now()
      return performance.now() - quietSince > (isLong ? 8_000 : 5_500)
    },
    110_000,
    100,
  )
}

/** A look for what is due, where it need not be over yet. */
function isToWait(statements: readonly string[]): boolean {
  return !isLong && statements.every((statement) => statement.includes('as makings'))
}

function isRefresh(statements: readonly string[]): boolean {
  return statements.some((statement) => statement.includes('told_bindings'))
}

async function openEdge(): Promise<RunningEdge> {
  return startEdge({
    host: '127.0.0.1',
    port: await freePort('127.0.0.1'),
    folder,
    said: () => undefined,
    note: () => undefined,
    lost: (error) => {
      throw error
    },
    bindings: {
      DATABASE_URL: database.databaseUrl,
      NEON_ENDPOINT: database.endpointUrl,
      SEAL_KEYS: `only:${btoa('0123456789abcdef0123456789abcdef')}`,
      RELAY_SECRET,
      ALLOW_PRIVATE_TARGETS: 'true',
    },
  })
}

async function openRelay(url: string, at: number): Promise<LoneRelay> {
  const key = await relayKey(RELAY_SECRET, `still-${at}`)
  const ports = `${20_000 + at * 1_000}-${20_999 + at * 1_000}`
  return startRelay(url, `127.0.7.${41 + at}`, {
    RELAY_KEY: key,
    RTP_PORTS: ports,
    NONCE_KEY: 'n'.repeat(32),
  })
}

function callerAs(key: string): typeof call {
  return async (method, path, body) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const response = await fetch(`${edge.url}${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`)
    return (await response.json()) as { id: string }
  }
}

function extension(username: string) {
  return { name: username, username, password: 'correct horse battery', keepalive_s: 0 }
}

async function openPhones(customerId: string): Promise<Phone[]> {
  const realm = `${customerId}.registrar.trunkline.localhost`
  const opened: Phone[] = []
  for (let at = 0; at < phonesAtAll; at++) {
    const { username, password } = extension(`phone${at}`)
    await call('POST', '/v1.0/extensions', extension(username))
    const relay = relays[at % relays.length]?.place
    if (!relay) throw new Error('there is no relay')
    opened.push(await Phone.open({ name: username, address: '127.0.7.50', relay, realm, username, password }))
  }
  await soon(
    'the first to be known',
    async () => statusOf((await opened.at(-1)?.register(3_600)) as never) === 200,
    30_000,
  )
  for (const phone of opened) expect(statusOf(await phone.register(3_600))).toBe(200)
  return opened
}
