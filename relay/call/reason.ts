import { quote, splitList } from '../sip/grammar.ts'
import type { Header, Response } from '../sip/message.ts'

/** No caller reads more. */
const lettersAtMost = 120

/** Why we say no, in a Reason header (RFC 3326 §2): any text, cut to 120 characters, on one line. */
export function sipReason(cause: number, text: string): Header {
  const letters = [...text.replace(/\p{Cc}+/gu, ' ')]
  return ['reason', `SIP;cause=${cause};text=${quote(letters.slice(0, lettersAtMost).join('').trim())}`]
}

/** A decision's refusal in words: its code, and its sentence for a person. */
export function refusalOf({ reason, message }: { reason: string; message: string }): string {
  return `${reason}: ${message}`
}

/** What the callee's side says of a failure in its own words, one value each. */
export function wordsOf(response: Response | undefined): Header[] {
  const values = response?.all('reason') ?? []
  return values.flatMap((value) => splitList(value)).map((value): Header => ['reason', value])
}

/** Our Reason before theirs: of each protocol there may be only one (RFC 3326 §2). */
export function withReason(headers: readonly Header[], ours: Header): Header[] {
  return [ours, ...headers.filter(([name, value]) => name !== 'reason' || !/^SIP\s*(;|$)/i.test(value))]
}
