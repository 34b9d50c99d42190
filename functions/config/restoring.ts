import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { PLATFORM } from '#contract'
import { customers, extensions, flows, numbers, providers, routes, trunks } from '#db'
import type { ErrorCode } from '../http/operation.ts'
import { type Configured, configured, type KeptRow } from '../store/history.ts'
import { taken } from '../store/number-overlap.ts'
import { catchAllClashes, providerClashes, trunkClashes } from './ambiguity.ts'
import type { LeftOut, RestorationPlan, RestorationStep } from './restoration.ts'

/*
 * Carrying out a plan in one transaction, unless something stands in its way there: then nothing happens, and what it
 * was is told.
 */

const tables: Readonly<Record<Configured, PgTable>> = {
  customer: customers,
  provider: providers,
  route: routes,
  extension: extensions,
  trunk: trunks,
  flow: flows,
  number: numbers,
}

/** What stood in the way of a plan; nothing, where it was carried out. */
export interface Outcome {
  /** Whether the configuration is another than the one it was planned for. */
  readonly outdated: boolean
  readonly refused: readonly LeftOut[]
  /** The configuration's number with it. */
  readonly version: number
}

/** The statements which carry out a plan that was made for a configuration of this version, in order. */
export function statementsFor(plan: RestorationPlan, customerId: string, version: number): SQL[] {
  const types = Object.keys(configured) as Configured[]
  const removals = types.flatMap((type) => removal(plan, type, customerId))
  const restorals = types.flatMap((type) => restoral(plan, type))
  const now = sql`select version::float8 as version from customers where id = ${customerId}::uuid`
  return [verdict(plan, customerId, version), ...removals, ...restorals, now]
}

/**
 * Reads what the statements said: the first about what stands in the way, the last how things are. Throws where they
 * said nothing, which they never do. Throws where they said nothing, which they never do.
 */
export function outcomeOf(answers: readonly { rows: Record<string, unknown>[] }[]): Outcome {
  const [first, last] = [answers.at(0)?.rows[0], answers.at(-1)?.rows[0]]
  if (!first || !last) throw new Error('A plan was answered by nothing, though it always is.')
  const obstacles = first.obstacles as Obstacle[]
  return { outdated: first.outdated === true, refused: obstacles.map(leftOut), version: Number(last.version) }
}

interface Obstacle extends Record<string, unknown> {
  type: Configured
  id: string
  reason: ErrorCode
}

const sentences: Partial<Record<ErrorCode, string>> = {
  NUMBER_TAKEN: 'The number, or one of the range, is another’s by now.',
  EXTENSION_TAKEN: 'Another extension has its name, and stays.',
  TRUNK_DOMAIN_TAKEN: 'Another trunk has its domain_name by now.',
  REGISTRAR_NAME_TAKEN: 'Another customer has its registrar_name by now.',
  REFERENCE_NOT_FOUND: 'The platform’s provider it leads to is not there any more.',
  AMBIGUOUS_SOURCE:
    'Its calls could not be told apart from those of something which stays, or of the platform’s provider.',
}

function leftOut({ type, id, reason }: Obstacle): LeftOut {
  return { resource_type: type, resource_id: id, field: null, reason, message: sentences[reason] ?? reason }
}

/**
 * Whether the plan may be carried out, told to the statements after it by a setting of the transaction, and what stands
 * in its way.
 */
function verdict(plan: RestorationPlan, customerId: string, version: number): SQL {
  return sql`
    with obstacle as materialized (select distinct on (id) type, id, reason from (${obstacles(plan, customerId)}) as o order by id),
    outdated (held) as (select exists (select from customers where id in (${customerId}::uuid, ${PLATFORM}::uuid) and version > ${version}::bigint))
    select outdated.held as outdated, (select coalesce(json_agg(obstacle), '[]') from obstacle) as obstacles,
      set_config('trunkline.restorable', (not outdated.held and not exists (select from obstacle))::text, true)
    from outdated`
}

