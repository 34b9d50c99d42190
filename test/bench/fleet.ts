import { readSecrets } from '../../functions/local/secrets-file.ts'
import { relayKey } from '../../functions/relay-key.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { startRelay } from '../support/lone-relay.ts'
import type { Phone } from '../support/phone.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'
import { machine } from './cost.ts'
import { hubBench } from './hub.ts'

/** Calls each way; the first ones, in which connections are made and code is compiled, do not count. */
const [calls, unmeasured] = [500, 100]

/**
 * `npm run bench -- fleet`: what the hub costs (`hub.ts`), and what a call costs more which is handed to a neighbour relay, from the
 * 100 to the 180. `--only hub` or `calls`; `--quick` asks less. Nothing is asserted.
 */
export async function fleetBench(args: string[]): Promise<void> {
  const only = args.includes('--only') ? args[args.indexOf('--only') + 1] : undefined
  process.stdout.write(`${machine()}\n\n`)
  if (only !== 'calls') await hubBench(args)
  if (only !== 'hub') await callsBench(args.includes('--quick') ? 40 : calls)
}

async function callsBench(count: number): Promise<void> {
  // Ports rest for a while after a call.
  const stack = await startStack({ RTP_PORTS: '10000-19999' })
  const secret = readSecrets(stack.folder)?.relay_secret ?? ''
  const other = await startRelay(stack.local.api_url, '127.0.7.96', {
    RELAY_KEY: await relayKey(secret, 'other'),
    BASE_DOMAIN: stack.local.realm.split('.registrar.')[1] ?? '',
  })
  const phones: Phone[] = []
  try {
    const office = await openOffice(stack, [], ['caller', 'near', 'far'])
    const opened = async (username: string, host: number, relay: HostAndPort) => {
      const phone = await registered(office, username, `127.0.7.${host}`, relay)
      phones.push(phone)
      return phone
    }
    const caller = await opened('caller', 97, stack.relay)
    await opened('near', 98, stack.relay)
    await opened('far', 99, other.place)
    // Relays have heard of one another by then.
    await pause(3_000)
    await measure(stack, caller, count)
  } finally {
    for (const phone of phones) phone.close()
    await other.stop()
    await stack.stop()
  }
}

async function registered(office: Office, username: string, address: string, relay: HostAndPort) {
  const phone = await office.phone(username, address, 'UDP', relay)
  const status = statusOf(await phone.register(3_600))
  if (status !== 200) throw new Error(`${username} is not registered: ${status}`)
  return phone
}

/** In turn, so that what the machine does meanwhile meets both alike. */
async function measure({ relay }: OwnStack, caller: Phone, count: number): Promise<void> {
  const [near, far]: [number[], number[]] = [[], []]
  for (let nth = 0; nth < count; nth++) {
    near.push(await ringing(caller, 'near'))
    far.push(await ringing(caller, 'far'))
  }
  const [here, there] = [near, far].map((times) =>
    times.slice(Math.min(unmeasured, count / 2)).sort((a, b) => a - b),
  )
  const line = (name: string, times: number[] = []) =>
    `${name}: p50 ${at(times, 0.5)} ms, p99 ${at(times, 0.99)} ms (${times.length} calls)\n`
  process.stdout.write(`100 to 180, dialled at ${relay.address}\n`)
  process.stdout.write(line('registered there', here))
  process.stdout.write(line('through the neighbour', there))
  process.stdout.write(
    `added: p50 ${(Number(at(there, 0.5)) - Number(at(here, 0.5))).toFixed(2)} ms (goal: 2 ms at most)\n`,
  )
}

/** Milliseconds from the 100 to an INVITE which is proved to its 180. */
async function ringing(caller: Phone, user: string): Promise<number> {
  const placed = await caller.call(user)
  const heardAt = new Map<number, number>()
  const { statuses } = placed.call
  statuses.push = (...heard) => {
    for (const status of heard) heardAt.set(status, performance.now())
    return Array.prototype.push.apply(statuses, heard)
  }
  await soon('it to ring', () => heardAt.has(180), 5_000, 5)
  const ms = (heardAt.get(180) ?? Number.NaN) - (heardAt.get(100) ?? Number.NaN)
  await placed.call.cancel()
  await placed.result
  placed.call.sound?.close()
  return ms
}

function at(sorted: readonly number[] = [], share: number): string {
  return (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(2)
}
