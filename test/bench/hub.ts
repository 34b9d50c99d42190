import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HubWord } from '#contract'
import { ensureFirstCustomer } from '../../functions/local/first-customer.ts'
import { type RunningEdge, startEdge } from '../../functions/local/worker.ts'
import { round } from '../../functions/rounds/round.ts'
import { retryPauseMs } from '../../relay/io/hub-machine.ts'
import { RELAY_SECRET } from '../support/app.ts'
import { startDatabase, type TestDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { HubRelay } from '../support/hub-relay.ts'
import { pidsOf } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'
import { cpuOf, printTable } from './cost.ts'

interface Bench {
  database: TestDatabase
  edge: RunningEdge
  key: string
  fleet: HubRelay[]
  /** The configuration's, as its relays heard of it last. */
  version: number
}

/** As a relay asks whether its hub lives; one which never does is dead after three of it. */
const pingEveryMs = 2_000
/** While one provider is tried three times at once, a fourth is refused. */
const providers = 4
const atOnce = 2 * providers

/**
 * What the hub costs: how soon a change through the API is at every relay, how many a second, commands, and what relays which
 * stand still cost the database and workerd. `--relays N` (30), `--groups N` (1), `--changes N` (100), `--commands N` (200), `--idle S` (60).
 */
export async function hubBench(args: string[]): Promise<void> {
  const quick = args.includes('--quick')
  const counts = (name: string, usual: number, brief: number) => {
    const at = args.indexOf(`--${name}`)
    return (at >= 0 && Number(args[at + 1])) || (quick ? brief : usual)
  }
  const [relays, seconds] = [counts('relays', 30, 10), counts('idle', 60, 10)]
  const folder = mkdtempSync(join(tmpdir(), 'fleet-'))
  const bench = await openBench(folder, counts('groups', 1, 1))
  const pinging = setInterval(() => {
    for (const relay of bench.fleet) relay.ping()
  }, pingEveryMs)
  try {
    await asleep(bench.database)
    const alone = await workerdFor(seconds)
    await connect(bench, relays)
    bench.database.requests()
    const changes = counts('changes', 100, 20)
    const pushed = await pushes(bench, changes)
    await pause(3_000)
    const trips = bench.database.requests() / changes
    const commanded = await commands(bench, counts('commands', 200, 40))
    await asleep(bench.database)
    bench.database.requests()
    const beside = await workerdFor(seconds)
    const asked = bench.database.requests()
    const anew = await storm(bench, relays)
    const still = { seconds, asked, trips, house: await housekeeping(bench.database), alone, beside }
    process.stdout.write(`${report(relays, pushed, commanded, { ...still, anew })}\n\n`)
  } finally {
    clearInterval(pinging)
    for (const relay of bench.fleet) relay.close()
    await bench.edge.stop()
    await bench.database.close()
    rmSync(folder, { recursive: true })
  }
}

async function openBench(folder: string, groups: number): Promise<Bench> {
  const database = await startDatabase()
  const { access_key: key = '' } = await ensureFirstCustomer(database.pool)
  const edge = await startEdge({
    host: '127.0.0.1',
    port: await freePort('127.0.0.1'),
    folder,
    said: () => undefined,
    note: (sentence) => process.stderr.write(`${sentence}\n`),
    lost: (error) => {
      throw error
    },
    bindings: { ...settings(database), HUB_GROUPS: String(groups) },
  })
  return { database, edge, key, fleet: [], version: 0 }
}

function settings({ databaseUrl, endpointUrl }: TestDatabase) {
  return {
    DATABASE_URL: databaseUrl,
    NEON_ENDPOINT: endpointUrl,
    SEAL_KEYS: `only:${btoa('0123456789abcdef0123456789abcdef')}`,
    RELAY_SECRET,
    ALLOW_PRIVATE_TARGETS: 'true',
    RATE_LIMIT_KEY: '0',
    RATE_LIMIT_ADDRESS: '0',
  }
}

/** Relays on the hub's line, which have said that they have applied what there is. */
async function connect(bench: Bench, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) {
    const relay = await HubRelay.connect(bench.edge.url, `relay-${n}`)
    bench.fleet.push(relay)
    const { version } = await relay.beat()
    bench.version = version
    await relay.beat({ version })
  }
}

/** Milliseconds until each of them has its first answer, where all lines break at once and relays come again as they do. */
async function storm(bench: Bench, count: number): Promise<number[]> {
  for (const relay of bench.fleet.splice(0)) relay.close()
  await pause(500)
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      await pause(retryPauseMs({ failures: 0, relays: count, random: Math.random }))
      const at = performance.now()
      const relay = await HubRelay.connect(bench.edge.url, `relay-${n + 1}`)
      bench.fleet.push(relay)
      await relay.beat({ version: bench.version })
      return performance.now() - at
    }),
  )
}

/** Until the database has been left alone for longer than is looked for what is due while it is used. */
async function asleep(database: TestDatabase): Promise<void> {
  let [count, since] = [database.heard.length, performance.now()]
  await soon(
    'the database to be left alone',
    () => {
      if (database.heard.length !== count) [count, since] = [database.heard.length, performance.now()]
      return performance.now() - since > 8_000
    },
    180_000,
    100,
  )
}

