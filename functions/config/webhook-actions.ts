import { and, desc, eq, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { deliveryStatuses } from '#contract'
import { deliveries, events, webhooks as table } from '#db'
import type { Edge } from '../env.ts'
import { hurryDeliveries, senderParts } from '../events/dispatcher.ts'
import { replay } from '../events/lines.ts'
import { claimTrial, settleTrial, TRIALS, type Trial } from '../events/outbox.ts'
import { send } from '../events/sender.ts'
import { newWebhookSecret } from '../events/signature.ts'
import { ApiError } from '../http/api-error.ts'
import { listed, lists, readPage } from '../http/page.ts'
import { before } from '../http/queries.ts'
import { readQuery } from '../http/query.ts'
import { readBody, readId, readOrder } from '../http/validate.ts'
import { eventPlace, isEventId } from './event-filters.ts'
import { sealedSecret, webhooks } from './webhooks.ts'

/** How a webhook is given another secret. */
export const rotationInput = z.strictObject({
  overlap_seconds: z
    .int()
    .min(0)
    .max(604_800)
    .default(86_400)
    .describe('Seconds for which the secret so far signs, too; a week at most.'),
})
/** What a trial says. */
export const trialInput = z.strictObject({
  note: z.string().max(255).default('').describe('Comes back in the `data` of the event.'),
})
/** From where on events are told again. */
export const replayInput = z.strictObject({
  after: eventPlace.describe(
    'The `sequence` of an event, or its id: those which came later than it are sent again. 0 is before the first.',
  ),
})
/** Which deliveries are listed; all of them where none is named. */
export const deliveryFilters = { status: z.enum(deliveryStatuses).optional() }

/** Events which one replay looks at. */
export const REPLAYED = 10_000

/** What is done with a webhook beside configuring it. */
export const webhookActions = new Hono<Edge>()
  .post('/:id/rotate', async (c) => c.json(await rotate(c, readId(c), await readOrder(c, rotationInput))))
  .post('/:id/test', async (c) => {
    const [webhookId, data] = [readId(c), await readOrder(c, trialInput)]
    return c.json(await tryOut(c, webhookId, { type: 'webhook.test', subjectId: webhookId, data }))
  })
  .post('/:id/replay', async (c) => {
    const [webhookId, { after }] = [readId(c), await readBody(c, replayInput)]
    const { deletedAt } = await webhooks.find(c, webhookId)
    if (deletedAt !== null) throw notFound()
    const webhook = { customerId: c.get('principal').customerId, id: webhookId }
    const place = isEventId(after) ? { id: after } : { sequence: Number(after) }
    const told = await replay(c.get('db'), webhook, place, REPLAYED)
    if (!told) throw ApiError.field('after', 'is not an event of yours', 'REFERENCE_NOT_FOUND')
    hurryDeliveries(c)
    return c.json({ queued: told.queued, last_event_id: told.last })
  })
  .get('/:id/deliveries', lists(deliveryFilters), async (c) => {
    const [webhookId, page] = [readId(c), readPage(c)]
    const { status } = readQuery(c, z.object(deliveryFilters))
    await webhooks.find(c, webhookId)
    const rows = await rowsOf(c)
      .where(
        and(
          mine(c, webhookId),
          status && eq(deliveries.status, status),
          page.after && before(deliveries.createdAt, deliveries.id, page.after),
        ),
      )
      .orderBy(desc(deliveries.createdAt), desc(deliveries.id))
      .limit(page.size + 1)
    const cursor = ({ delivery }: DeliveryRow) => ({ at: delivery.createdAt, id: delivery.id })
    return c.json(listed(rows, page, cursor, present))
  })

/** Gives a webhook another secret. The one so far signs beside it for the overlap; the one before that no longer. */
async function rotate(
  c: Context<Edge>,
  webhookId: string,
  { overlap_seconds }: z.output<typeof rotationInput>,
) {
  const secret = newWebhookSecret()
  const { tm_previous_expire } = await webhooks.change(c, webhookId, {
    row: {
      sealedPreviousSecret: sql`${table.sealedSecret}`,
      previousUntil: sql`now() + ${overlap_seconds} * interval '1 second'`,
      sealedSecret: await sealedSecret(c, webhookId, secret),
    },
  })
  return { id: webhookId, secret, tm_previous_expire }
}

/** Sends the event of a trial at once, and tells what came of it. Throws where the webhook is gone, or had too many. */
export async function tryOut(c: Context<Edge>, webhookId: string, trial: Trial) {
  const db = c.get('db')
  const delivery = await claimTrial(db, c.get('principal').customerId, webhookId, trial)
  if (delivery === 'missing') throw notFound()
  if (delivery === 'many') {
    c.header('Retry-After', '60')
    throw new ApiError(
      'TOO_MANY_TESTS',
      `${TRIALS} tests of this webhook were made within a minute. Wait for another.`,
    )
  }
  await settleTrial(db, delivery, await send(delivery, senderParts(c.env)))
  const [row] = await rowsOf(c).where(and(mine(c, webhookId), eq(deliveries.id, delivery.id)))
  if (!row) throw new Error('A trial left no delivery.')
  return present(row)
}

function rowsOf(c: Context<Edge>) {
  return c
    .get('db')
    .select({ delivery: deliveries, type: events.type })
    .from(deliveries)
    .innerJoin(events, eq(events.id, deliveries.eventId))
}

function mine(c: Context<Edge>, webhookId: string) {
  return and(eq(deliveries.customerId, c.get('principal').customerId), eq(deliveries.webhookId, webhookId))
}

interface DeliveryRow {
  delivery: typeof deliveries.$inferSelect
  type: string
}

function present({ delivery, type }: DeliveryRow) {
  return {
    id: delivery.id,
    webhook_id: delivery.webhookId,
    event_id: delivery.eventId,
    type,
    sequence: delivery.sequence,
    status: delivery.status,
    attempts: delivery.attempts,
    response_status: delivery.responseStatus,
    response_body: delivery.responseBody,
    error: delivery.error,
    tm_create: delivery.createdAt,
    tm_next_try: delivery.nextTryAt,
    tm_end: delivery.endedAt,
  }
}

function notFound(): ApiError {
  return new ApiError('WEBHOOK_NOT_FOUND', 'There is no such webhook.')
}
