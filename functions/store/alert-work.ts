import { type SQL, sql } from 'drizzle-orm'
import type { Address, AlertCondition, CallTell, UtcMs } from '#contract'
import type { Database } from '#db'
import { writeEvents } from './event-log.ts'

/*
 * What alerts are to be judged by, and what came of it. Facts are written by triggers, in the transaction of what they
 * tell of (db/README.md); they are read here, judged, and gone in the statement which writes what came of them.
 */

/** Facts of one customer which are judged at once; states which are due likewise. */
const AT_ONCE = 500
/** Customers whose alerts are read at once. */
const CUSTOMERS = 10

/** The statement which tells whether alerts are to be judged, as `alerts_due`. */
export function alertsDueNow(): SQL {
  return sql`select exists (select from alert_facts)
    or exists (select from alert_states where due_at <= now()) as alerts_due`
}

/** What is to be judged of one customer's alerts. Times are UTC ms. */
export interface AlertWork {
  readonly customerId: string
  /** Of how often they were judged: what comes of this is written where it is still so. */
  readonly version: number
  readonly now: UtcMs
  readonly alerts: readonly WatchedAlert[]
  readonly facts: readonly FactRow[]
  readonly due: readonly SubjectKey[]
}
/** An alert as the database has it. */
export interface WatchedAlert {
  readonly id: string
  readonly name: string
  readonly when: AlertCondition
  readonly extensionId: string | null
  readonly trunkId: string | null
  readonly providerId: string | null
  readonly routeId: string | null
  readonly country: string | null
  readonly minSamples: number
  readonly since: number
  readonly live: boolean
}
/** One subject of an alert. */
export interface SubjectKey {
  readonly alertId: string
  readonly subject: string
}
/** A fact as triggers wrote it, and the call or provider it is about. */
export interface FactRow {
  readonly id: number
  readonly type: string
  readonly subjectId: string | null
  readonly at: number
  readonly data: Readonly<Record<string, unknown>>
  readonly call: CallRow | null
  readonly provider: { readonly name: string; readonly hostname: string } | null
}
/** What alerts want to know of a call. */
export interface CallRow {
  readonly direction: string
  readonly source: Address
  readonly destination: Address
  readonly startedAt: number
  readonly answeredAt: number | null
  readonly endedAt: number | null
  readonly providerId: string | null
  /** Of the far number, upper case; null: it is in none. */
  readonly country: string | null
  readonly attempts: readonly AttemptRow[]
  readonly media: CallTell['call']['media']
}
interface AttemptRow {
  readonly providerId: string | null
  readonly provider: string
  readonly routeId: string | null
  readonly status: number
  readonly pddMs: number | null
}

/** Reads what is to be judged, of some customers at once; none where nothing is. Those of `except` are passed over. */
export async function dueAlerts(db: Database, except: readonly string[]): Promise<AlertWork[]> {
  const { rows } = await db.execute<{ work: AlertWork }>(sql`
    with recursive fed (customer_id) as (
      (select customer_id from alert_facts order by customer_id limit 1)
      union all
      select (select f.customer_id from alert_facts f where f.customer_id > fed.customer_id order by f.customer_id limit 1)
      from fed where fed.customer_id is not null
    ),
    due as (select customer_id from alert_states where due_at <= now() order by due_at limit ${AT_ONCE}),
    chosen as (
      select customer_id from (select customer_id from fed union select customer_id from due) as waiting
      where customer_id is not null and customer_id <> all(${uuids(except)}) limit ${CUSTOMERS})
    select jsonb_build_object('customerId', c.id, 'now', ${ms(sql`now()`)},
      'version', coalesce((select version from alert_judgements where customer_id = c.id), 0),
      'alerts', (select coalesce(jsonb_agg(${alert} order by a.created_at, a.id), '[]') from alerts a where a.customer_id = c.id
        and (a.deleted_at is null or exists (select from alert_facts f
          where f.customer_id = c.id and f.type = 'alert' and f.subject_id = a.id))),
      'facts', (select coalesce(jsonb_agg(${fact} order by f.id), '[]')
        from (select * from alert_facts where customer_id = c.id order by id limit ${AT_ONCE}) as f
        left join calls on f.type like 'call\_%' and calls.id = f.subject_id and calls.customer_id = c.id
        left join providers p on f.type like 'provider.%' and p.id = f.subject_id and p.customer_id = c.id),
      'due', (select coalesce(jsonb_agg(jsonb_build_object('alertId', alert_id, 'subject', subject)), '[]')
        from (select alert_id, subject from alert_states where customer_id = c.id and due_at <= now()
          order by due_at limit ${AT_ONCE}) as late)) as work
    from chosen join customers c on c.id = chosen.customer_id`)
  return rows.map(({ work }) => work)
}

