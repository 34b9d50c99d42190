import { type ChildProcess, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { compile, end, LOAD_CORE, pinned, RELAY_CORE, rest, say, scheduled } from './pinned.ts'
import { offerCalls, orderEach } from './rtpengine.ts'
import { callerCrypto, callerPackets } from './srtp-packets.ts'

const engines = ['ffi', 'dgram', 'rtpengine'] as const
/** How calls are carried besides: the caller's in SRTP, or all of them recorded. */
const manners = ['srtp', 'recorded'] as const
type Engine = (typeof engines)[number]
type Manner = (typeof manners)[number]
type Relay = Engine | `${Engine} ${Manner}`

const relays: readonly Relay[] = [
  ...engines,
  ...manners.flatMap((manner) => engines.map((engine): Relay => `${engine} ${manner}`)),
]

/** One run of the generator through one relay. */
interface Run {
  readonly cpuUs: number
  readonly loss: number
  readonly p50: number
  readonly p99: number
  /** Milliseconds the generator was late at most: what it then says at once waits in the relay. */
  readonly late: number
  /** Share of the time the relay wanted its core and another process had it: above a few per cent it is no measure. */
  readonly kept: number
}

interface Load {
  readonly generator: string
  readonly calls: number
  readonly seconds: number
  /** A file of what callers say who encrypt. */
  readonly packets: string
  /** Where recordings go. */
  readonly folder: string
}

/** Addresses and ports of our own, away from the defaults and below the ephemeral ones, so that nothing else is met. */
const place = { host: '127.0.41.1', caller: '127.0.41.2', callee: '127.0.41.3', first: 24_000, peers: 22_000 }
const WARMUP_S = 2
/** How often a disturbed run is repeated, and what share of its core may be taken from a calm one. */
const TRIES = 4
const CALM = 0.04

/**
 * Two-way G.711 calls through our engines and through rtpengine, taking turns: CPU per packet, loss, delay. Where `srtp`
 * is said the caller speaks SRTP (AES_CM_128_HMAC_SHA1_80) and the callee RTP; where `recorded`, both are recorded: here
 * to a WAV file with a channel for each, by rtpengine to its pcap files.
 *
 *   npm run bench -- rtp [--calls 250,500,1000] [--seconds 8] [--rounds 3] [--only ffi,rtpengine]
 */
export async function rtpBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      calls: { type: 'string', default: '250,500,1000' },
      seconds: { type: 'string', default: '8' },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string', default: relays.filter((relay) => mannerOf(relay) !== 'recorded').join() },
    },
  })
  if (process.platform !== 'linux' || availableParallelism() < 2) {
    return say('This bench pins relay and generator to a core each: it needs Linux and two cores.')
  }
  const chosen = relays.filter((relay) => values.only.split(',').includes(relay))
  const folder = mkdtempSync(join(tmpdir(), 'rtpload-'))
  try {
    const generator = compile('rtpload', folder)
    if (generator === undefined) return say('No C compiler (cc) is here to build the packet generator with.')
    const packets = join(folder, 'packets')
    writeFileSync(packets, callerPackets((Number(values.seconds) + WARMUP_S + 1) * 50))
    say(heading())
    for (const calls of values.calls.split(',').map(Number)) {
      await compare(
        chosen,
        { generator, calls, seconds: Number(values.seconds), packets, folder },
        Number(values.rounds),
      )
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The relays take turns, so that what else the machine does falls on all of them alike. */
async function compare(chosen: readonly Relay[], load: Load, rounds: number): Promise<void> {
  const runs = new Map<Relay, Run[]>(chosen.map((relay) => [relay, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [relay, all] of runs) {
      const run = await measure(relay, load)
      if (run !== undefined) all.push(run)
    }
  }
  const cpuOf = (relay: Relay) => median(runs.get(relay) ?? [], 'cpuUs')
  for (const [relay, all] of runs) {
    const manner = mannerOf(relay)
    const base = cpuOf(manner === undefined ? 'rtpengine' : `rtpengine ${manner}`)
    say(row(relay, load.calls, all, base, cpuOf(plainOf(relay))))
  }
}

function mannerOf(relay: Relay): Manner | undefined {
  return manners.find((manner) => relay.endsWith(` ${manner}`))
}

/** The same without encryption and recording. */
function plainOf(relay: Relay): Engine {
  return relay.split(' ')[0] as Engine
}

/** A run in which other processes took the relay's core says little: it is repeated a few times. */
async function measure(relay: Relay, load: Load): Promise<Run | undefined> {
  let best: Run | undefined
  for (let tries = 0; tries < TRIES && (best === undefined || best.kept > CALM); tries++) {
    const run = await runOnce(relay, load)
    if (run === undefined) return undefined
    if (best === undefined || run.kept < best.kept) best = run
  }
  return best
}

async function runOnce(relay: Relay, load: Load): Promise<Run | undefined> {
  const started =
    plainOf(relay) === 'rtpengine'
      ? await startRtpengine(load, mannerOf(relay))
      : await startOurs(relay, load)
  if (started === undefined) return undefined
  try {
    return await drive(started, load, mannerOf(relay) === 'srtp')
  } finally {
    await end(started.child)
  }
}

interface Started {
  readonly child: ChildProcess
  /** One call a line: the port the caller sends to, the port the callee sends to. */
  readonly ports: string
}

async function startOurs(relay: Relay, { calls, folder }: Load): Promise<Started> {
  const script = join(import.meta.dirname, 'rtp-relay.ts')
  const { host, first, caller, callee, peers } = place
  const words = [plainOf(relay), host, first, calls, caller, callee, peers].map(String)
  const manner = mannerOf(relay)
  if (manner !== undefined) words.push(manner, mkdtempSync(join(folder, 'recordings-')))
  const child = pinned(RELAY_CORE, process.execPath, ['--no-warnings', script, ...words])
  let ports = ''
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'ready') break
    ports += `${line}\n`
  }
  await rest(500)
  return { child, ports }
}

async function startRtpengine(
  { calls, folder }: Load,
  manner: Manner | undefined,
): Promise<Started | undefined> {
  if (spawnSync('rtpengine', ['--version']).error !== undefined) return undefined
  const child = pinned(RELAY_CORE, 'rtpengine', [
    '--foreground',
    '--table=-1',
    '--num-threads=1',
    `--interface=${place.host}`,
    `--listen-ng=${place.host}:22799`,
    `--port-min=${place.first}`,
    `--port-max=${place.first + 4 * calls + 200}`,
    '--log-level=1',
    ...(manner === 'recorded' ? [`--recording-dir=${folder}`, '--recording-method=pcap'] : []),
  ])
  child.stdout.resume()
  await rest(1000)
  const crypto = manner === 'srtp' ? callerCrypto : undefined
  const wanted = { ...place, port: 22_799, calls, crypto }
  const ports = await offerCalls(wanted)
  if (manner === 'recorded') await orderEach(wanted, { command: 'start recording' })
  return { child, ports }
}

/** Runs the generator; the relay's CPU is read when the counted part begins and when it ends. */
async function drive(
  { child, ports }: Started,
  { generator, calls, seconds, packets }: Load,
  secure: boolean,
): Promise<Run> {
  const words = [calls, seconds, WARMUP_S, place.caller, place.callee, place.peers, place.host].map(String)
  if (secure) words.push(packets)
  const load = pinned(LOAD_CORE, generator, words)
  load.stdin.end(ports)
  let before = scheduled(child)
  let after = before
  for await (const line of createInterface({ input: load.stdout })) {
    if (line === 'measuring') before = scheduled(child)
    else if (line === 'done') after = scheduled(child)
    else
      return summary(after.ranMs - before.ranMs, after.waitedMs - before.waitedMs, seconds, JSON.parse(line))
  }
  throw new Error('the packet generator ended without a word')
}

interface Seen {
  readonly sent: number
  readonly heard: number
  readonly p50: number
  readonly p99: number
  readonly late_ms: number
}

function summary(ranMs: number, waitedMs: number, seconds: number, seen: Seen): Run {
  const { sent, heard, p50, p99, late_ms } = seen
  return {
    cpuUs: (ranMs * 1000) / heard,
    loss: 1 - heard / sent,
    p50,
    p99,
    late: late_ms,
    kept: waitedMs / (seconds * 1000),
  }
}

function heading(): string {
  const [load = 0] = loadavg()
  return [
    `RTP, two-way G.711 at 20 ms; relay on core ${RELAY_CORE}, generator on core ${LOAD_CORE} of ${availableParallelism()}; load before: ${load.toFixed(2)}`,
    '',
    'calls  relay              CPU µs/packet  of rtpengine  of plain  loss       delay p50 / p99 µs   each run (share of its core others took, generator late)',
  ].join('\n')
}

function row(relay: Relay, calls: number, runs: readonly Run[], base: number, plain: number): string {
  const start = `${String(calls).padStart(5)}  ${relay.padEnd(18)} `
  if (runs.length === 0) return `${start}is not installed here`
  const cpu = median(runs, 'cpuUs')
  const spread = runs
    .map(
      ({ cpuUs, kept, late }) => `${cpuUs.toFixed(1)} (${(kept * 100).toFixed(0)} %, ${late.toFixed(0)} ms)`,
    )
    .join(', ')
  const [ratio, price] = [base, plain].map((of) => (Number.isNaN(of) ? '–' : (cpu / of).toFixed(2)))
  const delay = `${median(runs, 'p50').toFixed(0)} / ${median(runs, 'p99').toFixed(0)}`
  const loss = `${(median(runs, 'loss') * 100).toFixed(3)} %`
  return `${start}${cpu.toFixed(2).padStart(13)}  ${ratio?.padStart(12)}  ${price?.padStart(8)}  ${loss.padEnd(9)}  ${delay.padEnd(19)}  ${spread}`
}

function median(runs: readonly Run[], of: keyof Run): number {
  const sorted = runs.map((run) => run[of]).sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
