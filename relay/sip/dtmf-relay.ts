import { decode, encode } from './charset.ts'
import type { Request } from './message.ts'
import { mediaType } from './multipart.ts'

/** A key which was pressed, as an INFO tells it. */
export interface InfoDigit {
  /** One of `0123456789*#ABCD`. */
  readonly key: string
  /** How long it was pressed, ms; as long as is usual where the INFO does not say. */
  readonly ms: number
}

/** Type of the body we write ourselves. */
export const dtmfRelayType = 'application/dtmf-relay'

/* Implementation */
const usualMs = 160
const [shortestMs, longestMs] = [40, 5_000]

/**
 * The key an INFO tells of, in either of the two ways there are: `Signal=5` with a `Duration`, or the key alone. undefined:
 * it is about something else, or cannot be read.
 */
export function infoDigitOf(request: Request): InfoDigit | undefined {
  const type = mediaType(request.header('content-type'))
  if (type !== dtmfRelayType && type !== 'application/dtmf') return undefined
  const text = decode(request.body)
  const signal = /^[ \t]*signal[ \t]*=\s*(\S+)/im.exec(text)?.[1] ?? text.trim()
  const key = keyOf(signal.split(/\s/)[0] ?? '')
  if (key === undefined) return undefined
  const said = Number(/^[ \t]*duration[ \t]*=\s*(\d{1,6})/im.exec(text)?.[1] ?? usualMs)
  return { key, ms: Math.min(Math.max(said, shortestMs), longestMs) }
}

/** The body of an INFO which tells of a key. */
export function infoBody({ key, ms }: InfoDigit): Uint8Array {
  return encode(`Signal=${key}\r\nDuration=${ms}\r\n`)
}

/** Some write * and # as their event codes, `10` and `11`. */
function keyOf(signal: string): string | undefined {
  if (/^[0-9*#a-d]$/i.test(signal)) return signal.toUpperCase()
  return signal === '10' ? '*' : signal === '11' ? '#' : undefined
}
