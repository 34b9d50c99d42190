import { type SQL, sql } from 'drizzle-orm'

/** Midnight, UTC: minutes are counted by its day. */
export const today = sql`date_trunc('day', now(), 'UTC')`

/**
 * Calls out which were talked in today: those answered since midnight, the few which midnight found talking, and those which
 * one who was called sent out, or into which one transferred a leg which is paid for: they are that one's, besides its own.
 * A call which followed a flow was talked in while a callee out there was in it. `whose` says of the call `c` that it is to be
 * counted. Each part is one look-up by index per customer.
 */
export function talkedToday(whose: SQL): SQL {
  const times = sql`c.relay_id, c.started_at, c.answered_at, c.ended_at, c.updated_at`
  const columns = sql`c.customer_id, c.extension_id, c.trunk_id, ${times}`
  return sql`(
    select ${columns} from calls c
    where ${whose} and c.direction = 'outgoing' and c.answered_at is not null and c.answered_at >= ${today}
    union all
    select ${columns} from calls c
    where ${whose} and c.direction = 'outgoing' and c.answered_at is not null
      and (c.ended_at is null or (c.ended_at at time zone 'UTC')::date > (c.answered_at at time zone 'UTC')::date)
      and c.answered_at < ${today} and c.answered_at > ${today} - interval '2 days'
      and coalesce(c.ended_at, now()) > ${today}
    union all
    select c.customer_id, c.sent_out_by, c.sent_out_by, ${times} from calls c
    where ${whose} and c.sent_out_by is not null and c.answered_at is not null and c.flow is null
      and c.answered_at > ${today} - interval '2 days' and coalesce(c.ended_at, now()) > ${today}
    union all
    select c.customer_id, c.sent_out_by, c.sent_out_by, c.relay_id, c.started_at, a.answered_at,
      coalesce(a.answered_at + a.talked_seconds * interval '1 second', c.ended_at), c.updated_at
    from calls c join attempts a on a.call_id = c.id and a.answered_at is not null
    where ${whose} and c.sent_out_by is not null and c.answered_at is not null and c.flow is not null
      and c.answered_at > ${today} - interval '2 days'
      and coalesce(a.answered_at + a.talked_seconds * interval '1 second', c.ended_at, now()) > ${today}
  )`
}
