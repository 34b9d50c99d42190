import { refreshTarget } from '../dialog/dialog.ts'
import { type Header, noBody, type Request, type Response } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { base } from '../transaction/timers.ts'
import { hangUp } from './answered.ts'
import { codecsFor } from './branch.ts'
import { legOf } from './path.ts'
import { ackPassed, closePending, opposite } from './pending.ts'
import { aim, soundOf, speak, spokenOf } from './sound.ts'
import type { Asked, Call, Order, Pending, Side, Step } from './state.ts'
import { allow, contactOf, type Station } from './station.ts'

/*
 * How a request passed on succeeds: the other side's 2xx goes back with the sound in it made ours, a
 * re-INVITE's is repeated until its ACK (RFC 3261 §14.1), and the media follow.
 */

const { t1, t2 } = base
const giveUpMs = 64 * t1

/** A change of the session was accepted; both dialogs learn where the other side is now (§12.2). */
export function accept(call: Call, pending: Pending, response: Response, station: Station): Order[] {
  const { side, request } = pending.asked
  const here = legOf(call, side)
  const there = legOf(call, opposite(side))
  if (here) refreshTarget(here.dialog, request, response.status)
  if (there) refreshTarget(there.dialog, response, response.status)
  const offered = soundOf(request)
  const sound = soundOf(response)
  const sounds =
    offered && sound ? [...aimSide(call, side, offered), ...aimSide(call, opposite(side), sound)] : []
  const ok = okFor(call, pending.asked, response, station)
  if (request.method !== 'INVITE') return [...closePending(call, side), ok, ...sounds]
  pending.answer = { response: ok.response, waitMs: t1 }
  const delayed = offered === undefined && sound !== undefined
  if (delayed) pending.accepted = response
  return [
    ...(delayed ? [] : ackPassed(call, side, response.cseq.number, station)),
    ok,
    { type: 'stop', timer: 'stalledPending', of: side },
    { type: 'set', ms: t1, timer: { timer: 'repeatPending', side } },
    { type: 'set', ms: giveUpMs, timer: { timer: 'unacknowledgedPending', side } },
    ...sounds,
  ]
}

/** Anything else was: its answer goes back as it is. */
export function accepted({ request, transaction, source }: Asked, response: Response): Order {
  const headers = typeOf(response, response.body)
  const { status, reason, body } = response
  const ok = reply(request, status, { reason, headers, body, flow: source })
  return { type: 'respond', transaction, response: ok }
}

/** The ACK of a re-INVITE's 2xx; with a delayed offer it carries the answer (§14.1). */
export function passAck(call: Call, side: Side, ack: Request, station: Station): Step {
  const pending = call.pending[side]
  if (!pending?.answer || pending.asked.request.cseq.number !== ack.cseq.number) return { effects: [] }
  const { accepted } = pending
  if (!accepted) return { effects: closePending(call, side) }
  const answer = soundOf(ack)
  const other = opposite(side)
  const body = answer && speakTo(call, other, answer, station)
  // An offer without an answer leaves nothing to talk by: hanging up sends the ACK, too.
  if (!body)
    return hangUp(call, 'both', { reason: 'SIP;cause=488;text="no answer in ACK"' }, station, 'failed')
  const sounds = [...aimSide(call, side, answer), ...aimSide(call, other, soundOf(accepted))]
  const acks = ackPassed(call, side, accepted.cseq.number, station, body)
  return { effects: [...closePending(call, side), ...acks, ...sounds] }
}

/** Timer: our 2xx to a re-INVITE was not acknowledged yet. */
export function repeatPassed(call: Call, side: Side): Order[] {
  const pending = call.pending[side]
  if (!pending?.answer) return []
  pending.answer.waitMs = Math.min(pending.answer.waitMs * 2, t2)
  return [
    { type: 'respond', transaction: pending.asked.transaction, response: pending.answer.response },
    { type: 'set', ms: pending.answer.waitMs, timer: { timer: 'repeatPending', side } },
  ]
}

/** Timer: it never was (§13.3.1.4: the dialog ends). */
export function unacknowledgedPassed(call: Call, side: Side, station: Station): Step {
  return hangUp(call, 'both', { reason: `SIP;cause=408;text="no ACK from ${side}"` }, station, 'failed')
}

/** The offer of a change as the other side shall hear it, none if there is none; undefined: no codec is left. */
export function offerFor(call: Call, to: Side, request: Request, station: Station): Uint8Array | undefined {
  const sound = soundOf(request)
  const only = to === 'callee' && call.callee ? codecsFor(call, call.callee) : undefined
  return sound ? speakTo(call, to, sound, station, only) : noBody
}

/** The 2xx for who asked. An offer which the other side left without an answer leaves the sound as it was. */
function okFor(
  call: Call,
  { side, request, transaction, source }: Asked,
  response: Response,
  station: Station,
): Extract<Order, { type: 'respond' }> {
  const sound = soundOf(response)
  const before = soundOf(request) && spokenOf(call, side)?.sent
  const body = sound ? speakTo(call, side, sound, station) : before && bytes.encode(before.text)
  const headers: Header[] = [
    ['contact', contactOf(station, legOf(call, side)?.flow.transport ?? 'udp')],
    ['allow', allow],
    ...(body ? typeOf(response, body) : []),
  ]
  const { status, reason } = response
  const ok = reply(request, status, { reason, headers, body, flow: source })
  return { type: 'respond', transaction, response: ok }
}

const bytes = new TextEncoder()

function speakTo(
  call: Call,
  to: Side,
  sound: Uint8Array,
  station: Station,
  only?: readonly string[],
): Uint8Array | undefined {
  const spoken = spokenOf(call, to)
  return spoken && speak(call, to, spoken, sound, station, only)
}

function aimSide(call: Call, side: Side, sound: Uint8Array | undefined): Order[] {
  const leg = legOf(call, side)
  const flow = side === 'caller' ? call.caller.flow : call.callee?.flow
  return sound && leg && flow ? aim(call, side, sound, flow, leg.trusted) : []
}

/** We write SDP ourselves; anything else is passed on as it was called. */
export function typeOf(message: Request | Response, body: Uint8Array): Header[] {
  if (body.length === 0) return []
  const { method } = message.cseq
  const type = method === 'INVITE' || method === 'UPDATE' ? 'application/sdp' : message.header('content-type')
  return type ? [['content-type', type]] : []
}
