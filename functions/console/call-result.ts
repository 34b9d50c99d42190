import type { ShownCall } from './shown.ts'

/** How a call stands, in one or two words and a colour. */
export interface CallResult {
  readonly tone: 'good' | 'warn' | 'bad' | 'live'
  readonly word: string
}

const reasons: Readonly<Record<string, CallResult>> = {
  busy: { tone: 'warn', word: 'busy' },
  noanswer: { tone: 'warn', word: 'no answer' },
  cancel: { tone: 'warn', word: 'given up' },
  rejected: { tone: 'bad', word: 'refused' },
  dialout: { tone: 'bad', word: 'not reached' },
  timeout: { tone: 'bad', word: 'timed out' },
  relay_lost: { tone: 'bad', word: 'relay lost' },
  media_timeout: { tone: 'bad', word: 'no sound' },
  transferred: { tone: 'good', word: 'transferred' },
}

const standing: Readonly<Record<string, string>> = {
  dialing: 'setting up',
  ringing: 'ringing',
  progressing: 'talking',
}

/** How it stands: under way, answered, or why it was not. */
export function resultOf({ status, hangup_reason, tm_progressing }: ShownCall): CallResult {
  if (status !== 'hangup') return { tone: 'live', word: standing[status] ?? 'ending' }
  const known = reasons[hangup_reason ?? '']
  if (known && (tm_progressing === null || known.tone === 'bad' || hangup_reason === 'transferred'))
    return known
  return tm_progressing === null ? { tone: 'bad', word: 'failed' } : { tone: 'good', word: 'answered' }
}
