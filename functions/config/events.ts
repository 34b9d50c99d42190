import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { eventTypesMeant } from '#contract'
import type { Edge } from '../env.ts'
import { shallow } from '../events/sender.ts'
import { ApiError } from '../http/api-error.ts'
import { listed, lists, readNumberedPage } from '../http/page.ts'
import { readQuery } from '../http/query.ts'
import { readId } from '../http/validate.ts'
import { type EventRow, eventOf, eventsOf } from '../store/events.ts'
import { eventPattern, id } from './fields.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Which events are listed; all of them where none is given. */
export const filters = {
  type: eventPattern.optional().describe('A type, or the beginning of several: `call.*`.'),
  resource_id: id.optional().describe('What it happened to.'),
  after: z
    .string()
    .refine((said) => uuid.test(said) || /^\d{1,15}$/.test(said), 'is neither an event’s sequence nor its id')
    .optional()
    .describe(
      'The `sequence` of an event, or its id: those which came later than it. 0 is before the first.',
    ),
}

/** What happened and is worth knowing: read only, newest first. */
export const events = new Hono<Edge>()
  .get('/', lists(filters), async (c) => {
    const [{ size, after: below }, asked] = [readNumberedPage(c), readQuery(c, z.object(filters))]
    const above = await placeOf(c, asked.after)
    const rows = await eventsOf(c.get('db'), c.get('principal').customerId, {
      types: asked.type === undefined ? undefined : eventTypesMeant(asked.type),
      subjectId: asked.resource_id,
      above,
      below,
      order: 'newest',
      most: size + 1,
    })
    return c.json(listed(rows, { size }, ({ sequence }) => sequence, present))
  })
  .get('/:id', async (c) => {
    const row = await byId(c, readId(c))
    if (!row) throw new ApiError('EVENT_NOT_FOUND', 'There is no such event.')
    return c.json(present(row))
  })

async function byId(c: Context<Edge>, id: string): Promise<EventRow | undefined> {
  return eventOf(c.get('db'), c.get('principal').customerId, id)
}

/** The sequence which the query names, itself or by an event; undefined: it names none. */
async function placeOf(c: Context<Edge>, after: string | undefined): Promise<number | undefined> {
  if (after === undefined) return undefined
  if (!uuid.test(after)) return Number(after)
  const row = await byId(c, after)
  if (row) return row.sequence
  throw ApiError.field('after', 'is not an event of yours', 'INVALID_REQUEST_PARAMETER')
}

function present(row: EventRow) {
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
