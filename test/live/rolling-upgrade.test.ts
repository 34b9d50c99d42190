import { execSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { relayProtocol } from '#contract'
import type { Api } from '../support/api.ts'
import { answers, Carrier } from '../support/carrier.ts'
import { newCustomer } from '../support/customer.ts'
import { freePort } from '../support/free-port.ts'
import { type Ledger, reconciled } from '../support/ledger.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import { optionsTo } from '../support/options.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

/*
 * Three relays are upgraded one after the other, as functions/README.md says it is done, while a carrier which has all
 * three calls twenty times a second.
 */

const root = join(import.meta.dirname, '..', '..')
/** The commit before the one which raised the protocol to what it is; '': this checkout has no history. */
const releaseBefore = commitBefore(`relayProtocol = ${relayProtocol}`, 'functions/contract/protocol.ts')

const network = '127.0.31'
const domain = `upgraded-${process.pid}`
const callEveryMs = 50
const talkMs = 300

/** One relay's name, its place, the carrier's line to it, and the process which is it now. */
interface Member {
  readonly name: string
  readonly caller: Carrier
  readonly environment: Record<string, string>
  process: LoneRelay
  /** The carrier was refused there and has not found it well since. */
  out: boolean
}

let stack: OwnStack
let api: Api
let fleet: Member[] = []
let callee: Carrier
let number: string
const folder = mkdtempSync(join(tmpdir(), 'trunkline-fleet-'))
const ledger: Ledger = new Map()
const troubles: string[] = []
/** Calls which the carrier was refused at one relay, and went to another with. */
let moved = 0

beforeAll(async () => {
  stack = await startStack()
  fleet = await Promise.all([1, 2, 3].map(joined))
  api = (await furnish()).api
}, 180_000)
afterAll(async () => {
  for (const { caller } of fleet) caller.close()
  await Promise.all(fleet.map(({ process }) => process.stop()))
  callee?.close()
  await stack?.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('three relays are replaced under twenty calls a second, and every call placed is answered and has its record', async () => {
  await soon(
    'a call through each relay',
    async () => {
      const statuses = []
      for (const { caller } of fleet) statuses.push(await placed(caller))
      return statuses.every((status) => status === 200)
    },
    30_000,
    500,
  )
  ledger.clear()
  troubles.length = 0
  const before = new Set((await api.list('/calls?page_size=100')).map(({ id }) => id))
  const calling = beginCalling()
  for (const member of fleet) await upgraded(member)
  await calling.end()
  expect(troubles).toEqual([])
  expect(moved).toBeGreaterThan(0)
  expect(ledger.size).toBeGreaterThan(60)
  expect([...ledger.values()].filter(({ answered }) => !answered)).toEqual([])
  const { records, discrepancies } = await reconciled(api, ledger, before)
  expect(discrepancies).toEqual([])
  expect(records).toHaveLength(ledger.size)
}, 240_000)

test.skipIf(!releaseBefore)(
  'a relay of the release before carries calls at this edge, and rings a list without the flow at its end',
  async () => {
    const checkout = join(folder, 'before')
    mkdirSync(checkout)
    execSync(`git archive ${releaseBefore} | tar -x -C ${checkout}`, { cwd: root })
    symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'))
    const { key } = await stack.api.post('/relays/before-1/keys', {})
    const environment = { RELAY_KEY: String(key), DATA_DIR: join(folder, 'before-1') }
    const older = await startRelay(stack.local.api_url, `${network}.4`, environment, undefined, checkout)
    const line = { name: 'line 1 to it', address: fleet[0]?.caller.address ?? '', relay: older.place }
    const caller = await Carrier.open(line)
    try {
      await soon('a call through it', async () => (await placed(caller)) === 200, 30_000, 500)
      const shown = await stack.api.get('/relays/before-1')
      expect(shown).toMatchObject({ alive: true, protocol: relayProtocol - 1 })
      await endsWithFlow()
      await soon(
        'a call by a list which it cannot read',
        async () => (await placed(caller)) === 200,
        20_000,
        500,
      )
    } finally {
      caller.close()
      expect(await older.stop()).toBe(0)
    }
  },
)

/** The number rings its PBX by a list, which ends with a flow. */
async function endsWithFlow(): Promise<void> {
  const { id: target } = await api.post('/flows', { name: 'busy', actions: [{ type: 'answer' }] })
  const [own] = await api.list('/numbers')
  const destinations = [
    { type: 'trunk', target: domain },
    { type: 'flow', target, when: ['busy'] },
  ]
  await api.patch(`/numbers/${own?.id}`, { trunk_id: null, destinations })
}

/** Drained, waited for, stopped, and another process in its place. */
async function upgraded(member: Member): Promise<void> {
  const path = `/relays/${member.name}`
  const before = await stack.api.get(path)
  await stack.api.post(`${path}/drain`, {})
  await soon(
    'its calls to be over',
    async () => {
      const { draining, calls } = await stack.api.get(path)
      return draining && calls === 0
    },
    30_000,
    250,
  )
  expect(await member.process.stop()).toBe(0)
  member.process = await startRelay(stack.local.api_url, member.caller.relay.address, member.environment)
  await soon(
    'the new one to take calls',
    async () => {
      const { alive, draining, tm_create, version } = await stack.api.get(path)
      return alive && !draining && tm_create !== before.tm_create && Number(version) > 0
    },
    30_000,
    250,
  )
}

function beginCalling() {
  const underWay = new Set<Promise<void>>()
  let next = 0
  const timer = setInterval(() => {
    const call: Promise<void> = elsewhereToo(next++)
      .catch((error: Error) => void troubles.push(error.message))
      .finally(() => underWay.delete(call))
    underWay.add(call)
  }, callEveryMs)
  return {
    async end() {
      clearInterval(timer)
      await Promise.all(underWay)
    },
  }
}

/** A carrier tries its lines in turn: where it is told 503 it goes on to the next, and comes back when OPTIONS say so. */
async function elsewhereToo(first: number): Promise<void> {
  for (const at of [0, 1, 2]) {
    const member = fleet[(first + at) % fleet.length]
    if (!member || member.out) continue
    const status = await placed(member.caller)
    if (status === 200) return
    if (status !== 503) throw new Error(`${member.name} said ${status}`)
    moved++
    void leftOut(member)
  }
  throw new Error('no relay took the call')
}

async function leftOut(member: Member): Promise<void> {
  if (member.out) return
  member.out = true
  const { caller } = member
  const asked = () => Promise.race([caller.ask(optionsTo(caller, caller.relay), caller.relay), pause(400)])
  do await pause(500)
  while (statusOf((await asked()) || { start: '', headers: [], body: '' }) !== 200)
  member.out = false
}

/** One call which is answered and hung up; else its status, and it counts for nothing. */
async function placed(caller: Carrier): Promise<number> {
  const { call, result } = await caller.call('+15557654321', number)
  const status = statusOf(await result) ?? 0
  if (status !== 200) return status
  ledger.set(call.callId, { direction: 'incoming', answered: true })
  await pause(talkMs)
  const goodbye = await call.bye()
  if (goodbye !== 200) troubles.push(`${call.callId}: BYE ${goodbye}`)
  return status
}

async function joined(nth: number): Promise<Member> {
  const address = `${network}.${nth}`
  const name = `fleet-${nth}`
  const { key } = await stack.api.post(`/relays/${name}/keys`, { name: 'of its own' })
  const environment = {
    RELAY_KEY: String(key),
    SIP_PORT: String(await freePort(address)),
    RTP_PORTS: '21000-23999',
    DATA_DIR: join(folder, name),
    DRAIN_MS: '20000',
    REGION: 'here',
  }
  const process = await startRelay(stack.local.api_url, address, environment)
  const caller = await Carrier.open({
    name: `line ${nth}`,
    address: `${network}.${10 + nth}`,
    relay: process.place,
  })
  return { name, caller, environment, process, out: false }
}

/** A customer whose number rings its PBX, and the carrier from which it is called. */
async function furnish() {
  const customer = await newCustomer(stack, 'Upgraded')
  const relay = fleet[0]?.process.place ?? { address: '', port: 0 }
  callee = await Carrier.open({ name: 'the PBX', address: `${network}.20`, relay }, answers('p', 50))
  const trunk = await customer.api.post('/trunks', {
    name: 'pbx',
    domain_name: domain,
    auth_types: ['ip'],
    allowed_ips: [callee.address],
    hostname: callee.place.address,
    port: callee.place.port,
    transport: 'udp',
  })
  const lines = fleet.map(({ caller }) => caller.address)
  await customer.api.post('/providers', {
    hostname: `${network}.10`,
    inbound_addresses: lines,
    probe_interval: 0,
  })
  number = `+1555${1_000_000 + Math.floor(Math.random() * 8_999_999)}`
  await stack.api.post('/numbers', { number, customer_id: customer.id, trunk_id: trunk.id })
  return customer
}

function commitBefore(words: string, file: string): string {
  try {
    const log = execSync(`git log --format=%P -S'${words}' -- ${file}`, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return String(log).trim().split('\n').at(-1)?.split(' ')[0] ?? ''
  } catch {
    return ''
  }
}
