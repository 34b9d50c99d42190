import { PLATFORM, type RouteQuestion } from '#contract'
import { callingCodes, decide, type Live, Shelf } from '#routing'
import {
  BASE,
  extension,
  idOf,
  liveWith,
  number,
  portionOf,
  route,
  type Scene,
} from '../functions/routing/ladder.ts'
import { machine, printTable } from './cost.ts'

/*
 * What a decision costs, with few routes and with many. Nothing is asserted; goals stand beside the figures.
 */

const CUSTOMER = '33333333-3333-4333-8333-333333333333'
const ALICE = idOf('alice')
const goal = 200_000
const carriers = 20

/** Decisions of the pure function, as a relay makes them on its snapshots. */
export async function routeBench(args: string[]): Promise<void> {
  say(`${machine()}\n`)
  decisions(args.includes('--quick') ? 100_000 : 1_000_000)
}

/** One core, a number nobody dialled before in every question. */
function decisions(count: number): void {
  const sizes = [10, 1_000, 100_000]
  const steps = sizes.map((routes) => measured(routes, count))
  const rows = steps.map(({ routes, put, perSecond, micros, candidates }) => [
    String(routes),
    put.toFixed(0),
    String(Math.round(perSecond)),
    micros.toFixed(2),
    candidates.toFixed(1),
  ])
  say('decide() on a shelf: one core, always new numbers')
  say(printTable(['routes', 'put ms', 'decisions/s', 'CPU us each', 'candidates'], rows))
  const [few, , many] = steps
  if (few && many) {
    const ratio = (many.micros / few.micros).toFixed(2)
    say(`CPU of 100 000 routes : 10 routes = ${ratio}; goal: at least ${goal} decisions/s with 100 000`)
  }
}

function measured(routes: number, count: number) {
  const shelf = new Shelf()
  const portion = portionOf(CUSTOMER, office(routes))
  const began = performance.now()
  shelf.put(portion)
  const put = performance.now() - began
  shelf.put(portionOf(PLATFORM, {}))
  const live = liveWith()
  // What a compiler spends on a process that has just begun is no cost of a call.
  run(shelf, live, Math.min(count, 50_000), 1)
  const cpu = process.cpuUsage()
  const candidates = run(shelf, live, count, 2)
  const { user, system } = process.cpuUsage(cpu)
  const micros = (user + system) / count
  return { routes, put, micros, perSecond: 1e6 / micros, candidates: candidates / count }
}

function run({ book }: Shelf, live: Live, count: number, seed: number): number {
  const random = dice(seed)
  let candidates = 0
  for (let at = 0; at < count; at += 1)
    candidates += decide(question(random), book, live).explanation?.candidates.length ?? 0
  return candidates
}

function question(random: () => number): RouteQuestion {
  return {
    call_id: `99999999-9999-4999-8999-${Math.floor(random() * 1e12)
      .toString()
      .padStart(12, '0')}`,
    caller: { kind: 'extension', customer_id: CUSTOMER, extension_id: ALICE },
    from: { user: 'alice', display: '', asserted: null },
    to: { user: `+1${2_000_000_000 + Math.floor(random() * 8e9)}`, host: `${CUSTOMER}.registrar.${BASE}` },
    codecs: [],
  }
}

/** An office with so many routes: one for all, the others each for its own beginning of three to seven digits. */
function office(count: number): Scene {
  const random = dice(count)
  const targets = new Set(['all'])
  while (targets.size < count) {
    const digits = 2 + Math.floor(random() * 5)
    targets.add(`+1${String(Math.floor(random() * 10 ** digits)).padStart(digits, '0')}`)
  }
  return {
    customer: { allowed: Object.keys(callingCodes()), only_number: '+12125550000' },
    extensions: [extension('alice')],
    numbers: [number('+12125550000')],
    routes: Array.from(targets, (target, at) =>
      route(`carrier ${at % carriers}`, { id: uuid(at), target, priority: 1 + (at % 3) }),
    ),
  }
}

function uuid(at: number): string {
  return `88888888-8888-4888-8888-${String(at).padStart(12, '0')}`
}

/** The same numbers in every run. */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
