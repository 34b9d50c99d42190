import { quote } from '../sip/grammar.ts'
import type { Header, Request, Response } from '../sip/message.ts'

/** A word which stays the same, for programs; and a sentence, for persons. */
export interface Cause {
  readonly reason: string
  readonly message: string
}

/** No caller reads more. */
const lettersAtMost = 120

/** Why we say no, in a Reason header (RFC 3326 §2): any text, cut to 120 characters, on one line. */
export function sipReason(cause: number, text: string): Header {
  return ['reason', `SIP;cause=${cause};text=${quote(cutText(text, lettersAtMost).trim())}`]
}

/** A text on one line, of so many characters at most; a longer one ends behind a word, and shows that. */
export function cutText(text: string, most: number): string {
  const line = text.replace(/\p{Cc}+/gu, ' ')
  const letters = line.length > most ? [...line] : []
  if (letters.length <= most) return line
  const kept = letters.slice(0, most).join('')
  const word = kept.lastIndexOf(' ')
  // One word which is most of it is cut itself.
  if (word >= kept.length / 2) return `${kept.slice(0, word).trimEnd()}…`
  return `${letters.slice(0, most - 1).join('')}…`
}

/** The same in one line. */
export function refusalOf({ reason, message }: Cause): string {
  return `${reason}: ${message}`
}

/**
 * Why a party leaves, in all its words (RFC 3326 §2: one for each protocol, on a line of its own or not). undefined
 * where it gives none.
 */
export function reasonsOf(request: Request): string | undefined {
  return request.all('reason').join(', ') || undefined
}

/** A redirection with the place it names, for the record; undefined: it is none, or names none. */
export function elsewhere(response: Response | undefined): string | undefined {
  if (!response || response.status < 300 || response.status > 399) return undefined
  const uri = response.addresses('contact')[0]?.uri
  return uri && cutText(`${response.reason} to ${uri}`, 200)
}

/** Our Reason before theirs: of each protocol there may be only one (RFC 3326 §2). */
export function withReason(headers: readonly Header[], ours: Header): Header[] {
  return [ours, ...headers.filter(([name, value]) => name !== 'reason' || !/^SIP\s*(;|$)/i.test(value))]
}
