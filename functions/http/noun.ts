import type { SQL } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { Context } from 'hono'
import type * as z from 'zod'
import type { AccessScope } from '#contract'
import type { Edge } from '../env.ts'
import { reasons } from './api-error.ts'
import type { Check } from './check.ts'
import type { Fields, InputOf, KeptOf } from './field.ts'
import type { ErrorCode } from './operation.ts'

/** A table of things which are configured. Deletes are soft. */
export type NounTable = PgTable & Record<'id' | 'createdAt' | 'updatedAt' | 'deletedAt', PgColumn>
/** What is read beside a row in the same statement, by name. */
export type Beside = Readonly<Record<string, SQL>>

/** What every row has, and its entity tag. */
export interface NounRow {
  id: string
  etag: string
  createdAt: string
  updatedAt: string | null
  deletedAt: string | null
}

/** A row as it is read. */
export type Stored<T extends NounTable, B extends Beside = Beside> = NounRow &
  T['$inferSelect'] & { [Name in keyof B]: B[Name] extends SQL<infer Value> ? Value : never }

/** One noun of the configuration API. All that can be asked of it follows: `resource()` in resource.ts. */
export interface Noun<T extends NounTable, F extends Fields, B extends Beside = Beside> {
  /** As a sentence names one of it, `provider`; its errors and operations are called after it. */
  readonly name: string
  readonly path: `/v1.0/${string}`
  /** What it is, in a sentence. */
  readonly about: string
  readonly table: T
  /** In the order in which they are shown. */
  readonly fields: F
  readonly beside?: B
  /** Columns which may change without a change of what is configured: the entity tag passes over them. */
  readonly unversioned?: readonly (keyof T['$inferSelect'] & string)[]
  /** What is shown of them and of `beside`: reads (304) look at it, changes (412) do not. */
  readonly live?: (row: Stored<T, B>) => readonly unknown[]
  /** What a key needs for all of it; absent: `read` and `configure`. */
  readonly scope?: AccessScope
  /** What the answer to its POST shows beside the fields, and no other answer: the draft's `once`. */
  readonly once?: Readonly<Record<string, z.ZodType>>
  /** Its rows are no customer's, and only administrators see them; absent: each is one customer's (`customer_id`). */
  readonly everybodys?: true
  /** Keys which a client may send and nothing happens, beside those which only the edge sets. */
  readonly ignored?: readonly string[]
  /** Lists take these, and each is compared with the column of its name. */
  readonly filters?: Readonly<Record<string, z.ZodType>>
  /** Whether its customer may have one more; absent: as many as it likes. */
  readonly quota?: (customerId: string) => Check
  /** What a change comes to beyond the fields which are kept as they are written. Throws what needs no lock to refuse. */
  readonly draft?: (
    input: InputOf<F>,
    subject: Subject<Stored<T, B>>,
  ) => PlannedChange<T> | Promise<PlannedChange<T>>
  readonly deleting?: Deleting
  /** What must hold of the row as it is before any change, and before it is deleted. */
  readonly guards?: (c: Context<Edge>, id: string) => readonly Check[]
  /** How else than as JSON its POST may be sent; absent: it may not. */
  readonly uploads?: Uploads
  /** Reasons a change may be refused with beside those which follow from the declaration; absent: none. */
  readonly errors?: readonly ErrorCode[]
  readonly example: {
    readonly id: string
    readonly body: Readonly<Record<string, unknown>>
    /** What of the answer is not as it was written. */
    readonly shown?: Readonly<Record<string, unknown>>
    readonly once?: Readonly<Record<string, unknown>>
  }
}

/** The reason which is called after a noun, `FLOW_NOT_FOUND`. Throws where there is none of that name. */
export function reasonOf(name: string, what: 'NOT_FOUND' | 'IN_USE'): ErrorCode {
  const wanted = `${name.toUpperCase()}_${what}`
  const reason = (Object.keys(reasons) as ErrorCode[]).find((one) => one === wanted)
  if (reason === undefined) throw new Error(`There is no reason ${wanted}.`)
  return reason
}

/** Bodies beside JSON. */
export interface Uploads {
  /** What they are, by their media type, for the API's document. */
  readonly bodies: Readonly<Record<string, z.ZodType>>
  /** Parameters which say of a body that is sound alone what a form would say beside it. */
  readonly query: z.ZodObject
  /** What such a body says, as JSON would; undefined: it is JSON. Throws what it is not. */
  read(c: Context<Edge>): Promise<Readonly<Record<string, unknown>> | undefined>
}

/** What a change is about. */
export interface Subject<Row> {
  readonly c: Context<Edge>
  readonly id: string
  /** Whose it is, or is to be. */
  readonly customerId: string
  /** Reads the row as it is, or throws where there is none; undefined: it is about to be made. */
  readonly stored: (() => Promise<Row>) | undefined
}

/** A change about to be made. */
export interface PlannedChange<T extends NounTable> {
  /** Columns beside those which are kept as they were written, or instead of them; SQL too. */
  readonly row?: {
    readonly [Column in keyof T['$inferInsert']]?: T['$inferInsert'][Column] | SQL | undefined
  }
  readonly checks?: readonly Check[]
  /** What the answer shows beside the fields where it is made. */
  readonly once?: Readonly<Record<string, unknown>>
  /** Takes back what was done outside the database; called where the change is refused. */
  readonly undo?: () => Promise<void>
  /** Statements which go before the change, under the condition that it will be made. */
  readonly also?: (possible: SQL) => readonly BatchStatement[]
}
export type BatchStatement = BatchItem<'pg'>

/** What becomes of those which lean on a thing that is deleted. */
export interface Deleting {
  readonly leaners: (subject: Pick<Subject<never>, 'id' | 'customerId'>) => readonly Leaner[]
  /**
   * `never`: it stays while one leans on it. `asked`: unless `?cascade=true` lets them go along. `always`: they go along.
   */
  readonly cascade: 'never' | 'asked' | 'always'
  /** Why it stays, in a sentence; the reason follows from the noun's name. Absent: nothing keeps it. */
  readonly inUse?: string
  /** Throws where it may not be deleted at all. */
  readonly refuse?: (c: Context<Edge>, id: string) => void
}

/** Rows which lead to a thing, in the order in which they go. */
export interface Leaner {
  readonly table: PgTable
  readonly where: SQL | undefined
  /** What they are when it has gone; `as it is`: they stay, and lead nowhere. */
  readonly becomes: Readonly<Record<string, unknown>> | 'as it is'
}

/** Nothing where what is kept as it is written fits the table's columns, else the columns which do not. */
export type Fitting<T extends NounTable, F extends Fields> =
  KeptOf<F> extends Partial<{ [Column in keyof T['$inferInsert']]: T['$inferInsert'][Column] | undefined }>
    ? unknown
    : { readonly fields: 'a field which is kept has no column of its name and type' }
