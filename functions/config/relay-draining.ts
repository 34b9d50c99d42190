import { and, eq, gte } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { protocolOfDrain } from '#contract'
import { relays } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { administrator } from '../http/authenticate.ts'
import { readBody } from '../http/validate.ts'
import { hubOf } from '../hub/client.ts'
import { present, relayIn, relayNamed } from './relays.ts'

/** Whether a relay is to take new calls. */
export const drainInput = z.strictObject({
  drain: z
    .boolean()
    .default(true)
    .describe('false: new calls are taken again. A new process of the relay takes them in any case.'),
})

/** Relays which are to take no new calls: those they have go on. */
export const draining = new Hono<Edge>().post('/:id/drain', administrator, async (c) => {
  const [id, { drain }] = [relayIn(c), await readBody(c, drainInput)]
  const understands = and(eq(relays.id, id), gte(relays.protocol, protocolOfDrain))
  const ordered = await c.get('db').update(relays).set({ drainOrdered: drain }).where(understands).returning()
  if (ordered.length === 0) throw await whyNot(c, id)
  await hubOf(c).push(id, { drain })
  return c.json(present(await relayNamed(c, id)), 202)
})

/** Why no order was given. Throws where there is no such relay. */
async function whyNot(c: Context<Edge>, id: string): Promise<ApiError> {
  const { protocol } = await relayNamed(c, id)
  return new ApiError(
    'RELAY_TOO_OLD',
    `${id} speaks protocol ${protocol ?? 'none which is known'}, and ${protocolOfDrain} is needed to be drained by order: send its process SIGTERM, or update it.`,
  )
}
