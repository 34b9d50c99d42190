import { and, desc, eq, isNull, or, type SQL, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { PLATFORM } from '#contract'
import { events as table } from '#db'
import type { Edge } from '../env.ts'
import { shallow } from '../events/sender.ts'
import { ApiError } from '../http/api-error.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { before } from '../http/queries.ts'
import { readQuery } from '../http/query.ts'
import { readId } from '../http/validate.ts'
import { id } from './fields.ts'

/** Which events are listed; all of them where none is given. */
export const filters = {
  type: z
    .string()
    .regex(/^[a-z_]+(\.[a-z_]+)*$/, 'is not the name of an event, such as provider.health_changed')
    .optional(),
  resource_id: id.optional().describe('What it happened to.'),
  after: id.optional().describe('An event: those which happened later than it.'),
}

/** What happened and is worth knowing: read only, newest first. */
export const events = new Hono<Edge>()
  .get('/', lists(filters), async (c) => {
    const [page, { type, resource_id, after }] = [readPage(c), readQuery(c, z.object(filters))]
    const rows = await c
      .get('db')
      .select()
      .from(table)
      .where(
        and(
          isOwn(c),
          type === undefined ? undefined : eq(table.type, type),
          resource_id === undefined ? undefined : eq(table.subjectId, resource_id),
          after === undefined ? undefined : laterThan(await theEvent(c, after)),
          page.after && before(table.at, table.id, page.after),
        ),
      )
      .orderBy(desc(table.at), desc(table.id))
      .limit(page.size + 1)
    return c.json(listed(rows, page, ({ at, id }) => ({ at, id }), present))
  })
  .get('/:id', async (c) => {
    const [row] = await c
      .get('db')
      .select()
      .from(table)
      .where(and(isOwn(c), eq(table.id, readId(c))))
    if (!row) throw new ApiError('EVENT_NOT_FOUND', 'There is no such event.')
    return c.json(present(row))
  })

/** The condition that an event is the asking customer's; those of no customer are the platform's. */
function isOwn(c: Context<Edge>) {
  const { customerId } = c.get('principal')
  const own = eq(table.customerId, customerId)
  return customerId === PLATFORM ? or(own, isNull(table.customerId)) : own
}

/** An event of the speaking customer's which the query names. */
async function theEvent(c: Context<Edge>, id: string): Promise<typeof table.$inferSelect> {
  const [row] = await c
    .get('db')
    .select()
    .from(table)
    .where(and(isOwn(c), eq(table.id, id)))
  if (row) return row
  throw ApiError.field('after', 'is not an event of yours', 'INVALID_REQUEST_PARAMETER')
}

/** The condition that an event stands before another in the list. */
function laterThan({ at, id }: { at: string; id: string }): SQL {
  return sql`(${table.at}, ${table.id}) > (${at}::timestamptz, ${id}::uuid)`
}

function present(row: typeof table.$inferSelect) {
  return {
    id: row.id,
    customer_id: row.customerId,
    type: row.type,
    resource_id: row.subjectId,
    relay_id: row.relayId,
    sequence: row.sequence,
    data: shallow(row.data),
    tm_create: row.at,
  }
}
