import type { HostAndPort } from '../support/sip-socket.ts'
import { sippWaits } from '../support/sipp.ts'
import { pause } from '../support/wait.ts'
import { machine, memoryOf, printTable } from './cost.ts'
import { kamailio, type Peer } from './peer.ts'
import {
  callAt,
  complaintsOf,
  costed,
  openStand,
  partsOf,
  phones,
  registerAt,
  type Stand,
  type Step,
} from './stand.ts'

const parts = ['relay', 'edge', 'database']

/** Registrations and calls a second, what 1000 of each cost, and how much memory one takes. */
export async function sipBench(args: string[]): Promise<void> {
  const quick = args.includes('--quick')
  say(`${machine()}\n`)
  const bench = await openStand(['127.0.7.71'])
  try {
    if (!args.includes('--calls'))
      await registrations(bench, quick ? [200, 500] : [200, 500, 1000, 1500, 2000, 3000, 4000, 6000])
    await calls(bench, quick ? [50, 100] : [50, 100, 150, 200, 300, 400, 600])
    if (!args.includes('--calls')) await memory(bench, quick)
  } finally {
    const complaints = complaintsOf(bench)
    if (complaints.length > 0)
      say(`The stack complained ${complaints.length} times, first: ${complaints[0]?.slice(0, 300)}`)
    await bench.stop()
  }
}

async function registrations(bench: Stand, rates: number[]): Promise<void> {
  await registerAt(bench, bench.stack.relay, 30, phones)
  await registerAt(bench, bench.stack.relay, 200, 4_000)
  const ours = await climb(rates, (rate) =>
    costed(rate, partsOf(bench), () => registerAt(bench, bench.stack.relay, rate)),
  )
  const peer = await kamailio(bench.office.realm)
  const theirs = peer ? await climb(rates, (rate) => atPeer(bench, peer, rate)) : []
  await peer?.stop()
  say('REGISTER with digest: REGISTER, 401, REGISTER, 200')
  say(table(['trunkline', ours], ['kamailio', theirs]))
  say(summary('registrations', ours, 0.2))
}

async function calls(bench: Stand, rates: number[]): Promise<void> {
  const carrier = await sippWaits({
    scenario: 'answers',
    at: bench.carriers[0] as HostAndPort,
    timeoutS: 900,
    more: ['-m', '1000000', '-l', '20000'],
  })
  // What a compiler spends on a process that has just begun is no cost of a call.
  await callAt(bench, bench.stack.relay, rates[0] ?? 25, 1_000)
  const ours = await climb(rates, (rate) =>
    costed(rate, partsOf(bench), () => callAt(bench, bench.stack.relay, rate)),
  )
  await carrier.stop()
  say('INVITE with digest, decided by the snapshot: INVITE, 407, INVITE, 180, 200, ACK, BYE')
  say(table(['trunkline', ours]))
  say(summary('calls', ours, 1))
}

async function memory(bench: Stand, quick: boolean): Promise<void> {
  const relay = () => memoryOf(bench.stack.pids().relay)
  const count = quick ? 1000 : 2800
  const empty = relay()
  await registerAt(bench, bench.stack.relay, 400, count, 'bench-binds')
  await pause(3000)
  const bound = relay()
  const held = quick ? 100 : 400
  const carrier = await sippWaits({
    scenario: 'answers',
    at: bench.carriers[0] as HostAndPort,
    timeoutS: 120,
    more: ['-m', '100000'],
  })
  const holding = callAt(bench, bench.stack.relay, held / 8, held, 'bench-holds', 12_000)
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

function atPeer(bench: Stand, peer: Peer, rate: number): Promise<Step> {
  return costed(rate, { relay: peer.cpu }, () => registerAt(bench, peer.place, rate))
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
