import type { CredentialAnswer, CredentialQuestion, DigestAlgorithm } from '#contract'
import type { Credentials } from '../sip/digest.ts'
import type { Header } from '../sip/message.ts'
import type { AuthFailure, AuthFailureReason } from './auth-failure.ts'
import { isAllowed, type Verified } from './challenger.ts'
import type { Lockout, SuspectAnswer } from './login-throttle.ts'
import type { SourceBlock } from './source-blocks.ts'

/** Who has to prove himself to whom: calls pass through us, registrations end here (§22.2, §22.3). */
export interface ProtectionSpace {
  readonly realm: string
  readonly proxy: boolean
  /** The domain named is no customer's own. */
  readonly bare?: {
    readonly host: string
    readonly account: { readonly id: string } | undefined
    readonly complete: boolean
  }
  /** The domain named is made as a customer's own, and no customer has it; `meant`: the one whose id it nearly is. */
  readonly misspelt?: { readonly host: string; meant(): string | undefined }
}

/** The sender is to prove who it is (RFC 3261 §22). */
export interface ChallengeAdmission {
  readonly to: 'challenge'
  readonly realm: string
  readonly proxy: boolean
  readonly algorithms: readonly DigestAlgorithm[]
  readonly stale: boolean
  /** So many wrong answers came that no more are looked at for a while. */
  readonly blocked?: (Lockout & { readonly account: string }) | undefined
  /** The block to which the answer given led. */
  readonly sourceBlock?: SourceBlock | undefined
  /** The answer given does not open anything, and why. */
  readonly failed?: AuthFailure | undefined
}

/** The request is answered with a failure; `failed`: what there is to tell of it. */
export interface RefusalAdmission {
  readonly to: 'refuse'
  readonly status: number
  readonly reason?: string
  readonly headers?: readonly Header[]
  readonly failed?: AuthFailure | undefined
  /** The block to which the answer given led. */
  readonly sourceBlock?: SourceBlock | undefined
}

/** The edge is to be asked about an account; `guess`: the answer given looks wrong, by what is known here. */
export interface CredentialLookup {
  readonly to: 'ask'
  readonly question: CredentialQuestion
  readonly guess?: SuspectAnswer | undefined
}

/** What came of looking at an answer to a challenge. */
export type AuthResult =
  | ChallengeAdmission
  | RefusalAdmission
  | CredentialLookup
  | { readonly to: 'proved'; readonly verified: Verified }

/** Come again in a moment. */
export const later: readonly Header[] = [['retry-after', '10']]

/** What is wrong with an answer to a challenge. */
type RefusedAnswer = 'wrong' | 'stale' | 'replayed' | 'malformed' | 'over' | 'ended'

/** The password was right, and only the nonce is no good any more, or not by this count (RFC 7616 §3.3). */
export function isUsedUp(why: RefusedAnswer): boolean {
  return why === 'stale' || why === 'replayed'
}

/** Why an answer opened nothing, as its customer is told. */
export function reasonOf(
  { why, rewritten = false }: { readonly why: RefusedAnswer; readonly rewritten?: boolean },
  { algorithm }: Credentials,
  answer: CredentialAnswer,
): AuthFailureReason {
  if (why !== 'wrong')
    return (
      {
        stale: 'STALE_NONCES',
        replayed: 'REPEATED_ANSWERS',
        malformed: 'BAD_CREDENTIALS',
        over: 'TOKEN_EXPIRED',
        ended: 'TOKEN_ENDED',
      } as const
    )[why]
  if (answer.kind === 'unknown') return 'UNKNOWN_ACCOUNT'
  if (!answer.enabled) return 'ACCOUNT_DISABLED'
  if (rewritten) return 'URI_REWRITTEN'
  return isAllowed(answer, algorithm) ? 'WRONG_PASSWORD' : 'WRONG_ALGORITHM'
}
