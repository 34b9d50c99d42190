import { type SQL, sql } from 'drizzle-orm'

/** The query of an extension's tokens which were ended before their time, while that is not over. */
export function endedTokens(customerId: SQL, extensionId: SQL): SQL {
  return sql`select t.id from registration_tokens t where t.customer_id = ${customerId} and t.extension_id = ${extensionId}
    and t.ended_at is not null and t.expires_at > now() order by t.ended_at, t.id`
}
