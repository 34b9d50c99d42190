import { type SQL, sql } from 'drizzle-orm'

/** Of those which follow from a password of before, relays are told no more: they open nothing, but may have let in who is there still. */
const formerAtMost = 40

/**
 * The query of an extension's tokens which were ended before their time, while that is not over: those which its password would
 * make good again, and the latest of others.
 */
export function endedTokens(customerId: SQL, extensionId: SQL): SQL {
  const ended = sql`select t.id, t.ended_at from registration_tokens t where t.customer_id = ${customerId}
    and t.extension_id = ${extensionId} and t.ended_at is not null and t.expires_at > now()`
  const current = ofPassword(sql`t.password_mark`, extensionId)
  return sql`select k.id from ((${ended} and ${current}) union all
    (${ended} and not ${current} order by t.ended_at desc, t.id limit ${sql.raw(String(formerAtMost))})) as k order by k.ended_at, k.id`
}

/** The condition that tokens of a `mark` may follow from the password which an extension has. */
export function ofPassword(mark: SQL, extensionId: SQL): SQL {
  return sql`(${mark} is null or ${mark} is not distinct from (select ${currentMark} from extensions p where p.id = ${extensionId}))`
}

/** Which password an extension `p` has, whenever it was set. */
export const currentMark = sql`substr(p.password_hash, 12)`
