import { machine } from './cost.ts'
import { measureDecisions } from './decisions.ts'
import type { Goal } from './goals.ts'
import { measureParsing } from './parsing.ts'
import { say } from './pinned.ts'
import { measureResolving } from './resolving.ts'

/** What it costs to read an INVITE and to decide where a call goes; `--quick`: the pure functions alone. Nothing is asserted. */
export async function routeBench(args: string[]): Promise<readonly Goal[]> {
  const quick = args.includes('--quick')
  say(`${machine()}\n`)
  const found = [measureDecisions(quick ? 50_000 : 300_000), measureParsing(quick ? 50_000 : 200_000)]
  for (const { text } of found) say(text)
  const goals = found.flatMap((one) => one.goals)
  if (quick) return goals
  say(await measureResolving(2_000))
  return goals
}
