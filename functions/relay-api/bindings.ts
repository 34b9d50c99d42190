import { and, eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { type BindingList, bindingList } from '#contract'
import { bindings as table } from '#db'
import type { Edge } from '../env.ts'
import { reachable } from '../store/bindings.ts'

/** A relay's own bindings that have not run out, for its registrar after a restart; whose key it is says which relay's. */
export const bindings = new Hono<Edge>().get('/', async (c) => {
  const rows = await c
    .get('db')
    .select({ ...getTableColumns(table), keepaliveS })
    .from(table)
    .where(and(eq(table.relayId, c.get('relayId')), reachable(), enabled(), unended()))
  const list: BindingList = bindingList.parse({ bindings: rows.map(toWire), at: new Date().toISOString() })
  return c.json(list)
})

/** The condition that its extension or trunk may be reached at all: one which may not ended with its owner's word. */
function enabled(): SQL {
  return sql`(exists (select from extensions e where e.id = ${table.extensionId} and e.enabled and e.deleted_at is null)
    or exists (select from trunks t where t.id = ${table.trunkId} and t.enabled and t.deleted_at is null
      and 'basic' = any(t.auth_types)))`
}

/** The condition that it was not proved by a token which was ended. */
function unended(): SQL {
  return sql`not exists (select from registration_tokens k where k.customer_id = ${table.customerId}
    and k.extension_id = ${table.extensionId} and k.id = ${table.tokenId} and k.ended_at is not null)`
}

/** As its extension or trunk has it now. */
const keepaliveS = sql<number>`coalesce((select e.keepalive_s from extensions e where e.id = ${table.extensionId}),
  (select t.keepalive_s from trunks t where t.id = ${table.trunkId}))`

function toWire(row: typeof table.$inferSelect & { keepaliveS: number }): BindingList['bindings'][number] {
  return {
    binding_id: row.id,
    customer_id: row.customerId,
    account: row.trunkId === null ? 'extension' : 'trunk',
    extension_id: row.extensionId ?? row.trunkId ?? '',
    relay_id: row.relayId,
    sequence: row.sequence,
    contact: row.contact,
    q: row.q,
    call_id: row.callId,
    cseq: row.cseq,
    received: { transport: row.transport, address: row.address, port: row.port },
    path: row.path,
    user_agent: row.userAgent,
    token_id: row.tokenId,
    proof: row.proof,
    keepalive_s: row.keepaliveS,
    registered_at: row.registeredAt,
    refreshed_at: row.refreshedAt,
    expires_at: row.expiresAt,
  }
}
