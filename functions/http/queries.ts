import { and, desc, eq, isNull, type SQL, sql } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { Database } from '#db'
import type { Page } from './page.ts'

/** A table of things customers configure. */
export type Owned = PgTable & Record<'id' | 'customerId' | 'createdAt' | 'deletedAt', PgColumn>
type Row<Table extends Owned> = Table['$inferSelect']

/** One customer's live rows, newest first, and one more than the page holds if there is one. */
export async function pageOf<Table extends Owned>(
  db: Database,
  table: Table,
  customerId: string,
  page: Page,
) {
  const rows: unknown = await db
    .select()
    .from(table as PgTable)
    .where(onPage(table, customerId, page))
    .orderBy(desc(table.createdAt), desc(table.id))
    .limit(page.size + 1)
  return rows as Row<Table>[]
}

/** The condition that a row is this customer's, not deleted, and comes after the page's cursor. */
export function onPage(table: Owned, customerId: string, { after }: Page): SQL | undefined {
  return and(
    eq(table.customerId, customerId),
    isNull(table.deletedAt),
    after && before(table.createdAt, table.id, after),
  )
}

/** Rows that come after a cursor when the newest are first. */
export function before(at: PgColumn, id: PgColumn, after: { at: string; id: string }): SQL {
  return sql`(${at}, ${id}) < (${after.at}::timestamptz, ${after.id}::uuid)`
}

/** One row of a customer; a deleted one still answers, since records name it. */
export async function rowOf<Table extends Owned>(db: Database, table: Table, customerId: string, id: string) {
  const rows: unknown = await db
    .select()
    .from(table as PgTable)
    .where(and(eq(table.customerId, customerId), eq(table.id, id)))
  return (rows as Row<Table>[])[0]
}

/** One row of a customer that is not deleted. */
export async function liveRowOf<Table extends Owned>(
  db: Database,
  table: Table,
  customerId: string,
  id: string,
) {
  const row = await rowOf(db, table, customerId, id)
  return row?.deletedAt === null ? row : undefined
}

/** The condition that a row is this customer's, this one, and not deleted. */
export function live(table: Owned, customerId: string, id: string): SQL | undefined {
  return and(eq(table.customerId, customerId), eq(table.id, id), isNull(table.deletedAt))
}

export const now = sql`now()`

/** `tm_create`, `tm_update`, `tm_delete`, as every resource ends. */
export function times(row: { createdAt: string; updatedAt: string | null; deletedAt: string | null }) {
  return { tm_create: row.createdAt, tm_update: row.updatedAt, tm_delete: row.deletedAt }
}
