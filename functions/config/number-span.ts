import { type SQL, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { type Check, noneOf } from '../http/check.ts'
import { taken } from '../store/number-overlap.ts'
import { numberField } from './number-field.ts'
import { countryOf } from './own-numbers.ts'

/** One number, a range of them, or `any`: whatever comes from one provider. */
export interface Span {
  number: string
  numberTo: string | null
  country: string | null
}

/** Numbers of a range: as many as an administrator assigns, and as many as a customer claims by its word alone. */
export const assignable = 1_000_000
export const claimable = 1_000

/**
 * Reads a number, or the first and last of a range of `most` at most, as the customer writes them. Throws where they
 * are no number or no range. Throws where they are no number or no range.
 */
export async function readSpan(
  c: Context<Edge>,
  first: string,
  last: string | null | undefined,
  most: number,
): Promise<Span> {
  if (first === 'any') {
    if (last) throw ApiError.field('number_to', 'means nothing beside "any"')
    return { number: 'any', numberTo: null, country: null }
  }
  const home = await countryOf(c)
  const from = numberField('number', first, home)
  if (!last) return { number: from.e164, numberTo: null, country: from.country }
  const to = numberField('number_to', last, home)
  const why = notARange(from, to, most)
  if (why) throw ApiError.field('number_to', why)
  return { number: from.e164, numberTo: to.e164, country: from.country }
}

/** A live number that is one of these already: whose, and the first they have in common. */
interface Overlap {
  id: string
  customer_id: string
  number: string
}

/** Live numbers and ranges with something of this one in them, and of which `those` holds; each is called `other`. */
export function overlaps({ number, numberTo }: Span, those: SQL): SQL {
  return taken(sql`${number}::text`, sql`${numberTo ?? number}::text`, those)
}

/** The check that no customer has them yet; a row is named only to its own customer. `refuse` throws NUMBER_TAKEN. */
export function notTaken(overlapping: SQL, customerId: string, asked: Span): Check {
  return noneOf<Overlap>(
    sql`(select * from ${overlapping} as overlap order by number limit 1)`,
    (overlap) => {
      const which = asked.numberTo === null ? 'is' : `holds ${overlap.number}, which is`
      const whose = overlap.customer_id === customerId ? `your number ${overlap.id}` : 'in use'
      throw ApiError.field('number', `${which} already ${whose}`, 'NUMBER_TAKEN')
    },
  )
}

interface E164 {
  e164: string
  country: string | null
}

function notARange(from: E164, to: E164, most: number): string | undefined {
  if (from.e164.length !== to.e164.length) return 'has not as many digits as "number"'
  if (from.country !== to.country) return 'is in another country than "number"'
  const more = Number(to.e164) - Number(from.e164)
  if (more <= 0) return 'is not after "number"'
  return more < most ? undefined : `makes more than ${most} numbers`
}
