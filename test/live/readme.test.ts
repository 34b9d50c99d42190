import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Baresip, hasBaresip } from '../support/baresip.ts'
import type { Call } from '../support/call.ts'
import { answers, Carrier } from '../support/carrier.ts'
import { freePort } from '../support/free-port.ts'
import { NameServer } from '../support/name-server.ts'
import { hasTools, type Newcomer, openNewcomer } from '../support/newcomer.ts'
import { commandsInPassing, Printed } from '../support/printed.ts'
import { Terminal } from '../support/terminal.ts'
import { pause, soon } from '../support/wait.ts'

let newcomer: Newcomer
let printed: Printed
let names: NameServer
let carrier: Carrier
let server: Terminal
let terminal: Terminal
let alice: Baresip
let bob: Baresip
let realm: string

/** What a newcomer does, in order; functions/local/README.md is followed by operating.test.ts. */
describe.skipIf(!hasTools || !hasBaresip)('README.md, typed as it is printed into a fresh clone', () => {
  beforeAll(async () => {
    newcomer = await openNewcomer()
    const { folder, environment } = newcomer
    printed = new Printed(join(folder, 'README.md'))
    const relay = { address: '127.0.0.1', port: Number(environment.SIP_PORT) }
    carrier = await Carrier.open({ name: 'carrier', address: '127.0.7.63', relay }, answers('c', 50))
    names = await NameServer.open({
      'SRV _sip._udp.sip.provider.com': [`0 0 ${carrier.place.port} gate.provider.com`],
      'A gate.provider.com': [carrier.address],
    })
    server = new Terminal(folder, { ...environment, DNS_SERVERS: names.place })
    terminal = new Terminal(folder, environment)
  })
  afterAll(async () => {
    await alice?.close()
    await bob?.close()
    await terminal?.interrupt()
    await server?.interrupt()
    carrier?.close()
    names?.close()
    newcomer?.leave()
  })

  test('starts', async () => {
    const [start, ...settings] = printed.next('Try it', 4)
    await server.start(start, 'Ctrl-C stops it', 240_000)
    for (const command of settings) await terminal.type(command)
  }, 300_000)

  test('has two phones call each other and hear each other, and shows the record', async () => {
    const [first, second, settings] = printed.next('Two phones', 3)
    await terminal.type(first)
    await terminal.type(second)
    const said = await terminal.type(settings)
    alice = await softphone(said, passwordIn(first), { tone: 440 })
    bob = await softphone(said.replace('office1', 'office2'), passwordIn(second), {
      tone: 880,
      answers: true,
    })
    await Promise.all([alice.registered(), bob.registered()])
    await dial('office2', 2_000)
    await bob.hears('CALL_CLOSED')
    await alice.hasHeard(880, 60)
    await bob.hasHeard(440, 40)
    const [latest] = printed.next('Two phones', 1)
    const record = await soon('the record to be whole', async () => {
      const shown = JSON.parse(await terminal.type(latest))
      return shown?.status === 'hangup' ? shown : undefined
    })
    expect(record).toMatchObject({ direction: 'internal', hangup_by: 'caller', hangup_reason: 'normal' })
  })

  test('has a call reach the carrier, found by its name', async () => {
    const [provider, ...others] = printed.next('A carrier', 3)
    await terminal.type(provider)
    const [route, number] = [await terminal.type(others[0]), await terminal.type(others[1])]
    expect(JSON.parse(route)).toMatchObject({ name: 'Default Outbound Route', priority: 1 })
    expect(JSON.parse(number)).toMatchObject({ number: '+15557654321' })
    await dial('+15551234567')
    expect(carrier.calls).toHaveLength(1)
  })

  test('has the carrier, known by where its name leads, ring the phone', async () => {
    alice.told.length = 0
    const call = await soon('the carrier to be known', rings, 60_000, 1_000)
    await alice.hears('CALL_INCOMING')
    alice.command('accept')
    await soon('the answer', () => call.statuses.includes(200))
    expect(await call.bye()).toBe(200)
  })

  test('makes a PBX', async () => {
    const [trunk] = printed.next('A PBX', 1)
    expect(JSON.parse(await terminal.type(trunk))).toMatchObject({ realm: 'acme.trunk.trunkline.localhost' })
  })

  test('has a call centre of one’s own greet a caller and ring an agent', async () => {
    const [, program = ''] =
      /```js\n([\s\S]*?)```/.exec(readFileSync(join(newcomer.folder, 'README.md'), 'utf8')) ?? []
    writeFileSync(join(newcomer.folder, 'call-centre.mjs'), program)
    for (const command of printed.next('A call centre', 3)) await terminal.type(command)
    bob.told.length = 0
    const { call, result } = await carrier.call('+15550001111', '+15557650000')
    expect((await result).start).toContain('200')
    await bob.hears('CALL_ESTABLISHED')
    expect(await call.bye()).toBe(200)
  })

  test('says why a call goes where it goes', async () => {
    const [ask, command] = printed.next('Ask why', 2)
    const answer = JSON.parse(await terminal.type(ask))
    expect(answer).toMatchObject({ outcome: 'connect', message: 'Tries Primary SIP Provider.' })
    expect(await terminal.type(command)).toMatch(/connect[\s\S]*1\. +Primary SIP Provider/)
  })

  test('prints nothing more', () => {
    expect(printed.left).toEqual([])
  })

  test('names in passing a start elsewhere, what .ci/run types, and one scene, which is played', async () => {
    const page = readFileSync(join(newcomer.folder, 'README.md'), 'utf8')
    const [start, command, demo, scene, specification, ...more] = commandsInPassing(page)
    expect([start, command, demo, specification, more]).toEqual([
      'SIP_HOST=192.0.2.10 npm start',
      'npx trunkline',
      'npm run demo',
      'npm test',
      [],
    ])
    const own = new Terminal(newcomer.folder, {
      ...newcomer.environment,
      DATA_DIR: join(newcomer.folder, 'demo'),
      PORT: String(await freePort('127.0.0.1')),
      SIP_PORT: String(await freePort('127.0.0.1')),
    })
    expect(await own.type(scene ?? '', 120_000)).toContain('CANCEL')
    await own.interrupt()
  }, 150_000)
})

/** A softphone whose fields are filled with what was printed. */
function softphone(
  said: string,
  password: string,
  sound: { tone: number; answers?: true },
): Promise<Baresip> {
  const [, address = '', port] = /^Server and proxy: (\S+):(\d+)$/m.exec(said) ?? []
  const [, username = '', domain = ''] = /^Account: (\S+)@(\S+)$/m.exec(said) ?? []
  realm = domain
  return Baresip.open({ username, password, realm, relay: { address, port: Number(port) }, ...sound })
}

function passwordIn(command: string): string {
  return /"password":"([^"]+)"/.exec(command)?.[1] ?? ''
}

/** Alice dials, is answered, and hangs up. */
async function dial(dialled: string, forMs = 0): Promise<void> {
  alice.told.length = 0
  alice.command('dial', `sip:${dialled}@${realm}`)
  await alice.hears('CALL_ESTABLISHED')
  await pause(forMs)
  alice.command('hangup')
  await pause(300)
}

/** A call of the carrier's, once it rings; undefined: it was refused. */
async function rings(): Promise<Call | undefined> {
  const { call, result } = await carrier.call('+15550001111', '+15557654321')
  void result.catch(() => undefined)
  await soon('a word about it', () => call.statuses.some((status) => status >= 180))
  return call.statuses.includes(180) ? call : undefined
}
