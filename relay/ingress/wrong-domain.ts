import type { AuthFailure, AuthFailureReason } from '../auth/auth-failure.ts'
import { type AuthResult, later, type ProtectionSpace, type RefusalAdmission } from '../auth/auth-result.ts'
import { failureOf } from '../auth/challenger.ts'
import { sipReason } from '../call/reason.ts'

/** What a wrong answer at no customer's domain means, whether its account is there or not. */
const nobodys: ReadonlySet<AuthFailureReason> = new Set([
  'WRONG_PASSWORD',
  'URI_REWRITTEN',
  'UNKNOWN_ACCOUNT',
  'ACCOUNT_DISABLED',
  'WRONG_ALGORITHM',
])

/**
 * What becomes of a proof at a domain which is no customer's own: it counts where the account is the only one of its name.
 * Any other answer is told which domain is right, and alike whether there is such an account or not.
 */
export function provedNowhere(
  proof: AuthResult,
  bare: NonNullable<ProtectionSpace['bare']>,
  baseDomain: string,
): AuthResult {
  if (proof.to === 'proved') {
    const { credential } = proof.verified
    if (credential.extension_id === bare.account?.id) return proof
    return notFound(
      `Use ${credential.realm}: others have this name too.`,
      failureOf('SHARED_NAME', proof.verified),
    )
  }
  if (proof.to === 'ask' || !proof.failed) return proof
  const user = proof.failed.account.slice(0, proof.failed.account.lastIndexOf('@'))
  const failed = bare.account ? proof.failed : strangers(`${user}@${bare.host}`)
  if (proof.to === 'challenge' && nobodys.has(proof.failed.reason))
    return bare.complete
      ? notFound(rightDomain(baseDomain), failed)
      : { to: 'refuse', status: 503, headers: later }
  return { ...proof, failed }
}

/**
 * What becomes of an answer at a domain made as a customer's own which no customer has. A customer
 * made just now is known at the edge only, which then says whose it is.
 */
export function provedAtMisspelt(
  proof: AuthResult,
  { host, meant }: NonNullable<ProtectionSpace['misspelt']>,
  baseDomain: string,
): AuthResult {
  if (proof.to !== 'challenge' || proof.failed?.reason !== 'UNKNOWN_ACCOUNT') return proof
  if (proof.failed.customerId !== null) return proof
  const user = proof.failed.account.slice(0, proof.failed.account.lastIndexOf('@'))
  const failed: AuthFailure = { ...strangers(`${user}@${host}`), customerId: meant() ?? null }
  return notFound(`No such domain. ${rightDomain(baseDomain)}`, failed)
}

/** A domain which is none of ours. */
export function unknownDomain(account: string, baseDomain: string): RefusalAdmission {
  return notFound(rightDomain(baseDomain), strangers(account))
}

/** Which realm was drawn for a name no account has says nothing about whose it is. */
function strangers(account: string): AuthFailure {
  return { reason: 'UNKNOWN_DOMAIN', account, customerId: null, accountId: null }
}

function notFound(why: string, failed: AuthFailure): RefusalAdmission {
  return { to: 'refuse', status: 404, headers: [sipReason(404, why)], failed }
}

function rightDomain(baseDomain: string): string {
  return `Use your extension's domain_name: <customer id>.registrar.${baseDomain}`
}
