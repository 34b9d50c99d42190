import { machine } from './cost.ts'
import { measureDecisions } from './decisions.ts'

/** What it costs to decide where a call goes. Nothing is asserted; goals stand beside the figures. */
export async function routeBench(args: string[]): Promise<void> {
  const quick = args.includes('--quick')
  say(`${machine()}\n`)
  say(measureDecisions(quick ? 50_000 : 300_000))
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
