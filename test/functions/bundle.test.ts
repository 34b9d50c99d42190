import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'
import { consoleHeaders } from '../../functions/local/console.ts'
import { ensureFirstCustomer } from '../../functions/local/first-customer.ts'
import { relayKey } from '../../functions/relay-key.ts'
import { RELAY_SECRET } from '../support/app.ts'
import { startDatabase, type TestDatabase } from '../support/database.ts'

const root = join(import.meta.dirname, '..', '..')
let folder: string
let database: TestDatabase
let worker: Miniflare
let url: URL
let key: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bundle-'))
  build(folder)
  database = await startDatabase()
  key = (await ensureFirstCustomer(database.pool)).access_key ?? ''
  worker = inWorkerd(join(folder, 'index.js'))
  url = await worker.ready
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await worker?.dispose()
  await database?.close()
})

describe('what `npm run deploy` would upload, in workerd', () => {
  test('is a page at /, which runs nothing but its own script, and beside it the API, whose 404s stay its own', async () => {
    const page = await fetch(url)
    expect([page.status, page.headers.get('content-security-policy')]).toEqual([
      200,
      consoleHeaders()['Content-Security-Policy'],
    ])
    expect(await page.text()).toContain('<script type="module" src="/console.js">')
    expect((await fetch(new URL('/console.js', url))).headers.get('content-type')).toContain(
      'text/javascript',
    )
    for (const path of ['/v1.0/nothing', '/nothing', '/local/sign-in']) {
      const none = await fetch(new URL(path, url), {
        method: 'POST',
        headers: { authorization: `Bearer ${key}` },
      })
      expect([path, none.status, none.headers.get('content-type')]).toEqual([path, 404, 'application/json'])
    }
  })

  test('is one module', () => {
    expect(readdirSync(folder).filter((name) => /\.(js|mjs|wasm|bin)$/.test(name))).toEqual(['index.js'])
  })

  test('starts, keeps a provider with a sealed password, and tells both a customer and a relay the way to it', async () => {
    expect(await fetch(new URL('/healthz', url)).then(({ status }) => status)).toBe(200)
    const hostname = 'sip.provider.com'
    const carrier = { name: 'Carrier', type: 'sip', hostname, username: 'us', password: 'between-us-two' }
    const provider = await post('/v1.0/providers', key, carrier)
    await post('/v1.0/routes', key, { name: 'Out', provider_id: provider.id, priority: 1 })
    const office1 = { name: 'phone', username: 'office1', password: 'secure-password' }
    const extension = await post('/v1.0/extensions', key, office1)

    const explained = await post('/v1.0/routes/resolve', key, { from: 'office1', to: '+15551234567' })
    expect(JSON.stringify(explained)).toContain(provider.id)
    const caller = { kind: 'extension', customer_id: extension.customer_id, extension_id: extension.id }
    const asked = {
      call_id: crypto.randomUUID(),
      caller,
      from: { user: 'office1' },
      to: { user: '+15551234567', host: 'trunkline.localhost' },
    }
    const decision = await post('/relay/v1/route', await relayKey(RELAY_SECRET, 'berlin-1'), asked)
    expect(decision).toMatchObject({ kind: 'connect', targets: { providers: [{ hostname }] } })
  })
})

/** As `npm run build` does, elsewhere. */
function build(outdir: string): void {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const [command, ...words] = scripts.build.replace('.wrangler/build', outdir).split(' ')
  expect([command, words.at(-1)]).toEqual(['wrangler', outdir])
  execFileSync(join(root, 'node_modules', '.bin', command), words, { cwd: root, stdio: 'pipe' })
}

/** The bindings are those which wrangler.toml and `wrangler secret put` give it, and where the database is here. */
function inWorkerd(scriptPath: string): Miniflare {
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(root, 'wrangler.toml'))
  const secrets = {
    DATABASE_URL: database.databaseUrl,
    SEAL_KEYS: `prod1:${btoa('0123456789abcdef0123456789abcdef')}`,
    RELAY_SECRET,
  }
  return new Miniflare(
    convertV4MiniflareOptions({
      ...workerOptions,
      host: '127.0.0.1',
      port: 0,
      cf: false,
      log: new Log(LogLevel.NONE),
      telemetry: { enabled: false },
      bindings: { ...(workerOptions.bindings as object), ...secrets, NEON_ENDPOINT: database.endpointUrl },
      modules: [{ type: 'ESModule', path: 'index.js', contents: readFileSync(scriptPath, 'utf8') }],
    }),
  )
}

/** What it made or answered; throws what it refused. */
async function post(path: string, bearer: string, body: object) {
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
  const response = await fetch(new URL(path, url), { method: 'POST', headers, body: JSON.stringify(body) })
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies freely, and fail where they err.
  const answer = (await response.json()) as any
  if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`)
  return answer
}
