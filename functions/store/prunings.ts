import { type SQL, sql } from 'drizzle-orm'
import { PLATFORM } from '#contract'
import type { Retention } from '../retention.ts'

/** A webhook which is disabled is waited for; not for longer than this, nor is anything that waits for it. */
const WAITED_FOR = sql`interval '30 days'`
/** Figures reach back 90 days at most; these are kept to compare a month with that of a year ago. */
const FIGURES_KEPT = sql`interval '400 days'`
/** What a number or a name looks like which was erased: so long what relays tell late is erased as it comes. */
const ERASED_KEPT = sql`interval '7 days'`
/** Answers to repeated requests. */
const ANSWERS_KEPT = sql`interval '1 day'`

/**
 * The statements which take away what is older than it is kept, at most `most` rows of each kind; each gives as `done` how many
 * there were. Each customer's are found by an index, the oldest first; what goes on stays, and so do figures.
 */
export function prunings(set: Retention, most: number): SQL[] {
  return [
    calls(set, most),
    deliveries(set, most),
    events(set, most),
    commands(set, most),
    incidents(set, most),
    registrations(set, most),
    sql`with gone as (delete from registration_tokens where ctid = any(array(
        select ctid from registration_tokens where expires_at <= now() order by expires_at limit ${most} for update skip locked))
      returning 1) select count(*) as done from gone`,
    sql`with gone as (delete from idempotency_keys where id = any(array(
        select id from idempotency_keys where created_at < now() - ${ANSWERS_KEPT} order by created_at limit ${most} for update skip locked))
      returning id) select count(*) as done from gone`,
    sql`with gone as (update erasures set name = null, pattern = null where id = any(array(
        select id from erasures where completed_at < now() - ${ERASED_KEPT} and pattern is not null and status = 'completed'
        order by completed_at limit ${most} for update skip locked))
      returning 1) select count(*) as done from gone`,
    sql`with gone as (delete from call_figures where ctid = any(array(
        select ctid from call_figures where hour < now() - ${FIGURES_KEPT} and relay_id = '' order by hour limit ${most} for update skip locked))
      returning 1) select count(*) as done from gone`,
  ]
}

/** Since when a customer `c` has its things kept. */
function since(noun: keyof Retention, set: Retention): SQL {
  return sql`now() - coalesce((c.retention ->> ${noun}::text)::integer, ${set[noun]}::integer) * interval '1 day'`
}

/** What is due of each owner, `rows` for each; locked, so that no other step is at it. */
function due(owners: SQL, rows: SQL, most: number): SQL {
  return sql`select r.* from ${owners}, lateral (${rows} limit ${most} for update skip locked) as r limit ${most}`
}

/** Calls which are over, with their attempts. From when on there are calls is remembered: one told again would count again. */
function calls(set: Retention, most: number): SQL {
  const old = sql`select id, customer_id, started_at from calls
    where customer_id = c.id and started_at < ${since('calls', set)} and status = 'hangup' order by started_at, id`
  return sql`
    with due as materialized (${due(sql`customers c`, old, most)}),
    tried as (delete from attempts a using due where a.call_id = due.id),
    gone as (delete from calls using due where calls.id = due.id),
    noted as (
      insert into calls_pruned as p (customer_id, until) select customer_id, max(started_at) from due group by 1 order by 1
      on conflict (customer_id) do update set until = greatest(p.until, excluded.until)
    )
    select count(*) as done from due`
}

function deliveries(set: Retention, most: number): SQL {
  const old = sql`select id from deliveries where customer_id = w.customer_id and webhook_id = w.id
    and created_at < ${since('deliveries', set)} and (status <> 'waiting' or created_at < now() - ${WAITED_FOR})
    order by created_at, id`
  return sql`
    with due as materialized (${due(sql`webhooks w join customers c on c.id = w.customer_id`, old, most)}),
    gone as (delete from deliveries using due where deliveries.id = due.id)
    select count(*) as done from due`
}

/** Events with what was delivered of them; those which are to be delivered yet stay. */
function events(set: Retention, most: number): SQL {
  const first = sql`select id from events where coalesce(customer_id, ${sql.raw(`'${PLATFORM}'::uuid`)}) = c.id and sequence is not null
    order by sequence limit ${most}`
  const old = sql`select e.id from (${first}) as f join events e using (id) where e.at < ${since('events', set)}
    and not exists (select from deliveries d where d.event_id = e.id and d.status = 'waiting')`
  return sql`
    with due as materialized (
      select r.* from customers c, lateral (${old} for update of e skip locked) as r limit ${most}),
    told as (delete from deliveries d using due where d.event_id = due.id and d.status <> 'waiting'),
    gone as (delete from events using due where events.id = due.id)
    select count(*) as done from due`
}

function commands(set: Retention, most: number): SQL {
  const old = sql`select id from commands where customer_id = c.id and created_at < ${since('commands', set)} order by created_at`
  return sql`
    with due as materialized (${due(sql`customers c`, old, most)}),
    gone as (delete from commands using due where commands.id = due.id)
    select count(*) as done from due`
}

/** What was raised and is over. */
function incidents(set: Retention, most: number): SQL {
  const old = sql`select id from alert_incidents where customer_id = a.customer_id and alert_id = a.id
    and raised_at < ${since('incidents', set)} and resolved_at < ${since('incidents', set)} order by raised_at, id`
  return sql`
    with due as materialized (${due(sql`alerts a join customers c on c.id = a.customer_id`, old, most)}),
    gone as (delete from alert_incidents using due where alert_incidents.id = due.id)
    select count(*) as done from due`
}

/** Where phones were once; who is there still stays. */
function registrations(set: Retention, most: number): SQL {
  const old = sql`select id from bindings where customer_id = c.id and registered_at < ${since('registrations', set)}
    and expires_at < ${since('registrations', set)} order by registered_at, id`
  return sql`
    with due as materialized (${due(sql`customers c`, old, most)}),
    gone as (delete from bindings using due where bindings.id = due.id)
    select count(*) as done from due`
}
