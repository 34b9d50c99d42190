import { type SQL, sql } from 'drizzle-orm'
import type { EventType } from '#contract'

/*
 * The one place which writes events, in the statement or the transaction of the change they tell of. Their numbers, and the
 * deliveries to webhooks, they are given by the database as that commits (db/README.md).
 */

/** An event, as expressions over the row it is made of. */
interface EventRow {
  readonly type: EventType | SQL
  /** Whose it is; the row's `customer_id` where it is left out. */
  readonly customerId?: SQL
  /** What it is about. */
  readonly subjectId: SQL
  /** The relay which told it; absent: none did. */
  readonly relayId?: SQL | string
  /** When it happened; now where it is left out. */
  readonly at?: SQL
  /** What makes it the same event, when it is written twice; one of its own where it is left out. */
  readonly id?: SQL
  readonly data: SQL
}

/**
 * The statement which writes an event for each of some rows, `rows` being what comes after its select list: those of one
 * subject in the order of the rows. What was written before is not written again.
 */
export function writeEvents(event: EventRow, rows: SQL): SQL {
  const { type, customerId = sql`customer_id`, subjectId, relayId, data } = event
  const { at = sql`now()`, id = sql`gen_random_uuid()` } = event
  const once = event.id ? sql`on conflict (id) do nothing` : sql``
  return sql`
    insert into events (id, customer_id, type, at, relay_id, subject_id, data)
    select ${id}, ${customerId}, ${type}, ${at}, ${relayId ?? null}::text, ${subjectId}, ${data} ${rows} ${once}`
}

/**
 * The same of rows which a query selects by the names of the columns, `id` among them, since each is the same event however
 * often it is written.
 */
export function writeSelected(query: SQL, order = sql``): SQL {
  return writeEvents(selected, sql`from (${query}) as event ${order}`)
}

/**
 * The same of what many rows tell: in the order of the query they are written as the transaction commits, with their numbers, and
 * once (`write_event_batch` in db/migrations). What is written before it is written anew to be numbered.
 */
export function writeAtCommit(query: SQL, order: SQL): SQL {
  return sql`
    insert into event_batches (events)
    select array_agg((id, customer_id, type, at, relay_id, subject_id, data)::written_event ${order}) from (${query}) as event
    having count(*) > 0`
}

const selected = {
  id: sql`id`,
  type: sql`type`,
  at: sql`at`,
  relayId: sql`relay_id`,
  subjectId: sql`subject_id`,
  data: sql`data`,
}
