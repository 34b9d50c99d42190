import type { RelayError } from '#contract'
import type { Note } from '../ground/effects.ts'
import { systemUtc } from './clock.ts'
import type { Log } from './log.ts'

const lettersAtMost = 256

/** A log, and the last thing which it called an error; null: nothing yet. */
export function rememberErrors(log: Log): { log: Log; last: () => RelayError | null } {
  let last: RelayError | null = null
  return {
    last: () => last,
    log(level, event, fields) {
      if (level === 'error') last = { at: new Date(systemUtc()).toISOString(), message: words(event, fields) }
      log(level, event, fields)
    },
  }
}

/** The sentence where the line has one, else the event and why. */
function words(event: string, { sentence, message, why, error }: Note['fields'] = {}): string {
  const said = sentence ?? message ?? why ?? error
  const whole = sentence === undefined && said !== undefined ? `${event}: ${said}` : `${said ?? event}`
  return whole.slice(0, lettersAtMost)
}
