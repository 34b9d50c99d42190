import * as z from 'zod'
import { digestAlgorithm, eventTypesMeant, failoverPolicy } from '#contract'
import { callingCode } from '#routing'

/*
 * Shapes that several resources share. The nil UUID means "unset", as it does to existing clients.
 */

const NIL = '00000000-0000-0000-0000-000000000000'

/** One line; `detail` may have several. What no text may hold the door has refused already. */
export const name = z
  .string()
  .max(255)
  .regex(/^[^\p{Cc}]*$/u, 'has control characters')
  .default('')
export const detail = z.string().max(4000).default('')
export const id = z.guid('is not a UUID').toLowerCase()
export const optionalId = z
  .guid('is not a UUID')
  .toLowerCase()
  .nullable()
  .default(null)
  .overwrite((value) => (value === NIL ? null : value))

/** A type of events, the beginning of several, or all. */
export const eventPattern = z
  .string()
  .max(64)
  .refine(
    (asked) => eventTypesMeant(asked).length > 0,
    'is no type of events, such as call.ended, nor the beginning of several, such as call.*',
  )

/** A country: ISO 3166, two letters, in upper case. */
export const country = z
  .string()
  .toUpperCase()
  .refine((text) => callingCode(text) !== undefined, 'is not a country (ISO 3166, two letters)')

/** The digest algorithms which phones are offered, each once, the preferred first. */
export const algorithms = z
  .array(digestAlgorithm)
  .min(1)
  .max(2)
  .refine((list) => new Set(list).size === list.length, 'names one twice')

const policy = failoverPolicy.shape
/** The parts of a failover policy which are set; the rest follows the defaults. */
export const failover = z
  .strictObject({
    next_on: policy.next_on.unwrap().exactOptional(),
    first_response_ms: policy.first_response_ms.unwrap().exactOptional(),
    progress_ms: policy.progress_ms.unwrap().exactOptional(),
    answer_ms: policy.answer_ms.unwrap().exactOptional(),
    search_ms: policy.search_ms.unwrap().exactOptional(),
  })
  .nullable()
  .default(null)

const most = (limit: number) =>
  z.int().min(1, 'is at least 1; null sets no limit').max(limit).nullable().default(null)

/** How much a customer, an extension or a trunk may call; null: without limit. */
export const limits = {
  /** Calls at once. */
  max_channels: most(1_000_000),
  /** New calls a second. */
  max_cps: most(100_000),
  /** Answered minutes a day, UTC. */
  max_daily_minutes: most(100_000_000),
}

/** How a country is shown. */
export const shownCountry = z.string().length(2).lowercase().nullable()
