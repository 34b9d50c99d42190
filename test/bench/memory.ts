import { printTable } from './cost.ts'
import { measureFoundPhones } from './found-phones.ts'
import { type Goal, verdict } from './goals.ts'
import { HeldEngine } from './held.ts'
import { say } from './pinned.ts'

/** Octets a registered phone and an idle call may take of the core's heap. */
const most = { phone: 1_500, call: 8_000 }
/** What the first ones cost is compiled code, and tables which grow by doubling. */
const unmeasured = 1_000
/** By then no transaction of what was said lingers (64·T1, RFC 3261 §17). */
const quietMs = 40_000

/**
 * What a relay holds of a phone and of a call, by the heap of its core, in which nothing but that happens: just then, and
 * when nothing lingers of what was said; and a whole relay with phones on its disk. `--quick` asks less. Nothing is asserted.
 */
export async function memoryBench(args: string[]): Promise<readonly Goal[]> {
  const quick = args.includes('--quick')
  const all = [
    ...(quick ? [5_000] : [20_000, 100_000]).map((count) => held('registered phones', count, most.phone)),
    ...(quick ? [500] : [1_000, 5_000]).map((count) => held('calls', count, most.call)),
  ]
  const head = ['octets of heap each', 'how many', 'at once', 'after 40 s', 'goal']
  say(
    `${printTable(
      head,
      all.map(({ row }) => row),
    )}\n`,
  )
  const found = await measureFoundPhones(quick ? [0, 10_000] : [0, 100_000])
  say(found.text)
  return [...all.map(({ goal }) => goal), ...found.goals]
}

function held(
  what: 'registered phones' | 'calls',
  count: number,
  bound: number,
): { row: string[]; goal: Goal } {
  const engine = new HeldEngine(count + unmeasured)
  const act = what === 'calls' ? (at: number) => engine.call(at) : (at: number) => engine.register(at)
  for (let at = 0; at < unmeasured; at++) act(at)
  engine.pass(quietMs)
  const before = engine.octets
  for (let at = unmeasured; at < unmeasured + count; at++) act(at)
  const full = engine.octets
  engine.pass(quietMs)
  const { calls, bindings, transactions } = engine.load
  if (Math.max(calls, bindings) !== unmeasured + count || transactions > 0)
    throw new Error(`${calls} calls, ${bindings} phones and ${transactions} transactions are there`)
  const each = (octets: number) => Math.round((octets - before) / count)
  const [atOnce, rest] = [each(full), each(engine.octets)]
  const goal: Goal = {
    work: `one of ${count} ${what}, at rest`,
    figure: rest,
    unit: 'octets of heap',
    bound: ['at most', bound],
  }
  return { row: [what, String(count), String(atOnce), String(rest), `${bound} ${verdict(goal)}`], goal }
}
