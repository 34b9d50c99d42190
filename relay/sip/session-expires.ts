import { digits, tokenEnd } from './grammar.ts'
import { passingLetters } from './letters.ts'
import type { Header, Message } from './message.ts'

/*
 * The headers by which two parties agree how long a session lives without a sign of life (RFC 4028).
 */

/** What Session-Expires says (§4). */
export interface SessionExpires {
  readonly seconds: number
  /** Who keeps the session alive: who asked, or who answered; undefined: it is left open. */
  readonly refresher: 'uac' | 'uas' | undefined
}

/** No interval may be shorter, in seconds (§5). */
export const leastInterval = 90

/** undefined: absent, or unreadable, which is ignored as what nothing leans on (RFC 3261 §8.2). */
export function sessionExpiresOf(message: Message): SessionExpires | undefined {
  const value = message.header('session-expires')
  const seconds = deltaSeconds(value)
  if (value === undefined || seconds === undefined) return undefined
  const named = /;\s*refresher\s*=\s*(uac|uas)\b/i.exec(value)?.[1]?.toLowerCase()
  return { seconds, refresher: named === 'uac' || named === 'uas' ? named : undefined }
}

/** Seconds of Min-SE (§5); undefined: absent or unreadable. */
export function minSeOf(message: Message): number | undefined {
  return deltaSeconds(message.header('min-se'))
}

/** Whether a message says that its sender knows an extension: where it requires it, it does. */
export function supports(message: Message, option: string): boolean {
  return [...message.all('supported'), ...message.all('require')].some(
    (said) => said.toLowerCase() === option,
  )
}

/** Min-SE as it is written. */
export function minSeHeader(seconds: number): Header {
  return ['min-se', String(seconds)]
}

function deltaSeconds(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const { codes } = passingLetters(value)
  return digits(codes, 0, tokenEnd(codes, 0, value.length), 2 ** 31 - 1)
}
