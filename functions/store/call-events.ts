import { type SQL, sql } from 'drizzle-orm'
import { instant } from './instant.ts'

/*
 * What happened to calls, from the records which relays tell: `stored_calls` as they are now, `heard_calls` as they were
 * told, `calls` as they were before. Its id is made of what happened, so that it is the same event whichever relay or edge tells it.
 */

/** Queries for what else happened where calls were refused, or are suspicious. */
export function refusalEvents(): SQL[] {
  return [limitsReached(), suspicions()]
}

/** A query for the event of each call `c` of some which the edge itself ended; `b` is as it was before. */
export function endedByEdge(calls: SQL): SQL {
  return sql`
    select ${idOf(sql`c.id::text || ${ending}`)} as id, c.customer_id, 'call.ended' as type, c.ended_at as at, c.relay_id,
      c.id as subject_id, ${record} || ${ended} as data from ${calls} c`
}

/** The same of calls `c` which the edge itself has made a record of: whatever is told of them later, they are created once. */
export function createdByEdge(calls: SQL): SQL {
  return sql`
    select ${idOf(sql`c.id::text || 'call.created'`)} as id, c.customer_id, 'call.created' as type, c.started_at as at, c.relay_id,
      c.id as subject_id, ${record} || '{"status": "dialing"}'::jsonb as data from ${calls} c`
}

/** What makes the end of a call another: one whose relay was missed, and comes back, may end once more. */
const ending = sql`'call.ended' || coalesce(c.hangup_reason::text, '')`

/** A call in every event of its own. */
const record = sql`jsonb_build_object('call_id', c.id, 'direction', c.direction, 'source', c.source, 'destination', c.destination,
  'extension_id', c.extension_id, 'trunk_id', c.trunk_id, 'number_id', c.number_id, 'provider_id', c.provider_id,
  'route_id', c.route_id, 'tm_create', ${instant(sql`c.started_at`)})`

const ended = sql`jsonb_build_object('status', 'hangup', 'hangup_by', c.hangup_by, 'hangup_reason', c.hangup_reason,
  'sip_status', c.sip_status, 'reject_reason', c.reject_reason, 'reject_message', c.reject_message,
  'duration', extract(epoch from c.ended_at - c.answered_at), 'tm_ringing', ${instant(sql`c.ringing_at`)},
  'tm_progressing', ${instant(sql`c.answered_at`)}, 'tm_hangup', ${instant(sql`c.ended_at`)})`

/** A call for help: what was dialled, the number shown to who helps, and what its extension says of itself. */
const emergency = sql`jsonb_build_object('status', c.status, 'dialled', c.decision #> '{number,dialled}',
  'callback_number', c.decision #> '{caller_id,number}',
  'place', (select e.emergency -> 'place' from extensions e where e.id = c.extension_id and c.direction <> 'incoming'))`

/** An attempt which is over, was not answered, and was not given up by us or the caller; one which was passed over is none. */
function failed(attempt: SQL): SQL {
  return sql`(${attempt} ->> 'ended_ms' is not null and (${attempt} ->> 'counts')::boolean is not false and ${attempt} ->> 'reason' <> 'cancelled'
    and (${attempt} ->> 'status')::integer not between 200 and 299 and ${attempt} ->> 'status' <> '487')`
}

