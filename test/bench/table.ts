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

/** Pure functions first: what a process has done before changes how they are compiled. */
const parts: Record<string, (args: string[]) => Promise<readonly Goal[]>> = {
  route: routeBench,
  memory: memoryBench,
  register: registerBench,
  calls: callsBench,
  records: recordsBench,
  edge: edgeBench,
  sound: soundBench,
  soak: soakBench,
}

/**
 * Every work of which something is to be reached, one bench after the other, and last a line for each: what was reached beside what is
 * to be. Some forty minutes; `--quick` takes some five, a round or two of each, which is a glance. `--only route,memory`: these alone.
 * What a bench prints stands above. One which fails is said and leaves its lines out. Nothing is asserted.
 */
export async function tableBench(args: string[]): Promise<void> {
  const at = args.indexOf('--only')
  const only = at < 0 ? Object.keys(parts) : (args[at + 1] ?? '').split(',')
  const unknown = only.filter((name) => !(name in parts))
  if (unknown.length > 0)
    throw new Error(`--only takes names of ${Object.keys(parts).join(', ')}; not ${unknown.join(', ')}`)
  const quick = args.includes('--quick') ? ['--quick'] : []
  const goals: Goal[] = []
  for (const name of only) {
    say(`── ${name}\n`)
    try {
      goals.push(...((await parts[name]?.(quick)) ?? []))
    } catch (error) {
      say(`${name} failed: ${error instanceof Error ? error.stack : String(error)}`)
    }
  }
  say(`\n── ${machine()}\n\n${goalTable(goals)}`)
}
