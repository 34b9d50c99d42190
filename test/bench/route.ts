import { machine } from './cost.ts'
import { measureDecisions } from './decisions.ts'
import { measureParsing } from './parsing.ts'
import { measureResolving } from './resolving.ts'
import { measureRinging } from './ringing.ts'

/** What it costs to read an INVITE and to decide where a call goes; `--quick`: the pure functions alone. Nothing is asserted. */
export async function routeBench(args: string[]): Promise<void> {
  const quick = args.includes('--quick')
  say(`${machine()}\n`)
  say(measureDecisions(quick ? 50_000 : 300_000))
  say(measureParsing(quick ? 50_000 : 200_000))
  if (quick) return
  say(await measureResolving(2_000))
  say(await measureRinging(300))
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
