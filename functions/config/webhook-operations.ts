import * as z from 'zod'
import { deliveryStatuses, instant } from '#contract'
import { TRIALS } from '../events/outbox.ts'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { listShape, paging } from '../http/page.ts'
import { deliveryFilters, REPLAYED, replayInput, rotationInput, trialInput } from './webhook-actions.ts'

/** An event on its way to a webhook. */
export const delivery = z
  .object({
    id: z.guid(),
    webhook_id: z.guid(),
    event_id: z.guid().describe('The `webhook-id` of its messages, however often it is sent.'),
    type: z.string().describe('The event’s.'),
    sequence: z.int().describe('The event’s.'),
    status: z.enum(deliveryStatuses).describe('`failed`: all attempts have, and there will be no other.'),
    attempts: z.int(),
    response_status: z.int().nullable().describe('HTTP status of the last answer; null: none came.'),
    response_body: z.string().nullable().describe('How that began, a kilobyte at most.'),
    error: z.string().nullable().describe('Why the last attempt failed; null: none has.'),
    tm_create: instant,
    tm_next_try: instant
      .nullable()
      .describe('null: it is over, or waits for one before it about the same, or for its webhook.'),
    tm_end: instant.nullable(),
  })
  .meta({ id: 'Delivery', description: 'An event on its way to a webhook.' })

const rotated = z.object({ id: z.guid(), secret: z.string(), tm_previous_expire: instant.nullable() }).meta({
  id: 'WebhookRotated',
  description: 'A webhook’s new secret, which is shown here and nowhere else.',
})

const replayed = z
  .object({
    queued: z.int().describe('How many events will be sent again.'),
    last_event_id: z.guid().nullable().describe('The last of them: `after` for the next replay; null: none.'),
  })
  .meta({ id: 'WebhookReplay', description: 'What a replay comes to.' })

const at = '2026-11-24T09:00:00.000Z'
/** One which was taken. */
export const deliveryExample = {
  id: exampleIds.delivery,
  webhook_id: exampleIds.webhook,
  event_id: exampleIds.event,
  type: 'webhook.test',
  sequence: 41,
  status: 'delivered',
  attempts: 1,
  response_status: 200,
  response_body: 'ok',
  error: null,
  tm_create: at,
  tm_next_try: null,
  tm_end: at,
}
const about = { tag: 'webhooks', errors: ['WEBHOOK_NOT_FOUND'] } as const
const parameters = { id: exampleIds.webhook }

/** What is done with a webhook beside configuring it. */
export const webhookOperations: readonly Operation[] = [
  {
    ...about,
    id: 'listDeliveries',
    method: 'get',
    path: '/v1.0/webhooks/{id}/deliveries',
    summary: 'List what was sent to a webhook, or is to be, newest first',
    description: 'Deliveries are kept for 30 days.',
    scope: 'read',
    query: paging.extend(deliveryFilters),
    answer: listShape(delivery),
    example: { parameters, answer: { result: [deliveryExample], next_page_token: '' } },
  },
  {
    ...about,
    id: 'testWebhook',
    method: 'post',
    path: '/v1.0/webhooks/{id}/test',
    summary: 'Send an event `webhook.test` at once, and hear what came of it',
    description: `It is sent once, to a webhook which is disabled too; ${TRIALS} times a minute at most.`,
    scope: 'configure',
    body: trialInput,
    mayBeBare: true,
    answer: delivery,
    errors: ['WEBHOOK_NOT_FOUND', 'TOO_MANY_TESTS'],
    example: { parameters, body: { note: 'hello' }, answer: deliveryExample },
  },
  {
    ...about,
    id: 'rotateWebhook',
    method: 'post',
    path: '/v1.0/webhooks/{id}/rotate',
    summary: 'Give a webhook another secret',
    description: 'Messages are signed by both for the overlap.',
    scope: 'configure',
    body: rotationInput,
    mayBeBare: true,
    answer: rotated,
    precondition: 'If-Match',
    headers: ['ETag'],
    errors: ['WEBHOOK_NOT_FOUND', 'VERSION_MISMATCH'],
    example: {
      parameters,
      body: { overlap_seconds: 86_400 },
      answer: {
        id: exampleIds.webhook,
        secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=',
        tm_previous_expire: '2026-11-25T09:00:00.000Z',
      },
    },
  },
  {
    ...about,
    id: 'replayWebhook',
    method: 'post',
    path: '/v1.0/webhooks/{id}/replay',
    summary: 'Send events again',
    description: `Those it asks for, which came after one, the oldest first: at most ${REPLAYED} at a time. What waits already is not sent twice.`,
    scope: 'configure',
    body: replayInput,
    answer: replayed,
    errors: ['WEBHOOK_NOT_FOUND', 'REFERENCE_NOT_FOUND'],
    example: {
      parameters,
      body: { after: exampleIds.event },
      answer: { queued: 12, last_event_id: exampleIds.event },
    },
  },
]
