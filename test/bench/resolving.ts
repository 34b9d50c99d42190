import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Pool } from 'pg'
import { keepAccess } from '../../functions/local/access.ts'
import { openDatabase } from '../../functions/local/database.ts'
import { startNeonEndpoint } from '../../functions/local/neon.ts'
import { openParts, type Parts } from '../../functions/local/parts.ts'
import { keepSecrets } from '../../functions/local/secrets-file.ts'
import { startEdge } from '../../functions/local/worker.ts'
import { relayKey } from '../../functions/relay-key.ts'
import { type Api, openApi } from '../support/api.ts'
import { freePort } from '../support/free-port.ts'
import { pidsOf } from '../support/stack.ts'
import type { Asking } from './asking.ts'
import { cpuOf, printTable } from './cost.ts'

const base = 'localhost'
const atOnce = 16

/** The edge with its database in this process and workerd beside it, and how often it asked that database. */
interface Side {
  url: string
  api: Api
  accessKey: string
  relayKey: string
  customerId: string
  pool: Pool
  trips(): number
}

/** A question put again and again. */
export interface Door {
  name: string
  asking: Omit<Asking, 'count' | 'atOnce'>
}

/** What the edge spends on a question, with few routes and with many. */
export async function measureResolving(count: number): Promise<string> {
  const parts = openParts()
  try {
    const side = await openEdge(parts)
    const doors = await furnish(side)
    const rows: string[][] = []
    for (const routes of [10, 100_000]) {
      await layRoutes(side, routes)
      for (const door of doors) rows.push(await measured(side, door, routes, count))
    }
    const head = ['', 'routes', 'requests/s', 'failed', 'SQL trips each', 'workerd s/1000', 'database s/1000']
    return `The edge, ${atOnce} questions at once; the database is PGlite\n${printTable(head, rows)}\n`
  } finally {
    await parts.stop()
  }
}

async function measured(side: Side, { name, asking }: Door, routes: number, count: number) {
  await ask({ ...asking, count: 100, atOnce })
  const { edge } = pidsOf(process.pid)
  const [workerd, database, trips] = [cpuOf(edge), cpuOf(process.pid), side.trips()]
  const { seconds, failed } = await ask({ ...asking, count, atOnce })
  const each = (used: number) => ((used / count) * 1000).toFixed(2)
  return [
    name,
    String(routes),
    (count / seconds).toFixed(0),
    String(failed),
    ((side.trips() - trips) / count).toFixed(2),
    each(cpuOf(edge) - workerd),
    each(cpuOf(process.pid) - database),
  ]
}

/** Asks in a process of its own. */
export async function ask(asking: Asking): Promise<{ seconds: number; failed: number }> {
  const file = join(import.meta.dirname, 'asking.ts')
  const child = spawn(process.execPath, ['--no-warnings', file, JSON.stringify(asking)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return JSON.parse(said)
}

/** Starts them; `through`: what the edge asks in the place of its database's endpoint. */
export async function openEdge(
  parts: Parts,
  through: (endpoint: string) => Promise<string> = async (endpoint) => endpoint,
): Promise<Side> {
  const folder = mkdtempSync(join(tmpdir(), 'resolving-'))
  parts.add(() => rmSync(folder, { recursive: true, force: true }))
  const secrets = keepSecrets(folder)
  const database = await openDatabase({ dataDir: 'memory://' })
  parts.add(() => database.close())
  const { pool } = database
  const { key: accessKey, customerId } = await keepAccess(pool, folder, secrets)
  let trips = 0
  const neon = await startNeonEndpoint({ pool, heard: () => void trips++ })
  parts.add(() => neon.close())
  const edge = await startEdge({
    host: '127.0.0.1',
    port: await freePort('127.0.0.1'),
    folder: join(folder, 'edge'),
    bindings: {
      DATABASE_URL: neon.databaseUrl,
      NEON_ENDPOINT: await through(neon.url),
      SEAL_KEYS: secrets.seal_keys,
      RELAY_SECRET: secrets.relay_secret,
      RATE_LIMIT_KEY: '0',
      RATE_LIMIT_ADDRESS: '0',
      BASE_DOMAIN: base,
      ALLOW_PRIVATE_TARGETS: 'true',
    },
    said: () => {},
    note: () => {},
    lost: (error) => {
      throw error
    },
  })
  parts.add(() => edge.stop())
  return {
    url: edge.url,
    api: openApi(edge.url, accessKey),
    accessKey,
    relayKey: await relayKey(secrets.relay_secret, 'bench'),
    customerId,
    pool,
    trips: () => trips,
  }
}

/** An extension and two carriers; gives the relay's question and the customer's. */
export async function furnish({ api, url, accessKey, relayKey, customerId }: Side): Promise<Door[]> {
  for (const hostname of ['127.0.7.71', '127.0.7.72'])
    await api.post('/providers', { name: hostname, type: 'sip', hostname })
  const phone = await api.post('/extensions', { name: 'p', username: 'p', password: 'secure-password' })
  const question = {
    call_id: crypto.randomUUID(),
    caller: { kind: 'extension', customer_id: customerId, extension_id: phone.id },
    from: { user: 'p', display: '', asserted: null },
    to: { user: '{number}', host: `${customerId}.registrar.${base}` },
    codecs: [],
  }
  const wish = { from: 'p', to: '{number}', extension_id: phone.id }
  return [
    {
      name: 'POST /relay/v1/route',
      asking: { ...connects, url: `${url}/relay/v1/route`, key: relayKey, body: JSON.stringify(question) },
    },
    {
      name: 'POST /v1.0/routes/resolve',
      asking: { ...connects, url: `${url}/v1.0/routes/resolve`, key: accessKey, body: JSON.stringify(wish) },
    },
  ]
}

const connects = { method: 'POST', expects: '"connect"' } as const

/** So many routes: one for all, one for +1, each other for its own six digits after that. */
async function layRoutes({ pool, customerId }: Side, count: number): Promise<void> {
  await pool.query('delete from routes where customer_id = $1', [customerId])
  await pool.query(
    `insert into routes (id, customer_id, name, provider_customer_id, provider_id, target, priority, created_at)
     select gen_random_uuid(), $1, 'route ' || at, $1, (array(select id from providers where customer_id = $1))[1 + at % 2],
       case at when 0 then 'all' when 1 then '+1'
         else '+1' || 200000 + (at % 8) * 100000 + (at / 8) end, 1 + at % 3, now() - at * interval '1 ms'
     from generate_series(0, $2::integer - 1) as at`,
    [customerId, count],
  )
  await pool.query('vacuum analyze')
}
