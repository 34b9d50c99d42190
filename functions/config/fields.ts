import * as z from 'zod'
import { digestAlgorithm, failoverPolicy } from '#contract'

/*
 * Shapes that several resources share. The nil UUID means "unset", as it does to existing clients.
 */

const NIL = '00000000-0000-0000-0000-000000000000'

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is kept out.
const printable = /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/u

export const name = z.string().max(255).regex(printable, 'has control characters').default('')
export const detail = z.string().max(4000).regex(printable, 'has control characters').default('')
export const id = z.guid('is not a UUID').toLowerCase()
export const optionalId = z
  .guid('is not a UUID')
  .toLowerCase()
  .nullable()
  .default(null)
  .transform((value) => (value === NIL ? null : value))

export const algorithms = z
  .array(digestAlgorithm)
  .min(1)
  .max(2)
  .refine((list) => new Set(list).size === list.length, 'names one twice')

const policy = failoverPolicy.shape
/** The parts of a failover policy somebody cares about; the rest follows the defaults. */
export const failover = z
  .strictObject({
    next_on: policy.next_on.unwrap().optional(),
    first_response_ms: policy.first_response_ms.unwrap().optional(),
    progress_ms: policy.progress_ms.unwrap().optional(),
    answer_ms: policy.answer_ms.unwrap().optional(),
    search_ms: policy.search_ms.unwrap().optional(),
  })
  .nullable()
  .default(null)
  .transform((wish) => (wish === null ? null : stated(wish)))

/** The keys of a wish that were given a value. */
function stated<Wish extends object>(wish: Wish): { [Key in keyof Wish]?: Exclude<Wish[Key], undefined> } {
  return Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined)) as ReturnType<
    typeof stated<Wish>
  >
}

/** Keys of every resource that only we set: a client may send them back, and nothing happens. */
export const ours = ['id', 'customer_id', 'tm_create', 'tm_update', 'tm_delete'] as const
