import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { hasSipp } from '../support/sipp.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause } from '../support/wait.ts'
import { cpuOf } from './cost.ts'
import { type Counts, load } from './load.ts'

/** A stack of our own with a customer whose phones SIPp plays, and carriers for it. */
export interface Stand {
  stack: OwnStack
  office: Office
  phone: HostAndPort
  carriers: readonly HostAndPort[]
  /** CSV of extensions and how they prove themselves. */
  fields: string
  stop(): Promise<void>
}

/** One load: what it took and whether it held. */
export interface Step extends Counts {
  rate: number
  held: boolean
  /** CPU seconds per 1000, by part. */
  cpu: Record<string, number>
}

/** As many as one address may bring unknown to the relay at once. */
export const phones = 150
export const phoneNames: readonly string[] = Array.from({ length: phones }, (_, at) => `phone${at}`)
export const dialled = '+15551234567'

/**
 * Starts a stack, of another checkout by its folder and with further settings, with as many carriers as addresses are given.
 * Throws where SIPp is missing.
 */
export async function openStand(
  addresses: readonly string[],
  checkout?: string,
  settings: Record<string, string> = {},
): Promise<Stand> {
  if (!hasSipp) throw new Error('SIPp is not installed (Debian: sip-tester)')
  const stack = await startStack({ RTP_PORTS: '10000-60000', LOG_LEVEL: 'error', ...settings }, checkout)
  const carriers = await Promise.all(
    addresses.map(async (address) => ({ address, port: await freePort(address) })),
  )
  const phone = { address: '127.0.7.72', port: await freePort('127.0.7.72') }
  const office = await openOffice(stack, carriers, [])
  for (let at = 0; at < phones; at += 10)
    await Promise.all(phoneNames.slice(at, at + 10).map((name) => addPhone(office, name)))
  const fields = join(mkdtempSync(join(tmpdir(), 'fields-')), 'phones.csv')
  const rows = phoneNames.map((name) => `${name};${proof(name)}`)
  writeFileSync(fields, `SEQUENTIAL\n${rows.join('\n')}\n`)
  const stop = async () => {
    await stack.stop()
    rmSync(fields, { force: true })
  }
  return { stack, office, phone, carriers, fields, stop }
}

/** CPU seconds so far of a stack's parts; `database` is the embedded one, in a process of its own. */
export function partsOf({ stack }: Stand): Record<string, () => number> {
  const { relay, edge, database } = stack.pids()
  const of = (pid: number | undefined) => () => cpuOf(pid)
  return { relay: of(relay), edge: of(edge), database: of(database) }
}

/** Does `act`, and divides what `running` used meanwhile by what succeeded. */
export async function costed(
  rate: number,
  running: Record<string, () => number>,
  act: () => Promise<Counts>,
): Promise<Step> {
  const spent = () => Object.values(running).map((used) => used())
  const before = spent()
  const counts = await act()
  await pause(500)
  const used = spent().map((after, at) => (after - (before[at] ?? 0)) / (counts.successful / 1000))
  const cpu = Object.fromEntries(Object.keys(running).map((name, at) => [name, used[at] ?? 0]))
  const held = counts.failed === 0 && counts.retransmissions <= 0.002 * counts.successful
  return { rate, ...counts, held, cpu }
}

/** Registrations by digest at a place, five seconds of them unless said. */
export function registerAt(
  stand: Stand,
  to: HostAndPort,
  rate: number,
  count = rate * 5,
  scenario = 'bench-registers',
): Promise<Counts> {
  const { office, phone, fields } = stand
  const keys = { domain: office.realm }
  return load({ scenario, to, at: phone, fields, keys, authUri: office.realm, rate, count })
}

/** Calls to the phone network by way of a place, ten seconds of them unless said, each kept for so long (`bench-holds`). */
export function callAt(
  { office, phone, fields }: Stand,
  to: HostAndPort,
  rate: number,
  count = rate * 10,
  scenario = 'bench-calls',
  keptMs?: number,
): Promise<Counts> {
  const keys = { domain: office.realm, dialled }
  const authUri = `${dialled}@${office.realm}`
  return load({ scenario, to, at: phone, fields, keys, authUri, rate, count, keptMs })
}

/** What the stack said was wrong. */
export function complaintsOf({ stack }: Stand): string[] {
  return stack
    .words()
    .split('\n')
    .filter((line) => /\b(died|error)\b/.test(line))
}

function addPhone({ api }: Office, username: string): Promise<unknown> {
  return api.post('/extensions', { name: username, username, password: 'secure-password', max_contacts: 20 })
}

function proof(username: string): string {
  return `[authentication username=${username} password=secure-password]`
}
