import { type OwnStack, pidsOf, startStack } from '../support/stack.ts'
import type { Asking } from './asking.ts'
import { bareWorker } from './bare-worker.ts'
import { cpuOf, machine, printTable } from './cost.ts'
import { deliveriesBench } from './deliveries.ts'
import { floorsBench } from './floors.ts'
import type { Findings, Goal } from './goals.ts'
import { say } from './pinned.ts'
import { ask } from './resolving.ts'

const atOnce = 8
/** What a request may cost beside a bare Hono answer. */
const most = 3

/**
 * What requests to the API cost, beside a bare Hono answer in the same kind of workerd, how much of it is the platform's, and telling
 * webhooks of events.
 *
 * `--against FOLDER` measures another checkout (with its node_modules) in turns with this one; `--quick` asks less.
 * Nothing is asserted.
 */
export async function edgeBench(args: string[]): Promise<readonly Goal[]> {
  const quick = args.includes('--quick')
  const against = args[args.indexOf('--against') + 1]
  const [rounds, count] = quick ? [1, 300] : [5, 800]
  const sides = [await bareHono(), await product('here')]
  if (args.includes('--against') && against !== undefined) sides.push(await product('against', against))
  const figures: Figure[] = []
  try {
    for (let round = 0; round < rounds; round++)
      for (const side of round % 2 === 0 ? sides : sides.toReversed())
        for (const question of side.questions) figures.push(await measured(side, question, count))
  } finally {
    for (const side of sides) await side.stop()
  }
  const { text, goals } = report(figures, rounds, count)
  say(`${machine()}\n\n${text}\n`)
  say(`${await floorsBench(quick)}\n`)
  say(await deliveriesBench(quick))
  return goals
}

/** One side of the comparison: what to ask it, and whose CPU seconds are its own. */
interface Side {
  name: string
  questions: Question[]
  workerd: number | undefined
  database: number | undefined
  stop(): Promise<void>
}

interface Question {
  name: string
  asking: Omit<Asking, 'count' | 'atOnce'>
  /** What it goes through, one each time: so many ids. */
  ids?: (count: number) => Promise<string[]>
}
const warmUps = 100

interface Figure {
  side: string
  question: string
  perSecond: number
  failed: number
  /** CPU seconds per 1000. */
  workerd: number
  database: number
}

async function measured(side: Side, { name, asking, ids }: Question, count: number): Promise<Figure> {
  const all = (await ids?.(warmUps + count)) ?? []
  await ask({ ...asking, ids: all.slice(count), count: warmUps, atOnce })
  const [workerd, database] = [cpuOf(side.workerd), cpuOf(side.database)]
  const { seconds, failed } = await ask({ ...asking, ids: all, count, atOnce })
  const each = (used: number) => (used / count) * 1000
  return {
    side: side.name,
    question: name,
    perSecond: count / seconds,
    failed,
    workerd: each(cpuOf(side.workerd) - workerd),
    database: each(cpuOf(side.database) - database),
  }
}

/** The whole product of a checkout, with 50 providers and a route. */
async function product(name: string, checkout?: string): Promise<Side> {
  const stack = await startStack({}, checkout)
  const { edge, database } = stack.pids()
  return { name, questions: await questionsOf(stack), workerd: edge, database, stop: () => stack.stop() }
}

async function questionsOf({ local, api }: OwnStack): Promise<Question[]> {
  const providers = []
  for (let at = 0; at < 50; at++)
    providers.push(
      await api.post('/providers', {
        name: `Carrier ${at}`,
        type: 'sip',
        hostname: `192.0.2.${at + 1}`,
        probe_interval: 0,
      }),
    )
  const provider_id = providers[0]?.id
  await api.put(`/customers/${local.customer_id}`, { name: 'Bench', quotas: { routes: 20_000 } })
  const route = await api.post('/routes', { name: 'All', provider_id, priority: 1 })
  await api.post('/extensions', { name: 'p', username: 'p', password: 'secure-password' })
  const question = (
    method: Asking['method'],
    path: string,
    body: object | null,
    expects: string,
  ): Question => ({
    name: `${method} ${path.replace(route.id, '{id}')}`,
    asking: {
      method,
      url: `${local.api_url}/v1.0${path}`,
      key: local.access_key,
      body: body && JSON.stringify(body),
      expects,
    },
  })
  const renamed = { name: 'R {count}', provider_id, priority: 1 }
  /** Routes which were made meanwhile. */
  const made = async (count: number) =>
    (await api.list('/routes?page_size=100'))
      .map(({ id }) => String(id))
      .filter((id) => id !== route.id)
      .slice(0, count)
  return [
    question('GET', '/providers?page_size=20', null, '"next_page_token"'),
    question('POST', '/routes', { name: 'N {count}', provider_id, priority: 9, target: '{number}' }, '"id"'),
    question('PUT', `/routes/${route.id}`, renamed, '"R '),
    { ...question('PATCH', '/routes/{each}', { name: 'R {count}' }, '"R '), ids: made },
    { ...question('DELETE', '/routes/{each}', null, '"id"'), ids: made },
    question('POST', '/routes/resolve', { from: 'p', to: '{number}' }, '"candidates"'),
  ]
}

/** The least a Hono Worker can do: JSON without a key, a database, or a shape. */
async function bareHono(): Promise<Side> {
  const { url, stop } = await bareWorker()
  return {
    name: 'bare Hono',
    questions: [{ name: 'GET /', asking: { method: 'GET', url, key: '', body: null, expects: 'well' } }],
    workerd: pidsOf(process.pid).edge,
    database: undefined,
    stop,
  }
}

function report(figures: readonly Figure[], rounds: number, count: number): Findings {
  const groups = Map.groupBy(figures, ({ side, question }) => `${question}\u0000${side}`)
  const middle = (those: readonly Figure[], key: 'perSecond' | 'workerd' | 'database') =>
    those.map((one) => one[key]).toSorted((a, b) => a - b)[those.length >> 1] ?? 0
  const span = (those: readonly Figure[], key: 'workerd' | 'database') => {
    const values = those.map((one) => one[key])
    return `${Math.min(...values).toFixed(1)}-${Math.max(...values).toFixed(1)}`
  }
  const bare = middle(groups.get('GET /\u0000bare Hono') ?? [], 'workerd')
  const rows = [...groups].map(([name, those]) => [
    ...name.split('\u0000'),
    middle(those, 'perSecond').toFixed(0),
    String(those.reduce((sum, { failed }) => sum + failed, 0)),
    middle(those, 'workerd').toFixed(2),
    span(those, 'workerd'),
    (middle(those, 'workerd') / bare).toFixed(1),
    middle(those, 'database').toFixed(2),
    span(those, 'database'),
  ])
  const head = [
    '',
    'side',
    'requests/s',
    'failed',
    'workerd s/1000',
    'least-most',
    '× bare Hono',
    'database s/1000',
    'least-most',
  ]
  const sorted = rows.toSorted((a, b) => String(a[0]).localeCompare(String(b[0])))
  const goals = [...groups].flatMap(([name, those]): Goal[] => {
    const [question, side] = name.split('\u0000')
    if (side !== 'here') return []
    const figure = middle(those, 'workerd') / bare
    return [{ work: `${question}, CPU of workerd`, figure, unit: '× bare Hono', bound: ['at most', most] }]
  })
  const text = `${rounds} rounds of ${count} requests, ${atOnce} at once; medians\n${printTable(head, sorted)}`
  return { text, goals }
}
