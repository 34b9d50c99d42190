import { type SQL, sql } from 'drizzle-orm'

/** Who has read calls or events counts as watching for so long: longer than a stream of events lasts. */
const WATCHES_S = 360

/** A query for those customers of some calls whose calls are not watched: by no webhook, no stream, and no program which lists them. */
export function unheard(calls: SQL): SQL {
  return sql`select jsonb_agg(distinct h.customer_id) from ${calls} h
    where not exists (select from webhooks w where w.customer_id = h.customer_id and w.enabled and w.deleted_at is null)
      and not exists (select from listeners l where l.customer_id = h.customer_id
        and l.listened_at > now() - ${WATCHES_S} * interval '1 second')`
}