/** Processor seconds of workerd in so many. */
async function workerdFor(seconds: number): Promise<number> {
  const pid = pidsOf(process.pid).edge
  const before = cpuOf(pid)
  await pause(seconds * 1_000)
  return cpuOf(pid) - before
}

/** How often the database is asked in the hourly look at what is old, while it sleeps. */
async function housekeeping(database: TestDatabase): Promise<number> {
  await round(settings(database), true)
  return database.requests()
}

/**
 * Milliseconds from the API's request until each relay has heard that there is another version, and until the API answers; and of the
 * push alone, which begins once the API has answered, or just before.
 */
async function pushes(bench: Bench, count: number) {
  const latencies: number[] = []
  const answers: number[] = []
  const alone: number[] = []
  const begun = performance.now()
  for (let change = 0; change < count; change += 1) {
    const heard = bench.fleet.map((relay) => newVersion(bench, relay))
    const at = performance.now()
    await api(bench, '/extensions', { name: `e${change}`, username: `e${change}`, password: 'long enough' })
    const answeredAt = performance.now()
    const times = await Promise.all(heard)
    answers.push(answeredAt - at)
    latencies.push(...times.map((time) => time - at))
    alone.push(...times.map((time) => Math.max(0, time - answeredAt)))
  }
  return { latencies, answers, alone, perSecond: count / ((performance.now() - begun) / 1_000) }
}

function newVersion(bench: Bench, relay: HubRelay): Promise<number> {
  return new Promise((heard) => {
    relay.onWord = (word) => {
      if (obey(bench, relay, word)) heard(performance.now())
    }
  })
}

/** Says what a relay would which does at once what it is told; whether it was told of another version. */
function obey(bench: Bench, relay: HubRelay, word: HubWord): boolean {
  if (word.type !== 'news') return false
  const { version = bench.version, commands = [] } = word.news
  const results = commands.map(({ command_id }) => ({ command_id, result: { ok: true } }))
  const isNew = word.news.version !== undefined
  bench.version = Math.max(bench.version, version)
  if (isNew || results.length > 0) relay.say({ version: bench.version, results })
  return isNew
}

/** Milliseconds from the API's order of a trial until it answers with what its relay, which answers at once, said of it. */
async function commands(bench: Bench, count: number) {
  const { fleet } = bench
  for (const relay of fleet) relay.onWord = (word) => void obey(bench, relay, word)
  const ids: string[] = []
  for (let n = 0; n < providers; n += 1)
    ids.push((await api(bench, '/providers', { name: `carrier ${n}`, hostname: `127.0.7.${n + 1}` })).id)
  const latencies: number[] = []
  let next = 0
  const begun = performance.now()
  const worker = async () => {
    for (let nth = next++; nth < count; nth = next++) {
      const at = performance.now()
      const relay_id = `relay-${(nth % fleet.length) + 1}`
      await api(bench, `/providers/${ids[nth % providers]}/test`, { type: 'options', relay_id })
      latencies.push(performance.now() - at)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return { latencies, perSecond: count / ((performance.now() - begun) / 1_000) }
}

async function api({ edge, key }: Bench, path: string, body: object): Promise<{ id: string }> {
  const response = await fetch(`${edge.url}/v1.0${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as { id: string }
}

function report(
  relays: number,
  pushed: Awaited<ReturnType<typeof pushes>>,
  commanded: Awaited<ReturnType<typeof commands>>,
  still: {
    seconds: number
    asked: number
    trips: number
    house: number
    alone: number
    beside: number
    anew: number[]
  },
): string {
  const { seconds, asked, trips, house, alone, beside, anew } = still
  const cpu = ((beside - alone) * 1_000 * 60) / seconds / relays
  const both = (figures: number[]) => [of(figures, 0.5), of(figures, 0.99)]
  return printTable(
    [`${relays} relays on one hub`, 'p50', 'p99'],
    [
      ['a change until each relay knows, ms', ...both(pushed.latencies)],
      ['… until the API has answered, ms', ...both(pushed.answers)],
      ['… from then until each relay knows (goal: 100 at p99), ms', ...both(pushed.alone)],
      ['… made and known a second, one after the other', pushed.perSecond.toFixed(1), ''],
      ['… round trips to the database for one, but for snapshots', trips.toFixed(1), ''],
      [`a command until its result is answered, ${atOnce} at once, ms`, ...both(commanded.latencies)],
      ['… a second', commanded.perSecond.toFixed(1), ''],
      ['all lines break at once: until each relay has its first answer, ms', ...both(anew)],
      [
        `standing still: round trips to the database an hour (${asked} in ${seconds} s)`,
        String((asked * 3_600) / seconds),
        '',
      ],
      ['… for what is old, once an hour, whatever relays there are', String(house), ''],
      ['… CPU of workerd a relay and minute, ms', cpu.toFixed(2), ''],
      ['… without relays, a minute, ms', ((alone * 60_000) / seconds).toFixed(0), ''],
    ],
  )
}

function of(figures: readonly number[], share: number): string {
  const sorted = figures.toSorted((a, b) => a - b)
  return (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(1)
}
