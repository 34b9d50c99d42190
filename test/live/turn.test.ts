import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type App, startApp } from '../support/app.ts'
import { freePort } from '../support/free-port.ts'
import { allocate } from '../support/turn.ts'
import { soon } from '../support/wait.ts'

const hasCoturn = spawnSync('turnserver', ['--version']).error === undefined
const address = '127.0.7.50'
const secret = 'shared-with-the-turn-server'

let app: App
let coturn: ChildProcess
let port = 0

describe.skipIf(!hasCoturn)('coturn, which shares a secret with the edge', () => {
  beforeAll(async () => {
    port = await freePort(address)
    const own = ['-n', '--no-cli', '--no-tls', '--no-dtls', '--pidfile', '/dev/null', '--log-file', 'stdout']
    const at = ['-L', address, '-p', String(port), '--min-port', '41000', '--max-port', '41099']
    const known = ['--use-auth-secret', '--static-auth-secret', secret, '-r', 'trunkline']
    coturn = spawn('turnserver', [...own, ...at, ...known], { stdio: 'ignore' })
    app = await startApp({ TURN_URLS: `turn:${address}:${port}?transport=udp`, TURN_SECRET: secret })
    await soon('the TURN server', () => allocate({ address, port }, made).catch(() => undefined))
  })
  afterAll(async () => {
    coturn?.kill('SIGKILL')
    await app?.close()
  })

  test('makes an allocation for who has credentials of the edge', async () => {
    expect(await allocate({ address, port }, await credentials())).toBe(200)
  })

  test('refuses credentials whose time is up, and any which the edge did not make', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 })
    const old = await credentials().finally(() => vi.useRealTimers())
    expect(await allocate({ address, port }, old)).toBe(401)
    expect(await allocate({ address, port }, made)).toBe(401)
  })
})

const made = { username: `${Math.floor(Date.now() / 1000) + 600}:alice`, credential: 'of-my-own' }

async function credentials(): Promise<{ username: string; credential: string }> {
  return (await app.alice('POST', '/v1.0/turn-credentials', { expire: 600 })).body
}
