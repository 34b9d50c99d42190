import { describe, expect, test } from 'vitest'
import { deliveryExample } from '../../../functions/config/webhook-operations.ts'
import { deliveryWords, stripWords } from '../../../functions/console/delivery-words.ts'
import type { ShownDelivery } from '../../../functions/console/shown.ts'

const taken: ShownDelivery = { ...deliveryExample, status: 'delivered' }

describe('a delivery in a sentence', () => {
  test.each<[string, Partial<ShownDelivery>, RegExp]>([
    ['taken', {}, /^It was taken with 200, after one try\.$/],
    [
      'failed for good',
      { status: 'failed', attempts: 9, response_status: 500, error: 'it answered 500' },
      /^It was not taken with 500, after 9 tries, and is not sent again\. It answered 500\.$/,
    ],
    ['waiting', { status: 'waiting', attempts: 0, response_status: null }, /^It waits to be sent\.$/],
    [
      'waiting for another try',
      {
        status: 'waiting',
        response_status: null,
        error: 'no answer came',
        tm_next_try: '2026-11-24T09:00:00.000Z',
      },
      /^It was not taken yet, after one try\. No answer came\. The next is at .+\.$/,
    ],
  ])('%s', (_, one, words) => {
    expect(deliveryWords({ ...taken, ...one })).toMatch(words)
  })
})

test.each<[ShownDelivery['status'][], string]>([
  [[], 'Nothing was sent yet.'],
  [['delivered'], 'Of the last 1: 1 taken.'],
  [['waiting', 'failed', 'delivered', 'delivered'], 'Of the last 4: 2 taken, 1 failed and 1 waiting.'],
])('deliveries %j are in a sentence: %s', (statuses, words) => {
  expect(stripWords(statuses.map((status) => ({ status })))).toBe(words)
})