/** A query for the events of calls, of whose columns `nth` and `rank` say the order. */
export function callEvents(): SQL {
  return sql`
    select ${idOf(sql`c.id::text || e.what`)} as id, c.customer_id, e.type, e.at, c.relay_id, c.id as subject_id,
      r.record || e.more as data, h.nth, e.rank
    from stored_calls c join heard_calls h on h.call_id = c.id left join calls b on b.id = c.id,
    lateral (select ${record} as record offset 0) as r, lateral (
      select 'call.created' as type, 'call.created' as what, c.started_at as at, 0 as rank, '{"status": "dialing"}'::jsonb as more
        where b.id is null
      union all select 'call.emergency', 'call.emergency', c.started_at, 1, ${emergency}
        where (c.decision ->> 'emergency')::boolean and (b.decision ->> 'emergency')::boolean is not true
      union all select 'call.ringing', 'call.ringing', c.ringing_at, 1,
        jsonb_build_object('status', 'ringing', 'tm_ringing', ${instant(sql`c.ringing_at`)})
        where c.ringing_at is not null and b.ringing_at is null
      union all select 'call.answered', 'call.answered', c.answered_at, 1,
        jsonb_build_object('status', 'progressing', 'tm_progressing', ${instant(sql`c.answered_at`)})
        where c.answered_at is not null and b.answered_at is null
      union all select 'call.transferred', 'call.transferred' || c.transferred_from, c.answered_at, 1,
        jsonb_build_object('transferred_from', c.transferred_from, 'transfer_type', c.transfer_type,
          'tm_progressing', ${instant(sql`c.answered_at`)})
        where c.transferred_from is not null and c.answered_at is not null
          and (b.answered_at is null or b.transferred_from is distinct from c.transferred_from)
      union all select 'call.attempt_failed', 'call.attempt_failed' || place,
        c.started_at + (a.told ->> 'ended_ms')::integer * interval '1 millisecond', 1,
        jsonb_build_object('attempt', a.told - 'tries' || jsonb_build_object('position', place))
        from jsonb_array_elements(c.attempts) with ordinality as a (told, place)
        where ${failed(sql`a.told`)} and ${failed(sql`(b.attempts -> (place - 1)::integer)`)} is not true
      union all select 'call.ended', ${ending}, coalesce(c.ended_at, now()), 2, ${ended}
        where c.status = 'hangup' and (b.status is distinct from 'hangup'
          or b.hangup_reason = 'relay_lost' and c.hangup_reason <> 'relay_lost')
    ) as e`
}

/** An event for each limit which refused a call, once a minute: a full customer's calls are many. */
function limitsReached(): SQL {
  return sql`
    select ${idOf(sql`concat_ws(' ', 'limit.reached', c.customer_id, l.kind, l.id, l.resource, date_trunc('minute', c.ended_at, 'UTC'))`)},
      c.customer_id, 'limit.reached', coalesce(c.ended_at, now()), c.relay_id, l.id,
      jsonb_build_object('kind', l.kind, 'name', l.name, 'resource', l.resource, 'used', l.used, 'of', l.of,
        'reason', c.reject_reason, 'why', c.reject_message, 'call_id', c.id), h.nth, 3
    from stored_calls c join heard_calls h on h.call_id = c.id left join calls b on b.id = c.id, lateral (
      select l ->> 'kind' as kind, (l ->> 'id')::uuid as id, l ->> 'name' as name, l ->> 'resource' as resource,
        l -> 'used' as used, l -> 'of' as of
        from jsonb_array_elements(c.decision -> 'limits') l where (l ->> 'exceeded')::boolean
      union all select 'provider', (p ->> 'provider_id')::uuid, p ->> 'provider_name', lower(p ->> 'code'), null, null
        from jsonb_array_elements(c.decision -> 'candidates') p
        where c.reject_reason = 'ALL_PROVIDERS_FULL' and p ->> 'code' in ('CHANNELS', 'CPS', 'DAILY_MINUTES')
    ) as l
    where c.status = 'hangup' and b.status is distinct from 'hangup' and c.reject_reason ~ '_(EXCEEDED|FULL)$'`
}

/**
 * An event for what looked like fraud: of each who was refused once a minute for each reason and country, and once of a country which is
 * new and was allowed.
 */
function suspicions(): SQL {
  return sql`
    select ${idOf(sql`concat_ws(' ', 'fraud.suspected', c.customer_id, s.kind, s.id, s.reason, s.country,
        case when s.refused then date_trunc('minute', c.started_at, 'UTC') end)`)},
      c.customer_id, 'fraud.suspected', coalesce(c.ended_at, c.started_at), c.relay_id, s.id,
      jsonb_build_object('kind', s.kind, 'name', s.name, 'reason', s.reason, 'refused', s.refused, 'country', s.country,
        'why', s.message, 'to', c.destination ->> 'target', 'call_id', c.id), h.nth, 3
    from stored_calls c join heard_calls h on h.call_id = c.id left join calls b on b.id = c.id,
      jsonb_to_record(c.decision -> 'suspicion') as s (kind text, id uuid, name text, reason text, refused boolean, country text, message text)
    where c.decision ? 'suspicion' and (b.decision ? 'suspicion') is not true`
}

function idOf(text: SQL): SQL {
  return sql`md5(${text})::uuid`
}
