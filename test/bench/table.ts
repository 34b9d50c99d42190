import { callsBench } from './calls.ts'
import { machine } from './cost.ts'
import { edgeBench } from './edge.ts'
import { type Goal, goalTable } from './goals.ts'
import { memoryBench } from './memory.ts'
import { say } from './pinned.ts'
import { recordsBench } from './records.ts'
import { registerBench } from './register.ts'
import { routeBench } from './route.ts'
import { soakBench } from './soak.ts'
import { soundBench } from './sound.ts'

interface Part {
  readonly bench: (args: string[]) => Promise<readonly Goal[]>
  readonly words: readonly string[]
  /** undefined: a glance at it would show nothing. */
  readonly briefly?: readonly string[]
}

const briefly = ['--quick']
/** In the order they are run: pure functions first, since what a process has done before changes how they are compiled. */
const parts: Record<string, Part> = {
  route: { bench: routeBench, words: [], briefly },
  memory: { bench: memoryBench, words: [], briefly },
  register: { bench: registerBench, words: [], briefly },
  calls: { bench: callsBench, words: [], briefly },
  records: { bench: recordsBench, words: [], briefly },
  edge: { bench: edgeBench, words: [], briefly },
  sound: { bench: soundBench, words: [], briefly },
  soak: {
    bench: soakBench,
    words: '--calls 20000 --registrations 200000 --rate 80 --registers 800 --rest 40'.split(' '),
  },
}

/**
 * Every work of which something is to be reached, one bench after the other, and last a line for each: what was reached beside what is
 * to be. Some fifty minutes; `--quick` takes some five, a round of each, which is a glance. `--only route,memory`: these alone.
 * What a bench prints stands above. One which breaks is said, and makes the exit code 1; no figure does.
 */
export async function tableBench(args: string[]): Promise<void> {
  const at = args.indexOf('--only')
  const only = at < 0 ? Object.keys(parts) : (args[at + 1] ?? '').split(',')
  const unknown = only.filter((name) => !(name in parts))
  if (unknown.length > 0)
    throw new Error(`--only takes names of ${Object.keys(parts).join(', ')}; not ${unknown.join(', ')}`)
  const goals: Goal[] = []
  for (const name of only) {
    const part = parts[name]
    const said = args.includes('--quick') ? part?.briefly : part?.words
    if (said === undefined) continue
    say(`── ${name}\n`)
    try {
      goals.push(...((await part?.bench([...said])) ?? []))
    } catch (error) {
      process.exitCode = 1
      say(`${name} broke: ${error instanceof Error ? error.stack : String(error)}\n`)
    }
  }
  say(`\n── ${machine()}\n\n${goalTable(goals)}`)
}
