import { type ChildProcess, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { type DtlsPlace, placeIn } from '../support/dtls-peer.ts'
import { type BrowserSuite, Browsers, ourPlace } from './browsers.ts'
import type { Goal } from './goals.ts'
import { compile, end, LOAD_CORE, pinned, RELAY_CORE, rest, say, scheduled } from './pinned.ts'
import { heading, median, type Run, row } from './rtp-rows.ts'
import { type Calls, offerBrowsers, offerCalls, orderEach } from './rtpengine.ts'
import { callerCrypto, callerPackets } from './srtp-packets.ts'

const engines = ['ffi', 'dgram', 'rtpengine'] as const
/** How calls are carried besides: the caller's in SRTP, all of them recorded, or the caller's as a browser's (ICE, DTLS-SRTP). */
const manners = ['srtp', 'recorded', 'browser'] as const
type Engine = (typeof engines)[number]
type Manner = (typeof manners)[number]
type Relay = Engine | `${Engine} ${Manner}`

const relays: readonly Relay[] = [
  ...engines,
  ...manners.flatMap((manner) => engines.map((engine): Relay => `${engine} ${manner}`)),
]

interface Load {
  readonly generator: string
  readonly calls: number
  readonly seconds: number
  /** Seconds before those. */
  readonly warmup: number
  /** How often a disturbed run is made at most. */
  readonly tries: number
  /** A file of what callers say who encrypt. */
  readonly packets: string
  /** Where recordings go. */
  readonly folder: string
  /** Of calls of browsers. */
  readonly suite: BrowserSuite
}

/** Addresses and ports of our own, away from the defaults and below the ephemeral ones, so that nothing else is met. */
export const place = {
  host: '127.0.41.1',
  caller: '127.0.41.2',
  callee: '127.0.41.3',
  first: 24_000,
  peers: 22_000,
}
/** What both sides carry before they are measured, so that ours is compiled: packets, and seconds at least. */
const [WARMUP_PACKETS, WARMUP_S] = [20_000, 2]
/** What share of its core may be taken from a calm run. */
const CALM = 0.04

/**
 * Two-way G.711 calls through our engines and through rtpengine, taking turns: CPU per packet, loss, delay. Where `srtp`
 * is said the caller speaks SRTP (AES_CM_128_HMAC_SHA1_80) and the callee RTP; where `recorded`, both are recorded: here
 * to a WAV file with a channel for each, by rtpengine to its pcap files. Where `browser` is, the caller checks its way and
 * agrees on keys there, and goes on checking; both relays get the same suite.
 *
 *   npm run bench -- rtp [--calls 250,500,1000] [--seconds 8] [--warm-up 2] [--rounds 3] [--tries 4] [--only ffi,rtpengine] [--suite AES_CM_128_HMAC_SHA1_80]
 */
export async function rtpBench(args: string[]): Promise<readonly Goal[]> {
  const { values } = parseArgs({
    args,
    options: {
      calls: { type: 'string', default: '250,500,1000' },
      seconds: { type: 'string', default: '8' },
      'warm-up': { type: 'string' },
      rounds: { type: 'string', default: '3' },
      tries: { type: 'string', default: '4' },
      only: {
        type: 'string',
        default: relays.filter((relay) => [undefined, 'srtp'].includes(mannerOf(relay))).join(),
      },
      suite: { type: 'string', default: 'AEAD_AES_128_GCM' },
    },
  })
  if (process.platform !== 'linux' || availableParallelism() < 2) {
    say('This bench pins relay and generator to a core each: it needs Linux and two cores.')
    return []
  }
  const chosen = relays.filter((relay) => values.only.split(',').includes(relay))
  const folder = mkdtempSync(join(tmpdir(), 'rtpload-'))
  try {
    const generator = compile('rtpload', folder)
    if (generator === undefined) {
      say('No C compiler (cc) is here to build the packet generator with.')
      return []
    }
    const packets = join(folder, 'packets')
    const seconds = Number(values.seconds)
    const suite = values.suite as BrowserSuite
    say(heading())
    const goals: Goal[] = []
    for (const calls of values.calls.split(',').map(Number)) {
      const warmup = Number(values['warm-up'] ?? Math.max(WARMUP_S, WARMUP_PACKETS / (calls * 100)))
      writeFileSync(packets, callerPackets((seconds + warmup + 1) * 50))
      const load = { generator, calls, seconds, warmup, tries: Number(values.tries), packets, folder, suite }
      goals.push(...(await compare(chosen, load, Number(values.rounds))))
    }
    return goals
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The relays take turns, so that what else the machine does falls on all of them alike. */
async function compare(chosen: readonly Relay[], load: Load, rounds: number): Promise<Goal[]> {
  const runs = new Map<Relay, Run[]>(chosen.map((relay) => [relay, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [relay, all] of runs) {
      const run = await calmest(load.tries, () => runOnce(relay, load))
      if (run !== undefined) all.push(run)
    }
  }
  const cpuOf = (relay: Relay) => median(runs.get(relay) ?? [], 'cpuUs')
  for (const [relay, all] of runs) {
    const manner = mannerOf(relay)
    const base = cpuOf(manner === undefined ? 'rtpengine' : `rtpengine ${manner}`)
    say(row(relay, load.calls, all, base, cpuOf(plainOf(relay))))
  }
  return goalsOf(load.calls, chosen, (relay, of) => median(runs.get(relay) ?? [], of))
}

/** What of this is to be reached, by the medians of the runs; of a peer which is not installed NaN. */
function goalsOf(
  calls: number,
  chosen: readonly Relay[],
  middle: (relay: Relay, of: keyof Run) => number,
): Goal[] {
  const goal = (relay: Relay, what: string, beside: Relay, of: 'cpuUs' | 'p99', most: number): Goal[] => {
    if (!chosen.includes(relay)) return []
    const work = `a packet of ${calls} ${what}, ${of === 'p99' ? 'delay at p99' : 'CPU'}`
    const unit = `× ${beside.startsWith('rtpengine') ? 'rtpengine' : 'our plain'}`
    return [{ work, figure: middle(relay, of) / middle(beside, of), unit, bound: ['at most', most] }]
  }
  return [
    ...goal('ffi', 'plain calls', 'rtpengine', 'cpuUs', 0.65),
    ...goal('ffi', 'plain calls', 'rtpengine', 'p99', 1),
    ...goal('ffi srtp', 'calls with SRTP at one side', 'ffi', 'cpuUs', 1.3),
    ...goal('ffi browser', 'calls of browsers', 'rtpengine browser', 'cpuUs', 1),
  ]
}

function mannerOf(relay: Relay): Manner | undefined {
  return manners.find((manner) => relay.endsWith(` ${manner}`))
}

/** The same without encryption and recording. */
function plainOf(relay: Relay): Engine {
  return relay.split(' ')[0] as Engine
}

/** A run in which other processes took the relay's core says little: it is repeated a few times. */
export async function calmest<R extends Pick<Run, 'kept'>>(
  tries: number,
  runOnce: () => Promise<R | undefined>,
): Promise<R | undefined> {
  let best: R | undefined
  for (let tried = 0; tried < tries && (best === undefined || best.kept > CALM); tried++) {
    const run = await runOnce()
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
    const said = started.said ?? (mannerOf(relay) === 'srtp' ? [load.packets] : [])
    return summary(await drive(started, load, said))
  } finally {
    await end(started.child)
  }
}

export interface Started {
  readonly child: ChildProcess
  /** One call a line: the port the caller sends to, the port the callee sends to. */
  readonly ports: string
  /** How the generator is told what browsers say; undefined: no caller is one. */
  readonly said?: readonly string[]
}

async function startOurs(relay: Relay, load: Load): Promise<Started> {
  const { calls, folder } = load
  const manner = mannerOf(relay)
  const browsers = manner === 'browser' ? await openBrowsers(load) : undefined
  const given = browsers?.fingerprint ?? mkdtempSync(join(folder, 'recordings-'))
  const { certificate, ...started } = await startRelay(
    plainOf(relay),
    calls,
    manner === undefined ? [] : [manner, given],
  )
  if (browsers === undefined) return started
  const { host, first } = place
  const places = Array.from({ length: calls }, (_, i) => ourPlace(host, first + 4 * i, certificate))
  return { ...started, said: await agree(browsers, places, load) }
}

/** Our media thread, with so many calls; `manner`: the last words of `rtp-relay.ts`. */
export async function startRelay(
  engine: Engine,
  calls: number,
  manner: readonly string[],
): Promise<Started & { readonly certificate: string }> {
  const script = join(import.meta.dirname, 'rtp-relay.ts')
  const { host, first, caller, callee, peers } = place
  const words = [...[engine, host, first, calls, caller, callee, peers].map(String), ...manner]
  const child = pinned(RELAY_CORE, process.execPath, ['--no-warnings', script, ...words])
  let [ports, certificate] = ['', '']
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'ready') break
    if (line.startsWith('certificate ')) certificate = line.slice('certificate '.length)
    else ports += `${line}\n`
  }
  await rest(500)
  return { child, ports, certificate }
}

function openBrowsers({ suite, calls }: Load): Promise<Browsers> {
  return Browsers.open(suite, calls, place.caller, place.peers)
}

async function agree(browsers: Browsers, places: readonly DtlsPlace[], load: Load): Promise<string[]> {
  const path = join(load.folder, 'browsers')
  const { tag, check } = await browsers.agree(places, path, load.seconds + load.warmup + 1)
  return [path, String(tag), String(check)]
}

async function startRtpengine(load: Load, manner: Manner | undefined): Promise<Started | undefined> {
  const { calls, folder } = load
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
  if (manner === 'browser') return { child, ...(await browsersAt(wanted, load)) }
  const ports = await offerCalls(wanted)
  if (manner === 'recorded') await orderEach(wanted, { command: 'start recording' })
  return { child, ports }
}

/** Browsers agree with rtpengine on keys. */
async function browsersAt(wanted: Calls, load: Load): Promise<Omit<Started, 'child'>> {
  const browsers = await openBrowsers(load)
  const offered = await offerBrowsers(wanted, browsers.offers)
  const places = offered.map(({ answer }) => placeIn(answer))
  const ports = offered.map(({ callee }, i) => `${places[i]?.port} ${callee}\n`).join('')
  return { ports, said: await agree(browsers, places, load) }
}

/** Runs the generator; the relay's CPU is read when the counted part begins and when it ends. */
export async function drive(
  { child, ports }: Started,
  { generator, calls, seconds, warmup }: Pick<Load, 'generator' | 'calls' | 'seconds' | 'warmup'>,
  said: readonly string[],
): Promise<Driven> {
  const words = [calls, seconds, warmup, place.caller, place.callee, place.peers, place.host].map(String)
  words.push(...said)
  const load = pinned(LOAD_CORE, generator, words)
  load.stdin.end(ports)
  let before = scheduled(child)
  let after = before
  for await (const line of createInterface({ input: load.stdout })) {
    if (line === 'measuring') before = scheduled(child)
    else if (line === 'done') after = scheduled(child)
    else
      return {
        ranMs: after.ranMs - before.ranMs,
        kept: (after.waitedMs - before.waitedMs) / (seconds * 1000),
        seen: JSON.parse(line),
      }
  }
  throw new Error('the packet generator ended without a word')
}

/** What the relay spent on it, which share of the time it waited for its core, and what the generator saw. */
interface Driven {
  readonly ranMs: number
  readonly kept: number
  readonly seen: Seen & { readonly late_ms: number; readonly others: Seen }
}

/** What became of packets, and how long they were under way, in microseconds. */
export interface Seen {
  readonly sent: number
  readonly heard: number
  readonly p50: number
  readonly p99: number
}

function summary({ ranMs, kept, seen }: Driven): Run {
  const { sent, heard, p50, p99, late_ms } = seen
  return { cpuUs: (ranMs * 1000) / heard, loss: 1 - heard / sent, p50, p99, late: late_ms, kept }
}
