import type { ShownDelivery } from './shown.ts'
import { clockTime, listed, sentence } from './words.ts'

/** What came of a delivery, in a sentence. */
export function deliveryWords({
  status,
  attempts,
  response_status,
  error,
  tm_next_try,
}: ShownDelivery): string {
  const tries = attempts === 1 ? 'one try' : `${attempts} tries`
  const answer = response_status === null ? '' : ` with ${response_status}`
  if (status === 'delivered') return `It was taken${answer}, after ${tries}.`
  const why = error === null ? '' : ` ${sentence(error)}`
  if (status === 'failed') return `It was not taken${answer}, after ${tries}, and is not sent again.${why}`
  if (attempts === 0) return 'It waits to be sent.'
  const next = tm_next_try === null ? '' : ` The next is at ${clockTime(tm_next_try)}.`
  return `It was not taken${answer} yet, after ${tries}.${why}${next}`
}

const outcomes = [
  ['delivered', 'taken'],
  ['failed', 'failed'],
  ['waiting', 'waiting'],
] as const

/** Of the last so many, how many were taken, failed and wait. */
export function stripWords(deliveries: readonly Pick<ShownDelivery, 'status'>[]): string {
  if (deliveries.length === 0) return 'Nothing was sent yet.'
  const told = outcomes
    .map(([status, word]) => [deliveries.filter((one) => one.status === status).length, word] as const)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
  return `Of the last ${deliveries.length}: ${listed(told)}.`
}
