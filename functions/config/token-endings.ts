import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import { type Database, extensions, registrationTokens as tokens } from '#db'
import type { BatchStatement } from '../http/noun.ts'
import { now } from '../http/queries.ts'

interface TokensPlace {
  readonly id: string
  readonly customerId: string
}

/** The condition that tokens are good still. */
export function goodTokens(which: SQL | undefined): SQL | undefined {
  return and(which, isNull(tokens.endedAt), sql`${tokens.expiresAt} > now()`)
}

/**
 * Ends the good tokens of an extension where a condition holds: with another password relays take none of them. They follow from
 * the one before, so they are kept as ended, and stay so where that comes back.
 */
export function tokensEnded(db: Database, { id, customerId }: TokensPlace, possible: SQL | undefined) {
  const own = and(eq(tokens.customerId, customerId), eq(tokens.extensionId, id))
  return db
    .update(tokens)
    .set({ endedAt: now })
    .where(and(goodTokens(own), possible))
}

/**
 * The same before an extension gets the password of this mark (`proofs`), unless it has that. It goes into a batch which
 * `lockConfig` begins, as one does which makes a token: either sees what the other left.
 */
export function endedByPassword(
  db: Database,
  place: TokensPlace,
  mark: string,
  possible: SQL,
): BatchStatement[] {
  const own = and(eq(extensions.customerId, place.customerId), eq(extensions.id, place.id))
  // Its day may differ.
  const differs = sql`substr(${extensions.passwordHash}, 12) is distinct from substr(${mark}, 12)`
  const another = sql`exists (select from ${extensions} where ${and(own, differs)})`
  return [tokensEnded(db, place, and(possible, another))]
}
