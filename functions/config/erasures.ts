import { and, eq } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { instant } from '#contract'
import { extensions, erasures as table } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { exampleIds } from '../http/example-ids.ts'
import { executionOf } from '../http/execution.ts'
import type { Operation } from '../http/operation.ts'
import { readBody, readId } from '../http/validate.ts'
import { eraseOnceTold, patternOfName, patternOfNumber } from '../store/erasing.ts'
import { deleteRecordings } from '../store/recordings.ts'
import { id } from './fields.ts'
import { numberField } from './number-field.ts'
import { countryOf } from './own-numbers.ts'

const input = z.strictObject({
  number: z.string().max(64).optional().describe('The number, however it is written.'),
  extension_id: id.optional().describe('The extension, also one which was deleted.'),
})

/** Erasing a number or an extension from what is kept: asked for once, carried out in steps. */
export const erasures = new Hono<Edge>()
  .post('/', async (c) => {
    const subject = await subjectOf(c, await readBody(c, input))
    const db = c.get('db')
    const same = and(
      eq(table.customerId, c.get('principal').customerId),
      eq(table.status, 'running'),
      subject.extensionId === null
        ? eq(table.number, subject.number ?? '')
        : eq(table.extensionId, subject.extensionId),
    )
    const [running] = await db.select().from(table).where(same)
    const [row = running] = running
      ? []
      : await db
          .insert(table)
          .values({ id: crypto.randomUUID(), customerId: c.get('principal').customerId, ...subject })
          .returning()
    // By what calls say of themselves now: what is erased from them leads to no recording any more.
    await deleteRecordings(db, c.get('principal').customerId, subject)
    executionOf(c)?.waitUntil(eraseOnceTold(db))
    if (!row) throw new Error('an insert gave no row')
    return c.json(present(row), 202)
  })
  .get('/:id', async (c) => {
    const mine = and(eq(table.customerId, c.get('principal').customerId), eq(table.id, readId(c)))
    const [row] = await c.get('db').select().from(table).where(mine)
    if (!row) throw new ApiError('ERASURE_NOT_FOUND', 'There is no such erasure.')
    return c.json(present(row))
  })

/** What is to be erased, and what it looks like. */
async function subjectOf(c: Context<Edge>, { number, extension_id }: z.output<typeof input>) {
  if ((number === undefined) === (extension_id === undefined))
    throw ApiError.field('number', 'or extension_id is to be given, one of the two')
  if (number !== undefined) {
    const { e164 } = numberField('number', number, await countryOf(c))
    return { number: e164, name: null, extensionId: null, pattern: patternOfNumber(e164) }
  }
  const mine = and(
    eq(extensions.customerId, c.get('principal').customerId),
    eq(extensions.id, extension_id ?? ''),
  )
  const [row] = await c.get('db').select().from(extensions).where(mine)
  if (!row) throw ApiError.field('extension_id', 'names no extension of this customer', 'REFERENCE_NOT_FOUND')
  return { number: null, name: row.extension, extensionId: row.id, pattern: patternOfName(row.extension) }
}

function present(row: typeof table.$inferSelect) {
  const { calls = 0, events = 0, registrations = 0, commands = 0 } = row.counts
  return {
    id: row.id,
    extension_id: row.extensionId,
    status: row.status,
    phase: row.status === 'running' ? row.phase : null,
    counts: { calls, events, registrations, commands },
    tm_create: row.createdAt,
    tm_complete: row.completedAt,
  }
}

const erasure = z
  .object({
    id: z.guid(),
    extension_id: z.guid().nullable().describe('null: a number is erased, which is not said here.'),
    status: z.enum(['running', 'completed']),
    phase: z.enum(['calls', 'events', 'rest']).nullable().describe('What is looked through just now.'),
    counts: z
      .object({ calls: z.int(), events: z.int(), registrations: z.int(), commands: z.int() })
      .describe('How many records it was erased from.'),
    tm_create: instant,
    tm_complete: instant.nullable(),
  })
  .meta({ id: 'Erasure', description: 'A number or an extension, erased from what is kept.' })

const example = {
  id: exampleIds.erasure,
  extension_id: null,
  status: 'running',
  phase: 'calls',
  counts: { calls: 0, events: 0, registrations: 0, commands: 0 },
  tm_create: '2026-11-24T09:00:00.000Z',
  tm_complete: null,
}

/** Asking for an erasure, and how it goes. */
export const erasureOperations: readonly Operation[] = [
  {
    id: 'createErasure',
    method: 'post',
    path: '/v1.0/erasures',
    summary: 'Erase a number or an extension from what is kept',
    description:
      'In what is kept of calls which began before now, of events, deliveries, commands and earlier registrations `erased` stands in its place, and recordings of its calls are deleted. It begins some seconds later, when relays have told what they had yet to tell. A call which goes on is erased when it is over; whatever is told of calls from before for a week more, of those which are kept already or by a relay which was away, is looked at and erased, too; later calls are recorded as ever. SIP messages of a call in which a number stands go. The same asked for again while it runs is the same.',
    tag: 'erasures',
    scope: 'admin',
    body: input,
    answer: erasure,
    success: 202,
    errors: ['REFERENCE_NOT_FOUND'],
    example: { body: { number: '+15551234567' }, answer: example },
  },
  {
    id: 'getErasure',
    method: 'get',
    path: '/v1.0/erasures/{id}',
    summary: 'Read how an erasure goes',
    tag: 'erasures',
    scope: 'read',
    answer: erasure,
    errors: ['ERASURE_NOT_FOUND'],
    example: {
      answer: { ...example, status: 'completed', phase: null, tm_complete: '2026-11-24T09:00:04.000Z' },
    },
  },
]
