import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import { type Database, extensions, registrationTokens as tokens } from '#db'
import type { BatchStatement } from '../http/noun.ts'

interface TokensPlace {
  readonly id: string
  readonly customerId: string
}

/** The condition that tokens are good still. */
export function goodTokens(which: SQL | undefined): SQL | undefined {
  return and(which, isNull(tokens.endedAt), sql`${tokens.expiresAt} > now()`)
}

/**
 * Forgets the tokens of an extension where a condition holds: with another password none of them is good any more. Which were
 * ended one by one is kept, so that they stay so where the password before comes back.
 */
export function tokensEnded(db: Database, { id, customerId }: TokensPlace, possible: SQL | undefined) {
  const own = and(eq(tokens.customerId, customerId), eq(tokens.extensionId, id))
  return db.delete(tokens).where(and(own, isNull(tokens.endedAt), possible))
}

/**
 * The same before an extension gets the password of this mark (`proofs`), unless it has that. The extension is held first, as
 * by who makes a token: neither waits for the other's rows.
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
  return [
    db.select({ id: extensions.id }).from(extensions).where(own).for('update'),
    tokensEnded(db, place, and(possible, another)),
  ]
}
