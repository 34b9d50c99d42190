import { type SQL, sql } from 'drizzle-orm'
import { watched } from '../noted-uses.ts'

/** A query for those customers of some calls whose calls are not watched: by no webhook, no stream, and no program which lists them. */
export function unheard(calls: SQL): SQL {
  return sql`select jsonb_agg(distinct h.customer_id) from ${calls} h where not ${watched(sql`h.customer_id`)}`
}
