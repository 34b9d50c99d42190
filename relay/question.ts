import type { RouteQuestion } from '#contract'
import { parseNameAddrs } from './sip/address.ts'
import type { Request } from './sip/message.ts'
import type { Line } from './switchboard.ts'

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
  const { from } = invite
  const asserted = caller.kind === 'extension' ? null : assertedBy(invite)
  return {
    call_id: callId,
    caller,
    from: { user: from.sip?.user ?? '', display: from.display, asserted },
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

/** Whom a PBX or carrier says the call is from (RFC 3325 §9.1; what a PBX only prefers counts as much: §9.2). */
function assertedBy(invite: Request): string | null {
  for (const name of ['p-asserted-identity', 'p-preferred-identity'])
    for (const { uri, sip } of parseNameAddrs(invite.all(name)) ?? []) {
      const user = sip?.user ?? /^tel:([^;]+)/i.exec(uri)?.[1]
      if (user) return user
    }
  return null
}
