import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { sippWaits } from '../support/sipp.ts'
import { asked } from '../support/stack-database.ts'
import { pause } from '../support/wait.ts'
import { machine, memoryOf, printTable } from './cost.ts'
import type { Findings, Goal } from './goals.ts'
import { type Inside, lookInside } from './inside.ts'
import { say } from './pinned.ts'
import { callAt, complaintsOf, openStand, phones, registerAt, type Stand } from './stand.ts'

/** Between two looks at what is kept; the first one lets everything be made which is made once. */
const plateaus = 8
const carrier = '127.0.7.71'
const registering = '127.0.7.74'

/** What is held once everything is over which was begun. */
interface Plateau {
  calls: number
  registrations: number
  failed: number
  /** Octets of the relay's heap after a collection. */
  heap: number
  /** Resident kB. */
  relay: number
  edge: number
  /** Descriptors of the relay. */
  open: number
  /** Octets in its folder, but for the database. */
  disk: number
}

/** Records of calls at the edge. */
interface Records {
  all: number
  over: number
  different: number
}

/**
 * Calls and registrations for long, and after each eighth of them what the relay still holds: its heap after a forced collection, its
 * memory, descriptors and files, and the edge's memory; and whether every call has its record there, once.
 *
 * `--calls`, `--registrations`: how many in all; `--rate`: calls a second, `--registers` registrations; `--rest`: seconds before a look.
 * Nothing is asserted.
 */
export async function soakBench(args: string[]): Promise<readonly Goal[]> {
  const said = (name: string, otherwise: number) => {
    const value = args.includes(name) ? Number(args[args.indexOf(name) + 1]) : otherwise
    if (!(value > 0)) throw new Error(`${name} takes a number above 0`)
    return value
  }
  const load = {
    calls: Math.ceil(said('--calls', 800) / plateaus),
    registrations: Math.ceil(said('--registrations', 8_000) / plateaus),
    rate: said('--rate', 50),
    registers: said('--registers', 500),
    rest: said('--rest', 2),
  }
  say(`${machine()}\n`)
  const port = await freePort('127.0.0.1')
  const stand = await openStand([carrier], undefined, { NODE_OPTIONS: `--inspect-port=127.0.0.1:${port}` })
  try {
    const inside = await lookInside(stand.stack.pids().relay ?? 0, port)
    const found = report(await soaked(stand, inside, load), await settled(stand, Number.POSITIVE_INFINITY))
    say(found.text)
    inside.close()
    return found.goals
  } finally {
    const complaints = complaintsOf(stand)
    if (complaints.length > 0)
      say(`The stack complained ${complaints.length} times, first: ${complaints[0]?.slice(0, 300)}`)
    await stand.stop()
  }
}

interface SoakLoad {
  calls: number
  registrations: number
  rate: number
  registers: number
  /** Seconds of nothing before a look: transactions end half a minute after their last word. */
  rest: number
}

async function soaked(stand: Stand, inside: Inside, load: SoakLoad): Promise<Plateau[]> {
  const answers = await sippWaits({
    scenario: 'answers',
    at: stand.carriers[0] as HostAndPort,
    timeoutS: 86_400,
    more: ['-m', '100000000', '-l', '20000'],
  })
  // Those which register do so from another address than those which call: each is one SIPp.
  const other = { ...stand, phone: { address: registering, port: await freePort(registering) } }
  const { relay } = stand.stack
  await registerAt(other, relay, 50, phones)
  const seen: Plateau[] = []
  let [calls, registrations, failed] = [0, 0, 0]
  for (let at = 0; at < plateaus; at++) {
    const [called, registered] = await Promise.all([
      callAt(stand, relay, load.rate, load.calls),
      registerAt(other, relay, load.registers, load.registrations),
    ])
    calls += called.successful
    registrations += registered.successful
    failed += called.failed + registered.failed
    await settled(stand, calls)
    await pause(load.rest * 1_000)
    seen.push({ calls, registrations, failed, ...(await held(stand, inside)) })
    say(`${calls} calls, ${registrations} registrations: heap ${seen.at(-1)?.heap}`)
  }
  await answers.stop()
  return seen
}

/** Waits until so many calls are over at the edge, or no more come; and gives its records. */
async function settled({ stack }: Stand, calls: number): Promise<Records> {
  let records = await recordsOf(stack)
  for (let still = 0; records.over < calls && still < 10; ) {
    await pause(1_000)
    const later = await recordsOf(stack)
    still = later.over === records.over && later.all === records.all ? still + 1 : 0
    records = later
  }
  return records
}

async function recordsOf(stack: Stand['stack']): Promise<Records> {
  const [row] = await asked(
    stack,
    'select count(*) as all, count(ended_at) as over, count(distinct sip_call_id) as different from calls',
  )
  return { all: Number(row?.all), over: Number(row?.over), different: Number(row?.different) }
}

async function held(
  { stack }: Stand,
  inside: Inside,
): Promise<Omit<Plateau, 'calls' | 'registrations' | 'failed'>> {
  const { relay, edge } = stack.pids()
  const heap = await inside.heap()
  return {
    heap,
    relay: memoryOf(relay),
    edge: memoryOf(edge),
    open: readdirSync(`/proc/${relay}/fd`).length,
    disk: octetsIn(stack.folder, 'database'),
  }
}

function octetsIn(folder: string, but?: string): number {
  const sizes = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === but ? 0 : octetsIn(path)
    // It may be gone by now.
    return statSync(path, { throwIfNoEntry: false })?.size ?? 0
  })
  return sizes.reduce((sum, size) => sum + size, 0)
}

function report(seen: readonly Plateau[], records: Records): Findings {
  const head = [
    'calls',
    'registrations',
    'failed',
    'heap kB',
    'relay kB',
    'edge kB',
    'descriptors',
    'disk kB',
  ]
  const rows = seen.map(({ calls, registrations, failed, heap, relay, edge, open, disk }) =>
    [calls, registrations, failed, Math.round(heap / 1024), relay, edge, open, Math.round(disk / 1024)].map(
      String,
    ),
  )
  const [second, last] = [seen[1], seen.at(-1)]
  const [calls, grown] = [(last?.calls ?? 0) - (second?.calls ?? 0), (last?.heap ?? 0) - (second?.heap ?? 0)]
  const { all, over, different } = records
  const missing = Math.max(0, (last?.calls ?? 0) - different)
  const goal = (what: string, figure: number, unit: string, most: number): Goal => {
    const work = `${last?.calls} calls and ${last?.registrations} registrations: ${what}`
    return { work, figure, unit, bound: ['at most', most] }
  }
  const goals = [
    goal('heap in the end', (last?.heap ?? 0) / (second?.heap ?? 0), '× that after a quarter', 1.05),
    goal('records twice there, or missing', all - different + missing, '', 0),
  ]
  const text = `What is held after each part\n${printTable(head, rows)}
From the second look to the last the relay's heap grew by ${Math.round(grown / 1024)} kB in ${calls} calls: ${(grown / calls).toFixed(0)} octets each.
${last?.calls} calls succeeded; at the edge are ${all} records of ${different} calls, ${over} of them over: ${all - different} twice, ${missing} missing.\n`
  return { text, goals }
}
