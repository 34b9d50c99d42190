import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { configuration, type Database } from '#db'

/**
 * The first statement of a batch whose checks must still hold when it commits.
 *
 * Whoever changes configuration waits here for whoever does, and each later statement sees what the other
 * left: of two wishes that exclude each other, one finds the other.
 */
export function inTurn(db: Database) {
  return db.select({ version: configuration.version }).from(configuration).for('update')
}

/** Inserts a row if `condition` holds when the statement runs; else nothing comes back. */
export function insertWhere<Table extends PgTable>(
  db: Database,
  table: Table,
  row: Table['$inferInsert'],
  condition: SQL,
) {
  const given: Record<string, unknown> = row
  const values = Object.entries(getTableColumns(table)).map(([key, column]) => {
    const value = given[key] === undefined ? (column.default ?? null) : given[key]
    return sql`${value === null ? sql`null` : sql.param(value, column)}::${sql.raw(column.getSQLType())}`
  })
  return db.insert(table).select(sql` select ${sql.join(values, sql`, `)} where ${condition}`)
}
