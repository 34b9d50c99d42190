import { type SQL, sql } from 'drizzle-orm'
import * as z from 'zod'
import { type EventTell, instant as instantText, PLATFORM } from '#contract'
import type { Fact } from './calls.ts'
import { instant } from './instant.ts'

/*
 * Source prefixes which relays block: a row for each customer whose accounts were tried from there, and one of the
 * platform's, which is all of them. All that relays know of one another's blocks they hear in beats.
 */

/** What `registration.blocked` says of a block, by which it is kept. */
const told = z.object({
  block_id: z.guid(),
  source_address: z.string().max(64),
  since: instantText,
  until: instantText,
  failures: z.int32(),
  accounts: z.int32(),
})

const KEPT = sql`interval '30 days'`
/** So many blocks are named in a beat, the latest. */
const NAMED = 1_000

/** The statement which keeps the blocks which were told, each once, and takes away old ones; undefined: none was told. */
export function keepBlocks(facts: readonly Fact[]): SQL | undefined {
  const blocks = facts.filter(isBlock).flatMap((tell) => {
    const read = told.safeParse(tell.data)
    return read.success
      ? [{ ...read.data, relay_id: tell.relay_id, customer_id: tell.customer_id ?? PLATFORM }]
      : []
  })
  if (blocks.length === 0) return undefined
  return sql`
    with old as (delete from source_blocks where until < now() - ${KEPT})
    insert into source_blocks (id, customer_id, relay_id, source, since, until, failures, accounts)
    select block_id, t.customer_id, relay_id, source_address, since, until, failures, accounts
    from jsonb_to_recordset(${JSON.stringify(blocks)}::jsonb) as t (block_id uuid, customer_id uuid, relay_id text,
      source_address text, since timestamptz, until timestamptz, failures integer, accounts integer)
    join customers c on c.id = t.customer_id
    on conflict do nothing`
}

/** Blocks whose time is not up, as a beat's answer names them. */
export const namedBlocks = sql`(
  select coalesce(jsonb_agg(block), '[]') from (
    select jsonb_build_object('block_id', b.id, 'source', b.source, 'until', ${instant(sql`b.until`)},
      'over', b.ended_at is not null, 'lifted_for', (
        select coalesce(jsonb_agg(o.customer_id), '[]') from source_blocks o
        where o.until > now() and o.id = b.id and o.ended_at is not null and o.customer_id <> b.customer_id)) as block
    from source_blocks b where b.until > now() and b.customer_id = ${PLATFORM}::uuid
    order by b.since desc limit ${NAMED}) as named)`

function isBlock(tell: Fact): tell is EventTell {
  return tell.kind === 'event' && tell.type === 'registration.blocked'
}
