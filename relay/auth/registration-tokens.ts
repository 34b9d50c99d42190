import { readTokenName, tokenText, type UtcMs } from '#contract'
import type { Hashes } from '../ground/effects.ts'
import type { KnownAccount } from './accounts.ts'

/** Whose account a name given for a challenge is: its own, or that of which it is a token's name. */
export function accountNamed(name: string): string {
  return readTokenName(name)?.account ?? name
}

/** The HA1s of an account's token: they follow from the account's own by SHA-256. */
export function tokenHa1s(
  { md5, sha256 }: Hashes,
  ha1: string,
  { username, realm }: { readonly username: string; readonly realm: string },
): Pick<KnownAccount, 'ha1_md5' | 'ha1_sha256'> {
  const password = sha256(tokenText(ha1, sha256(tokenText(ha1, username))))
  const text = `${username}:${realm}:${password}`
  return { ha1_md5: md5(text), ha1_sha256: sha256(text) }
}

/** Whether what a name says of its token's time is over; of a name which is no token's it never is. */
export function isOver(at: UtcMs, name: string): boolean {
  const until = readTokenName(name)?.until
  return until !== undefined && at >= until
}

/** The token which a name is that of, as the API calls it; null: it is none of those. */
export function tokenIdOf(name: string): string | null {
  return readTokenName(name)?.id ?? null
}

/** Whether a token of an account was ended before its time. */
export function isEnded(
  { ended_tokens }: Pick<KnownAccount, 'ended_tokens'>,
  tokenId: string | null,
): boolean {
  return tokenId !== null && ended_tokens.includes(tokenId)
}

/** What an account may have which proved itself by a token: to be registered for as long as that is good. */
export function withinToken(at: UtcMs, credential: KnownAccount, name: string): KnownAccount {
  const until = readTokenName(name)?.until
  if (until === undefined) return credential
  const seconds = Math.max(1, Math.floor((until - at) / 1000))
  const { min_expires, max_expires, default_expires } = credential
  return {
    ...credential,
    min_expires: Math.min(min_expires, seconds),
    max_expires: Math.min(max_expires, seconds),
    default_expires: Math.min(default_expires, seconds),
  }
}
