import type { Row } from '../support/api.ts'
import type { Call } from '../support/call.ts'
import { printLadder } from '../support/ladder-print.ts'
import type { TracedMessage } from '../support/sip-socket.ts'
import { within } from '../support/wait.ts'
import { columns, type Stage } from './stage.ts'

/** One thing the demo shows, and what must be true afterwards. */
export interface Scene {
  title: string
  play(stage: Stage): Promise<Outcome>
}

export interface Outcome {
  /** One sentence for the verdict. */
  what: string
  checks: Record<string, boolean>
  /** API rows worth seeing, each under the request that gave it. */
  rows?: [request: string, row: Row][]
  /** The two parties' own ends of the call, where there was sound. */
  ends?: { caller: Call; callee: Call }
}

export interface Verdict {
  title: string
  what: string
  failed: string[]
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Plays a scene and prints its ladder, its sound and its rows; it fails when it is not over at `endsAt` (monotonic ms). */
export async function showScene(scene: Scene, stage: Stage, endsAt: number): Promise<Verdict> {
  const leftMs = Math.round(endsAt - performance.now())
  if (leftMs <= 0) return { title: scene.title, what: '', failed: ['played: the minute is over'] }
  say(`\n== ${scene.title} ${'='.repeat(Math.max(3, 100 - scene.title.length))}\n`)
  stage.trace.length = 0
  try {
    const outcome = await within(leftMs, 'the end of this scene before the minute is over', scene.play(stage))
    show(outcome, stage)
    const failed = Object.entries(outcome.checks).filter(([, holds]) => !holds)
    return { title: scene.title, what: outcome.what, failed: failed.map(([check]) => check) }
  } catch (error) {
    const sentence = error instanceof Error ? error.message : String(error)
    say(ladder(stage.trace))
    return { title: scene.title, what: '', failed: [sentence] }
  }
}

/** The last words: one line per scene. */
export function showVerdicts(verdicts: Verdict[], tookMs: number): void {
  say('')
  for (const { title, what, failed } of verdicts)
    say(failed.length === 0 ? `  ok    ${title}: ${what}` : `  FAIL  ${title}: not ${failed.join('; not ')}`)
  const bad = verdicts.filter(({ failed }) => failed.length > 0).length
  const seconds = (tookMs / 1000).toFixed(1)
  say(`\n${verdicts.length - bad} of ${verdicts.length} scenes as they should be, in ${seconds} s.`)
}

function show({ rows = [], ends }: Outcome, { trace }: Stage): void {
  if (trace.length > 0) say(ladder(trace))
  if (ends) say(`\n${sounds(ends)}`)
  for (const [request, row] of rows) say(`\n${request}\n${json(row)}`)
}

/** The ladder of those who took part. */
function ladder(trace: TracedMessage[]): string {
  const present = columns.filter((name) => name === 'relay' || trace.some(({ party }) => party === name))
  return printLadder(present, trace)
}

function sounds({ caller, callee }: { caller: Call; callee: Call }): string {
  const line = (from: Call, to: Call) =>
    `  ${from.party.name.padEnd(10)} sent ${count(from.sound?.sent)}, ${to.party.name} heard ${count(heard(to))}`
  return `RTP packets\n${line(caller, callee)}\n${line(callee, caller)}`
}

function heard(call: Call): number {
  return [...(call.sound?.heard.values() ?? [])].reduce((sum, each) => sum + each, 0)
}

function count(packets: number | undefined): string {
  return String(packets ?? 0).padStart(4)
}

/** JSON as wide as a page: fields one after another, lists of objects one member a line. */
function json(row: Row): string {
  const lines = ['{']
  for (const [name, value] of Object.entries(row)) {
    const field = `"${name}": ${member(value)},`
    const last = lines.at(-1) ?? ''
    const flows = !last.includes('\n') && !field.includes('\n') && last.length + field.length < 118
    if (flows && lines.length > 1) lines[lines.length - 1] = `${last} ${field}`
    else lines.push(`  ${field}`)
  }
  return `${lines.join('\n').replace(/,$/, '')}\n}`
}

function member(value: unknown): string {
  if (!Array.isArray(value) || typeof value[0] !== 'object') return JSON.stringify(value)
  return `[\n${value.map((each) => `    ${JSON.stringify(each)}`).join(',\n')}\n  ]`
}
