import type { Context } from 'hono'
import * as z from 'zod'
import type { Edge } from '../env.ts'
import { shallow } from '../events/sender.ts'
import { ApiError } from '../http/api-error.ts'
import { type EventRow, eventOf } from '../store/events.ts'
import { eventPattern, id } from './fields.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const notPlace = 'is neither an event’s sequence nor its id'

/** Whether it is by its id that a place among events is said. */
export function isEventId(said: string | number): said is string {
  return uuid.test(String(said))
}

function isPlace(said: string): boolean {
  return uuid.test(said) || /^\d{1,15}$/.test(said)
}

/** A place among events as a body says it: as queries do, or by the `sequence` as a webhook’s message has it. */
export const eventPlace = z.union([z.int().min(0), z.string().refine(isPlace, notPlace)], notPlace)

/** Which events are listed; all of them where none is given. */
export const filters = {
  type: eventPattern.optional().describe('A type, or the beginning of several: `call.*`.'),
  resource_id: id.optional().describe('What it happened to.'),
  after: z
    .string()
    .refine(isPlace, notPlace)
    .optional()
    .describe(
      'The `sequence` of an event, or its id: those which came later than it. 0 is before the first.',
    ),
}

/** An event of the asking customer's; undefined: there is none. */
export async function eventById(c: Context<Edge>, id: string): Promise<EventRow | undefined> {
  return eventOf(c.get('db'), c.get('principal').customerId, id)
}

/** The sequence which the query names, itself or by an event; undefined: it names none. Throws where that is no event. */
export async function placeOf(c: Context<Edge>, after: string | undefined): Promise<number | undefined> {
  if (after === undefined) return undefined
  if (!isPlace(after)) throw ApiError.field('after', notPlace, 'INVALID_REQUEST_PARAMETER')
  if (!uuid.test(after)) return Number(after)
  const row = await eventById(c, after)
  if (row) return row.sequence
  throw ApiError.field('after', 'is not an event of yours', 'INVALID_REQUEST_PARAMETER')
}

/** An event as the API shows it. */
export function presentEvent(row: EventRow) {
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
