import { and, desc, eq, getTableColumns, isNull, type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Context } from 'hono'
import type { Edge } from '../env.ts'
import { columnOf } from './field.ts'
import type { Noun, NounTable } from './noun.ts'
import type { Page } from './page.ts'
import { before } from './queries.ts'
import { type Columns, WrittenRows } from './written-rows.ts'

/** Whose rows are read, and by what: the names of filters have underscores, these have none. */
type ReadValue = 'ownerId' | 'rowId' | 'afterAt' | 'afterId' | 'mostRows'

/** A noun's rows as they are read, each in one round trip. A page's text is written once for each choice of filters. */
export class NounReads {
  readonly #table: NounTable
  readonly #owner: PgColumn | undefined
  readonly #columns: Columns
  readonly #one: WrittenRows<ReadValue>
  readonly #pages = new Map<string, WrittenRows<ReadValue | string>>()

  constructor({ table, everybodys }: Pick<Noun<NounTable, never>, 'table' | 'everybodys'>, columns: Columns) {
    this.#table = table
    this.#owner = everybodys ? undefined : getTableColumns(table).customerId
    this.#columns = columns
    this.#one = new WrittenRows(
      columns,
      ({ ownerId, rowId }) => sql`from ${table} where ${and(this.#ours(ownerId), eq(table.id, rowId))}`,
    )
  }

  /** One row of the asking customer's, or none. */
  one(c: Context<Edge>, id: string): Promise<readonly object[]> {
    return this.#one.ask(c, { ...unasked, ownerId: c.get('principal').customerId, rowId: id })
  }

  /** Live rows of which the filters hold, newest first; one more than the page holds if there is one. */
  page(c: Context<Edge>, { size, after }: Page, filters: object): Promise<readonly object[]> {
    const said = Object.entries(filters).filter(([, value]) => value !== undefined)
    const names = said.map(([name]) => name)
    return this.#pageBy(names, after !== undefined).ask(c, {
      ...unasked,
      ...Object.fromEntries(said),
      ownerId: c.get('principal').customerId,
      afterAt: after?.at,
      afterId: after?.id,
      mostRows: size + 1,
    })
  }

  #pageBy(filters: readonly string[], goesOn: boolean): WrittenRows<ReadValue | string> {
    const choice = [...filters, goesOn].join(' ')
    const known = this.#pages.get(choice)
    if (known) return known
    const { id, createdAt, deletedAt } = this.#table
    const columns = getTableColumns(this.#table)
    const made = new WrittenRows<ReadValue | string>(this.#columns, (values) => {
      const { ownerId, afterAt: at, afterId, mostRows } = values as Record<ReadValue, SQL>
      const those = filters.flatMap((name) => {
        const [column, value] = [columns[columnOf(name)], values[name]]
        return column && value ? [eq(column, value)] : []
      })
      const later = goesOn ? before(createdAt, id, { at, id: afterId }) : undefined
      return sql`from ${this.#table} where ${and(this.#ours(ownerId), isNull(deletedAt), ...those, later)}
        order by ${desc(createdAt)}, ${desc(id)} limit ${mostRows}`
    })
    this.#pages.set(choice, made)
    return made
  }

  /** The condition that a row is a customer's; absent: every row is looked at. */
  #ours(customerId: SQL): SQL | undefined {
    return this.#owner && eq(this.#owner, customerId)
  }
}

const unasked = { ownerId: null, rowId: null, afterAt: null, afterId: null, mostRows: null }
