import { type SQL, sql } from 'drizzle-orm'
import { type Database, numbers } from '#db'
import { lockConfig } from '../http/config-lock.ts'
import { writeEvents } from './event-log.ts'
import { taken } from './number-overlap.ts'

/*
 * A call for a number which comes in over a provider of the customer's own proves that the number leads to that
 * customer. It proves this one number: a range is assigned, since one call says nothing of its neighbours.
 */

/** The claimed numbers, as a JSON array or null, for which some calls came in over a provider of their customer. */
export function proved(calls: SQL): SQL {
  return sql`
    select jsonb_agg(distinct n.id) from ${calls} h
    join ${numbers} n on n.id = h.number_id and n.customer_id = h.customer_id and ${provable}
    join providers p on p.id = h.provider_id and p.customer_id = h.customer_id
    where h.direction = 'incoming'`
}

/** Lets those numbers be their customers', each unless it is another's already; an event says so. */
export async function verify(db: Database, ids: string[]): Promise<void> {
  await db.batch([
    lockConfig(db),
    db.execute(sql`
      with first as (
        select distinct on (n.number) n.id from ${numbers} n
        where n.id = any(${sql.param(ids)}::uuid[]) and ${provable}
          and not exists ${taken(sql`n.number`, sql`n.number`, sql`other.id <> n.id and other.ownership <> 'claimed'`)}
        order by n.number, n.created_at, n.id
      ),
      verified as (
        update ${numbers} n set ownership = 'verified', verified_at = now(), updated_at = now()
        from first where n.id = first.id
        returning n.id, n.customer_id, n.number
      )
      ${writeEvents(
        { type: 'number.verified', subjectId: sql`id`, data: sql`jsonb_build_object('number', number)` },
        sql`from verified`,
      )}`),
  ])
}

const provable = sql`n.ownership = 'claimed' and n.number <> 'any' and n.number_to is null and n.deleted_at is null`
