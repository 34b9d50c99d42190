import { sql } from 'drizzle-orm'
import type { BindingTell } from '#contract'
import { writeEvents } from './event-log.ts'

/**
 * An event for each registration which ran out, as two parts of a statement. Told twice it is the same event.
 *
 * It is none where something newer is known of the contact, nor where the same phone has registered since by another
 * one: behind NAT its place changes, and the old one is left to run out.
 */
export function expired(tells: { kind: string }[]) {
  return sql`
    heard_expiries as (
      select * from jsonb_to_recordset(${JSON.stringify(tells.filter(isExpiry).map(rowOf))}::jsonb) as t (
        tell_id uuid, at timestamptz, sequence bigint, binding_id uuid, customer_id uuid, extension_id uuid, relay_id text,
        contact text, received jsonb, user_agent text, registered_at text, refreshed_at text, expires_at text)
    ),
    stored_expiries as (
      ${writeEvents(
        {
          type: 'registration.expired',
          id: sql`h.tell_id`,
          customerId: sql`h.customer_id`,
          at: sql`h.at`,
          relayId: sql`h.relay_id`,
          subjectId: sql`h.extension_id`,
          data: sql`jsonb_build_object('subject_id', h.extension_id, 'account', coalesce(e.extension, t.username),
          'why', 'It was not registered anew in time: the phone is off, or cannot reach the relay.',
          'contact', h.contact, 'source_address', h.received ->> 'address',
          'source', (h.received ->> 'transport') || ' ' || (h.received ->> 'address') || ':' || (h.received ->> 'port'),
          'user_agent', h.user_agent, 'registered_at', h.registered_at, 'refreshed_at', h.refreshed_at,
          'expires_at', h.expires_at, 'others', (select count(*) from bindings o where ${other} and ${lives}))`,
        },
        sql`from heard_expiries h
      left join extensions e on e.customer_id = h.customer_id and e.id = h.extension_id and e.deleted_at is null
      left join trunks t on t.customer_id = h.customer_id and t.id = h.extension_id and t.deleted_at is null
      where num_nonnulls(e.id, t.id) = 1
        and not exists (select from bindings b where b.id = h.binding_id and b.sequence > h.sequence)
        and not exists (select from bindings o where ${other} and ${lives} and o.address = h.received ->> 'address'
          and o.user_agent = h.user_agent and o.refreshed_at > h.refreshed_at::timestamptz)`,
      )}
    )`
}

/** The condition that a binding `o` is another of the account whose contact `h` ran out. */
const other = sql`(o.customer_id = h.customer_id and o.id <> h.binding_id and (o.extension_id = e.id or o.trunk_id = t.id))`
const lives = sql`(o.event in ('registered', 'refreshed') and o.expires_at > now())`

function isExpiry(told: { kind: string }): told is BindingTell {
  return told.kind === 'binding' && 'event' in told && told.event === 'expired'
}

function rowOf({ tell_id, at, sequence, binding }: BindingTell) {
  return { tell_id, at, sequence, ...binding }
}
