import { type ChildProcess, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { wave, wavOf } from '../support/played-wav.ts'
import { compile, end, LOAD_CORE, pinned, RELAY_CORE, rest, say, scheduled } from './pinned.ts'
import { rtpBench } from './rtp.ts'
import { offerCalls, playCalls } from './rtpengine.ts'

const relays = ['ffi', 'dgram', 'rtpengine', 'ffi srtp', 'dgram srtp'] as const
type Relay = (typeof relays)[number]

/** One run of the listeners at one relay. */
interface Run {
  /** CPU milliseconds for a second of one call. */
  readonly cpuMs: number
  /** Packets which came, of those which were due. */
  readonly share: number
  readonly p50: number
  readonly p99: number
  /** Share of the time the relay wanted its core and another process had it. */
  readonly kept: number
}

interface Plan {
  readonly program: string
  readonly file: string
  readonly calls: number
  readonly seconds: number
}

/** Apart from the other benches' addresses and ports. */
const place = { host: '127.0.42.1', caller: '127.0.42.2', callee: '127.0.42.3', first: 24_000, peers: 22_000 }
const WARMUP_S = 2

/**
 * A prompt played to many calls at once by our engines and by rtpengine, taking turns: how even the 20 ms between two packets
 * of a call are, and what a call costs.
 *
 *   npm run bench -- media [--calls 200] [--seconds 8] [--rounds 3] [--only ffi,rtpengine]
 *
 * Then a hundred calls which are recorded, and the same which are not.
 */
export async function mediaBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      calls: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '8' },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string', default: relays.join() },
    },
  })
  if (process.platform !== 'linux' || availableParallelism() < 2)
    return say('This bench pins relay and listeners to a core each: it needs Linux and two cores.')
  const chosen = relays.filter((relay) => values.only.split(',').includes(relay))
  const folder = mkdtempSync(join(tmpdir(), 'rtphear-'))
  try {
    const program = compile('rtphear', folder)
    if (program === undefined) return say('No C compiler (cc) is here to build the listeners with.')
    const file = join(folder, 'prompt.wav')
    writeFileSync(file, wavOf(wave(10_000)))
    say(heading(Number(values.calls)))
    await compare(
      chosen,
      { program, file, calls: Number(values.calls), seconds: Number(values.seconds) },
      Number(values.rounds),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
  say('')
  const recorded = ['ffi', 'dgram', 'rtpengine'].flatMap((engine) => [engine, `${engine} recorded`])
  const { seconds, rounds } = values
  await rtpBench(['--calls', '100', '--only', recorded.join(), '--seconds', seconds, '--rounds', rounds])
}

async function compare(chosen: readonly Relay[], plan: Plan, rounds: number): Promise<void> {
  const runs = new Map<Relay, Run[]>(chosen.map((relay) => [relay, []]))
  for (let round = 0; round < rounds; round++)
    for (const [relay, all] of runs) {
      const run = await runOnce(relay, plan)
      if (run !== undefined) all.push(run)
    }
  for (const [relay, all] of runs) say(row(relay, all))
}

/** Listeners first, so that no packet finds no one. */
async function runOnce(relay: Relay, plan: Plan): Promise<Run | undefined> {
  const { program, calls, seconds } = plan
  const words = [calls, seconds, WARMUP_S, place.caller, place.peers].map(String)
  const listeners = pinned(LOAD_CORE, program, words)
  const lines = createInterface({ input: listeners.stdout })[Symbol.asyncIterator]()
  await lines.next()
  const child = relay === 'rtpengine' ? await startRtpengine(plan) : startOurs(relay, plan)
  if (child === undefined) {
    await end(listeners)
    return undefined
  }
  try {
    await lines.next()
    const before = scheduled(child)
    await lines.next()
    const after = scheduled(child)
    const { value } = await lines.next()
    const seen = JSON.parse(value ?? '{}') as { heard: number; p50: number; p99: number }
    return {
      cpuMs: (after.ranMs - before.ranMs) / (calls * seconds),
      share: seen.heard / (calls * seconds * 50),
      p50: seen.p50,
      p99: seen.p99,
      kept: (after.waitedMs - before.waitedMs) / (seconds * 1000),
    }
  } finally {
    await end(child)
  }
}

function startOurs(relay: Relay, { calls, file }: Plan): ChildProcess {
  const [engine = '', srtp] = relay.split(' ')
  const script = join(import.meta.dirname, 'play-relay.ts')
  const words = [engine, place.host, place.first, calls, place.caller, place.peers, file].map(String)
  if (srtp) words.push(srtp)
  return pinned(RELAY_CORE, process.execPath, ['--no-warnings', script, ...words])
}

async function startRtpengine({ calls, file }: Plan): Promise<ChildProcess | undefined> {
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
  ])
  child.stdout.resume()
  await rest(1000)
  const wanted = { ...place, port: 22_799, calls }
  await offerCalls(wanted)
  await playCalls(wanted, file)
  return child
}

function heading(calls: number): string {
  const [load = 0] = loadavg()
  return [
    `A prompt played to ${calls} calls at once, PCMA at 20 ms; relay on core ${RELAY_CORE}, listeners on core ${LOAD_CORE} of ${availableParallelism()}; load before: ${load.toFixed(2)}`,
    '',
    'relay           CPU ms/call-second  packets   µs beside 20 ms, p50 / p99   each run: p99 (share of its core others took)',
  ].join('\n')
}

function row(relay: Relay, runs: readonly Run[]): string {
  if (runs.length === 0) return `${relay.padEnd(15)} is not installed here`
  const each = runs.map((run) => `${run.p99} (${(run.kept * 100).toFixed(0)} %)`).join(', ')
  const even = `${median(runs, 'p50')} / ${median(runs, 'p99')}`
  const share = `${(median(runs, 'share') * 100).toFixed(1)} %`
  return `${relay.padEnd(15)} ${median(runs, 'cpuMs').toFixed(3).padStart(17)}  ${share.padEnd(8)}  ${even.padEnd(28)} ${each}`
}

function median(runs: readonly Run[], of: keyof Run): number {
  const sorted = runs.map((run) => run[of]).sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