const alert = sql`jsonb_build_object('id', a.id, 'name', a.name, 'when', a."when", 'extensionId', a.extension_id, 'trunkId', a.trunk_id,
  'providerId', a.provider_id, 'routeId', a.route_id, 'country', a.country, 'minSamples', a.min_samples,
  'since', ${ms(sql`a.since`)}, 'live', a.enabled and a.deleted_at is null)`

const fact = sql`jsonb_build_object('id', f.id, 'type', f.type, 'subjectId', f.subject_id, 'at', ${ms(sql`f.at`)}, 'data', f.data,
  'provider', case when p.id is not null then jsonb_build_object('name', p.name, 'hostname', p.hostname) end,
  'call', case when calls.id is not null then jsonb_build_object('direction', calls.direction, 'source', calls.source,
    'destination', calls.destination, 'startedAt', ${ms(sql`calls.started_at`)}, 'answeredAt', ${ms(sql`calls.answered_at`)},
    'endedAt', ${ms(sql`calls.ended_at`)}, 'providerId', calls.provider_id, 'country', calls.country, 'media', calls.media,
    'attempts', (select coalesce(jsonb_agg(jsonb_build_object('providerId', one -> 'provider_id', 'provider', one -> 'provider_name',
      'routeId', one -> 'route_id', 'status', one -> 'status', 'pddMs', one -> 'pdd_ms') order by nth), '[]')
      from jsonb_array_elements(calls.attempts) with ordinality as tried (one, nth)
      where (one ->> 'counts')::boolean is not false)) end)`

/** What is wanted beside the work: what is remembered, and how things stand. */
export interface KnowledgeAsked {
  readonly keys: readonly SubjectKey[]
  /** Extensions and trunks whose standing is asked for. */
  readonly accounts: readonly string[]
  /** Alerts which begin anew: what they raised is to be ended. */
  readonly anew: readonly string[]
  /** What alerts which begin anew want to know first. */
  readonly seeds: { readonly accounts: boolean; readonly providers: boolean; readonly countries: boolean }
}
/** What is known of a customer beside the work. */
export interface Knowledge {
  readonly states: readonly (SubjectKey & { readonly state: Readonly<Record<string, unknown>> })[]
  /** Those of alerts which begin anew whose incidents last. */
  readonly raised: Knowledge['states']
  readonly standings: readonly AccountStanding[]
  readonly providers: readonly ProviderStanding[]
  /** Countries which were called before. */
  readonly called: readonly string[]
}
/** How an account stands, by its last registration. */
export interface AccountStanding {
  readonly accountId: string
  readonly type: 'extension' | 'trunk'
  readonly account: string
  readonly able: boolean
  readonly registered: boolean
  readonly until: number
  readonly ended: string
  /** Why it ended, as one of `bindingReasons`; null: it has not, or that is not known. */
  readonly reason: string | null
  readonly address: string | null
}
/** How a provider stands. */
export interface ProviderStanding {
  readonly id: string
  readonly name: string
  readonly hostname: string
  readonly health: string | null
  readonly healthWhy: string | null
  readonly registration: string | null
  readonly registrationWhy: string | null
}

