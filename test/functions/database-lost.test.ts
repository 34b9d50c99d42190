import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { causesOf } from '../../functions/log.ts'
import { type App, startApp } from '../support/app.ts'
import { soon } from '../support/wait.ts'

/*
 * The edge without its database: said once when it goes and once when it is back, and to whoever asks whether it works.
 */

let app: App
let gate: Server
/** What stands between the edge and its database does. */
let mood: 'passes' | 'refuses' | 'hangs'
let env: typeof app.env
const lines: { event: string; causes?: string[] }[] = []

beforeAll(async () => {
  app = await startApp()
  gate = createServer(async (request, response) => {
    if (mood === 'hangs') return
    if (mood === 'refuses') return void request.socket.destroy()
    const body = await text(request)
    const headers = Object.entries(request.headers).filter(([name]) => name.startsWith('neon-'))
    const asked = { method: 'POST', headers: headers as [string, string][], body }
    const answer = await fetch(app.env.NEON_ENDPOINT, asked)
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  })
  await new Promise<void>((listening) => gate.listen(0, '127.0.0.1', listening))
  env = { ...app.env, NEON_ENDPOINT: `http://127.0.0.1:${(gate.address() as AddressInfo).port}/sql` }
  // A stream which another file left open may end meanwhile, and says so.
  vi.spyOn(console, 'error').mockImplementation((line: string) => {
    const said = JSON.parse(line)
    if (said.event.startsWith('database.')) lines.push(said)
  })
})
afterEach(() => void lines.splice(0))
afterAll(async () => {
  vi.restoreAllMocks()
  gate.closeAllConnections()
  gate.close()
  await app.close()
})

const healthz = async () => (await app.send('/healthz', {}, env)).status
const headers = () => ({ authorization: `Bearer ${app.aliceKey}` })

test.each(['refuses', 'hangs'] as const)(
  'an edge whose database %s says so within two seconds, and once in its log',
  async (how) => {
    mood = 'passes'
    expect(await healthz()).toBe(200)
    mood = how
    // A machine which others share stands still for seconds at times: once is enough.
    await soon('to be told in time', async () => {
      const from = performance.now()
      expect(await healthz()).toBe(503)
      return performance.now() - from < 3_000
    })
    expect(await healthz()).toBe(503)
    if (how === 'refuses') {
      const { status, body } = await app.send('/v1.0/calls', { headers: headers() }, env)
      expect([status, body.error.reason]).toEqual([503, 'SERVICE_UNAVAILABLE'])
    }
    expect(lines.map(({ event }) => event)).toEqual(['database.lost'])
    mood = 'passes'
    expect(await healthz()).toBe(200)
    expect(await healthz()).toBe(200)
    expect(lines.map(({ event }) => event)).toEqual(['database.lost', 'database.back'])
  },
)

test('causes stand in the log with the first one first, and never a whole statement', () => {
  const refused = Object.assign(
    new AggregateError([Object.assign(new Error(''), { code: 'ECONNREFUSED' })]),
    {},
  )
  const fetching = new TypeError('fetch failed', { cause: refused })
  const driver = Object.assign(new Error('Error connecting to database: fetch failed'), {
    sourceError: fetching,
  })
  const failed = new Error(`Failed query: select ${'"column", '.repeat(100)} from calls\nparams: secret`, {
    cause: driver,
  })
  const causes = causesOf(failed)
  expect(causes.slice(0, 3)).toEqual([
    'ECONNREFUSED',
    'fetch failed',
    'Error connecting to database: fetch failed',
  ])
  expect(causes[3]).toMatch(/^Failed query: select "column", .{20,90}…$/)
  expect(causes.join()).not.toContain('secret')
})
