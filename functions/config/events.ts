import { Hono } from 'hono'
import * as z from 'zod'
import { eventTypesMeant } from '#contract'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { listed, lists, readNumberedPage } from '../http/page.ts'
import { readQuery, takes } from '../http/query.ts'
import { readId } from '../http/validate.ts'
import { eventsOf } from '../store/events.ts'
import { eventById, filters, placeOf, presentEvent } from './event-filters.ts'
import { streamEvents, streamFilters } from './event-stream.ts'

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
    return c.json(listed(rows, { size }, ({ sequence }) => sequence, presentEvent))
  })
  .get('/stream', takes(z.object(streamFilters)), streamEvents)
  .get('/:id', async (c) => {
    const row = await eventById(c, readId(c))
    if (!row) throw new ApiError('EVENT_NOT_FOUND', 'There is no such event.')
    return c.json(presentEvent(row))
  })