/** Reads what is asked for of a customer. Throws where the statement brings no row, which it always does. */
export async function knowledgeOf(
  db: Database,
  customerId: string,
  { keys, accounts, anew, seeds }: KnowledgeAsked,
): Promise<Knowledge> {
  const owner = sql`customer_id = ${customerId}::uuid`
  const states = (which: SQL) => sql`(select coalesce(jsonb_agg(jsonb_build_object(
    'alertId', s.alert_id, 'subject', s.subject, 'state', s.state)), '[]') from alert_states s where s.${owner} and ${which})`
  const watched = sql`case when ${seeds.accounts}::boolean then (select coalesce(array_agg(id), '{}') from (
    select extension_id as id from bindings where ${owner} and expires_at > now() and extension_id is not null
    union select trunk_id from bindings where ${owner} and expires_at > now() and trunk_id is not null) as registered) else '{}' end`
  const { rows } = await db.execute<{ known: Knowledge }>(sql`
    with asked as materialized (select unnest(${uuids(accounts)} || ${watched}) as id)
    select jsonb_build_object(
      'states', ${states(sql`(s.alert_id, s.subject) in (select * from ${keysOf(keys)})`)},
      'raised', ${states(sql`s.alert_id = any(${uuids(anew)}) and s.state ->> 'incident' is not null`)},
      'standings', (select coalesce(jsonb_agg(standing), '[]') from (
        ${standings('extension', customerId)} union all ${standings('trunk', customerId)}) as accounts (standing)),
      'providers', (select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'name', p.name, 'hostname', p.hostname,
          'health', h.status, 'healthWhy', h.why, 'registration', r.status, 'registrationWhy', r.why)), '[]')
        from providers p left join provider_health h on h.provider_id = p.id
        left join provider_registrations r on r.provider_id = p.id
        where ${seeds.providers}::boolean and p.${owner} and p.deleted_at is null),
      'called', (select coalesce(jsonb_agg(distinct resource_id), '[]') from call_figures
        where ${seeds.countries}::boolean and ${owner} and kind = 'country' and hour > now() - interval '90 days'
          and direction = 'outgoing' and resource_id <> '')) as known`)
  const [row] = rows
  if (!row) throw new Error('What is known was answered by nothing, though it always is.')
  return row.known
}

const standsStill = sql`(b.event in ('registered', 'refreshed') and b.expires_at > now())`

/** How the asked accounts of a type stand, those which have ever registered: by what lives, else by what ended last. */
function standings(type: 'extension' | 'trunk', customerId: string): SQL {
  const [table, id, name] = [
    `${type}s`,
    `${type}_id`,
    type === 'extension' ? 'extension' : 'domain_name',
  ].map((word) => sql.raw(word))
  return sql`
    select jsonb_build_object('accountId', t.id, 'type', ${type}::text, 'account', t.${name},
      'able', t.enabled and t.deleted_at is null, 'registered', ${standsStill}, 'ended', b.event, 'address', b.address,
      'reason', case when not ${standsStill} then (select v.data ->> 'reason' from events v where v.subject_id = t.id and v.sequence is not null
        and v.type in ('registration.removed', 'registration.expired', 'registration.lost') order by v.sequence desc limit 1) end,
      'until', ${ms(sql`case when b.event in ('registered', 'refreshed', 'expired') then b.expires_at else b.updated_at end`)})
    from asked join ${table} t on t.customer_id = ${customerId}::uuid and t.id = asked.id
    cross join lateral (select * from bindings b where b.customer_id = t.customer_id and b.${id} = t.id
      order by ${standsStill} desc, case when ${standsStill} then b.expires_at else least(b.updated_at, b.expires_at) end desc limit 1) as b`
}

/** What came of judging a customer's alerts. */
export interface JudgedAlerts {
  readonly customerId: string
  /** As it was read. */
  readonly version: number
  readonly facts: readonly number[]
  /** Alerts of which nothing else is remembered than what stands here. */
  readonly anew: readonly string[]
  readonly states: readonly StateRow[]
  readonly forgotten: readonly SubjectKey[]
  readonly incidents: readonly IncidentRow[]
  readonly events: readonly AlertEventRow[]
}
/** What is remembered from now on. */
export interface StateRow extends SubjectKey {
  readonly state: object
  readonly dueAt: string | null
}
/** An incident as it stands. Times are instants. */
export interface IncidentRow extends SubjectKey {
  readonly id: string
  readonly raisedAt: string
  readonly resolvedAt: string | null
  readonly toldAt: string
  readonly count: number
  readonly value: number | null
  readonly reason: string
  readonly address: string | null
  readonly resolution: string | null
  readonly about: object
}
/** An event which tells of an incident. */
export interface AlertEventRow {
  readonly id: string
  readonly alertId: string
  readonly type: 'alert.raised' | 'alert.resolved'
  readonly data: object
}

