import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { Database } from '#db'
import type { Leaner } from './noun.ts'

/** A table of things customers configure. */
type Owned = PgTable & Record<'id' | 'customerId' | 'createdAt' | 'deletedAt', PgColumn>

/** Rows that come after a cursor when the newest are first. */
export function before(at: PgColumn, id: PgColumn, after: { at: string | SQL; id: string | SQL }): SQL {
  return sql`(${at}, ${id}) < (${after.at}::timestamptz, ${after.id}::uuid)`
}

/** One row of a customer that is not deleted. undefined where there is none. */
export async function liveRowOf<Table extends Owned>(
  db: Database,
  table: Table,
  customerId: string,
  id: string,
): Promise<Table['$inferSelect'] | undefined> {
  const [row] = await db
    .select()
    .from(table as PgTable)
    .where(live(table, customerId, id))
  return row
}

/** The condition that a row is this customer's, this one, and not deleted. */
export function live(table: Owned, customerId: string, id: string): SQL | undefined {
  return and(eq(table.customerId, customerId), eq(table.id, id), isNull(table.deletedAt))
}

/** A customer's rows which lead by a column to a thing that is deleted: then they lead nowhere. */
export function leaning<T extends Owned>(
  table: T,
  column: keyof T['$inferInsert'] & string,
  { id, customerId }: { readonly id: string; readonly customerId: string },
): Leaner {
  const leads = eq(Reflect.get(table, column), id)
  const where = and(eq(table.customerId, customerId), leads, isNull(table.deletedAt))
  return { table, where, becomes: { [column]: null, updatedAt: now } }
}

/** The database's clock, at the start of the transaction. */
export const now = sql`now()`