const restorable = sql`current_setting('trunkline.restorable', true) = 'true'`

function removal(plan: RestorationPlan, type: Configured, customerId: string): SQL[] {
  const ids = plan.steps.filter((step) => step.type === type && step.row === null).map(({ id }) => id)
  if (ids.length === 0) return []
  return [
    sql`update ${tables[type]} set deleted_at = now()
      where customer_id = ${customerId}::uuid and id = any(${uuids(ids)}) and deleted_at is null and ${restorable}`,
  ]
}

function restoral(plan: RestorationPlan, type: Configured): SQL[] {
  const rows = rowsIn(plan, type)
  if (rows.length === 0) return []
  const columns = Object.values(getTableColumns(tables[type]))
    .map(({ name }) => inDatabase(name))
    .filter((name) => !['id', 'customer_id', 'created_at', 'updated_at', 'version'].includes(name))
  const values = columns.map((name) => sql.raw(`"${name}" = past."${name}"`))
  return [
    sql`update ${tables[type]} as t set ${sql.join(values, sql`, `)}, updated_at = now()
      from (${asTheyWere(type, rows)}) as past where t.id = past.id and ${restorable}`,
  ]
}

/** The rows of a plan as the table will have them: with their secrets as they are. */
function asTheyWere(type: Configured, rows: readonly KeptRow[]): SQL {
  const place = sql`(o.hostname, o.port, o.transport::text) is not distinct from (j ->> 'hostname', (j ->> 'port')::integer, j ->> 'transport')`
  // What was found where its host is, is forgotten where that is another from now on.
  const found = sql`case when ${place} then '{}'::jsonb else '{"found": [], "found_since": []}' end`
  return sql`select past.* from jsonb_array_elements(${JSON.stringify(rows)}::jsonb) as j
    join ${tables[type]} as o on o.id = (j ->> 'id')::uuid
    cross join lateral jsonb_populate_record(o, j || ${type === 'provider' ? found : sql`'{}'::jsonb`}) as past`
}

/** What stands in the way of a plan, of other customers’ and of what stays. */
function obstacles(plan: RestorationPlan, customerId: string): SQL {
  const touched = uuids(plan.steps.map(({ id }) => id))
  const found = [
    ...takenNumbers(plan, customerId, touched),
    ...takenNames(plan, customerId, touched),
    ...lostProviders(plan),
    ...clashes(plan, customerId, touched),
  ]
  const none = sql`select null::text as type, null::uuid as id, null::text as reason where false`
  return sql.join([none, ...found], sql` union all `)
}

function takenNumbers(plan: RestorationPlan, customerId: string, touched: SQL): SQL[] {
  const rows = rowsIn(plan, 'number', 'restored')
  if (rows.length === 0) return []
  const others = sql`(other.customer_id <> ${customerId}::uuid and other.ownership <> 'claimed'
    or other.customer_id = ${customerId}::uuid and other.id <> all(${touched}))`
  const overlap = taken(sql`r.number`, sql`coalesce(r.number_to, r.number)`, others)
  const any = sql`select from numbers other where other.customer_id = r.customer_id and other.provider_id = r.provider_id
    and other.number = 'any' and other.deleted_at is null and other.id <> all(${touched})`
  return [
    sql`select 'number', r.id, 'NUMBER_TAKEN' from (${asTheyWere('number', rows)}) as r
      where case when r.number = 'any' then exists (${any}) else exists ${overlap} end`,
  ]
}

