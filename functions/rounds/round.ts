import { sql } from 'drizzle-orm'
import type { Database } from '#db'
import { judgeAlerts } from '../alerts/evaluator.ts'
import { prepare } from '../env.ts'
import { dispatcherOf } from '../events/dispatcher.ts'
import { hubOf } from '../hub/client.ts'
import { sweepPrompts } from '../media/prompt-sounds.ts'
import { sweepRecordings } from '../media/recording-sweep.ts'
import { drillsDueIn, sweepDrills } from '../store/drills.ts'
import { erase } from '../store/erasing.ts'
import { keepHouse, keepHouseInTurn } from '../store/keeping.ts'
import { endSilent } from '../store/lost-calls.ts'
import { followCalls, isToMake } from '../store/making-calls.ts'
import { missedAfterMs, missedInMs, missRelays } from '../store/relay-presence.ts'

/** In how many ms each is due; null: nothing of it is. */
interface DueIn extends Record<string, number | null> {
  readonly alerts: number | null
  readonly deliveries: number | null
  readonly erasures: number | null
  readonly makings: number | null
  readonly drills: number | null
  readonly relays: number | null
}
const kinds = ['alerts', 'deliveries', 'erasures', 'makings', 'drills', 'relays'] as const
/** A call which the API has ordered, and which has not begun, is looked after so often. */
const followEveryMs = 2_000

/** All that time alone makes due, at once: what an edge does every minute which cannot know when that is. */
export async function wholeRound(env: object): Promise<void> {
  await missRelaysAndCalls(prepare(env).db)
  await judgeAlerts(prepare(env).db)
  await Promise.all([
    dispatcherOf(env).sweep(),
    keepHouseInTurn(env),
    erase(prepare(env).db),
    orderCallsAndDrills(env),
    sweepPrompts(env),
    sweepRecordings(env),
  ])
}

/**
 * Does what is due, `house`: what is old among it, and gives in how many ms the next will be; undefined: nothing is known of. Where
 * nothing is due it costs one statement. Throws where the database does not say.
 */
export async function round(env: object, house: boolean): Promise<number | undefined> {
  const { db } = prepare(env)
  if (house) await Promise.all([keepHouse(env), sweepPrompts(env), sweepRecordings(env)])
  const due = await dueIn(db)
  const isDue = (what: keyof DueIn) => due[what] !== null && (due[what] as number) <= 0
  if (isDue('relays')) await missRelaysAndCalls(db)
  if (isDue('alerts') || isDue('relays')) await judgeAlerts(db)
  await Promise.all([
    ...(isDue('alerts') || isDue('deliveries') || isDue('relays') || house
      ? [dispatcherOf(env).sweep()]
      : []),
    ...(isDue('erasures') ? [erase(db)] : []),
    ...(isDue('makings') || isDue('drills') ? [orderCallsAndDrills(env)] : []),
  ])
  const { makings, relays, ...next } = house || kinds.some(isDue) ? await dueIn(db) : due
  const times = [
    ...Object.values(next),
    makings === null ? null : followEveryMs,
    relays === null ? null : Math.max(relays, missedAfterMs),
  ].filter((ms) => ms !== null)
  return times.length > 0 ? Math.min(...times) : undefined
}

/** Sees to it that what was ordered of relays and is late is done, and what is ordered by the time: they hear it at once. */
async function orderCallsAndDrills(env: object): Promise<void> {
  const { db } = prepare(env)
  const [{ relays }, runners] = await Promise.all([followCalls(db), sweepDrills(db)])
  await hubOf({ env }).ordered([...new Set([...relays, ...runners])])
}

/** Tells of relays which are not heard of any more, and ends the calls of those which do not come back. */
async function missRelaysAndCalls(db: Database): Promise<void> {
  await db.batch([db.execute(missRelays()), db.execute(endSilent())])
}

/** By indexes alone. What a Worker is at is due when it should have done with it. */
async function dueIn(db: Database): Promise<DueIn> {
  const { rows } = await db.execute<DueIn>(sql`
    select
      case when exists (select from alert_facts) then 0 else (select ${msUntil('min(due_at)')} from alert_states) end as alerts,
      (select ${msUntil('min(greatest(next_try_at, leased_until))')} from (
        select next_try_at, leased_until from deliveries where status = 'waiting' and next_try_at is not null
        order by next_try_at limit 100) as d) as deliveries,
      case when exists (select from erasures where status = 'running') then 0 end as erasures,
      case when exists (select from commands m where ${isToMake}) then 0 end as makings,
      ${drillsDueIn} as drills,
      ${missedInMs} as relays`)
  const [row] = rows
  if (!row) throw new Error('What is due brought no row.')
  return row
}

function msUntil(moment: string) {
  return sql`ceil(extract(epoch from ${sql.raw(moment)} - now()) * 1000)::float8`
}
