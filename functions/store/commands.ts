import { type SQL, sql } from 'drizzle-orm'
import { type Beat, type CallCommand, type HubNews, type OrderResult, orderResult } from '#contract'
import type { Database } from '#db'
import { utcNow } from '../clock.ts'
import type { Hub } from '../hub/client.ts'
import { endedByEdge } from './call-events.ts'
import { runEvents } from './drills.ts'
import { writeSelected } from './event-log.ts'
import { heard } from './hearing.ts'

/** What a command which ends a registration is called in its body. */
export const END_REGISTRATION = 'end_registration'

/** What is known of a command: its result, once it has one; taken: a relay has it, so that it may have been carried out. */
export interface CommandState {
  readonly taken: boolean
  readonly result: OrderResult | undefined
}

/** Milliseconds between two looks for a result, at first and at most. */
const [LOOK_MS, LOOK_AT_MOST_MS] = [60, 400]

/**
 * Orders something of a relay: pushed at once where the hub has it on the line, else with its next beat; a relay which hears both
 * carries it out once. Waits so many ms for what becomes of it. What was not taken by then is taken back.
 */
export async function order(
  { db, hub }: { readonly db: Database; readonly hub: Pick<Hub, 'push' | 'result'> },
  { relayId, ...command }: Omit<CallCommand, 'command_id'> & { readonly relayId: string },
  withinMs: number,
): Promise<CommandState> {
  const [id, begunAt] = [crypto.randomUUID(), utcNow()]
  const { customer_id, ...body } = command
  await db.execute(sql`
    insert into commands (id, customer_id, relay_id, body)
    values (${id}::uuid, ${customer_id}::uuid, ${relayId}, ${JSON.stringify(body)}::jsonb)`)
  const pushed = await hub.push(relayId, { commands: [{ ...command, command_id: id }] } as HubNews)
  if (!pushed) return awaited(db, id, withinMs - (utcNow() - begunAt))
  const [heard] = await Promise.all([hub.result(relayId, id, withinMs), taken(db, id)])
  return heard ? { taken: true, result: orderResult.parse(heard) } : look(db, id)
}

/** The hub gave it to its relay: no beat brings it once more, and it is not to be taken back. */
async function taken(db: Database, id: string): Promise<void> {
  await db.execute(sql`update commands set taken_at = now() where id = ${id}::uuid and taken_at is null`)
}

/** A relay was not sent what its beat had marked as taken: its next one brings it. What it has begun or done stays so. */
export function untaken(relayId: string, ids: readonly string[]): SQL {
  return sql`
    update commands set taken_at = null
    where id = any(${sql.param([...ids])}::uuid[]) and relay_id = ${relayId} and done_at is null and begun_at is null`
}

/** Looks for its result, ever less often. */
async function awaited(db: Database, id: string, withinMs: number): Promise<CommandState> {
  let pause = LOOK_MS
  for (let left = withinMs; left > 0; left -= pause) {
    await new Promise((resume) => setTimeout(resume, pause))
    const { result } = await look(db, id)
    if (result) return { taken: true, result }
    pause = Math.min(LOOK_AT_MOST_MS, pause * 1.5)
  }
  return takenBack(db, id)
}

interface CommandRow extends Record<string, unknown> {
  taken: boolean
  result: Record<string, unknown> | null
}

async function look(db: Database, id: string): Promise<CommandState> {
  return stateIn(
    await db.execute<CommandRow>(
      sql`select taken_at is not null as taken, result from commands where id = ${id}::uuid`,
    ),
  )
}

/** What no relay has taken none will take any more; one which took it while this was asked has it. */
async function takenBack(db: Database, id: string): Promise<CommandState> {
  return stateIn(
    await db.execute<CommandRow>(sql`
      with back as (
        update commands set taken_at = now(), done_at = now(), result = '{"ok": false, "reason": "TAKEN_BACK"}'
        where id = ${id}::uuid and taken_at is null returning id
      )
      select not exists (select from back) as taken, m.result from commands m where m.id = ${id}::uuid`),
  )
}

function stateIn({ rows: [row] }: { readonly rows: readonly CommandRow[] }): CommandState {
  const result = row?.result ? orderResult.parse(row.result) : undefined
  return { taken: row?.taken === true, result }
}

/** A relay waits a second and a half for an answer: what is more waits for the next, and keeps no other word from it. */
const COMMANDS_OCTETS = 1_048_576

