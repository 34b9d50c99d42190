import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { hasSipp, sippWaits } from '../support/sipp.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause } from '../support/wait.ts'
import { cpuOf, machine, memoryOf, printTable } from './cost.ts'
import { type Counts, load } from './load.ts'
import { kamailio, type Peer } from './peer.ts'

interface Bench {
  stack: OwnStack
  office: Office
  phone: HostAndPort
  carrier: HostAndPort
  /** CSV of extensions and how they prove themselves. */
  fields: string
}

/** One rate tried: what it took and whether it held. */
interface Step extends Counts {
  rate: number
  held: boolean
  /** CPU seconds per 1000, by part. */
  cpu: Record<string, number>
}

/** As many as one address may bring unknown to the relay at once. */
const phones = 150
/** The embedded database lives in the process which started the rest. */
const parts = ['relay', 'edge', 'database']
const dialled = '+15551234567'

/** Registrations and calls a second, what 1000 of each cost, and how much memory one takes. */
export async function sipBench(args: string[]): Promise<void> {
  if (!hasSipp) throw new Error('SIPp is not installed (Debian: sip-tester)')
  const quick = args.includes('--quick')
  say(`${machine()}\n`)
  const bench = await openBench()
  try {
    if (!args.includes('--calls'))
      await registrations(bench, quick ? [200, 500] : [200, 500, 1000, 1500, 2000, 3000, 4000, 6000])
    await calls(bench, quick ? [50, 100] : [50, 100, 150, 200, 300, 400, 600])
    if (!args.includes('--calls')) await memory(bench, quick)
  } finally {
    const complaints = bench.stack
      .words()
      .split('\n')
      .filter((line) => /\b(died|error)\b/.test(line))
    if (complaints.length > 0)
      say(`The stack complained ${complaints.length} times, first: ${complaints[0]?.slice(0, 300)}`)
    await bench.stack.stop()
    rmSync(bench.fields, { force: true })
  }
}

async function registrations(bench: Bench, rates: number[]): Promise<void> {
  await registerAt(bench, bench.stack.relay, 30, phones)
  await registerAt(bench, bench.stack.relay, 200, 4_000)
  const ours = await climb(rates, (rate) =>
    measured(bench, rate, () => registerAt(bench, bench.stack.relay, rate)),
  )
  const peer = await kamailio(bench.office.realm)
  const theirs = peer ? await climb(rates, (rate) => measuredPeer(bench, peer, rate)) : []
  await peer?.stop()
  say('REGISTER with digest: REGISTER, 401, REGISTER, 200')
  say(table(['trunkline', ours], ['kamailio', theirs]))
  say(summary('registrations', ours, 0.2))
}

async function calls(bench: Bench, rates: number[]): Promise<void> {
  const carrier = await sippWaits({
    scenario: 'answers',
    at: bench.carrier,
    timeoutS: 900,
    more: ['-m', '1000000', '-l', '20000'],
  })
  // What a compiler spends on a process that has just begun is no cost of a call.
  await callAt(bench, 'bench-calls', rates[0] ?? 25, 1_000)
  const ours = await climb(rates, (rate) => measured(bench, rate, () => callAt(bench, 'bench-calls', rate)))
  await carrier.stop()
  say('INVITE with digest, decided by the snapshot: INVITE, 407, INVITE, 180, 200, ACK, BYE')
  say(table(['trunkline', ours]))
  say(summary('calls', ours, 1))
}

async function memory(bench: Bench, quick: boolean): Promise<void> {
  const relay = () => memoryOf(bench.stack.pids().relay)
  const count = quick ? 1000 : 2800
  const empty = relay()
  await load({ ...registering(bench, bench.stack.relay), scenario: 'bench-binds', rate: 400, count })
  await pause(3000)
  const bound = relay()
  const held = quick ? 100 : 400
  const carrier = await sippWaits({
    scenario: 'answers',
    at: bench.carrier,
    timeoutS: 120,
    more: ['-m', '100000'],
  })
  const holding = callAt(bench, 'bench-holds', held / 8, held)
  await pause(10_000)
  const up = relay()
  await holding
  await carrier.stop()
  say(
    printTable(
      ['memory', 'how many', 'grown by', 'each'],
      [
        ['bindings', String(count), `${bound - empty} kB`, `${((bound - empty) / count).toFixed(1)} kB`],
        ['calls', String(held), `${up - bound} kB`, `${((up - bound) / held).toFixed(1)} kB`],
      ],
    ),
  )
}

