import { hangUpLeg } from '../leg/bye.ts'
import { notifyRefer } from '../leg/refer-notify.ts'
import { setSession } from '../leg/session.ts'
import type { Header } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { contactOf, type SipEndpoint } from '../ua/endpoint.ts'
import { hangUp } from './answered.ts'
import type { CallEvents } from './call-events.ts'
import type { CallOrder, CallStep } from './call-step.ts'
import { close, closing } from './ending.ts'
import { cancelPassed } from './in-dialog.ts'
import { dropPending, dropRefresh } from './pending-reinvite.ts'
import { joinedLegs, mediaOn, opposite, otherOf, sideOf } from './sides.ts'
import type { Call, Transfer } from './state.ts'

/*
 * A transfer as the call sees it which is transferred: who asked hears what comes of it, and is left by the other party
 * once that speaks with another one. `transferred-call.ts` is the call which goes on.
 */

/** Who asked is left so long to hang up itself once the others speak (RFC 5589 §6.1). */
const partingMs = 4_000

/** The REFER is taken: 202, and that it is tried (RFC 3515 §2.4.4). */
export function transferBegun(
  call: Call,
  { asked, to, type }: CallEvents['transferBegun'],
  endpoint: SipEndpoint,
): CallOrder[] {
  const { leg: by, request, transaction, source } = asked
  const party = otherOf(call, by)
  if (!party) return []
  const quiet = /^\s*false/i.test(request.all('refer-sub')[0] ?? '')
  const refer = quiet ? undefined : request.cseq.number
  call.transfer = { type, by, refer, party, to, taken: false, told: 0 }
  const headers: Header[] = [
    ['contact', contactOf(endpoint, source.transport, by.signalling)],
    ...(quiet ? [['refer-sub', 'false'] as Header] : []),
  ]
  const taken = reply(request, 202, { headers, flow: source })
  return [{ type: 'respond', transaction, response: taken }, ...told(call.transfer, 100, endpoint)]
}

/** One which the API ordered: no party hears of it until it is done. */
export function transferOrdered(call: Call, { by, to }: CallEvents['transferOrdered']): CallOrder[] {
  const party = otherOf(call, by)
  if (party)
    call.transfer = { type: 'blind', by, refer: undefined, ordered: true, party, to, taken: false, told: 0 }
  return []
}

/** The call which goes on has got so far: after a failure this one goes on as it was. */
export function transferProgressed(call: Call, status: number, endpoint: SipEndpoint): CallOrder[] {
  const { transfer } = call
  if (!transfer || status === transfer.told || status < 101) return []
  if (status >= 300) call.transfer = undefined
  return told(transfer, status, endpoint)
}

/** The transferred party has left for the other call. */
export function partyTaken(call: Call): CallStep {
  const { transfer } = call
  if (!transfer) return { effects: [] }
  transfer.taken = true
  return { to: 'transferred', effects: [...parted(call, transfer)] }
}

/** It speaks there: who asked is told, and hangs up, or is hung up. */
export function partyJoined(call: Call, endpoint: SipEndpoint): CallOrder[] {
  const { transfer } = call
  if (!transfer) return []
  return [
    ...told(transfer, 200, endpoint),
    { type: 'set', ms: transfer.ordered ? 0 : partingMs, timer: { timer: 'parting', leg: transfer.by } },
  ]
}

/** It could not, and comes back; `gone`: it has hung up, or left without a word. */
export function partyReturned(
  call: Call,
  { status, gone }: { readonly status: number; readonly gone: boolean },
  endpoint: SipEndpoint,
): CallStep {
  const { transfer } = call
  if (!transfer) return { effects: [] }
  const { by, party } = transfer
  call.transfer = undefined
  const tells = told(transfer, status, endpoint)
  if (gone) {
    const step = hangUp(call, 'system', { reason: undefined }, endpoint)
    return { ...step, effects: [...tells, ...step.effects] }
  }
  const side = opposite(sideOf(call, by))
  call.joined[side] = party
  call.left = undefined
  party.media = mediaOn(call, side)
  const back: CallOrder[] = party.dialog ? [{ type: 'dialog', leg: party, dialog: party.dialog }] : []
  return { to: 'answered', effects: [...tells, ...back, ...setSession(party)] }
}

/** Who asked hangs up before the other party has left it: that waits in the other call from now on. */
export function transferorLeft(call: Call, { to, by }: Transfer, endpoint: SipEndpoint): CallStep {
  // Nothing is left there which could hang the other party up.
  if (to.record.endedAt !== undefined) return hangUp(call, by, { reason: undefined }, endpoint)
  const effects: CallOrder[] = [
    ...joinedLegs(call).flatMap((leg) => [
      ...cancelPassed(leg, { reason: undefined }),
      ...dropPending(call, leg, endpoint),
    ]),
    ...dropRefresh(by),
    ...parted(call, call.transfer),
    { type: 'onward', call: to, name: 'partyAdopted', event: undefined },
  ]
  call.transfer = undefined
  close(call, sideOf(call, by), 'transferred', undefined)
  return { to: 'ended', effects: [...effects, ...closing(call)] }
}

/** Who asked hangs up, or is hung up, after the other party has left it. */
export function transferOver(call: Call, hungUp: boolean, endpoint: SipEndpoint): CallStep {
  const { transfer } = call
  if (!transfer) return { effects: [] }
  const { by, to } = transfer
  const bye = hungUp ? [] : hangUpLeg(by, { reason: 'SIP;cause=200;text="transferred"' }, endpoint)
  const stop: CallOrder = { type: 'stop', timer: 'parting', of: by }
  call.transfer = undefined
  close(call, sideOf(call, by), 'transferred', undefined)
  const alone: CallOrder = { type: 'onward', call: to, name: 'partyAdopted', event: undefined }
  return { to: 'ended', effects: [stop, ...dropRefresh(by), ...bye, alone, ...closing(call)] }
}

/** A party whose transfer goes on elsewhere is no party here any more. */
function parted(call: Call, transfer: Transfer | undefined): CallOrder[] {
  const party = joinedLegs(call).find((leg) => leg === transfer?.party)
  if (!transfer || !party) return []
  call.joined[sideOf(call, party)] = undefined
  call.left = { leg: party, to: transfer.to }
  return [{ type: 'stop', timer: 'session', of: party }]
}

function told(transfer: Transfer, status: number, endpoint: SipEndpoint): CallOrder[] {
  transfer.told = status
  return transfer.refer === undefined ? [] : notifyRefer(transfer.by, transfer.refer, status, endpoint)
}
