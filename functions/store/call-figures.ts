import { type SQL, sql } from 'drizzle-orm'
import { PLATFORM } from '#contract'
import type { Database, FiguresKind } from '#db'
import { instant } from './instant.ts'

/** What a thing came to, added up over hours, as `call_figures` has it. */
export interface CallCounts {
  readonly attempts: number
  readonly answered: number
  readonly no_answer: number
  readonly busy: number
  readonly cancelled: number
  readonly declined: number
  readonly talked_ms: number
  readonly heard: number
  readonly packets: number
  readonly lost: number
  readonly jitter_us: number
  /** How often by SIP status, `silence`, or a reason of ours. */
  readonly failures: Readonly<Record<string, number>>
  /** How many had which post-dial delay, by bucket (`figures.ts`). */
  readonly pdd: Readonly<Record<string, number>>
}

/** For so long figures are kept by the hour; what is older is by the day (UTC). */
export const HOURLY_S = 7 * 86_400

/** Which figures are asked for. */
export interface FiguresAsked {
  readonly customerId: string
  readonly kind: FiguresKind
  readonly windowSeconds: number
  readonly direction: string | undefined
  /** One thing alone; undefined: all of the kind. */
  readonly id: string | undefined
  /** Each group's course, too. */
  readonly by: 'hour' | 'day' | undefined
  /** So many groups at most, those with the most attempts. */
  readonly most: number
}

/** One row of the answer. */
export interface FiguresRow {
  /** undefined: of all groups together. */
  readonly id?: string
  readonly name?: string | null
  /** It is there no longer. */
  readonly deleted?: boolean
  readonly counts: CallCounts
  /** null: asked for, and there was no call. */
  readonly course?: readonly { readonly at: string; readonly counts: CallCounts }[] | null
}

/** All of the answer; `from` and `until` are instants. */
export interface FiguresFound {
  readonly from: string
  readonly until: string
  readonly total: CallCounts
  readonly groups: readonly FiguresRow[]
  readonly left_out: number
}

/**
 * Figures by group, in one statement which reads no call: whole hours, or beyond a week whole days, the first of them that in
 * which the window begins.
 * What is there and had no call comes last, with nothing. Throws where the statement brings no row, which it always
 * does. Throws where the statement brings no row, which it always does.
 */
export async function figuresBy(db: Database, asked: FiguresAsked): Promise<FiguresFound> {
  const whole = sql`grouping sets ((resource_id, name), (name))`
  const { rows } = await db.execute<{ found: FiguresFound }>(sql`
    with f as materialized (
      select * from call_figures where customer_id = ${asked.customerId}::uuid and kind = ${asked.kind} and hour >= ${since(asked)}
        ${asked.direction === undefined ? sql`` : sql`and direction = ${asked.direction}::direction`}
        ${asked.id === undefined ? sql`` : sql`and resource_id = ${asked.id}`}
    ),
    sums as (select resource_id, grouping(resource_id) = 1 as whole, ${sums} from f group by grouping sets ((resource_id), ())),
    failed as (${counts(sql`f`, sql`failures`, sql`resource_id`, whole)}),
    delays as (${counts(sql`f`, sql`pdd`, sql`resource_id`, whole)}),
    ${named(asked)},
    groups as materialized (
      select coalesce(s.resource_id, t.id) as id, t.name, coalesce(t.gone, ${asked.kind !== 'country'}) as deleted, s.attempts,
        ${countsOf(sql`s`, sql`d.counts`, sql`e.counts`)} as counts
      from (select * from sums where not whole) s full join things t on t.id = s.resource_id
        left join delays d on d.resource_id = s.resource_id left join failed e on e.resource_id = s.resource_id
      where s.resource_id is not null or not t.gone
      order by s.attempts desc nulls last, t.name, 1 limit ${asked.most}
    )
    ${asked.by === undefined ? sql`` : courses(asked.by)}
    select jsonb_build_object('from', ${instant(since(asked))}, 'until', ${instant(sql`now()`)},
      'total', (select ${countsOf(sql`s`, sql`(select counts from delays where resource_id is null)`, sql`(select counts from failed where resource_id is null)`)}
        from sums s where whole),
      'left_out', (select count(*) from (select id from things where not gone union select resource_id from f) as every)
        - (select count(*) from groups),
      'groups', (select coalesce(jsonb_agg(to_jsonb(g) - 'attempts' order by attempts desc nulls last, name, id), '[]')
        from (select groups.* ${asked.by === undefined ? sql`` : sql`, (select course from courses where resource_id = groups.id)`} from groups) as g)
    ) as found`)
  const [row] = rows
  if (!row) throw new Error('a statement without a table gave no row')
  return row.found
}

