import { toldByInfo } from '../leg/ice.ts'
import type { InDialogRequest } from '../leg/leg.ts'
import type { Header, Request } from '../sip/message.ts'
import { mediaType } from '../sip/multipart.ts'
import { allowHeader } from '../sip/screen.ts'
import { partyOn } from './call-party.ts'
import { opposite, sideOf } from './sides.ts'
import type { Call, CallParty } from './state.ts'

/*
 * What one party may say to the other inside a call besides changing it: by method, which bodies, and between whom.
 * OPTIONS are answered by us, whom they ask; SUBSCRIBE is 489, for we have no event to tell of.
 */

type PartyOfCall = CallParty['kind']

interface MessagePassage {
  readonly between: readonly PartyOfCall[]
  /** Media types; one without a body always passes. */
  readonly bodies: readonly string[]
}

const passages: Readonly<Record<string, MessagePassage>> = {
  // Keys (as every gateway says them), a request for a whole picture (RFC 5168), and a hook flash.
  INFO: {
    between: ['extension', 'trunk', 'provider'],
    bodies: [
      'application/dtmf-relay',
      'application/dtmf',
      'application/media_control+xml',
      'application/hook-flash',
    ],
  },
  // Words between persons of one customer (RFC 3428, RFC 3994): no stranger writes on their phones.
  MESSAGE: {
    between: ['extension', 'trunk'],
    bodies: ['text/plain', 'message/cpim', 'application/im-iscomposing+xml'],
  },
}

/** Why a party may not say this to the other: 405, 415 or 469 (RFC 6086 §4.2.2); undefined: it may, or another rule holds. */
export function passageRefusal(
  call: Call,
  { leg, request }: Pick<InDialogRequest, 'leg' | 'request'>,
): [status: number, headers: Header[]] | undefined {
  const passage = passages[request.method]
  if (!passage) return undefined
  const side = sideOf(call, leg)
  const parties = [partyOn(call, side), partyOn(call, opposite(side))]
  if (parties.some((party) => party && !passage.between.includes(party.kind))) return [405, [allowHeader]]
  if (request.header('info-package') !== undefined) {
    const [taken = ['recv-info', '']] = toldByInfo(leg)
    return [469, [taken]]
  }
  return bodyPasses(passage, request) ? undefined : [415, [['accept', passage.bodies.join(', ')]]]
}

function bodyPasses({ bodies }: MessagePassage, request: Request): boolean {
  const type = mediaType(request.header('content-type'))
  return request.body.length === 0 || (type !== undefined && bodies.includes(type))
}
