import { is, Placeholder, type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import type { Database } from '#db'

const dialect = new PgDialect({ casing: 'snake_case' })

/**
 * A statement whose text is written once: putting a long one together costs as much as all else that a question costs here.
 * What it is asked with has names; one which stands in it many times is sent once.
 */
export class WrittenStatement<Name extends string> {
  readonly #write: (values: Record<Name, SQL>) => SQL
  #written: { text: string; values: readonly unknown[] } | undefined

  /** `write` is given what stands for each value, and is called at the first question. */
  constructor(write: (values: Record<Name, SQL>) => SQL) {
    this.#write = write
  }

  /** Asks it, in one round trip. Throws what the database refuses with. */
  async ask<Row extends Record<string, unknown>>(
    db: Database,
    values: Readonly<Record<Name, unknown>>,
  ): Promise<{ rows: Row[] }> {
    this.#written ??= onceEach(dialect.sqlToQuery(this.#write(places<Name>())))
    const { text, values: named } = this.#written
    const given = named.map((value) => (is(value, Placeholder) ? values[value.name as Name] : value))
    return db.execute<Row>(written(text, given))
  }
}

/** A statement which is written, as drizzle takes one: behind the guard of a database like any other. */
function written(text: string, params: unknown[]): SQLWrapper {
  const statement: SQLWrapper & Pick<SQL, 'toQuery'> = {
    getSQL: () => statement as SQL,
    toQuery: () => ({ sql: text, params }),
  }
  return statement
}

/** The same values as parameters, for a statement which is written anew. */
export function bound<Name extends string>(values: Readonly<Record<Name, unknown>>): Record<Name, SQL> {
  const parameters = Object.entries(values).map(([name, value]) => [name, sql`${sql.param(value)}`])
  return Object.fromEntries(parameters) as Record<Name, SQL>
}

function places<Name extends string>(): Record<Name, SQL> {
  return new Proxy({} as Record<Name, SQL>, {
    get: (_, name) => sql`${sql.placeholder(String(name))}`,
  })
}

/** The statement with one number for each name, in the order of their first use. */
function onceEach({ sql: text, params }: { sql: string; params: readonly unknown[] }) {
  const values: unknown[] = []
  const numbers = params.map((value) => {
    const known = values.findIndex(
      (one) => is(one, Placeholder) && is(value, Placeholder) && one.name === value.name,
    )
    return known < 0 ? values.push(value) : known + 1
  })
  return { text: text.replace(/\$(\d+)/g, (_, at) => `$${numbers[Number(at) - 1]}`), values }
}
