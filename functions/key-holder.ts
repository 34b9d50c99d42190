import { type SQL, sql } from 'drizzle-orm'
import type { AccessScope } from '#contract'
import { remember } from './wrong-keys.ts'

/** Who holds a token, as the database knows it. */
export interface KeyHolder {
  readonly keyId: string
  readonly customerId: string
  /** Of the platform: it may act for every customer. */
  readonly admin: boolean
  readonly scopes: readonly AccessScope[]
}

/** The same as one JSON object; instants only where they have passed. */
export interface HolderRow {
  key_id: string
  customer_id: string
  admin: boolean
  scopes: AccessScope[]
  expired_at: string | null
  replaced_at: string | null
}

/** The query which finds by the hash of a token whose it is, as one JSON object; no row: there is no such key, or it is deleted. */
export function holderOf(hash: string | SQL): SQL {
  return sql`
    select json_build_object('key_id', k.id, 'customer_id', k.customer_id, 'admin', k.admin, 'scopes', k.scopes,
      'expired_at', case when k.expires_at <= now() then k.expires_at end,
      'replaced_at', case when token.until <= now() then token.until end) as holder
    from (select id as key_id, null::timestamptz as until from access_keys where hash = ${hash}
      union all select key_id, expires_at from replaced_tokens where hash = ${hash}) as token
    join access_keys k on k.id = token.key_id and k.deleted_at is null
    join customers c on c.id = k.customer_id and c.deleted_at is null`
}

/** The condition that a token is this holder's, and opens all that it did. */
export function stillHolds(hash: string, { keyId, customerId, admin, scopes }: KeyHolder): SQL {
  const row: HolderRow = {
    key_id: keyId,
    customer_id: customerId,
    admin,
    scopes: [...scopes],
    expired_at: null,
    replaced_at: null,
  }
  return sql`(${holderOf(hash)})::jsonb = ${JSON.stringify(row)}::jsonb`
}

/** The holder a row names. */
export function holderFrom({ key_id, customer_id, admin, scopes }: HolderRow): KeyHolder {
  return { keyId: key_id, customerId: customer_id, admin, scopes }
}

/** Tokens remembered; the longest known is forgotten for a new one. */
const KNOWN = 1_024

/**
 * Who held tokens when they were last looked up, by the hash of each. It answers nothing: it says beforehand whom a
 * question is for which finds out in its own statement whether that still holds.
 */
export class KnownHolders {
  readonly #holders = new Map<string, KeyHolder>()

  get(hash: string): KeyHolder | undefined {
    return this.#holders.get(hash)
  }

  /** What a look-up found; undefined: it opens nothing any longer. */
  found(hash: string, holder: KeyHolder | undefined): void {
    this.#holders.delete(hash)
    if (holder) remember(this.#holders, KNOWN, () => this.#holders.set(hash, holder))
  }
}
