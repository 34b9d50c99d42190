import { and, eq, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import { bindings } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { readId } from '../http/validate.ts'
import { hubOf } from '../hub/client.ts'
import { endedByApi } from '../store/binding-events.ts'
import { reachable } from '../store/bindings.ts'
import { END_REGISTRATION } from '../store/commands.ts'
import { writeSelected } from '../store/event-log.ts'
import { living } from '../store/hearing.ts'
import { registrationOf } from './registrations.ts'

/** Registrations ended on their customer's word. */
export const endings = new Hono<Edge>().delete('/:id', async (c) => {
  const id = readId(c)
  const alive = await end(c, id)
  return c.json(await registrationOf(c, id), alive ? 202 : 200)
})

/**
 * Its relay takes the contact away at once, by its next beat, or when it is back; whether it is alive. A phone which refreshes
 * meanwhile shows as registered until then.
 */
async function end(c: Context<Edge>, id: string): Promise<boolean> {
  const [db, { customerId }] = [c.get('db'), c.get('principal')]
  const mine = and(eq(bindings.customerId, customerId), eq(bindings.id, id), reachable())
  const [, , [ended], { rows }] = await db.batch([
    db.execute(sql`
      insert into commands (id, customer_id, relay_id, body)
      select gen_random_uuid(), customer_id, relay_id, jsonb_build_object('kind', ${END_REGISTRATION}::text,
        'binding_id', id, 'extension_id', coalesce(extension_id, trunk_id), 'sequence', sequence)
      from bindings where ${mine}`),
    db.execute(
      writeSelected(
        endedByApi(sql`b.customer_id = ${customerId}::uuid and b.id = ${id}::uuid
      and b.event in ('registered', 'refreshed') and b.expires_at > now()`),
        sql`order by rank`,
      ),
    ),
    db.update(bindings).set({ event: 'unregistered', updatedAt: sql`now()` }).where(mine).returning(),
    db.execute<{ id: string }>(sql`select id from ${living} as alive`),
  ])
  if (ended) void hubOf(c).ordered([ended.relayId])
  else throw new ApiError('REGISTRATION_NOT_FOUND', 'There is no such registration, or it has ended.')
  return rows.some((relay) => relay.id === ended.relayId)
}
