import { getTableColumns, is, SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { MiddlewareHandler } from 'hono'
import { configuration, type Database, sqlState } from '#db'
import type { Edge } from '../env.ts'
import { admission } from './authenticate.ts'

/**
 * The first statement of a batch whose checks must still hold when it commits.
 *
 * A change of configuration waits here for the one before it, and each later statement sees what that one
 * left: of two which exclude each other, one finds the other. The batch's changes are signed as `db` is. Where only
 * memory says whose the access key is, the batch fails here if that no longer holds (`isNotAdmitted`).
 */
export function lockConfig(db: Database) {
  const { keyId = '', requestId = '', admission } = authors.get(db) ?? {}
  const holds = admission?.()
  return db
    .select({
      version: configuration.version,
      key: sql`set_config('trunkline.key_id', ${keyId}, true)`,
      request: sql`set_config('trunkline.request_id', ${requestId}, true)`,
      ...(holds && { admitted: sql`admit(${holds})` }),
    })
    .from(configuration)
    .for('update')
}

/** Whether a batch failed since its access key does not open what memory says (`admit` in db/migrations). */
export function isNotAdmitted(error: unknown): boolean {
  return sqlState(error) === 'AK001'
}

/** Whose request a change follows from: its access key, and the request's id. */
interface Author {
  keyId: string
  requestId: string
  /** The condition that the key is whose it was; undefined: that is known. */
  admission: () => SQL | undefined
}
const authors = new WeakMap<Database, Author>()

/** The same database, whose changes are an author's: `lockConfig` tells the transaction, and triggers keep it. */
export function signedBy(db: Database, author: Author): Database {
  const signed: Database = Object.create(db)
  authors.set(signed, author)
  return signed
}

/** Signs what a request changes with its key and its id. */
export const signing: MiddlewareHandler<Edge> = async (c, next) => {
  const author = {
    keyId: c.get('principal').keyId,
    requestId: c.get('requestId'),
    admission: () => admission(c),
  }
  c.set('db', signedBy(c.get('db'), author))
  await next()
}

/** Inserts a row if `condition` holds when the statement runs; else nothing comes back. */
export function insertWhere<Table extends PgTable>(
  db: Database,
  table: Table,
  row: { readonly [Column in keyof Table['$inferInsert']]?: Table['$inferInsert'][Column] | SQL },
  condition: SQL,
) {
  const given: Record<string, unknown> = row
  const values = Object.entries(getTableColumns(table)).map(([key, column]) => {
    const value = given[key] === undefined ? (column.default ?? null) : given[key]
    return sql`${value === null ? sql`null` : is(value, SQL) ? value : sql.param(value, column)}::${sql.raw(column.getSQLType())}`
  })
  return db.insert(table).select(sql` select ${sql.join(values, sql`, `)} where ${condition}`)
}
