import { type SQL, sql } from 'drizzle-orm'
import type { MessagesTell } from '#contract'

/**
 * The statement which keeps the SIP messages of calls, as their relays tell them. Those of a call which is not known, is
 * another’s or was erased are passed over.
 */
export function keepMessages(told: readonly MessagesTell[]): SQL {
  // One statement may touch a row only once, and the last of a call has all of those before.
  const last = new Map<string, MessagesTell>()
  for (const one of told)
    if ((last.get(one.call_id)?.sequence ?? 0) < one.sequence) last.set(one.call_id, one)
  return sql`
    -- Whoever erases just now has the call locked; calls are locked in the order in which they are stored.
    with kept as materialized (
      select c.id, c.customer_id, t.sequence, t.left_out, t.messages
      from jsonb_to_recordset(${JSON.stringify([...last.values()])}::jsonb) as t (call_id uuid, customer_id uuid, relay_id text,
        sequence bigint, left_out integer, messages jsonb)
      join calls c on c.id = t.call_id and c.customer_id = t.customer_id and c.relay_id = t.relay_id and c.erased_at is null
      order by c.id for share of c)
    insert into call_messages as m (call_id, customer_id, sequence, left_out, messages) select * from kept order by id
    on conflict (call_id) do update set sequence = excluded.sequence, left_out = excluded.left_out, messages = excluded.messages
    where m.sequence < excluded.sequence`
}
