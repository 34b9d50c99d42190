import { and, eq, isNull } from 'drizzle-orm'
import type { Context } from 'hono'
import { customers, numbers } from '#db'
import { readNumber } from '#routing'
import type { Edge } from '../env.ts'
import { Problem } from '../http/problem.ts'

/** The country in which the speaking customer's numbers are read. */
export async function countryOf(c: Context<Edge>): Promise<string> {
  const [customer] = await c
    .get('db')
    .select({ country: customers.defaultCountry })
    .from(customers)
    .where(eq(customers.id, c.get('speaker').customerId))
  return customer?.country ?? 'US'
}

/** A live number of the speaking customer, however it is written; else a refusal naming `field`. */
export async function ownNumber(c: Context<Edge>, field: string, written: string) {
  const read = readNumber(written, await countryOf(c))
  if (read.kind !== 'number') throw Problem.field(field, 'is not a phone number')
  const [row] = await c
    .get('db')
    .select({ id: numbers.id, number: numbers.number })
    .from(numbers)
    .where(
      and(
        eq(numbers.customerId, c.get('speaker').customerId),
        eq(numbers.number, read.e164),
        isNull(numbers.deletedAt),
      ),
    )
  if (!row) throw Problem.field(field, 'is not a number of yours', 'REFERENCE_NOT_FOUND')
  return row
}
