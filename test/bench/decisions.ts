import { PLATFORM, type RouteQuestion } from '#contract'
import { ConfigIndex, callingCodes, decide, type Runtime } from '#routing'
import {
  BASE,
  extension,
  idOf,
  liveWith,
  number,
  portionOf,
  route,
  type Scene,
} from '../functions/routing/fixtures.ts'
import { printTable } from './cost.ts'
import { type Findings, type Goal, verdict } from './goals.ts'
import { seededRandom } from './random.ts'

const CUSTOMER = '33333333-3333-4333-8333-333333333333'
const ALICE = idOf('alice')
const least = 200_000
const carriers = 20
/** Questions read at a time, so few that none outlives what a collector takes for young. */
const batch = 200
/** Rounds of which the median is told: a neighbour on the machine disturbs one, not three. */
const rounds = 5
const sizes = [10, 1_000, 100_000]

/** One number of routes: CPU of a decision on it. */
interface Step {
  routes: number
  /** Ms to lay the snapshot down. */
  put: number
  micros: number
  candidates: number
}

/**
 * The pure function as a relay calls it on its snapshots, on one core, with numbers nobody dialled before.
 *
 * However many routes there are, three match each number, so that what is compared is the routes.
 */
export function measureDecisions(count: number): Findings {
  const steps = sizes.map((routes) => measured(routes, count))
  const rows = steps.map(({ routes, put, micros, candidates }) =>
    [routes, put.toFixed(0), Math.round(1e6 / micros), micros.toFixed(2), candidates.toFixed(1)].map(String),
  )
  const table = printTable(['routes', 'put ms', 'decisions/s', 'CPU us each', 'candidates'], rows)
  const [goal, said] = compared(steps)
  return { text: `decide() on a shelf: one core, always new numbers\n${table}\n${said}\n`, goals: [goal] }
}

function compared(steps: readonly Step[]): [Goal, string] {
  const [few, many] = [steps[0]?.micros ?? 0, steps.at(-1)?.micros ?? 0]
  const perSecond = Math.round(1e6 / many)
  const goal: Goal = {
    work: 'a decision on 100 000 routes',
    figure: perSecond,
    unit: 'a second',
    bound: ['at least', least],
  }
  const ratio = (many / few).toFixed(2)
  return [
    goal,
    `With 100 000 routes ${perSecond} decisions/s; goal ${least} ${verdict(goal)}. CPU of 100 000 routes : 10 routes = ${ratio}.`,
  ]
}

function measured(routes: number, count: number): Step {
  const index = new ConfigIndex()
  const scene = office(routes)
  const portion = portionOf(CUSTOMER, scene)
  const began = performance.now()
  index.put(portion)
  const put = performance.now() - began
  index.put(portionOf(PLATFORM, {}))
  const [live, random] = [liveWith(), seededRandom(2)]
  const targets = portion.routes.slice(2).map(({ target }) => target)
  const ask = () => Array.from({ length: batch }, () => question(targets, random))
  // What a compiler spends on a process that has just begun is no cost of a call.
  for (let done = 0; done < 50_000; done += batch) decideAll(ask(), index, live)
  const runs = Array.from({ length: rounds }, () => round(count / rounds, ask, index, live))
  const median = runs.sort((a, b) => a.micros - b.micros)[rounds >> 1]
  return { routes, put, micros: median?.micros ?? 0, candidates: median?.candidates ?? 0 }
}

/** CPU of a decision in us, and its candidates. */
function round(count: number, ask: () => RouteQuestion[], index: ConfigIndex, live: Runtime) {
  let [cpu, candidates, done] = [0, 0, 0]
  for (; done < count; done += batch) {
    const questions = ask()
    const before = process.cpuUsage()
    candidates += decideAll(questions, index, live)
    const { user, system } = process.cpuUsage(before)
    cpu += user + system
  }
  return { micros: cpu / done, candidates: candidates / done }
}

function decideAll(
  questions: readonly RouteQuestion[],
  { configuration: book }: ConfigIndex,
  live: Runtime,
): number {
  let candidates = 0
  for (const question of questions)
    candidates += decide(question, book, live).explanation?.candidates.length ?? 0
  return candidates
}

/** A call to a number under one of the targets, as it comes off a wire. */
function question(targets: readonly string[], random: () => number): RouteQuestion {
  const target = targets[Math.floor(random() * targets.length)] ?? ''
  const tail = String(Math.floor(random() * 1e12)).padStart(12, '0')
  return JSON.parse(
    JSON.stringify({
      call_id: `99999999-9999-4999-8999-${tail}`,
      caller: { kind: 'extension', customer_id: CUSTOMER, extension_id: ALICE },
      from: { user: 'alice', display: '', asserted: null },
      to: { user: target + tail.slice(-4), host: `${CUSTOMER}.registrar.${BASE}` },
      codecs: [],
    }),
  )
}

/** Countries of +1. */
const nearby = Object.entries(callingCodes()).flatMap(([country, code]) => (code === '1' ? country : []))

/** An office with so many routes: one for all, one for +1, each other for its own six digits after that. */
function office(count: number): Scene {
  const random = seededRandom(count)
  const targets = new Set(['all', '+1'])
  while (targets.size < count) targets.add(`+1${200_000 + Math.floor(random() * 800_000)}`)
  return {
    customer: { allowed: nearby, only_number: '+12125550000' },
    extensions: [extension('alice')],
    numbers: [number('+12125550000')],
    routes: Array.from(targets, (target, at) =>
      route(`carrier ${at < 2 ? at : 2 + (at % (carriers - 2))}`, { id: uuid(at), target }),
    ),
  }
}

function uuid(at: number): string {
  return `88888888-8888-4888-8888-${String(at).padStart(12, '0')}`
}
