import { type SQL, sql } from 'drizzle-orm'
import type { UtcMs } from '#contract'
import { type Database, sqlState } from '#db'
import { guarded } from '../guarded-database.ts'
import type { KnownRelayKeys } from '../known-relay-keys.ts'
import type { PresentedKey } from '../relay-key.ts'
import { ApiError } from './api-error.ts'

/**
 * The same database for one request of a relay's: what it is asked first it is asked together with whether the key is
 * good, in one round trip and one transaction, which fails where it is not. `now` is asked for when an answer came. What
 * it is asked throws where the key is not good.
 */
export function guardedBy(
  db: Database,
  key: PresentedKey,
  known: KnownRelayKeys,
  now: () => UtcMs,
): Database {
  if (known.isGood(key, now())) return db
  return guarded(db, {
    first: admits(key),
    passed: () => known.found(key, true, now()),
    async failed(error) {
      if (sqlState(error) !== 'AK001') throw error
      known.found(key, false, now())
      throw await refusal(db, key)
    },
  })
}

/** Asks by itself whether a key is good, where that was not found out lately. Throws where it is not. */
export async function confirmKey(
  db: Database,
  key: PresentedKey,
  known: KnownRelayKeys,
  now: () => UtcMs,
): Promise<void> {
  const asked = guardedBy(db, key, known, now)
  if (asked !== db) await asked.execute(sql`select`)
}

/**
 * The statement which fails where a key is not good (`admit` in db/migrations). Of one which is, it writes down that it
 * was used, once a minute.
 */
function admits({ relayId, hash, derived }: PresentedKey): SQL {
  if (derived)
    return sql`select admit(not exists (select from relay_keys where relay_id = ${relayId} and hash is null))`
  const its = sql`hash = ${hash} and relay_id = ${relayId} and revoked_at is null`
  return sql`
    with used as (
      update relay_keys set used_at = now()
      where ${its} and (used_at is null or used_at < now() - interval '1 minute'))
    select admit(exists (select from relay_keys where ${its}))`
}

/** Why a key opens nothing. */
async function refusal(db: Database, { relayId, hash, derived }: PresentedKey): Promise<ApiError> {
  const which = derived ? sql`hash is null` : sql`hash = ${hash}`
  const { rows } = await db.execute(sql`select from relay_keys where relay_id = ${relayId} and ${which}`)
  return rows.length === 0 ? notOurs() : revoked(relayId)
}

/** The refusal of what is no relay's key. */
export function notOurs(): ApiError {
  return new ApiError('INVALID_CREDENTIALS', 'This is not a key of a relay of ours.')
}

function revoked(relayId: string): ApiError {
  return new ApiError(
    'RELAY_KEY_REVOKED',
    `This key of ${relayId} was revoked. Make another by POST /v1.0/relays/${relayId}/keys, and start the relay with it as RELAY_KEY.`,
  )
}
