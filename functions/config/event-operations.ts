import * as z from 'zod'
import { instant } from '#contract'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { listShape, paging } from '../http/page.ts'
import { eventExamples } from './event-examples.ts'
import { filters } from './event-filters.ts'
import { streamFilters } from './event-stream.ts'

const example = {
  id: exampleIds.event,
  customer_id: exampleIds.customer,
  type: 'provider.health_changed',
  resource_id: exampleIds.provider,
  relay_id: 'relay-1',
  sequence: 40,
  data: { from: 'healthy', to: 'unhealthy', why: 'sip.provider.com does not answer' },
  tm_create: '2026-11-24T09:00:00.000Z',
}

const event = z
  .object({
    id: z.guid(),
    customer_id: z.guid().nullable().describe('null: the platform’s.'),
    type: z.string().describe('What happened, as `provider.health_changed` or `registration.failed`.'),
    resource_id: z.guid().nullable().describe('What it happened to.'),
    relay_id: z.string().nullable().describe('The relay which told it.'),
    sequence: z.int().describe('Rises by one with each event of the customer.'),
    data: z.record(z.string(), z.unknown()).describe('The rest, by type.'),
    tm_create: instant,
  })
  .meta({
    id: 'Event',
    description: 'Something which happened and is worth knowing.',
    examples: eventExamples(example),
  })

/** Reading what happened. */
export const eventOperations: readonly Operation[] = [
  {
    id: 'listEvents',
    method: 'get',
    path: '/v1.0/events',
    summary: 'List events, newest first',
    tag: 'events',
    scope: 'read',
    query: paging.extend(filters),
    answer: listShape(event),
    errors: [],
    example: {
      parameters: { type: 'provider.health_changed', resource_id: exampleIds.provider },
      answer: { result: [example], next_page_token: '' },
    },
  },
  {
    id: 'streamEvents',
    method: 'get',
    path: '/v1.0/events/stream',
    summary: 'Events as they come, the oldest first (server-sent events)',
    description:
      'Each message has an event as JSON, and its `sequence` as `id`. It begins after `Last-Event-ID`, or `after`, or now; it ends after a while, and clients which come back with `Last-Event-ID` miss nothing and hear nothing twice.',
    tag: 'events',
    scope: 'read',
    query: z.object(streamFilters),
    answer: z.string(),
    media: 'text/event-stream',
    errors: ['TOO_MANY_STREAMS'],
    example: {
      parameters: { type: 'provider.*', seconds: '1' },
      answer: `retry: 1000\nid: 39\n\nid: 40\ndata: ${JSON.stringify(example)}\n\n`,
    },
  },
  {
    id: 'getEvent',
    method: 'get',
    path: '/v1.0/events/{id}',
    summary: 'Read an event',
    tag: 'events',
    scope: 'read',
    answer: event,
    errors: ['EVENT_NOT_FOUND'],
    example: { answer: example },
  },
]