/** Tries the rates in order until one does not hold, nor holds when tried again. */
async function climb(rates: number[], attempt: (rate: number) => Promise<Step>): Promise<Step[]> {
  const steps: Step[] = []
  for (const rate of rates) {
    steps.push(await attempt(rate))
    await pause(2000)
    if (steps.at(-1)?.held) continue
    steps.push(await attempt(rate))
    await pause(2000)
    if (!steps.at(-1)?.held) break
  }
  return steps
}

async function measured({ stack }: Bench, rate: number, act: () => Promise<Counts>): Promise<Step> {
  const { relay, edge, start } = stack.pids()
  const of = (pid: number | undefined) => () => cpuOf(pid)
  const running = { relay: of(relay), edge: of(edge), database: of(start) }
  return costed(rate, running, act)
}

function measuredPeer(bench: Bench, peer: Peer, rate: number): Promise<Step> {
  return costed(rate, { relay: peer.cpu }, () => registerAt(bench, peer.place, rate))
}

async function costed(
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

function registerAt(bench: Bench, to: HostAndPort, rate: number, count = rate * 5): Promise<Counts> {
  return load({ ...registering(bench, to), rate, count })
}

function registering({ office, phone, fields }: Bench, to: HostAndPort) {
  const keys = { domain: office.realm }
  return { scenario: 'bench-registers', to, at: phone, fields, keys, authUri: office.realm }
}

function callAt(
  { stack, office, phone, fields }: Bench,
  scenario: string,
  rate: number,
  count = rate * 10,
): Promise<Counts> {
  const keys = { domain: office.realm, dialled }
  const authUri = `${dialled}@${office.realm}`
  return load({ scenario, to: stack.relay, at: phone, fields, keys, authUri, rate, count })
}

async function openBench(): Promise<Bench> {
  const stack = await startStack({ RTP_PORTS: '10000-60000', LOG_LEVEL: 'error' })
  const carrier = { address: '127.0.7.71', port: await freePort('127.0.7.71') }
  const phone = { address: '127.0.7.72', port: await freePort('127.0.7.72') }
  const office = await openOffice(stack, [carrier], [])
  for (let at = 0; at < phones; at += 10)
    await Promise.all(Array.from({ length: 10 }, (_, each) => addPhone(office, `phone${at + each}`)))
  const fields = join(mkdtempSync(join(tmpdir(), 'fields-')), 'phones.csv')
  const rows = Array.from({ length: phones }, (_, at) => `phone${at};${proof(`phone${at}`)}`)
  writeFileSync(fields, `SEQUENTIAL\n${rows.join('\n')}\n`)
  return { stack, office, phone, carrier, fields }
}

function addPhone({ api }: Office, username: string): Promise<unknown> {
  return api.post('/extensions', { name: username, username, password: 'secure-password', max_contacts: 20 })
}

function proof(username: string): string {
  return `[authentication username=${username} password=secure-password]`
}

function table(...systems: [name: string, steps: Step[]][]): string {
  const rows = systems.flatMap(([name, steps]) => steps.map((step) => [name, ...cells(step)]))
  return printTable(
    ['', 'per second', 'done', 'failed', 'repeated', ...parts.map((part) => `${part} s/1000`)],
    rows,
  )
}

function cells({ rate, successful, failed, retransmissions, cpu }: Step): string[] {
  const costs = parts.map((part) => cpu[part]?.toFixed(3) ?? '')
  return [rate, successful, failed, retransmissions].map(String).concat(costs)
}

function summary(what: string, steps: Step[], goal: number): string {
  const best = steps.filter(({ held }) => held).at(-1)
  if (best === undefined) return `No rate of ${what} held.\n`
  const cost = best.cpu.relay ?? 0
  const verdict = cost <= goal ? 'reached' : 'missed'
  return `Highest rate that held: ${best.rate} ${what}/s. CPU of the relay per 1000: ${cost.toFixed(3)} s; goal ${goal.toFixed(2)} s ${verdict}.\n`
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
