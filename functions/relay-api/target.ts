import { sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { type TargetAnswer, targetQuestion } from '#contract'
import type { Edge } from '../env.ts'
import { readTold } from '../http/validate.ts'

/** A relay's question at which relays a customer's extensions or trunks have phones which live. */
export const target = new Hono<Edge>().post('/', async (c) => {
  const { customer_id, ids } = await readTold(c, targetQuestion)
  const { rows } = await c.get('db').execute<TargetAnswer['at'][number]>(sql`
    select coalesce(b.extension_id, b.trunk_id) as id, b.relay_id, max(b.q)::float8 as q from bindings b
    where b.customer_id = ${customer_id}::uuid
      and (b.extension_id = any(${sql.param(ids)}::uuid[]) or b.trunk_id = any(${sql.param(ids)}::uuid[]))
      and b.event in ('registered', 'refreshed') and b.expires_at > now()
    group by 1, 2 order by max(b.refreshed_at) desc, 2`)
  const answer: TargetAnswer = { at: rows }
  return c.json(answer)
})
