import * as z from 'zod'
import { instant } from '#contract'
import { TRIALS } from '../events/outbox.ts'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { listShape, paging } from '../http/page.ts'
import { incidentFilters } from './alert-actions.ts'
import { trialInput } from './webhook-actions.ts'
import { delivery, deliveryExample } from './webhook-operations.ts'

const incident = z
  .object({
    id: z.guid(),
    alert_id: z.guid(),
    subject: z
      .string()
      .describe(
        'What it is about, as a word: the id of an account, provider or route, an address, a country.',
      ),
    about: z.record(z.string(), z.unknown()).describe('The same in the words of its events.'),
    value: z.number().nullable().describe('The figure by which it was judged last; null: it has none.'),
    count: z.int().describe('How many facts it rests on.'),
    reason: z.string().describe('Why, in a sentence, as it was judged last.'),
    address: z.string().nullable().describe('The address it is about, where there is one.'),
    tm_raise: instant,
    tm_tell: instant.describe('When it was told last: at most once an hour.'),
    tm_resolve: instant.nullable().describe('null: it lasts.'),
    resolution: z.string().nullable().describe('Why it is over.'),
  })
  .meta({ id: 'Incident', description: 'One time that an alert was raised about one thing.' })

const example = {
  id: exampleIds.incident,
  alert_id: exampleIds.alert,
  subject: '203.0.113.9',
  about: { source_address: '203.0.113.9' },
  value: 20,
  count: 20,
  reason: '20 registrations failed within 5 min: The password is wrong (office1 from 203.0.113.9).',
  address: '203.0.113.9',
  tm_raise: '2026-11-24T09:00:00.000000Z',
  tm_tell: '2026-11-24T09:00:00.000000Z',
  tm_resolve: null,
  resolution: null,
}

/** What is done with an alert beside configuring it. */
export const alertOperations: readonly Operation[] = [
  {
    id: 'listIncidents',
    method: 'get',
    path: '/v1.0/alerts/{id}/incidents',
    summary: 'List what an alert raised, newest first',
    tag: 'alerts',
    scope: 'read',
    query: paging.extend(incidentFilters),
    answer: listShape(incident),
    errors: ['ALERT_NOT_FOUND'],
    example: { parameters: { id: exampleIds.alert }, answer: { result: [example], next_page_token: '' } },
  },
  {
    id: 'testAlert',
    method: 'post',
    path: '/v1.0/alerts/{id}/test',
    summary: 'Send an event `alert.test` as the alert’s are, and hear what came of it',
    description: `It is sent once, to its \`webhook_id\`, in its \`format\`; ${TRIALS} times a minute at most.`,
    tag: 'alerts',
    scope: 'configure',
    body: trialInput,
    mayBeBare: true,
    answer: delivery,
    errors: ['ALERT_NOT_FOUND', 'WEBHOOK_MISSING', 'WEBHOOK_NOT_FOUND', 'TOO_MANY_TESTS'],
    example: {
      parameters: { id: exampleIds.alert },
      body: { note: 'hello' },
      answer: { ...deliveryExample, type: 'alert.test' },
    },
  },
]