function takenNames(plan: RestorationPlan, customerId: string, touched: SQL): SQL[] {
  const names = [
    ['trunk', 'domain_name', 'TRUNK_DOMAIN_TAKEN', sql`true`],
    ['extension', 'extension', 'EXTENSION_TAKEN', sql`o.customer_id = ${customerId}::uuid`],
    ['customer', 'registrar_name', 'REGISTRAR_NAME_TAKEN', sql`true`],
  ] as const
  return names.flatMap(([type, column, reason, where]) => {
    const rows = rowsIn(plan, type)
    const name = sql.raw(column)
    if (rows.length === 0) return []
    return [
      sql`select ${type}::text, r.id, ${reason}::text from (${asTheyWere(type, rows)}) as r
        where exists (select from ${tables[type]} o where o.${name} = r.${name} and o.deleted_at is null
          and o.id <> all(${touched}) and ${where})`,
    ]
  })
}

/** Of a customer's own providers the plan knows; the platform's may have gone. */
function lostProviders(plan: RestorationPlan): SQL[] {
  return (['route', 'number'] as const).flatMap((type) => {
    const rows = rowsIn(plan, type).filter(({ provider_customer_id }) => provider_customer_id === PLATFORM)
    if (rows.length === 0) return []
    return [
      sql`select ${type}::text, r.id, 'REFERENCE_NOT_FOUND' from (${asTheyWere(type, rows)}) as r
        where r.customer_id <> ${PLATFORM}::uuid and not exists (
          select from providers p where p.id = r.provider_id and p.customer_id = ${PLATFORM}::uuid and p.deleted_at is null)`,
    ]
  })
}

/** What could not be told apart of what there will be. */
function clashes(plan: RestorationPlan, customerId: string, touched: SQL): SQL[] {
  const claims = [
    ...rowsIn(plan, 'provider').map((row) => ['provider', row, providerClashes(claimOf(row))] as const),
    ...rowsIn(plan, 'trunk').map((row) => ['trunk', row, trunkClashes(trunkClaim(row))] as const),
    ...catchAlls(plan).map((row) => ['number', row, catchAllClashes(catchAll(row))] as const),
  ].map(
    ([type, { id }, found]) =>
      sql`select ${type}::text as type, ${id}::uuid as id, 'AMBIGUOUS_SOURCE' as reason where exists ${found}`,
  )
  if (claims.length === 0) return []
  const standing = (type: 'provider' | 'trunk') => {
    const table = sql.raw(configured[type])
    return sql`${table} as (
      select o.* from ${table} as o where o.deleted_at is null and o.id <> all(${touched})
        and o.customer_id in (${customerId}::uuid, ${PLATFORM}::uuid)
      union all ${asTheyWere(type, rowsIn(plan, type))})`
  }
  return [
    sql`select type, id, reason from (
      with ${standing('provider')}, ${standing('trunk')} ${sql.join(claims, sql` union all `)}) as clash`,
  ]
}

type Claimed = Parameters<typeof providerClashes>[0]

function claimOf(row: KeptRow): Claimed {
  return { ...(row as object as Claimed), customerId: String(row.customer_id) }
}

/** Known by its addresses only where they prove something. */
function trunkClaim(row: KeptRow): Claimed {
  const byAddress = (row.auth_types as string[]).includes('ip')
  return { ...claimOf(row), enabled: row.enabled === true && byAddress }
}

function catchAlls(plan: RestorationPlan): KeptRow[] {
  return rowsIn(plan, 'number').filter(({ number }) => number === 'any')
}

function catchAll(row: KeptRow): Parameters<typeof catchAllClashes>[0] {
  return {
    customerId: String(row.customer_id),
    providerId: String(row.provider_id),
    enabled: row.enabled === true,
  }
}

/** The rows which a plan brings back of one noun. */
function rowsIn(plan: RestorationPlan, type: Configured, action?: RestorationStep['action']): KeptRow[] {
  return plan.steps
    .filter((step) => step.type === type && (action === undefined || step.action === action))
    .flatMap(({ row }) => (row === null ? [] : [row]))
}

function uuids(ids: readonly string[]): SQL {
  return sql`${sql.param([...ids])}::uuid[]`
}

function inDatabase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
