import { type SQL, sql } from 'drizzle-orm'
import { numbers } from '#db'

/** Live numbers and ranges, called `other`, with something in common with what lies between two E.164 numbers, and of which `those` holds. */
export function taken(from: SQL, to: SQL, those: SQL): SQL {
  const alike = sql`other.deleted_at is null and other.number <> 'any' and length(other.number) = length(${from}) and ${those}`
  return sql`(
    select other.id, other.customer_id, other.number from ${numbers} other
    where ${alike} and other.number between ${from} and ${to}
    union all
    select other.id, other.customer_id, ${from} from ${numbers} other
    where ${alike} and other.number_to is not null and other.number < ${from} and other.number_to >= ${from}
  )`
}