function since({ windowSeconds }: FiguresAsked): SQL {
  return sql`date_trunc(${windowSeconds > HOURLY_S ? 'day' : 'hour'}, now() - ${windowSeconds} * interval '1 second', 'UTC')`
}

const columns = [
  'attempts',
  'answered',
  'no_answer',
  'busy',
  'cancelled',
  'declined',
  'talked_ms',
  'heard',
  'packets',
  'lost',
  'jitter_us',
].map((name) => sql.identifier(name))

/** Each column, added up. */
const sums = sql.join(
  columns.map((column) => sql`coalesce(sum(${column}), 0) as ${column}`),
  sql`, `,
)

/** Counts by name of a column of `of`, added up and put together `by` some columns. */
function counts(of: SQL, column: SQL, by: SQL, grouping: SQL): SQL {
  return sql`select ${by}, jsonb_object_agg(name, n) as counts from (
    select ${by}, name, sum(n::integer) as n from ${of}, jsonb_each_text(${column}) as each (name, n) group by ${grouping}) as c
    group by ${by}`
}

/** A row of sums as `CallCounts`; zeros where there is none. */
function countsOf(row: SQL, pdd: SQL, failures: SQL): SQL {
  const pairs = columns.map((column) => sql`${sql.raw(`'${column.value}'`)}, coalesce(${row}.${column}, 0)`)
  return sql`jsonb_build_object(${sql.join(pairs, sql`, `)}, 'pdd', coalesce(${pdd}, '{}'), 'failures', coalesce(${failures}, '{}'))`
}

/** How it went with each of `groups`, hour by hour or day by day (UTC); what had no call is left out. */
function courses(by: 'hour' | 'day'): SQL {
  const [each, grouping] = [sql`resource_id, at`, sql`resource_id, at, name`]
  return sql`,
    h as materialized (select f.*, date_trunc(${by}, hour, 'UTC') as at from f where resource_id in (select id from groups)),
    hourly as (select ${each}, ${sums} from h group by ${each}),
    hourly_failed as (${counts(sql`h`, sql`failures`, each, grouping)}),
    hourly_delays as (${counts(sql`h`, sql`pdd`, each, grouping)}),
    courses as (
      select s.resource_id, jsonb_agg(jsonb_build_object('at', ${instant(sql`s.at`)}, 'counts',
        ${countsOf(sql`s`, sql`d.counts`, sql`e.counts`)}) order by s.at) as course
      from hourly s left join hourly_delays d using (resource_id, at) left join hourly_failed e using (resource_id, at)
      group by 1
    )`
}

/** `things`: what figures may be of, with its name; `gone` where it is deleted, or the platform's and so not the customer's to list. */
function named({ kind, customerId, id }: FiguresAsked): SQL {
  const [table, name] = names[kind]
  if (table === undefined)
    return sql`things as (select ''::text as id, null::text as name, true as gone where false)`
  const whose = kind === 'provider' || kind === 'route' ? [customerId, PLATFORM] : [customerId]
  return sql`things as (
    select id::text, ${sql.raw(name)} as name, deleted_at is not null as gone from ${sql.identifier(table)}
    where customer_id::text in ${whose} and (customer_id = ${customerId}::uuid or id::text in (select resource_id from f))
      ${id === undefined ? sql`` : sql`and id = ${id}::uuid`})`
}

const names: Record<FiguresKind, readonly [table: string | undefined, name: string]> = {
  provider: ['providers', 'name'],
  route: ['routes', 'name'],
  extension: ['extensions', 'extension'],
  trunk: ['trunks', "coalesce(nullif(name, ''), domain_name)"],
  number: ['numbers', "number || coalesce(' - ' || number_to, '')"],
  country: [undefined, ''],
}
