import type { Attempt } from '#contract'

/** What came of an attempt, in words and a colour. */
interface AttemptAnswer {
  readonly tone: 'good' | 'bad' | 'quiet'
  readonly words: string
}

/** What who was tried answered; one which was passed over was never called. */
export function answerOf({ status, reason, ended_ms, counts }: Attempt): AttemptAnswer {
  if (!counts) return { tone: 'quiet', words: 'was not called' }
  const goesOn = ended_ms === null
  const silence = goesOn ? 'is being called' : 'did not answer'
  const words = status > 0 ? `${status} ${reason}` : silence
  if (status >= 200 && status < 300) return { tone: 'good', words }
  return { tone: goesOn ? 'quiet' : 'bad', words }
}
