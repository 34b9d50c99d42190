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

/**
 * The query which finds by the hash of a token whose it is, as one JSON object; null: there is no such key, or it is
 * deleted. It is a function of the database's (`key_holder`), which makes no new plan each time.
 */
export function holderOf(hash: string | SQL): SQL {
  return sql`select key_holder(${hash}) as holder`
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
  return sql`key_holder(${hash}) = ${JSON.stringify(row)}::jsonb`
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
