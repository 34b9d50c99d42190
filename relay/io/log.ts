import { type DestinationStream, pino } from 'pino'
import type { MonotonicMs } from '#contract'
import type { Note } from '../ground/effects.ts'
import { monotonicNow } from './clock.ts'

/** Writes one line: a stable event name and flat fields. */
export type Log = (level: Note['level'], event: string, fields?: Note['fields']) => void

/** Complaints of one event written in a second; a flood of the same complaint is only counted. */
const linesPerSecond = 20

const secret = /pass|secret|token|authorization|credential|ha1|nonce|digest|cookie|^key$|_key$/i

/**
 * JSON lines on stdout, or on `destination`.
 *
 * Fields with a secret's name are masked. Warnings and errors beyond 20 a second of one event are counted, and
 * the count (`unsaid`) travels with the next one written.
 */
export function openLog(options: { level?: string; destination?: DestinationStream } = {}): Log {
  const logger = pino(
    { level: options.level ?? 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  )
  const patience = new LogThrottle()
  return (level, event, fields = {}) => {
    if (!logger.isLevelEnabled(level)) return
    const unsaid = level === 'warn' || level === 'error' ? patience.unsaid(event, monotonicNow()) : 0
    if (unsaid === undefined) return
    logger[level]({ event, ...masked(fields), ...(unsaid > 0 && { unsaid }) })
  }
}

function masked(fields: Note['fields']): Note['fields'] {
  for (const name in fields) {
    if (!secret.test(name)) continue
    return Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, secret.test(name) ? '[masked]' : value]),
    )
  }
  return fields
}

class LogThrottle {
  readonly #windowByEvent = new Map<string, { since: number; said: number; unsaid: number }>()

  /** How many were swallowed before this one; undefined: swallow this one too. */
  unsaid(event: string, now: MonotonicMs): number | undefined {
    const window = this.#windowByEvent.get(event)
    if (window === undefined || now - window.since >= 1000) {
      this.#windowByEvent.set(event, { since: now, said: 1, unsaid: 0 })
      return window?.unsaid ?? 0
    }
    if (window.said < linesPerSecond) {
      window.said++
      return 0
    }
    window.unsaid++
    return undefined
  }
}
