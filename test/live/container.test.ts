import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { relayKey } from '../../functions/relay-key.ts'
import { answers, Carrier } from '../support/carrier.ts'
import { changeHeard } from '../support/customer.ts'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, pidsOf, startStack } from '../support/stack.ts'
import { pause, soon, within } from '../support/wait.ts'

const ci = join(import.meta.dirname, '..', '..', '.ci')
const script = join(ci, 'container')
const address = '127.0.7.60'
const canBuild =
  process.getuid?.() === 0 && ['buildah', 'mmdebstrap'].every((tool) => existsSync(`/usr/bin/${tool}`))

let folder: string
let stack: OwnStack
let office: Office
let container: ChildProcess
let words = ''
let port: number
const canCompose = ['podman', 'podman-compose', 'crun'].every((tool) => existsSync(`/usr/bin/${tool}`))

/** Built without a Docker engine, which few test machines have: .ci/container says how. */
describe.skipIf(!canBuild)('the relay’s container', () => {
  beforeAll(async () => {
    folder = process.env.RELAY_IMAGE ?? build()
    stack = await startStack()
    port = await freePort(address)
    container = await run()
  }, 400_000)
  afterAll(async () => {
    container?.kill('SIGKILL')
    await stack?.stop()
    if (!process.env.RELAY_IMAGE) rmSync(folder, { recursive: true, force: true })
  })

  test('is healthy while its relay answers SIP, and not when it hangs', () => {
    expect(health()).toBe(0)
    const { relay = 0 } = pidsOf(container.pid ?? 0)
    process.kill(relay, 'SIGSTOP')
    const hanging = health()
    process.kill(relay, 'SIGCONT')
    expect(hanging).toBe(1)
    expect(health()).toBe(0)
  })

  test('turns Opus into G.711: libopus is in it', () => {
    expect(words).toContain('media_started')
    expect(words).not.toContain('opus_why')
  })

  test('starts, takes a phone, carries its call, and drains when it is told to stop', async () => {
    const relay = { address, port }
    const carrier = await Carrier.open({ name: 'carrier', address: '127.0.7.61', relay }, answers('c', 50))
    office = await openOffice(stack, [carrier.place])
    const phone = await office.phone('office1', '127.0.7.62', 'UDP', relay)
    try {
      expect(statusOf(await phone.register())).toBe(200)
      const { call, result } = await phone.call('+15551234567', 'p')
      expect(statusOf(await result)).toBe(200)
      await soon(
        'each to hear the other',
        () => call.sound?.heard.get('c') && carrier.calls.at(-1)?.sound?.heard.get('p'),
      )
      await speaks(carrier)
      container.kill('SIGTERM')
      await soon('it to drain', () => words.includes('draining'))
      await pause(1_000)
      expect(container.exitCode).toBeNull()
      expect(statusOf(await (await phone.call('+15551234567')).result)).toBe(503)
      const exit = once(container, 'exit')
      expect(await call.bye()).toBe(200)
      const [code] = await within(60_000, 'the container to end', exit)
      expect(code).toBe(0)
    } finally {
      phone.close()
      carrier.close()
    }
  })

  test.skipIf(!canCompose)('comes up by relay/compose.yaml, takes a phone, and goes down by it', async () => {
    const composed = spawn(join(ci, 'compose'), [folder], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...(await settings('composed')) },
    })
    await ready(composed)
    const phone = await office.phone('office1', '127.0.7.63', 'UDP', { address, port })
    try {
      expect(statusOf(await phone.register())).toBe(200)
    } finally {
      phone.close()
    }
    const exit = once(composed, 'exit')
    composed.kill('SIGTERM')
    await within(60_000, 'it to go down', exit)
    expect(words).toContain('draining')
  })
})

/** A caller of a number hears a flow say something: the voice is in the image. */
async function speaks(carrier: Carrier): Promise<void> {
  const said = {
    id: 'welcome',
    type: 'talk',
    option: { text: 'Welcome. You hear a container.', language: 'en-US' },
  }
  const flow = await office.api.post('/flows', {
    name: 'Welcome',
    actions: [said, { id: 'bye', type: 'hangup' }],
  })
  await office.api.post('/numbers', { number: '+15552223333', call_flow_id: flow.id })
  await changeHeard(stack, office.api)
  const { call, result } = await carrier.call('+15559990001', '+15552223333')
  expect(statusOf(await result)).toBe(200)
  expect(await within(30_000, 'the flow to end', call.over)).toBe('them')
  // Sound is many octets, as one voice's mark is one.
  expect(call.sound?.heard.size).toBeGreaterThan(20)
}

/** What the image's health check ends with. */
function health(): number | null {
  return spawnSync(script, ['check', folder], { stdio: 'ignore' }).status
}

/** RELAY_IMAGE: where it was built before. */
function build(): string {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-image-'))
  execFileSync(script, ['build', folder], { stdio: ['ignore', 'ignore', 'pipe'], timeout: 380_000 })
  return folder
}

async function run(): Promise<ChildProcess> {
  const given = Object.entries(await settings('container')).map(([name, value]) => `${name}=${value}`)
  const child = spawn(script, ['run', folder, ...given], { stdio: ['ignore', 'pipe', 'pipe'] })
  await ready(child)
  return child
}

async function settings(relayId: string): Promise<Record<string, string>> {
  const secrets = JSON.parse(readFileSync(join(stack.folder, 'secrets.json'), 'utf8'))
  return {
    EDGE_URL: stack.local.api_url,
    RELAY_KEY: await relayKey(secrets.relay_secret, relayId),
    SIP_HOST: address,
    SIP_PORT: String(port),
    PUBLIC_IP: address,
    RTP_PORTS: '32000-32099',
    ALLOW_PRIVATE_TARGETS: 'true',
  }
}

async function ready(child: ChildProcess): Promise<void> {
  words = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => (words += String(bytes)))
  await soon(
    'the container to be ready',
    () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${words}`)
      return words.includes('"ready"')
    },
    60_000,
  )
}
