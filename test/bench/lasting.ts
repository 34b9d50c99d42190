import { readdirSync } from 'node:fs'
import { freePort } from '../support/free-port.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { sippWaits } from '../support/sipp.ts'
import { asked } from '../support/stack-database.ts'
import { pause } from '../support/wait.ts'
import { cpuOf, memoryOf, printTable } from './cost.ts'
import type { Findings, Goal } from './goals.ts'
import { type Inside, lookInside } from './inside.ts'
import { callAt, complaintsOf, openStand, type Stand } from './stand.ts'

/** All calls are up at once for so long: a minute, and what a look takes on a busy machine. */
const keptMs = 90_000
/** Between two counts of records. */
const pollMs = 2_000

/** What a relay holds, and has used. */
interface Look {
  what: string
  /** Calls under way, as it says itself; and records of calls at the edge. */
  calls: number
  records: number
  /** Octets of the heap after a collection; resident kB; open descriptors; CPU seconds of the process so far. */
  heap: number
  resident: number
  open: number
  cpu: number
}

/**
 * So many calls at once in one relay, set up at `rate` a second and ended so, without sound: what it holds of them, whether any fails,
 * and whether each has its record at the edge. Both sides take RTCP on the port of RTP, so that each costs two descriptors.
 */
export async function measureLasting(count: number, rate: number): Promise<Findings> {
  const [port, metrics] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')]
  const settings = {
    MEDIA_TIMEOUT_MS: '3600000',
    METRICS_PORT: String(metrics),
    NODE_OPTIONS: `--inspect-port=127.0.0.1:${port}`,
  }
  const stand = await openStand(['127.0.7.71'], undefined, settings)
  const { relay } = stand.stack
  const place = stand.carriers[0] as HostAndPort
  const timeoutS = Math.ceil((3 * count) / rate + keptMs / 1_000 + 600)
  const carrier = await sippWaits({
    scenario: 'answers-muxed',
    at: place,
    timeoutS,
    more: ['-m', '1000000', '-l', '20000'],
  })
  try {
    const inside = await lookInside(stand.stack.pids().relay ?? 0, port)
    await callAt(stand, relay, 50, 500, 'bench-holds')
    await until(stand, ({ all, over }) => all === 500 && over === 500)
    const looks = [await lookAt('before', stand, inside, metrics)]
    const setUpMs = (count / rate) * 1_000
    const calls = callAt(stand, relay, rate, count, 'bench-holds', setUpMs + keptMs)
    await pause(setUpMs + 5_000)
    looks.push(await lookAt('all were begun', stand, inside, metrics))
    // A call which was just answered holds its transactions for half a minute.
    await pause(40_000)
    looks.push(await lookAt('40 s later', stand, inside, metrics))
    const { successful, failed, retransmissions } = await calls
    await until(stand, ({ over }) => over >= 500 + count)
    looks.push(await lookAt('all are over', stand, inside, metrics))
    inside.close()
    return report({ count, rate, successful, failed, retransmissions }, looks, complaintsOf(stand))
  } finally {
    await carrier.stop()
    await stand.stop()
  }
}

interface Records {
  all: number
  over: number
}

async function recordsOf({ stack }: Stand): Promise<Records> {
  const [row] = await asked(
    stack,
    'select count(distinct sip_call_id) as all, count(ended_at) as over from calls',
  )
  return { all: Number(row?.all), over: Number(row?.over) }
}

/** Waits until it is so, or nothing has changed for a while. */
async function until(stand: Stand, isSo: (records: Records) => boolean): Promise<void> {
  let records = await recordsOf(stand)
  for (let still = 0; !isSo(records) && still < 10; ) {
    await pause(pollMs)
    const later = await recordsOf(stand)
    still = later.over === records.over && later.all === records.all ? still + 1 : 0
    records = later
  }
}

async function lookAt(what: string, stand: Stand, inside: Inside, metrics: number): Promise<Look> {
  const { relay } = stand.stack.pids()
  const calls = await callsAt(metrics)
  const cpu = cpuOf(relay)
  const open = readdirSync(`/proc/${relay}/fd`).length
  const resident = memoryOf(relay)
  const heap = await inside.heap()
  const { all } = await recordsOf(stand)
  return { what, calls, records: all, heap, resident, open, cpu }
}

/** Calls under way, by the relay's figures. */
async function callsAt(metrics: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
  return Number(/^trunkline_calls_active (\d+)/m.exec(text)?.[1])
}

interface Held {
  count: number
  rate: number
  successful: number
  failed: number
  retransmissions: number
}

function report(
  { count, rate, successful, failed, retransmissions }: Held,
  looks: readonly Look[],
  complaints: readonly string[],
): Findings {
  const rows = looks.map(({ what, calls, records, heap, resident, open, cpu }, at) => {
    const used = at === 0 ? '' : (cpu - (looks[at - 1]?.cpu ?? 0)).toFixed(1)
    const mb = [heap / 2 ** 20, resident / 1024].map((each) => each.toFixed(0))
    return [what, String(calls), String(records), ...mb, String(open), used]
  })
  const head = ['', 'calls', 'records', 'heap MB', 'resident MB', 'descriptors', 'CPU s since']
  const [before, last] = [looks[0], looks.at(-1)]
  const most = Math.max(...looks.map(({ calls }) => calls))
  const missing = count - ((last?.records ?? 0) - (before?.records ?? 0))
  const goal = (what: string, figure: number, bound: Goal['bound']): Goal => ({
    work: `${count} calls at once, ${what}`,
    figure,
    unit: '',
    bound,
  })
  const said = complaints.length === 0 ? '' : ` The stack complained, first: ${complaints[0]?.slice(0, 300)}`
  const text = `${count} calls at once, begun and ended at ${rate}/s, RTCP on the port of RTP at both sides
${printTable(head, rows)}
${successful} succeeded, ${failed} failed, ${retransmissions} messages were repeated; ${missing} records are missing.${said}\n`
  return {
    text,
    goals: [
      goal('going on', most, ['at least', count]),
      goal('failed, or without a record', failed + missing, ['at most', 0]),
    ],
  }
}
