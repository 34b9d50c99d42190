/** Why a registration, or a call which had to prove whose it is, failed: stable codes, each with its sentence. */
export const authFailures = {
  WRONG_PASSWORD: 'The password is wrong, or the phone uses another name for it (authorization user).',
  UNKNOWN_ACCOUNT: 'There is no extension or trunk of this name in this domain.',
  ACCOUNT_DISABLED: 'The extension or trunk is disabled.',
  WRONG_ALGORITHM: 'The phone answered by a digest algorithm which this account does not allow.',
  WRONG_REALM:
    'The phone answers for another realm than it was asked for: leave its realm or auth domain empty.',
  URI_REWRITTEN:
    'The password is right, and was given for another request URI: a router on the way rewrites SIP (SIP ALG), or an old answer is sent again.',
  UNKNOWN_DOMAIN: 'The domain is none of ours: phones use the domain_name of their extension or trunk.',
  SHARED_NAME:
    'The phone names no customer in its domain, and others have this name too: use its domain_name.',
  STALE_NONCES: 'The phone goes on answering old challenges, or its address changes from packet to packet.',
  REPEATED_ANSWERS: 'The phone sends one and the same answer (nonce count) again and again.',
  BAD_CREDENTIALS: 'The Authorization header lacks what qop=auth needs: cnonce and nc.',
  TOO_MANY_ATTEMPTS:
    'So many wrong passwords came that none is looked at for a minute, or for up to 15 where they went on; a new password ends the wait.',
  SOURCE_SLOWED:
    'Many wrong passwords for many accounts came from this address: one answer is looked at every three seconds.',
  SOURCE_BLOCKED:
    'This address is blocked, since many wrong passwords for many accounts came from it: GET /v1.0/blocks says until when.',
  TOKEN_EXPIRED: 'The phone proves itself by a token whose time is over: it needs another.',
  TOKEN_ENDED: 'The phone proves itself by a token which was ended: it needs another.',
  EXPIRES_TOO_SHORT: 'The phone asks to be registered for less than min_expires.',
  TOO_MANY_CONTACTS: 'One REGISTER names more contacts than max_contacts.',
  SIPS_WITHOUT_TLS:
    'The phone registers a sips Contact without TLS, over which alone it could be called there.',
  NOT_ITS_ACCOUNT: 'The phone proved to be another account than the one it registers.',
  REGISTER_REFUSED: 'The REGISTER cannot be granted as it is.',
} as const
export type AuthFailureReason = keyof typeof authFailures

/** A failure, and whose it is as far as that is known. */
export interface AuthFailure {
  readonly reason: AuthFailureReason
  /** `user@domain`, as claimed. */
  readonly account: string
  /** null: no customer's. */
  readonly customerId: string | null
  /** null: there is no such account, or it is not known which. */
  readonly accountId: string | null
}
