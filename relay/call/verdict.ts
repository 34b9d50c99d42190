import type { FailoverPolicy, HangupReason, Verdict } from '#contract'

/** What a provider's final answer means: try the next one, or tell the caller. Silence counts as 408. */
export function verdict(status: number, policy: FailoverPolicy, rang: boolean): Verdict {
  if (rang) return 'final'
  return policy.next_on.includes(status) ? 'next' : 'final'
}

/**
 * The most useful of several failures (RFC 3261 §16.7 step 6): a callee who spoke beats a network
 * that failed; where no provider spoke, 503 says more than a bare timeout.
 */
export function mostUseful(statuses: readonly number[]): number {
  if (statuses.length === 0) return 480
  const decided = statuses.find((status) => status >= 600) ?? statuses.find((status) => status === 486)
  if (decided !== undefined) return decided
  const lastSdp = statuses.filter((status) => status < 500 && status !== 408 && !ours.has(status))
  if (lastSdp.length > 0) return own(Math.min(...lastSdp))
  const [first] = statuses
  if (first !== undefined && first !== 408 && statuses.every((status) => status === first)) return own(first)
  return 503
}

/** Why a call which was never answered ended, told from the status the caller got. */
export function reasonOf(status: number): HangupReason {
  if (status === 486 || status === 600) return 'busy'
  if (status === 487) return 'cancel'
  if (status === 480 || status === 408 || status === 603) return 'noanswer'
  return 'failed'
}

/** What is in the way of a branch which answered without the encryption it must have. */
export const notKeyed = 'it answers without encrypting its sound'

/** What is in the way of a branch which a sips URI promised TLS. */
export const notOverTls = 'sips takes TLS on every hop'

/** Whether an answer only names another place; none is ever followed. */
export function redirects(status: number): boolean {
  return status >= 300 && status < 400
}

/** After a final answer the caller hears what was said, unless it was said to us. */
export function heardBy(status: number, fallback: number): number {
  return status >= 400 && status !== 401 && status !== 407 ? status : fallback
}

/** Who a final answer is blamed on: us alone where our credentials were refused. */
export function speaker(status: number): 'callee' | 'system' {
  const unheard = status === 401 || status === 407 || status === 408
  return (status >= 400 && status < 500 && !unheard) || status >= 600 ? 'callee' : 'system'
}

/** Refusals of our credentials are between us and the provider; to the caller it is a provider which failed. */
const ours = new Set([401, 403, 407])

/** What the caller is told for a provider's word. A redirection is never followed: no callee was reached. */
function own(status: number): number {
  if (redirects(status)) return 480
  return ours.has(status) && status !== 403 ? 503 : status
}
