import { type NameAddr, parseNameAddr, userOf } from './address.ts'
import { splitList, unquote } from './grammar.ts'
import type { Message } from './message.ts'

/** One diversion of a call, the last one first among those of an INVITE (RFC 5806 §4). */
export interface Diversion {
  readonly address: NameAddr
  /** Whom the call was diverted from, in letters for people; empty where it names no user. */
  readonly user: string
  /** `unconditional`, `user-busy`, `no-answer`, …, lower case; `unknown` where it does not say. */
  readonly reason: string
  /** How many diversions the member stands for: at least 1. */
  readonly counter: number
  /** How many more there may be; undefined: it does not say. */
  readonly limit: number | undefined
  /** Who diverted asks to be shown to no one: by any value but `off`. */
  readonly isPrivate: boolean
}

/** The diversions a message tells; a member which cannot be read hides no other. */
export function diversionsOf(message: Message): Diversion[] {
  return message
    .all('diversion')
    .flatMap((value) => splitList(value))
    .flatMap(readDiversion)
}

function readDiversion(member: string): Diversion[] {
  const address = parseNameAddr(member)
  if (!address) return []
  const said = (name: string) => unquote(address.params.get(name) ?? '').toLowerCase()
  return [
    {
      address,
      user: userOf(address),
      reason: said('reason') || 'unknown',
      counter: Math.max(1, wholeNumber(said('counter')) ?? 1),
      limit: wholeNumber(said('limit')),
      isPrivate: said('privacy') !== '' && said('privacy') !== 'off',
    },
  ]
}

/** Two digits at most (RFC 5806 §4); undefined where it is none. */
function wholeNumber(text: string): number | undefined {
  return /^\d{1,2}$/.test(text) ? Number(text) : undefined
}
