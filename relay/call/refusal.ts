import { splitList } from '../sip/grammar.ts'
import type { Header, Response } from '../sip/message.ts'
import { acceptEncodingHeader, acceptHeader, allowHeader } from '../sip/screen.ts'
import { redirects } from './verdict.ts'

/*
 * What is passed on of another's refusal beside its status.
 */

/** The headers by which a status says what is in the way; any may have a Warning (RFC 3261 §20.43). */
const particular: Readonly<Record<number, readonly string[]>> = {
  415: ['accept', 'accept-encoding', 'accept-language'],
  420: ['unsupported'],
  421: ['require'],
  422: ['min-se'],
  469: ['recv-info'],
  494: ['security-server'],
}

/** What the callee's side says of a failure in its own words, one Reason each, and the particulars. */
export function wordsOf(response: Response | undefined): Header[] {
  if (!response) return []
  const reasons = response.all('reason').flatMap((value) => splitList(value))
  return [...reasons.map((value): Header => ['reason', value]), ...particulars(response)]
}

/**
 * What a refusal says is in the way; and where it does not say what its status may not stand without, what holds of us
 * (RFC 3261 §21.4.6, §21.4.13). A challenge and a redirection are for us alone.
 */
export function particulars({ status, headers, cseq }: Response): Header[] {
  if (status === 401 || status === 407 || redirects(status)) return []
  const about = particular[status] ?? []
  const theirs = headers.filter(([name]) => name === 'warning' || about.includes(name))
  if (status === 405) return [...theirs, ['allow', allowBut(cseq.method)]]
  const says = theirs.some(([name]) => about.includes(name))
  return status === 415 && !says ? [...theirs, acceptHeader, acceptEncodingHeader] : theirs
}

/** Ours, without the method which the other side refuses. */
function allowBut(refused: string): string {
  return allowHeader[1]
    .split(', ')
    .filter((method) => method !== refused)
    .join(', ')
}
