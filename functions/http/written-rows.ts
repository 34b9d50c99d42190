import { is, type SQL, sql } from 'drizzle-orm'
import { PgColumn, PgJson, PgJsonb } from 'drizzle-orm/pg-core'
import type { Context } from 'hono'
import type { Edge } from '../env.ts'
import { type HolderRow, holderOf } from '../key-holder.ts'
import { WrittenStatement } from '../written-statement.ts'
import { confirm } from './authenticate.ts'
import { blanksOf } from './blanks.ts'

/** What is read of each row, by its name there. */
export type Columns = Readonly<Record<string, PgColumn | SQL>>

/**
 * A query whose text is written once, and which brings its rows as one value: as columns, each is told of in ten words in every answer.
 * Whose the access key is comes beside them, where that is not known for sure.
 */
export class WrittenRows<Name extends string> {
  readonly #blank: () => Record<string, unknown>
  readonly #statement: WrittenStatement<Name | 'hash'>
  readonly #cells: readonly { name: string; read: ((cell: unknown) => unknown) | undefined }[]

  /** `rest` is what follows the columns, from `from` on; it is called at the first question. */
  constructor(columns: Columns, rest: (values: Record<Name, SQL>) => SQL) {
    const cells = sql.join(Object.values(columns), sql`, `)
    this.#cells = Object.entries(columns).map(([name, column]) => ({ name, read: readerOf(column) }))
    this.#blank = blanksOf(Object.keys(columns))
    this.#statement = new WrittenStatement(
      (values) => sql`select (${holderOf(values.hash)}) as holder, (
        select coalesce(json_agg(cells), '[]') from (select json_build_array(${cells}) as cells ${rest(values)}) as found) as rows`,
    )
  }

  /** The rows, in the query's order. Throws where the key is another than memory had it. */
  async ask(c: Context<Edge>, values: Readonly<Record<Name, unknown>>): Promise<Record<string, unknown>[]> {
    const hash = c.get('unconfirmed')
    const asked = { ...values, hash: hash ?? null }
    const { rows } = await this.#statement.ask<{ holder: HolderRow | null; rows: unknown[][] }>(
      c.get('db'),
      asked,
    )
    const [found] = rows
    if (hash !== undefined) confirm(c, found?.holder ?? undefined)
    return (found?.rows ?? []).map((row) => this.#rowFrom(row))
  }

  #rowFrom(cells: readonly unknown[]): Record<string, unknown> {
    const row = this.#blank()
    this.#cells.forEach(({ name, read }, at) => {
      const cell = cells[at] ?? null
      row[name] = read && cell !== null ? read(cell) : cell
    })
    return row
  }
}

/** How a cell is read as JSON has it, where drizzle reads that column in a way of its own; undefined: as it is. */
function readerOf(column: PgColumn | SQL): ((cell: unknown) => unknown) | undefined {
  if (!is(column, PgColumn) || is(column, PgJsonb) || is(column, PgJson)) return undefined
  return (cell) => column.mapFromDriverValue(cell)
}
