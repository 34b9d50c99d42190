import pg from 'pg'
import { OwnPostgres } from '../support/postgres.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { sippWaits } from '../support/sipp.ts'
import { pause } from '../support/wait.ts'
import { cpuOf, machine, printTable } from './cost.ts'
import type { Goal } from './goals.ts'
import { say } from './pinned.ts'
import { callAt, complaintsOf, openStand, type Stand } from './stand.ts'
import { middle } from './turns.ts'

/** What the relay still has to tell when the last call is over is told within so long. */
const toldWithinMs = 2_000
/** PostgreSQL’s backends say within so long what they have written. */
const countedWithinMs = 11_000
/** CPU seconds which 1000 calls may take. */
const most = 0.5

/** A stack on a PostgreSQL of its own, and a carrier which answers. */
interface Side {
  name: string
  stand: Stand
  postgres: OwnPostgres
  database: pg.Client
  stop(): Promise<void>
}

const parts = ['edge', 'PostgreSQL', 'way'] as const
/** CPU seconds so far. */
type Used = Record<(typeof parts)[number], number>
const written = ['writes of a call', 'rows', 'in place', 'WAL kB', 'commits'] as const
type Written = Record<(typeof written)[number], number>

/**
 * What the record of a call costs the edge and a PostgreSQL, of calls which SIPp plays through a relay: CPU seconds of
 * workerd, of PostgreSQL and of the way between the two (a Node process, which Neon has instead) per 1000 calls; and of one
 * call how often it is written, rows in all tables, those which stayed in place (HOT), WAL, and transactions.
 *
 * `--rate 100` calls a second; `--rounds N`; `--against FOLDER` measures another checkout in turns with this one;
 * `--statements` prints which of them the time went to; `--quick` asks less. Nothing is asserted.
 */
export async function recordsBench(args: string[]): Promise<readonly Goal[]> {
  const quick = args.includes('--quick')
  const said = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
  const rate = Number(said('--rate') ?? 100)
  const rounds = Number(said('--rounds') ?? (quick ? 1 : 5))
  const sides: Side[] = []
  try {
    sides.push(await open('here'))
    const against = said('--against')
    if (against !== undefined) sides.push(await open('against', against))
    for (const { stand } of sides) await callAt(stand, stand.stack.relay, rate, 10 * rate)
    await pause(countedWithinMs)
    for (const { database } of sides) await database.query('select pg_stat_statements_reset()')
    const before = await Promise.all(sides.map(writtenBy))
    const used = sides.map(() => [] as Used[])
    const count = (quick ? 3 : 10) * rate
    for (let round = 0; round < rounds; round++)
      for (const at of round % 2 === 0 ? sides.keys() : [...sides.keys()].toReversed())
        used[at]?.push(await measured(sides[at] as Side, rate, count))
    await pause(countedWithinMs)
    const rows = []
    for (const [at, side] of sides.entries()) {
      const after = await writtenBy(side)
      const each = written.map((name) => (after[name] - (before[at]?.[name] ?? 0)) / (rounds * count))
      rows.push([side.name, ...cpuOfAll(used[at] ?? []), ...each.map((value) => value.toFixed(2))])
    }
    say(
      `${machine()}\n\n${rounds} rounds of ${count} calls, ${rate} a second; CPU seconds per 1000 calls (medians), and of one call`,
    )
    say(`${printTable(['', 'edge + PostgreSQL', ...parts, ...written], rows)}\n`)
    if (args.includes('--statements')) for (const side of sides) say(await statements(side))
    for (const { stand } of sides) for (const line of complaintsOf(stand).slice(0, 3)) say(line.slice(0, 300))
    const work = `the record of a call at ${rate}/s, CPU of edge and PostgreSQL`
    const figure = middle((used[0] ?? []).map(({ edge, PostgreSQL }) => edge + PostgreSQL))
    return [{ work, figure, unit: 's per 1000', bound: ['at most', most] }]
  } finally {
    for (const side of sides) await side.stop()
  }
}

async function open(name: string, checkout?: string): Promise<Side> {
  const postgres = await OwnPostgres.open([
    'shared_preload_libraries=pg_stat_statements',
    'pg_stat_statements.track=all',
  ])
  if (!postgres) throw new Error('No PostgreSQL is installed (Debian: postgresql)')
  const stand = await openStand(['127.0.7.71'], checkout, { DATABASE_URL: postgres.url })
  const carrier = await sippWaits({
    scenario: 'answers',
    at: stand.carriers[0] as HostAndPort,
    timeoutS: 900,
    more: ['-m', '1000000', '-l', '20000'],
  })
  const database = new pg.Client(postgres.url)
  await database.connect()
  await database.query('create extension pg_stat_statements')
  const stop = async () => {
    await carrier.stop()
    await database.end()
    await stand.stop()
    await postgres.close()
  }
  return { name, stand, postgres, database, stop }
}

async function measured(side: Side, rate: number, count: number): Promise<Used> {
  const { stand } = side
  const before = usedBy(side)
  const { failed } = await callAt(stand, stand.stack.relay, rate, count)
  await pause(toldWithinMs)
  const after = usedBy(side)
  if (failed > 0) say(`${side.name}: ${failed} of ${count} calls failed`)
  return Object.fromEntries(
    parts.map((part) => [part, ((after[part] - before[part]) / count) * 1000]),
  ) as Used
}

function usedBy({ stand, postgres }: Side): Used {
  const { edge, database: way } = stand.stack.pids()
  const { server, others = [] } = postgres.pids ?? {}
  const PostgreSQL = others.reduce((sum, pid) => sum + cpuOf(pid), cpuOf(server, 'with ended'))
  return { edge: cpuOf(edge), PostgreSQL, way: cpuOf(way) }
}

async function writtenBy({ database }: Side): Promise<Written> {
  const { rows } = await database.query(`
    select pg_stat_clear_snapshot(),
      (select sum(n_tup_ins + n_tup_upd) from pg_stat_user_tables where relname = 'calls') as calls,
      (select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables) as rows,
      (select sum(n_tup_hot_upd) from pg_stat_user_tables) as hot,
      pg_current_wal_lsn() - '0/0' as wal,
      (select xact_commit from pg_stat_database where datname = current_database()) as commits`)
  const { calls, rows: all, hot, wal, commits } = rows[0]
  return {
    'writes of a call': Number(calls),
    rows: Number(all),
    'in place': Number(hot),
    'WAL kB': Number(wal) / 1024,
    commits: Number(commits),
  }
}

/** The sum, and each part; medians. */
function cpuOfAll(used: readonly Used[]): string[] {
  const sum = middle(used.map(({ edge, PostgreSQL }) => edge + PostgreSQL))
  return [sum, ...parts.map((part) => middle(used.map((one) => one[part])))].map((value) => value.toFixed(2))
}

/** The dearest statements since the database began, with their share of the time and milliseconds for each time. */
async function statements({ name, database }: Side): Promise<string> {
  const { rows } = await database.query(`
    select (100 * (total_exec_time + total_plan_time) / sum(total_exec_time + total_plan_time) over ())::numeric(5, 1) as share, calls,
      (total_exec_time / calls)::numeric(9, 3) as ms, (wal_bytes / calls)::integer as wal, regexp_replace(left(query, 110), '\\s+', ' ', 'g') as text
    from pg_stat_statements order by total_exec_time desc limit 24`)
  const lines = rows.map(({ share, calls, ms, wal, text }) => [text, share, calls, ms, wal].map(String))
  return `${name}\n${printTable(['statement', '% of time', 'times', 'ms', 'WAL'], lines)}\n`
}
