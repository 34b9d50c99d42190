import { type SQL, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import * as z from 'zod'
import { type CustomerFacts, deadAfterMs, type TestCommand } from '#contract'
import type { Database } from '#db'
import { forbiddenTo, readNumber } from '#routing'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { type Hub, heardOf, hubOf } from '../hub/client.ts'
import { isAlive } from '../store/alive.ts'
import { customerJson } from '../store/facts-json.ts'
import { instant } from '../store/instant.ts'
import { numberField } from './number-field.ts'
import { holds } from './own-numbers.ts'

/** What to try: is it there, or does it put a call through; from which relay. */
export const testInput = z.strictObject({
  type: z.enum(['options', 'call']).default('options'),
  relay_id: z.string().max(40).nullable().default(null).describe('null: the one with the fewest calls.'),
  to: z.string().max(64).nullable().default(null).describe('The number to call.'),
  from: z.string().max(64).nullable().default(null).describe('A number of one’s own to show.'),
})
type TestInput = z.output<typeof testInput>

/** Seconds to wait for the outcome: 25 unless `?wait=` says fewer. */
export const waiting = z.object({
  wait: z
    .string()
    .regex(/^(1?\d|2[0-5])$/, 'is seconds from 0 to 25')
    .default('25')
    .transform(Number)
    .describe('Seconds to wait for the outcome, 0 to 25.'),
})

/** Tests of one provider which may go on at once. */
const MOST = 3
/** Test calls of one customer, to all its providers together, within an hour: each calls the phone network. */
export const TEST_CALLS_HOURLY = 30

/**
 * Gives a living relay the test to carry out, and gives its id. The one with the fewest calls, unless one is named.
 * Throws where none lives, enough are under way, or enough calls were made within an hour.
 */
export async function begin(c: Context<Edge>, providerId: string, input: TestInput): Promise<string> {
  const [db, { customerId }] = [c.get('db'), c.get('principal')]
  const body: Omit<TestCommand, 'command_id' | 'customer_id'> = {
    kind: 'test_provider',
    provider_id: providerId,
    type: input.type,
    ...(await numbersOf(db, input, await callerOf(db, customerId, providerId))),
  }
  const worn = input.type === 'call' ? wornOut(customerId) : sql`(select now() as created_at where false)`
  // Another test of the same customer's waits, so that two do not both see room for one more.
  const [, { rows: others }, { rows }] = await db.batch([
    db.execute(
      sql`select pg_advisory_xact_lock(hashtextextended(${`provider tests of ${customerId}`}::text, 0))`,
    ),
    db.execute<{ under_way: string; wait_s: number | null }>(
      sql`select count(*) as under_way, (select ceil(extract(epoch from created_at + ${HOUR} - now()))::float8 from ${worn} as worn) as wait_s
        from commands where ${underWay(providerId)}`,
    ),
    db.execute<{ id: string; relay_id: string }>(sql`
      insert into commands (id, customer_id, relay_id, body)
      select gen_random_uuid(), ${customerId}::uuid, r.id, ${JSON.stringify(body)}::jsonb from relays r
      where ${isAlive('r')}
        and (r.id = ${input.relay_id}::text or ${input.relay_id}::text is null and not r.draining)
        and (select count(*) from commands where ${underWay(providerId)}) < ${MOST} and not exists ${worn}
      order by (select count(distinct call_id) from leases where relay_id = r.id), r.id limit 1
      returning id, relay_id`),
  ])
  const [command] = rows
  if (command) {
    void hubOf(c).ordered([command.relay_id])
    return command.id
  }
  if (Number(others[0]?.under_way) >= MOST)
    throw new ApiError(
      'TOO_MANY_TESTS',
      `${MOST} tests of this provider go on already. Wait for one of them.`,
    )
  const waitS = others[0]?.wait_s ?? null
  if (waitS !== null) {
    c.header('Retry-After', String(waitS))
    throw new ApiError(
      'TOO_MANY_TESTS',
      `Your providers were tried by ${TEST_CALLS_HOURLY} calls within an hour. Wait ${waitS} s, or try by OPTIONS.`,
    )
  }
  const who = input.relay_id === null ? 'No relay is' : `Relay ${input.relay_id} is not`
  throw new ApiError(
    'NO_RELAY',
    `${who} alive to test from: none was heard within ${deadAfterMs / 1000} seconds.`,
  )
}

const HOUR = sql`interval '1 hour'`

/** The test call of a customer's which has to be an hour old before there is another; no row: one may be made. */
function wornOut(customerId: string): SQL {
  return sql`(select created_at from commands
    where body ->> 'kind' = 'test_provider' and body ->> 'type' = 'call' and customer_id = ${customerId}::uuid and created_at > now() - ${HOUR}
    order by created_at desc offset ${TEST_CALLS_HOURLY - 1} limit 1)`
}

/** The condition that a command is a test of this provider of which something may still come. */
function underWay(providerId: string): SQL {
  return sql`body ->> 'provider_id' = ${providerId} and done_at is null
    and created_at > now() - case when taken_at is null then interval '1 minute' else interval '90 seconds' end`
}

/** Whose provider it is, and where that customer may call. */
async function callerOf(db: Database, customerId: string, providerId: string): Promise<CustomerFacts> {
  const { rows } = await db.execute<{ caller: CustomerFacts }>(sql`
    select ${customerJson} as caller from providers p join customers c on c.id = p.customer_id
    where p.customer_id = ${customerId}::uuid and p.id = ${providerId}::uuid and p.deleted_at is null`)
  const [row] = rows
  if (!row) throw new ApiError('PROVIDER_NOT_FOUND', 'There is no such provider of yours.')
  return row.caller
}

/** The numbers of a test call, which goes nowhere a phone of the customer's may not call. */
async function numbersOf(
  db: Database,
  { type, to, from }: TestInput,
  caller: CustomerFacts,
): Promise<{ to: string | null; from: string | null }> {
  if (type === 'options') {
    if (to !== null || from !== null)
      throw ApiError.field(to === null ? 'from' : 'to', 'is for type call only')
    return { to: null, from: null }
  }
  if (to === null) throw ApiError.field('to', 'is needed: the number to call')
  const called = calledNumber('to', to, caller)
  return { to: called.e164, from: from === null ? null : await own(db, from, caller) }
}

/** A number which a customer may call by a test, and what is known of the customer. Throws, naming the field, where it may not. */
export async function calledBy(db: Database, customerId: string, field: string, to: string) {
  const { rows } = await db.execute<{ caller: CustomerFacts }>(sql`
    select ${customerJson} as caller from customers c where c.id = ${customerId}::uuid and c.deleted_at is null`)
  const [row] = rows
  if (!row) throw new ApiError('CUSTOMER_NOT_FOUND', 'There is no such customer.')
  return { ...calledNumber(field, to, row.caller), caller: row.caller }
}

function calledNumber(field: string, to: string, caller: CustomerFacts) {
  const called = numberField(field, to, caller.country)
  const forbidden = forbiddenTo({ kind: 'number', ...called }, caller)
  if (forbidden) throw ApiError.field(field, forbidden.message)
  return called
}

async function own(db: Database, from: string, caller: CustomerFacts): Promise<string> {
  const shown = await ownShown(db, from, caller)
  if (shown === undefined) throw ApiError.field('from', 'is not a number of yours', 'REFERENCE_NOT_FOUND')
  return shown
}

/** A number of the customer's own which it may show, E.164; undefined: it is none. */
export async function ownShown(
  db: Database,
  from: string,
  caller: CustomerFacts,
): Promise<string | undefined> {
  const shown = readNumber(from, caller.country)
  if (shown.kind === 'number') {
    const { rows } = await db.execute(sql`select from numbers n
      where n.customer_id = ${caller.id}::uuid and n.enabled and n.ownership <> 'claimed' and ${holds('n', sql`${shown.e164}::text`)}`)
    if (rows.length > 0) return shown.e164
  }
  return undefined
}

/** One test: what became of it, in the relay's words. */
interface Outcome extends Record<string, unknown> {
  state: 'waiting' | 'running' | 'done' | 'lost'
  verdict: string
  relay_id: string
}

/**
 * What became of a test; waits for it up to so many seconds: until the hub hears of it, and looking ever less often. undefined where it has come to
 * nothing by then.
 */
export async function outcome(
  { db, hub }: { readonly db: Database; readonly hub: Pick<Hub, 'result'> },
  customerId: string,
  providerId: string,
  testId: string,
  wait: number,
): Promise<Outcome | undefined> {
  let [told, pause, heard] = [await look(db, customerId, providerId, testId), 250, false]
  for (let left = wait * 1000; left > 0 && told && told.state !== 'done'; left -= pause) {
    // What the hub has heard is written down in a moment.
    pause = heard ? 40 : Math.min(left, 1000, pause * 1.5)
    if (heard) await new Promise((resolve) => setTimeout(resolve, pause))
    else heard = await heardOf(hub, told.relay_id, testId, pause)
    told = await look(db, customerId, providerId, testId)
  }
  return told
}

async function look(db: Database, customerId: string, providerId: string, testId: string) {
  const { rows } = await db.execute<{ outcome: Outcome }>(sql`
    with test as (
      select *, case when done_at is not null then 'done' when created_at < now() - interval '90 seconds' then 'lost'
        when taken_at is not null then 'running' else 'waiting' end as state
      from commands
      where id = ${testId}::uuid and customer_id = ${customerId}::uuid and body ->> 'provider_id' = ${providerId}
    )
    select jsonb_build_object('ok', null, 'steps', '[]'::jsonb, 'verdict', case state
          when 'lost' then relay_id || ' never said what came of it'
          when 'running' then relay_id || ' is at it' else 'waiting for ' || relay_id end)
      || coalesce(result, '{}') || jsonb_build_object('id', id, 'provider_id', ${providerId}::text, 'relay_id', relay_id,
        'type', body ->> 'type', 'to', body -> 'to', 'from', body -> 'from', 'state', state,
        'tm_create', ${instant(sql`created_at`)}, 'tm_done', ${instant(sql`done_at`)}) as outcome
    from test`)
  return rows[0]?.outcome
}