/**
 * Writes down what came of judging a customer's alerts, in one statement; false: another Worker judged them since they
 * were read, and nothing was written.
 */
export async function keepJudged(db: Database, judged: JudgedAlerts): Promise<boolean> {
  const { customerId, version, facts, anew, states, forgotten, incidents, events } = judged
  const customer = sql`${customerId}::uuid`
  const { rows } = await db.execute<{ kept: boolean }>(sql`
    with won as (
      update alert_judgements set version = version + 1
      where customer_id = ${customer} and version = ${version}::bigint returning version),
    judged_facts as (
      delete from alert_facts where id = any(${sql.param([...facts])}::bigint[]) and customer_id = ${customer}
        and exists (select from won)),
    kept_states as (
      insert into alert_states (customer_id, alert_id, subject, state, due_at)
      select ${customer}, t."alertId", t.subject, t.state, t."dueAt" from won, jsonb_to_recordset(${JSON.stringify(states)}::jsonb)
        as t ("alertId" uuid, subject text, state jsonb, "dueAt" timestamptz)
      on conflict (customer_id, alert_id, subject) do update set state = excluded.state, due_at = excluded.due_at),
    forgotten_states as (
      delete from alert_states s using won where s.customer_id = ${customer}
        and (s.alert_id = any(${uuids(anew)}) or (s.alert_id, s.subject) in (select * from ${keysOf(forgotten)}))
        and (s.alert_id, s.subject) not in (select * from ${keysOf(states)})),
    kept_incidents as (
      insert into alert_incidents (id, customer_id, alert_id, subject, raised_at, resolved_at, told_at, count, value, reason,
        address, resolution, about)
      select t.id, ${customer}, t."alertId", t.subject, t."raisedAt", t."resolvedAt", t."toldAt", t.count, t.value, t.reason,
        t.address, t.resolution, t.about from won, jsonb_to_recordset(${JSON.stringify(incidents)}::jsonb)
        as t (id uuid, "alertId" uuid, subject text, "raisedAt" timestamptz, "resolvedAt" timestamptz, "toldAt" timestamptz,
          count integer, value real, reason text, address text, resolution text, about jsonb)
      on conflict (id) do update set resolved_at = excluded.resolved_at, told_at = excluded.told_at, count = excluded.count,
        value = excluded.value, reason = excluded.reason, address = excluded.address, resolution = excluded.resolution,
        about = excluded.about),
    written_events as (${writeEvents(
      {
        type: sql`t.type`,
        id: sql`t.id`,
        customerId: customer,
        subjectId: sql`t."alertId"`,
        data: sql`t.data`,
      },
      sql`from won, jsonb_to_recordset(${JSON.stringify(events.map((event, nth) => ({ ...event, nth })))}::jsonb)
        as t (id uuid, "alertId" uuid, type text, data jsonb, nth integer) order by t.nth`,
    )})
    select exists (select from won) as kept`)
  return rows[0]?.kept === true
}

function keysOf(keys: readonly SubjectKey[]): SQL {
  const rows = JSON.stringify(keys.map(({ alertId, subject }) => ({ alertId, subject })))
  return sql`jsonb_to_recordset(${rows}::jsonb) as key ("alertId" uuid, subject text)`
}

function uuids(ids: readonly string[]): SQL {
  return sql`${sql.param([...ids])}::uuid[]`
}

/** UTC milliseconds of an instant. */
function ms(moment: SQL): SQL {
  return sql`(extract(epoch from ${moment}) * 1000)::float8`
}
