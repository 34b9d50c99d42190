import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { OpusMaker } from '../../relay/media/opus.ts'
import { printTable } from './cost.ts'
import { opusPackets } from './opus-packets.ts'
import { compile, end, say } from './pinned.ts'
import { calmest, drive, type Seen, startRelay } from './rtp.ts'
import { middle } from './turns.ts'

const WARMUP_S = 2

interface Plan {
  readonly generator: string
  readonly packets: string
  readonly plain: number
  readonly turned: number
  readonly seconds: number
}

/** What a run showed of either kind of call, and which share of the time others had the relay's core. */
interface Beside {
  readonly plain: Seen
  readonly others: Seen
  readonly kept: number
}

/**
 * How long plain calls' packets are kept beside calls whose callers speak Opus, which is passed on in one row and becomes
 * G.711 in the other, in turns.
 */
export async function turnedBench(args: string[], make: OpusMaker): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      plain: { type: 'string', default: '20' },
      turned: { type: 'string', default: '100' },
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '3' },
      tries: { type: 'string', default: '4' },
    },
  })
  const [plain, turned, seconds] = [values.plain, values.turned, values.seconds].map(Number) as [
    number,
    number,
    number,
  ]
  const folder = mkdtempSync(join(tmpdir(), 'rtpload-'))
  try {
    const generator = compile('rtpload', folder)
    if (generator === undefined) return say('No C compiler (cc) is here to build the packet generator with.')
    const packets = join(folder, 'packets')
    writeFileSync(packets, opusPackets(make, (seconds + WARMUP_S + 1) * 50))
    const plan = { generator, packets, plain, turned, seconds }
    const runs: Record<Manner, Beside[]> = { passed: [], turned: [] }
    for (let round = 0; round < Number(values.rounds); round++)
      for (const manner of manners) {
        const run = await calmest(Number(values.tries), () => runOnce(manner, plan))
        if (run !== undefined) runs[manner].push(run)
      }
    const head = [
      `beside ${turned} calls whose Opus is`,
      `${plain} plain: p50 / p99 µs`,
      'lost',
      'those themselves',
      'lost',
      'its core others took',
    ]
    say(
      printTable(
        head,
        manners.map((manner) => row(manner, runs[manner])),
      ),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const manners = ['passed', 'turned'] as const
type Manner = (typeof manners)[number]

async function runOnce(manner: Manner, plan: Plan): Promise<Beside> {
  const { generator, packets, plain, turned, seconds } = plan
  const calls = plain + turned
  const words = manner === 'turned' ? ['turned', String(turned)] : []
  const started = await startRelay('ffi', calls, words)
  try {
    const load = { generator, calls, seconds, warmup: WARMUP_S }
    const { kept, seen } = await drive(started, load, [packets, String(turned)])
    return { plain: seen, others: seen.others, kept }
  } finally {
    await end(started.child)
  }
}

function row(manner: Manner, runs: readonly Beside[]): string[] {
  const of = (kind: 'plain' | 'others') => [
    `${median(runs, kind, 'p50')} / ${median(runs, kind, 'p99')}`,
    `${(100 * middle(runs.map(({ [kind]: { sent, heard } }) => 1 - heard / sent))).toFixed(3)} %`,
  ]
  const kept = `${(100 * middle(runs.map((run) => run.kept))).toFixed(0)} %`
  return [manner === 'passed' ? 'passed on' : 'turned', ...of('plain'), ...of('others'), kept]
}

function median(runs: readonly Beside[], kind: 'plain' | 'others', of: 'p50' | 'p99'): string {
  return middle(runs.map((run) => run[kind][of])).toFixed(0)
}
