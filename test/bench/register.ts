import { machine, printTable } from './cost.ts'
import type { Goal } from './goals.ts'
import type { Counts } from './load.ts'
import { kamailio, kamailioWithPostgres, type Peer } from './peer.ts'
import { say } from './pinned.ts'
import { costed, openStand, partsOf, phoneNames, phones, registerAt, type Stand, type Step } from './stand.ts'
import { inTurn, middle } from './turns.ts'

/** One system which registers phones. */
interface Side {
  name: string
  running: Record<string, () => number>
  register(rate: number, count?: number): Promise<Counts>
  stop(): Promise<void>
}

/**
 * What a registration by digest costs, beside Kamailio with passwords and bindings in memory, and with its passwords in a
 * PostgreSQL: five rounds in turns, and the median of their ratios. Then how many a second each holds.
 *
 * `--rate N` registrations a second, 1000 unless said; `--against FOLDER` measures another checkout in turns with this one;
 * `--quick` asks less. Nothing is asserted.
 */
export async function registerBench(args: string[]): Promise<readonly Goal[]> {
  const quick = args.includes('--quick')
  const said = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
  const [rounds, rate] = [quick ? 1 : 5, Number(said('--rate') ?? 1000)]
  if (!(rate > 0)) throw new Error('--rate takes how many registrations a second')
  const against = said('--against')
  const here = await product('here')
  const sides: Side[] = [here]
  try {
    if (against !== undefined) sides.push(await product('against', against))
    sides.push(...(await peers(here.stand)))
    const steps: Step[][] = sides.map(() => [])
    for (let round = 0; round < rounds; round++)
      for (const at of inTurn(sides.length, round)) {
        const { running, register } = sides[at] as Side
        steps[at]?.push(await costed(rate, running, () => register(rate, quick ? rate * 2 : undefined)))
      }
    const names = sides.map(({ name }) => name)
    say(`${machine()}\n\n${report(names, steps, { rounds, rate })}`)
    const goals = most.map(([peer, bound]): Goal => {
      const work = `a registration by digest at ${rate}/s, CPU`
      return { work, figure: ratio(steps, names.indexOf(peer)), unit: `× ${peer}`, bound: ['at most', bound] }
    })
    if (quick) return goals
    for (const [at, side] of sides.entries()) {
      const held = await highest(side)
      say(`${side.name}: ${held}/s held without failure or repeat`)
      if (at > 0) continue
      const work = 'registrations held without failure or repeat'
      goals.push({ work, figure: held, unit: 'a second', bound: ['at least', least] })
    }
    return goals
  } finally {
    for (const side of sides) await side.stop()
  }
}

/** What ours may cost beside each peer, and how many a second are to be held. */
const most = [
  ['kamailio', 2],
  ['kamailio, postgres', 1],
] as const
const least = 6_000

/** How much ours, the first side, costs of what another does, by the median of rounds; NaN where that is not there. */
export function ratio(steps: readonly Step[][], at: number): number {
  const cost = (of: number) => (steps[of] ?? []).map(({ cpu }) => cpu.relay ?? 0)
  const ratios = cost(at).map((theirs, round) => (cost(0)[round] ?? 0) / theirs)
  return ratios.length === 0 ? Number.NaN : middle(ratios)
}

/** Those which are installed here. */
async function peers(stand: Stand): Promise<Side[]> {
  const { realm } = stand.office
  const side = (name: string, peer: Peer, database?: () => number): Side => ({
    name,
    running: { relay: peer.cpu, ...(database && { database }) },
    register: (at, count) => registerAt(stand, peer.place, at, count),
    stop: () => peer.stop(),
  })
  const plain = await kamailio(realm)
  const stored = await kamailioWithPostgres(realm, phoneNames)
  return [
    ...(plain ? [side('kamailio', plain)] : []),
    ...(stored ? [side('kamailio, postgres', stored, stored.databaseCpu)] : []),
  ]
}

/** Registrations a second, up to the first rate at which one fails or is repeated twice in turn; 0: none held. */
async function highest({ register }: Side): Promise<number> {
  let held = 0
  for (const rate of [1_000, 2_000, 4_000, 6_000, 8_000, 10_000]) {
    const clean = async () => {
      const { failed, retransmissions } = await register(rate, rate * 3)
      return failed === 0 && retransmissions === 0
    }
    if (!(await clean()) && !(await clean())) break
    held = rate
  }
  return held
}

interface Product extends Side {
  stand: Stand
}

/** A whole product, warm: what a compiler spends on a process which has just begun is no registration's. */
async function product(name: string, checkout?: string): Promise<Product> {
  const stand = await openStand([], checkout)
  const register = (rate: number, count?: number) => registerAt(stand, stand.stack.relay, rate, count)
  await register(30, phones)
  for (let i = 0; i < 4; i++) await register(1_500, 6_000)
  return { name, stand, running: partsOf(stand), register, stop: () => stand.stop() }
}

function report(
  names: string[],
  steps: Step[][],
  { rounds, rate }: { rounds: number; rate: number },
): string {
  const cost = (at: number) => (steps[at] ?? []).map(({ cpu }) => cpu.relay ?? 0)
  const rows = names.map((name, at) => [
    name,
    ...(['successful', 'failed', 'retransmissions'] as const).map((key) =>
      String((steps[at] ?? []).reduce((sum, step) => sum + step[key], 0)),
    ),
    middle(cost(at)).toFixed(3),
    `${Math.min(...cost(at)).toFixed(3)}-${Math.max(...cost(at)).toFixed(3)}`,
    at === 0 ? '' : ratio(steps, at).toFixed(2),
    middle((steps[at] ?? []).map(({ cpu }) => (cpu.edge ?? 0) + (cpu.database ?? 0))).toFixed(3),
  ])
  const head = [
    '',
    'done',
    'failed',
    'repeated',
    'CPU s/1000',
    'least-most',
    'ours is ×',
    'edge and database',
  ]
  return `REGISTER, 401, REGISTER, 200 by digest at ${rate}/s; ${rounds} rounds in turns, medians\n${printTable(head, rows)}`
}
