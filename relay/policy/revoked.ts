import type { Snapshot } from '#contract'
import type { Account } from '#routing'

/** An account whose proofs of yesterday count no longer. */
export interface RevokedAccount {
  /** The extension's or trunk's id. */
  readonly id: string
  readonly customerId: string
  /** `user@realm`. */
  readonly account: string
  readonly why: 'password changed' | 'disabled' | 'deleted'
  /** What it proves itself by now (HA1, MD5); undefined: nothing does. */
  readonly ha1: string | undefined
}

/**
 * Which accounts a newer snapshot revokes, and undefined for a customer who is gone. One whose secret the edge could not
 * open is left alone: its phones are as they were.
 */
export function revokedBy(
  before: readonly Account[],
  after: readonly Account[],
  snapshot: Snapshot | undefined,
): RevokedAccount[] {
  const byId = new Map(after.map((account) => [account.id, account]))
  const held = new Set(snapshot ? holders(snapshot) : [])
  return before.flatMap((account) => {
    const { id, username, realm, customer_id: customerId } = account
    const now = byId.get(id)
    const why = now ? changeOf(account, now) : !held.has(id) && 'deleted'
    if (!why) return []
    return {
      id,
      customerId,
      account: `${username}@${realm}`,
      why,
      ha1: now?.enabled ? now.ha1_md5 : undefined,
    }
  })
}

function changeOf(before: Account, now: Account): RevokedAccount['why'] | false {
  if (before.enabled && !now.enabled) return 'disabled'
  return before.ha1_md5 !== now.ha1_md5 && 'password changed'
}

/** Who may have an account: a trunk which proves itself by no password has none any more. */
function holders({ extensions, trunks }: Snapshot): string[] {
  const proving = trunks.filter(({ auth_types }) => auth_types.includes('basic'))
  return [...extensions, ...proving].map(({ id }) => id)
}
