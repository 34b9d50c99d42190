import { and, eq, getTableColumns, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { Context } from 'hono'
import type { Database } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from './api-error.ts'
import { rowsIn } from './asked.ts'
import { admitted, confirmed, HolderChanged } from './authenticate.ts'
import { type Check, condition } from './check.ts'
import { insertWhere, isNotAdmitted, lockConfig } from './config-lock.ts'
import {
  type BatchStatement,
  type Beside,
  type Leaner,
  type Noun,
  type NounTable,
  type PlannedChange,
  reasonOf,
  type Stored,
} from './noun.ts'
import { NounReads } from './noun-reads.ts'
import type { Page } from './page.ts'
import { markOf, versionOf } from './precondition.ts'
import { now } from './queries.ts'
import type { Columns } from './written-rows.ts'

/** What a change was made from and what came of it. */
export interface Changed<Row> {
  was: Row
  is: Row
}

/**
 * The rows of a noun. Each method is one round trip, and sees the asking customer's rows alone; a change is one batch
 * under the lock of the configuration, in which all that could stand in its way is asked for first.
 */
export class NounRows<T extends NounTable, B extends Beside> {
  readonly #noun: Noun<T, never, B>
  readonly #table: NounTable
  /** The entity tag of a row, as far as a change compares it. */
  readonly #version: SQL<string>
  readonly #columns: Columns
  readonly #reads: NounReads

  constructor(noun: Noun<T, never, B>) {
    this.#noun = noun
    this.#table = noun.table
    this.#version = sql<string>`left(md5(${rowOf(noun)}::text), 20)`
    this.#columns = { ...getTableColumns(this.#table), ...noun.beside, etag: this.#version }
    this.#reads = new NounReads(noun, this.#columns)
    if (!noun.everybodys && !this.#owner) throw new Error(`A ${noun.name} is no customer's.`)
  }

  /** Live rows of which the filters hold, newest first; one more than the page holds if there is one. */
  async page(c: Context<Edge>, page: Page, filters: object): Promise<Stored<T, B>[]> {
    const rows = await this.#reads.page(c, page, filters)
    return rows.map((row) => this.#tagged(row))
  }

  /** One row; a deleted one still answers, since records name it. Throws where there is none. */
  async find(c: Context<Edge>, id: string): Promise<Stored<T, B>> {
    return (await this.seek(c, id)) ?? this.#found(undefined)
  }

  /** The same; undefined where there is none. */
  async seek(c: Context<Edge>, id: string): Promise<Stored<T, B> | undefined> {
    const [row] = await this.#reads.one(c, id)
    return row === undefined ? undefined : this.#tagged(row)
  }

  /** The same of one that is not deleted. */
  async findLive(c: Context<Edge>, id: string): Promise<Stored<T, B>> {
    const row = await this.find(c, id)
    return row.deletedAt === null ? row : this.#found(undefined)
  }

  /** Makes a row. Throws what a check refuses. */
  async create(
    c: Context<Edge>,
    row: object,
    { checks = [], also }: PlannedChange<T>,
  ): Promise<Stored<T, B>> {
    const db = c.get('db')
    const possible = and(sql`true`, ...checks.map(({ holds }) => holds)) ?? sql`true`
    for (const asked of unaskedFirst(checks)) {
      const answers = await carriedOut(c, [
        lockConfig(db),
        ...asking(db, asked),
        ...(also?.(possible) ?? []),
        insertWhere(db, this.#table as PgTable, row, possible).returning(this.#columns),
      ])
      const made = lastOf(answers)
      if (made !== undefined) return this.#tagged(made)
      refuse(asked, answers.slice(1))
    }
    return nothingDone()
  }

  /**
   * Changes a row. undefined: it is none of `versions`, and nothing changed. Throws where there is none, and what a check
   * refuses.
   */
  async change(
    c: Context<Edge>,
    id: string,
    draft: PlannedChange<T>,
    versions: readonly string[] | undefined,
  ): Promise<Changed<Stored<T, B>> | undefined> {
    const { row, also } = draft
    const checks = [...this.#guards(c, id), ...(draft.checks ?? [])]
    const db = c.get('db')
    const mine = this.#mine(c, id)
    const possible = and(mine, this.#isOf(versions), ...checks.map(({ holds }) => holds))
    for (const asked of unaskedFirst(checks)) {
      const answers = await carriedOut(c, [
        lockConfig(db),
        this.#select(db).where(mine),
        ...asking(db, asked),
        ...(also?.(this.#exists(possible)) ?? []),
        this.#update(db, { ...row, updatedAt: now }, possible),
      ])
      const was = this.#found(firstOf(answers[1]))
      if (!isOf(was, versions)) return undefined
      const is = lastOf(answers)
      if (is !== undefined) return { was, is: this.#tagged(is) }
      refuse(asked, answers.slice(2))
    }
    return nothingDone()
  }

  /** Deletes a row. undefined: it is none of `versions`. Throws where there is none, or where it is in use and stays. */
  async remove(
    c: Context<Edge>,
    id: string,
    cascade: boolean,
    versions: readonly string[] | undefined,
  ): Promise<Stored<T, B> | undefined> {
    const { deleting } = this.#noun
    const db = c.get('db')
    const guards = this.#guards(c, id)
    const mine = and(this.#mine(c, id), this.#isOf(versions), ...guards.map(({ holds }) => holds))
    const leaners = deleting?.leaners({ id, customerId: c.get('principal').customerId }) ?? []
    const along = cascade || deleting?.cascade === 'always'
    const unused = unusedBy(leaners)
    const left = along ? unusedBy(leaners.filter(({ becomes }) => becomes !== 'as it is')) : unused
    const goes = this.#exists(mine)
    const free = condition(sql`${along}::boolean or (${unused})`, () => this.#inUse())
    for (const asked of unaskedFirst(deleting ? [...guards, free] : guards)) {
      const answers = await carriedOut(c, [
        lockConfig(db),
        ...(asked ? [this.#select(db).where(this.#mine(c, id)), ...asking(db, asked)] : []),
        ...(along ? leaners : []).flatMap(({ table, where, becomes }) =>
          becomes === 'as it is' ? [] : [db.update(table).set(becomes).where(and(where, goes))],
        ),
        this.#update(db, { deletedAt: now }, and(mine, left)),
      ])
      const gone = lastOf(answers)
      if (gone !== undefined) return this.#tagged(gone)
      if (asked && !isOf(this.#found(firstOf(answers[1])), versions)) return undefined
      refuse(asked, answers.slice(2))
    }
    return nothingDone()
  }

  #inUse(): ApiError {
    const { name, deleting } = this.#noun
    return new ApiError(reasonOf(name, 'IN_USE'), deleting?.inUse ?? '')
  }

  #guards(c: Context<Edge>, id: string): readonly Check[] {
    return this.#noun.guards?.(c, id) ?? []
  }

  get #owner(): PgColumn | undefined {
    return getTableColumns(this.#table).customerId
  }

  /** The condition that a row is the asking customer's. */
  #ours(c: Context<Edge>): SQL | undefined {
    const owner = this.#owner
    return this.#noun.everybodys || !owner ? undefined : eq(owner, c.get('principal').customerId)
  }

  /** The condition that a row is the asking customer's, this one, and not deleted. */
  #mine(c: Context<Edge>, id: string): SQL | undefined {
    return and(this.#ours(c), eq(this.#table.id, id), isNull(this.#table.deletedAt))
  }

  #isOf(versions: readonly string[] | undefined): SQL | undefined {
    return versions && inArray(this.#version, [...versions])
  }

  #exists(condition: SQL | undefined): SQL {
    return sql`exists ${rowsOf(this.#table, condition)}`
  }

  #select(db: Database) {
    return db
      .select(this.#columns)
      .from(this.#table as PgTable)
      .$dynamic()
  }

  #update(db: Database, row: object, where: SQL | undefined) {
    return db
      .update(this.#table as PgTable)
      .set(row)
      .where(where)
      .returning(this.#columns)
  }

  /** A row as it was read, whose tag so far is of what a change compares; the mark of what else is shown goes behind it. */
  #tagged(read: unknown): Stored<T, B> {
    const row = read as Stored<T, B>
    const { live } = this.#noun
    return live ? { ...row, etag: `${row.etag}-${markOf(live(row))}` } : row
  }

  #found(row: unknown): Stored<T, B> {
    if (row !== undefined) return this.#tagged(row)
    const { name } = this.#noun
    throw new ApiError(reasonOf(name, 'NOT_FOUND'), `There is no such ${name}.`)
  }
}

/** All of a row but what may change without a change of what is configured. */
function rowOf({ table, unversioned = [] }: Pick<Noun<NounTable, never>, 'table' | 'unversioned'>): SQL {
  const columns = Object.entries(getTableColumns(table)).filter(([name]) => !unversioned.includes(name))
  return sql`row(${sql.join(
    columns.map(([, column]) => column),
    sql`, `,
  )})`
}

/** The condition that none of them leads there. */
function unusedBy(leaners: readonly Leaner[]): SQL | undefined {
  return and(sql`true`, ...leaners.map(({ table, where }) => sql`not exists ${rowsOf(table, where)}`))
}

function rowsOf(table: PgTable, where: SQL | undefined): SQL {
  return sql`(select from ${table} where ${where ?? sql`true`})`
}

function isOf({ etag }: { etag: string }, versions: readonly string[] | undefined): boolean {
  return versions === undefined || versions.includes(versionOf(etag))
}

/**
 * What is asked for in each attempt at a change: nothing at first, since each check is a condition of the change too and mostly
 * all hold; then, where nothing came of that, each check by itself.
 */
function unaskedFirst(checks: readonly Check[]): readonly (readonly Check[] | undefined)[] {
  return [undefined, checks]
}

function asking(db: Database, asked: readonly Check[] = []): BatchStatement[] {
  return asked.map(({ ask }) => db.execute(ask))
}

/** Throws: no check says why a change was not made. */
function nothingDone(): never {
  throw new Error('A batch changed nothing, and none of its checks says why.')
}

function refuse(checks: readonly Check[] = [], answers: readonly unknown[]): void {
  checks.forEach((check, at) => void check.refuse(rowsIn(answers[at])))
}

/** Carries out statements as one transaction, if the access key is still whose it was. */
async function carriedOut(c: Context<Edge>, statements: BatchStatement[]): Promise<readonly unknown[]> {
  try {
    const answers = await c
      .get('db')
      .batch(statements as unknown as readonly [BatchStatement, ...BatchStatement[]])
    admitted(c)
    return answers
  } catch (error) {
    if (!isNotAdmitted(error)) throw error
    await confirmed(c)
    throw new HolderChanged()
  }
}

function firstOf(answer: unknown): unknown {
  return rowsIn(answer)[0]
}

function lastOf(answers: readonly unknown[]): unknown {
  return firstOf(answers.at(-1))
}
