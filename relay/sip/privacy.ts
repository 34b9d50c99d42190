import { rememberLast } from '../ground/remember.ts'
import type { Request } from './message.ts'

/** What a caller asks to be kept to itself (RFC 3323 §4.2, RFC 3325 §9.3, RFC 7044 §10.1). */
export interface Privacy {
  /** Who it is: `id`, `user`, an anonymous From, or what came before RFC 3325. */
  readonly identity: boolean
  /** What else of its headers could tell: `header`. */
  readonly header: boolean
  /** On whose behalf it calls: `history`, or `header`. */
  readonly history: boolean
  /** It would rather not be connected than without what it asks: `critical`. */
  readonly critical: boolean
  /** Values which mean nothing here, and so cannot be done. */
  readonly unknown: readonly string[]
}

/** What an INVITE asks, in whichever of its lines; a wish is not taken back by a `none` beside it. */
export const privacyOf = rememberLast(4, (invite: Request): Privacy => {
  const wishes = valuesOf(invite)
  const asks = (...values: string[]) => wishes.some((wish) => values.includes(wish))
  return {
    identity: asks('id', 'user') || isAnonymous(invite) || (!asks('none') && asksAsOnce(invite)),
    header: asks('header'),
    history: asks('history', 'header'),
    critical: asks('critical'),
    unknown: wishes.filter((wish) => !known.has(wish)),
  }
})

/** Sound and signalling both end here, so that `session` and `header` are done for every call. */
const known: ReadonlySet<string> = new Set(['none', 'id', 'user', 'header', 'session', 'history', 'critical'])

/** All lines of it; its values are parted by semicolons, by some callers with commas. */
function valuesOf(invite: Request): string[] {
  const values = invite.all('privacy').flatMap((value) => value.toLowerCase().split(/[;,\s]+/))
  return [...new Set(values)].filter((value) => value !== '')
}

function isAnonymous({ from: { sip } }: Request): boolean {
  return sip !== undefined && (sip.user.toLowerCase() === 'anonymous' || sip.host === 'anonymous.invalid')
}

/** What came before RFC 3325: draft-ietf-sip-privacy-04. */
function asksAsOnce(invite: Request): boolean {
  return invite.all('remote-party-id').some((value) => /;\s*privacy\s*=\s*"?(full|uri)/i.test(value))
}
