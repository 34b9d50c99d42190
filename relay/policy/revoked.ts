import type { Snapshot } from '#contract'
import type { Account, ConfigIndex } from '#routing'

/** An account whose proofs of yesterday count no longer. */
export interface RevokedAccount {
  /** The extension's or trunk's id. */
  readonly id: string
  readonly customerId: string
  /** `user@realm`. */
  readonly account: string
  readonly why: 'password changed' | 'disabled' | 'deleted' | 'token ended'
  /** What it proves itself by now (HA1, MD5); undefined: nothing does. */
  readonly ha1: string | undefined
  /** Its tokens which were ended before their time. */
  readonly endedTokens: readonly string[]
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
    const now = byId.get(account.id)
    const why = now ? changeOf(account, now) : !held.has(account.id) && 'deleted'
    return why ? revokedAs(account, now, why) : []
  })
}

/**
 * What is configured now of accounts, by their ids, against which proofs of a process before are held: whatever is no account's any
 * more is `deleted`. One whose secret the edge could not open is left out. `index` has the newest there is of the customer, or
 * there is no such customer.
 */
export function configuredOf(
  index: Pick<ConfigIndex, 'configuration' | 'accounts'>,
  customerId: string,
  ids: ReadonlySet<string>,
): RevokedAccount[] {
  const { configuration } = index
  const known = index.accounts(customerId).filter(({ id }) => ids.has(id))
  const proving = new Set(known.map(({ id }) => id))
  const isClosed = (id: string) =>
    configuration.extension(customerId, id) !== undefined ||
    configuration.trunk(customerId, id)?.auth_types.includes('basic') === true
  const gone = [...ids].filter((id) => !proving.has(id) && !isClosed(id))
  return [
    ...known.map((account) => revokedAs(account, account, account.enabled ? 'password changed' : 'disabled')),
    ...gone.map((id) => ({
      id,
      customerId,
      account: id,
      why: 'deleted' as const,
      ha1: undefined,
      endedTokens: [],
    })),
  ]
}

/** Accounts with tokens which were ended, whenever that was. */
export function endedOf(accounts: readonly Account[]): RevokedAccount[] {
  return accounts.map((account) => revokedAs(account, account, 'token ended'))
}

function revokedAs(
  { id, username, realm, customer_id: customerId }: Account,
  now: Account | undefined,
  why: RevokedAccount['why'],
): RevokedAccount {
  return {
    id,
    customerId,
    account: `${username}@${realm}`,
    why,
    ha1: now?.enabled ? now.ha1_md5 : undefined,
    endedTokens: now?.ended_tokens ?? [],
  }
}

function changeOf(before: Account, now: Account): RevokedAccount['why'] | false {
  if (before.enabled && !now.enabled) return 'disabled'
  if (before.ha1_md5 !== now.ha1_md5) return 'password changed'
  // Whether one was ended just now is not looked for: one which is said again ends no registration more.
  return now.ended_tokens.length > 0 && 'token ended'
}

/** Who may have an account: a trunk which proves itself by no password has none any more. */
function holders({ extensions, trunks }: Snapshot): string[] {
  const proving = trunks.filter(({ auth_types }) => auth_types.includes('basic'))
  return [...extensions, ...proving].map(({ id }) => id)
}