/** Marks what waits for a relay as taken, the oldest first, and gives it. */
export function takenBy(relayId: string, where: SQL): SQL {
  return sql`
    update commands set taken_at = now()
    where taken_at is null and ${where} and id in (
      select id from (
        select id, row_number() over waiting as place, sum(octet_length(body::text)) over waiting as octets from commands
        where relay_id = ${relayId} and taken_at is null and created_at > now() - interval '1 minute'
          and body ->> 'kind' <> ${END_REGISTRATION}
        window waiting as (order by created_at, id)) as w
      where place = 1 or octets <= ${COMMANDS_OCTETS})
    returning id, customer_id, body, created_at`
}

/** Commands of a table of rows, as JSON. */
export function commandsIn(rows: SQL): SQL {
  return sql`(select coalesce(jsonb_agg(body || jsonb_build_object('command_id', id, 'customer_id', customer_id) order by created_at, id), '[]')
    from ${rows})`
}

/** The registrations which a relay is to end, as JSON. */
export function endsOf(relayId: string): SQL {
  return sql`(select coalesce(jsonb_agg(body || jsonb_build_object('command_id', id)), '[]') from commands
    where relay_id = ${relayId} and taken_at is null and body ->> 'kind' = ${END_REGISTRATION}
      and created_at > now() - interval '1 day')`
}

/** What a relay is ordered, and nothing else, in one statement which waits for no other relay; no row: another process is that relay. */
export function ordersFor(process: RelayProcess): SQL {
  const its = isProcess(process)
  return sql`
    with taken as (${takenBy(process.relay_id, its)})
    select jsonb_build_object('commands', ${commandsIn(sql`taken`)}, 'ends', ${endsOf(process.relay_id)}) as orders where ${its}`
}

/** One process of a relay. */
type RelayProcess = Pick<Beat, 'relay_id' | 'boot_id'>

/** The condition that it is the relay. */
export function isProcess({ relay_id, boot_id }: RelayProcess): SQL {
  return sql`exists (select from relays where id = ${relay_id} and boot_id = ${boot_id}::uuid)`
}

/** Writes down which registrations a relay ended: it is told so no more. `where`: its word counts. */
export function concluded(told: Beat, where: SQL = heard(told)): SQL {
  return sql`
    update commands set taken_at = now(), done_at = now()
    where id in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(told.ended)}::jsonb))
      and relay_id = ${told.relay_id} and done_at is null and ${where}`
}

/**
 * Writes down what became of what a relay was told to do. The first result stands. A call which it was to make, and does not as it
 * takes no new ones, is given to another relay; of one which was refused before it had begun the relay tells no record: that ends here.
 * `where`: its word counts.
 */
export function carryOut(told: Beat, where: SQL = heard(told)): SQL {
  return sql`
    with said as materialized (
      select m.id, m.customer_id, m.begun_at, (m.body ->> 'call_id')::uuid as call_id, t.result,
        m.body ->> 'kind' = 'originate' and t.result ->> 'reason' in (${sql.join(unrecorded, sql`, `)}) as refused
      from jsonb_to_recordset(${JSON.stringify(told.results)}::jsonb) as t (command_id uuid, result jsonb)
        join commands m on m.id = t.command_id
      where m.relay_id = ${told.relay_id} and m.done_at is null and ${where}
    ),
    passed_on as (
      update commands m set taken_at = '-infinity' from said s
      where m.id = s.id and s.refused and s.begun_at is null and s.result ->> 'reason' = ${DRAINING}
      returning m.id
    ),
    done as (
      update commands m set done_at = now(), result = s.result from said s
      where m.id = s.id and not exists (select from passed_on p where p.id = s.id)
      returning m.*
    ),
    drilled as (${runEvents(sql`done`)}),
    awaited as (
      update drills set lost_at = null from done
      where done.body ->> 'kind' = 'drill' and drills.id = (done.body ->> 'drill_id')::uuid
    ),
    ended as (
      update calls c set status = 'hangup', hangup_by = 'system', hangup_reason = 'failed', ended_at = now(),
        reject_reason = s.result ->> 'reason', reject_message = s.result ->> 'message', updated_at = now()
      from said s where c.id = s.call_id and c.customer_id = s.customer_id and s.refused and c.sequence <= 0
        and c.status <> 'hangup' and not exists (select from passed_on p where p.id = s.id)
      returning c.*
    )
    ${writeSelected(endedByEdge(sql`ended`))}`
}

/** Why a relay made no call before there was one of which it could tell; the first: it takes no new calls. */
const DRAINING = 'RELAY_DRAINING'
const unrecorded = [DRAINING, 'TOO_LATE', 'EDGE_AWAY', 'NOT_TO_BE_BEGUN'].map((reason) => sql`${reason}`)
