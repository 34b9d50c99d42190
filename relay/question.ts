import type { RouteQuestion } from '#contract'
import { divertedBy } from './call/claims.ts'
import type { Line } from './lines.ts'
import { parseNameAddrs } from './sip/address.ts'
import type { Request } from './sip/message.ts'

/** The question a call asks before anything else. */
export function routeQuestion(line: Line, caller: RouteQuestion['caller'], codecs: string[]): RouteQuestion {
  return questionOf(line.call.id, line.call.caller.invite, caller, codecs)
}

export function questionOf(
  callId: string,
  invite: Request,
  caller: RouteQuestion['caller'],
  codecs: string[],
): RouteQuestion {
  // What a phone asserts of itself counts for nothing.
  const claims = caller.kind !== 'extension'
  return {
    call_id: callId,
    caller,
    from: { ...callerOf(invite, claims), diverting: claims ? divertedBy(invite) : [] },
    to: { user: dialled(invite, caller), host: invite.target?.host ?? '' },
    codecs,
  }
}

/** The token of our contact at a provider, where a call came to it: `;line=`, or the user where parameters get lost. */
export function lineOf({ target }: Request): string | null {
  const named = target?.params.get('line')
  if (named) return named
  return target && /^[0-9a-f]{52}$/.test(target.user) ? target.user : null
}

/** Registered lines ring our contact, whose user is a name; the number is in To then. */
function dialled({ target, to }: Request, caller: RouteQuestion['caller']): string {
  const user = target?.user ?? ''
  const isLine = caller.kind === 'source' && caller.line !== null
  const meant = to.sip?.user ?? ''
  return isLine && !isNumber.test(user) && isNumber.test(meant) ? meant : user
}

const isNumber = /^\+?\d+$/

/** The caller by its From, or by what a PBX or carrier asserts: the name is taken from where the number is. */
function callerOf(invite: Request, claims: boolean): Omit<RouteQuestion['from'], 'diverting'> {
  const { sip, display } = invite.from
  const user = sip?.user ?? ''
  const asserted = claims ? assertedBy(invite) : undefined
  if (!asserted) return { user, display, asserted: null }
  // A From of the same number may name what the assertion does not.
  const known = asserted.display || !sameNumber(user, asserted.user) ? asserted.display : display
  return { user, display: known, asserted: asserted.user }
}

/** Whom a PBX or carrier says the call is from (RFC 3325 §9.1; what a PBX only prefers counts as much: §9.2). */
function assertedBy(invite: Request): { user: string; display: string } | undefined {
  for (const name of ['p-asserted-identity', 'p-preferred-identity'])
    for (const { uri, sip, display } of parseNameAddrs(invite.all(name))) {
      const user = sip?.user ?? /^tel:([^;]+)/i.exec(uri)?.[1]
      if (user) return { user, display }
    }
  return undefined
}

/** Whether two ways of writing a number end in the same seven digits at least. */
function sameNumber(one: string, other: string): boolean {
  const [a, b] = [one.replace(/\D/g, ''), other.replace(/\D/g, '')]
  return one === other || (Math.min(a.length, b.length) >= 7 && (a.endsWith(b) || b.endsWith(a)))
}
