import { and, inArray, type SQL, sql } from 'drizzle-orm'
import { bindings } from '#db'

/** The condition that a binding has neither ended nor run out. */
export function reachable(): SQL | undefined {
  return and(inArray(bindings.event, ['registered', 'refreshed']), sql`${bindings.expiresAt} > now()`)
}
