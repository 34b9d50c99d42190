import { eq, type SQL, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import { customers, numbers } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { numberField } from './number-field.ts'

/** The country in which the asking customer's numbers are read. */
export async function countryOf(c: Context<Edge>): Promise<string> {
  const [customer] = await c
    .get('db')
    .select({ country: customers.defaultCountry })
    .from(customers)
    .where(eq(customers.id, c.get('principal').customerId))
  return customer?.country ?? 'US'
}

/** The countries a customer is in: its own, and those of its trunks and numbers. */
export async function countriesOf(c: Context<Edge>): Promise<string[]> {
  const { customerId } = c.get('principal')
  const { rows } = await c.get('db').execute<{ country: string }>(sql`
    select default_country as country from customers where id = ${customerId}::uuid
    union select country from trunks where customer_id = ${customerId}::uuid and deleted_at is null and country is not null
    union select country from numbers where customer_id = ${customerId}::uuid and deleted_at is null and country is not null`)
  return rows.map(({ country }) => country)
}

/** A live number of the asking customer as E.164, however it is written; else a refusal naming `field`. */
export async function ownNumber(c: Context<Edge>, field: string, written: string): Promise<string> {
  const number = numberField(field, written, await countryOf(c)).e164
  await owned(c, [number], () => field)
  return number
}

/** The same for several, read in `country` (null: the customer's); a refusal names which one. */
export async function ownNumbers(
  c: Context<Edge>,
  field: string,
  written: string[],
  country: string | null,
): Promise<string[]> {
  if (written.length === 0) return []
  const home = country ?? (await countryOf(c))
  const read = written.map((text, at) => numberField(`${field}.${at}`, text, home).e164)
  await owned(c, read, (number) => `${field}.${read.indexOf(number)}`)
  return [...new Set(read)]
}

/** The condition that a live number named so is this one, or a range this one lies in. */
export function holds(name: string, number: SQL): SQL {
  const n = sql.raw(name)
  return sql`${n}.deleted_at is null and (${n}.number = ${number} or (${n}.number_to is not null
    and length(${n}.number) = length(${number}) and ${number} between ${n}.number and ${n}.number_to))`
}

async function owned(c: Context<Edge>, wanted: string[], fieldOf: (number: string) => string) {
  const { rows } = await c.get('db').execute<{ number: string }>(sql`
    select wanted.number from unnest(${sql.param(wanted, customers.blockedPrefixes)}::text[]) as wanted (number)
    where not exists (select from ${numbers} n
      where n.customer_id = ${c.get('principal').customerId}::uuid and ${holds('n', sql`wanted.number`)})`)
  const [missing] = rows
  if (missing)
    throw ApiError.field(fieldOf(missing.number), 'is not a number of yours', 'REFERENCE_NOT_FOUND')
}
