import type { Attempt } from '#contract'

/** What came of an attempt, in words and a colour. */
interface AttemptAnswer {
  readonly tone: 'good' | 'bad' | 'quiet'
  readonly words: string
}

/** What who was tried answered; one which was passed over was never called. */
export function answerOf(attempt: Attempt): AttemptAnswer {
  const { status, reason, ended_ms, counts } = attempt
  if (!counts) return { tone: 'quiet', words: 'was not called' }
  const goesOn = ended_ms === null
  const silence = goesOn ? 'is being called' : silenceOf(attempt)
  const words = status > 0 ? `${status} ${reason}`.trim() : silence
  if (status >= 200 && status < 300) return { tone: 'good', words }
  return { tone: goesOn || isCancelled(attempt) ? 'quiet' : 'bad', words }
}

/** Why one which is over has no status: it was called off, DNS did not lead to it, or nothing came back. */
export function silenceOf(attempt: Attempt): string {
  if (isCancelled(attempt)) return 'was cancelled'
  return attempt.cause?.reason === 'HOST_NOT_FOUND' ? 'was not found' : 'did not answer'
}

function isCancelled({ status, reason }: Attempt): boolean {
  return status === 0 && reason === 'cancelled'
}
