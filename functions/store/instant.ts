import { type SQL, sql } from 'drizzle-orm'

/** A point in time as the contract writes it, to the millisecond. */
export function instant(of: SQL): SQL {
  return sql`to_char(${of} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
}
