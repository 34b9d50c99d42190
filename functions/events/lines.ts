import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '#db'
import { ownedBy } from '../store/events.ts'

/*
 * Lines of deliveries: those of one webhook about one subject, of which only the first is due. One transaction may put a
 * delivery in (db/README.md) in the very moment in which another settles the one before it.
 */

/** The statement which waits for transactions that put more into its line; later ones see what was settled. */
export function lineLocked(delivery: string): SQL {
  return sql`select lock_delivery_lines(array[webhook_id], array[line]) from deliveries where id = ${delivery}::uuid`
}

/** The statement by which the first of its line is due. It waits for no row: a transaction which has that one at hand sees to it. */
export function lineMoved(delivery: string): SQL {
  return sql`
    update deliveries set next_try_at = now() where id in (
      select d.id from deliveries d join webhooks w on w.id = d.webhook_id
      where d.next_try_at is null and w.enabled and w.deleted_at is null and d.id = (
        select o.id from deliveries o join deliveries s on s.webhook_id = o.webhook_id and s.line = o.line
        where s.id = ${delivery}::uuid and o.status = 'waiting' order by o.sequence limit 1)
      for update of d skip locked)`
}

/** What a replay comes to. */
export interface Replay {
  readonly queued: number
  /** The last event which was looked at; null: none came after the one which was named. */
  readonly last: string | null
}

/**
 * Puts events after one into the lines of a webhook again, those it asks for, the oldest first: `most` at most are looked
 * at. undefined: the customer has no such event.
 */
export async function replay(
  db: Database,
  webhook: { customerId: string; id: string },
  after: { readonly id: string } | { readonly sequence: number },
  most: number,
): Promise<Replay | undefined> {
  const since =
    'id' in after
      ? sql`select sequence from events e where ${ownedBy(sql`e.customer_id`, webhook.customerId)} and id = ${after.id}::uuid`
      : sql`select ${after.sequence}::bigint as sequence`
  const { rows } = await db.execute<{ queued: string; last: string | null }>(sql`
    with since as (${since}),
    later as (
      select e.id, e.sequence from events e, webhooks w
      where ${ownedBy(sql`e.customer_id`, webhook.customerId)} and e.sequence > (select sequence from since)
        and w.id = ${webhook.id}::uuid and e.subject_id is distinct from w.id and e.type <> 'alert.test' and event_matches(e.type, w.events)
      order by e.sequence limit ${most})
    select coalesce(queue_deliveries(array_agg(${webhook.id}::uuid), array_agg(id)), 0) as queued,
      (array_agg(id order by sequence desc))[1] as last
    from later having exists (select from since)`)
  const [row] = rows
  return row && { queued: Number(row.queued), last: row.last }
}
