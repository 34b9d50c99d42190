import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { relayKey } from '../../functions/relay-key.ts'
import { answers, Carrier } from '../support/carrier.ts'
import { freePort } from '../support/free-port.ts'
import { openOffice } from '../support/live-office.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, pidsOf, startStack } from '../support/stack.ts'
import { pause, soon, within } from '../support/wait.ts'

const script = join(import.meta.dirname, '..', '..', '.ci', 'systemd')
const address = '127.0.7.64'
const canRun =
  process.getuid?.() === 0 && existsSync('/lib/systemd/systemd') && existsSync('/usr/bin/nsenter')

let stack: OwnStack
let service: ChildProcess
let settings: string
let port: number

/** By a systemd which is the first process of namespaces of its own: .ci/systemd says how. */
describe.skipIf(!canRun)('relay/trunkline-relay.service, under systemd', () => {
  beforeAll(async () => {
    stack = await startStack()
    port = await freePort(address)
    settings = join(stack.folder, 'relay.env')
    const secrets = JSON.parse(readFileSync(join(stack.folder, 'secrets.json'), 'utf8'))
    const given = {
      EDGE_URL: stack.local.api_url,
      RELAY_KEY: await relayKey(secrets.relay_secret, 'service'),
      SIP_HOST: address,
      SIP_PORT: String(port),
      RTP_PORTS: '32200-32299',
      ALLOW_PRIVATE_TARGETS: 'true',
    }
    writeFileSync(
      settings,
      Object.entries(given)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    )
    service = spawn(script, [settings], { stdio: 'ignore' })
    await ready(1)
  })
  afterAll(async () => {
    service?.kill('SIGKILL')
    await stack?.stop()
  })

  test('runs it as a user of its own, which may do no more than listen where it says', () => {
    expect(statusLine('Uid')).not.toBe('0')
    expect(statusLine('CapEff')).toBe('0000000000000400')
    expect(statusLine('NoNewPrivs')).toBe('1')
  })

  test('starts it anew when it is killed; its phones are not forgotten, and it drains when it is stopped', async () => {
    const place = { address, port }
    const carrier = await Carrier.open(
      { name: 'carrier', address: '127.0.7.65', relay: place },
      answers('c', 50),
    )
    const office = await openOffice(stack, [carrier.place])
    const phone = await office.phone('office1', '127.0.7.66', 'UDP', place)
    try {
      expect(statusOf(await phone.register())).toBe(200)
      await pause(1_000)
      process.kill(relay(), 'SIGKILL')
      await ready(2)
      const { call, result } = await phone.call('+15551234567', 'p')
      expect(statusOf(await result)).toBe(200)
      await soon('each to hear the other', () => call.sound?.heard.get('c'))
      service.kill('SIGTERM')
      await soon('it to drain', () => printed().includes('draining'))
      await pause(1_000)
      expect(service.exitCode).toBeNull()
      const exit = once(service, 'exit')
      expect(await call.bye()).toBe(200)
      await within(60_000, 'the service to end', exit)
      expect(printed().match(/"ready"/g)).toHaveLength(2)
    } finally {
      phone.close()
      carrier.close()
    }
  })
})

function printed(): string {
  return existsSync(`${settings}.log`) ? readFileSync(`${settings}.log`, 'utf8') : ''
}

async function ready(times: number): Promise<void> {
  await soon(
    'the service to be ready',
    () => {
      if (service.exitCode !== null) throw new Error(`it ended: ${printed()}`)
      return (printed().match(/"ready"/g) ?? []).length >= times
    },
    60_000,
  )
}

function relay(): number {
  const { relay = 0 } = pidsOf(service.pid ?? 0)
  return relay
}

/** What the kernel says of the relay's process. */
function statusLine(name: string): string | undefined {
  return new RegExp(`^${name}:\\s+(\\w+)`, 'm').exec(readFileSync(`/proc/${relay()}/status`, 'utf8'))?.[1]
}
