import type { RouteQuestion } from '#contract'
import { dialledName, plainly } from '#routing'
import type { ActiveCall } from '../call/call-index.ts'
import { beenTo, divertedBy } from '../call/claims.ts'
import { userOf } from '../sip/address.ts'
import type { Request } from '../sip/message.ts'

/** The question a call asks before anything else. */
export function routeQuestion(
  active: ActiveCall,
  caller: RouteQuestion['caller'],
  codecs: string[],
): RouteQuestion {
  return questionOf(active.call.id, active.call.caller.invite, caller, codecs)
}

/** The question which an INVITE asks, under the id its call will have. */
export function questionOf(
  callId: string,
  invite: Request,
  caller: RouteQuestion['caller'],
  codecs: string[],
): RouteQuestion {
  // What a phone asserts of itself counts for nothing.
  const claims = caller.kind !== 'extension'
  const diverted = claims ? beenTo(invite) : undefined
  return {
    call_id: callId,
    caller,
    from: { ...callerOf(invite, claims), diverting: claims ? divertedBy(invite) : [], diverted },
    to: { user: dialled(invite, caller), host: invite.target?.host ?? '' },
    codecs,
  }
}

/**
 * The token of our contact at a provider, where a call came to it: `;line=`, or the user where parameters get lost.
 * null where there is none.
 */
export function registrationTokenOf({ target }: Request): string | null {
  const named = target?.params.get('line')
  if (named) return named
  return target && /^[0-9a-f]{52}$/.test(target.user) ? target.user : null
}

/** Registered lines ring our contact, whose user is a name; the number is in To then. */
function dialled({ target, requestUri, to }: Request, caller: RouteQuestion['caller']): string {
  const user = userOf({ sip: target, uri: requestUri })
  const isLine = caller.kind === 'source' && caller.line !== null
  const meant = userOf(to)
  return isLine && !isNumber(user) && isNumber(meant) ? meant : user
}

/** Whether it is written in digits: letters are more often a name. */
function isNumber(user: string): boolean {
  return !/[a-z]/i.test(dialledName(user)) && /^\+?\d+$/.test(plainly(user))
}

/** The caller by its From, or by what a PBX or carrier asserts: the name is taken from where the number is. */
function callerOf(invite: Request, claims: boolean): Omit<RouteQuestion['from'], 'diverting' | 'diverted'> {
  const { display } = invite.from
  const user = userOf(invite.from)
  const asserted = claims ? assertedBy(invite) : undefined
  if (!asserted) return { user, display, asserted: null }
  // A From of the same number may name what the assertion does not.
  const known = asserted.display || !sameNumber(user, asserted.user) ? asserted.display : display
  return { user, display: known, asserted: asserted.user }
}

/** Whom a PBX or carrier says the call is from (RFC 3325 §9.1; what a PBX only prefers counts as much: §9.2). */
function assertedBy(invite: Request): { user: string; display: string } | undefined {
  for (const name of ['p-asserted-identity', 'p-preferred-identity'])
    for (const address of invite.addresses(name)) {
      const user = userOf(address)
      if (user) return { user, display: address.display }
    }
  return undefined
}

/** Whether two ways of writing a number end in the same seven digits at least. */
function sameNumber(one: string, other: string): boolean {
  const [a, b] = [one.replace(/\D/g, ''), other.replace(/\D/g, '')]
  return one === other || (Math.min(a.length, b.length) >= 7 && (a.endsWith(b) || b.endsWith(a)))
}
