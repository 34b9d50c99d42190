import { refreshTarget } from '../dialog/dialog.ts'
import { ackFor2xx, inDialog } from '../dialog/request.ts'
import type { Header, Request, Response } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { described, hangUp, legOf } from './answered.ts'
import { aim, soundOf, speak, spokenOf } from './sound.ts'
import type { Call, Events, Order, Pending, Side, Step } from './state.ts'
import { allow, contactOf, type Station, viaOf } from './station.ts'

/*
 * What one party asks of the other inside the dialog: re-INVITE and UPDATE with their SDP rewritten
 * (RFC 3261 §14, RFC 3311), INFO as it is. We answer nothing ourselves which the other side can.
 */

const T1 = 500
const T2 = 4_000
const GIVE_UP = 64 * T1

/** Passes a request on, or refuses it while another change of the session is open (§14.2). */
export function passRequest(
  call: Call,
  { side, request, transaction }: Events['request'],
  station: Station,
): Order[] {
  const other = opposite(side)
  const leg = legOf(call, other)
  if (!leg) return [refuseRequest(request, transaction, 481)]
  const changes = request.method === 'INVITE' || request.method === 'UPDATE'
  if (changes && call.pending[side]) {
    return [refuseRequest(request, transaction, 500, [['retry-after', String(station.chance.below(10))]])]
  }
  if (changes && call.pending[other]) return [refuseRequest(request, transaction, 491)]
  const body = bodyFor(call, other, request, station)
  if (!body) return [refuseRequest(request, transaction, 488)]
  const sent = inDialog(leg.dialog, {
    method: request.method,
    via: viaOf(station, leg.flow),
    contact: contactOf(station, leg.flow.transport),
    maxForwards: Math.max(request.maxForwards - 1, 1),
    headers: [...typeOf(request, body), ['allow', allow]],
    body,
  })
  if (changes) {
    call.pending[side] = {
      request,
      transaction,
      answer: undefined,
      sent: { request: sent, flow: leg.flow },
      accepted: undefined,
    }
  }
  return [
    { type: 'request', request: sent, flow: leg.flow, role: { role: 'passed', side, request, transaction } },
  ]
}

/** The other side's answer goes back; a dialog it does not know any more ends the call (§12.2.1.2). */
export function passAnswer(
  call: Call,
  { side, request, transaction, response }: Events['passed'],
  station: Station,
): Step {
  const pending = call.pending[side]
  const change = pending?.transaction === transaction ? pending : undefined
  if (response && response.status < 200) return { effects: [] }
  if (response && response.status < 300) {
    return {
      effects: change
        ? accept(call, side, change, response, station)
        : [accepted(request, transaction, response)],
    }
  }
  if (change) delete call.pending[side]
  // Nobody is told 408 about anything but an INVITE (RFC 4320 §4.2).
  const status = response?.status ?? 408
  const told = status === 408 && request.method !== 'INVITE' ? 500 : status
  const back = [refuseRequest(request, transaction, told, kept(response))]
  if (status !== 481 && status !== 408) return { effects: back }
  const step = hangUp(call, opposite(side), { reason: `SIP;cause=${status}` }, station)
  return { ...step, effects: [...back, ...step.effects] }
}

/** The ACK of a re-INVITE's 2xx; with a delayed offer it carries the answer (§14.1). */
export function passAck(call: Call, side: Side, ack: Request, station: Station): Order[] {
  const pending = call.pending[side]
  if (!pending?.answer || pending.request.cseq.number !== ack.cseq.number) return []
  delete call.pending[side]
  const stops: Order[] = [
    { type: 'stop', timer: 'repeatPending', of: side },
    { type: 'stop', timer: 'unacknowledgedPending', of: side },
  ]
  const { accepted, sent } = pending
  if (!accepted || !sent) return stops
  const answer = soundOf(ack)
  const other = opposite(side)
  const body = answer && bodyFor(call, other, ack, station)
  const sounds = answer ? [...aimSide(call, side, answer), ...aimSide(call, other, soundOf(accepted))] : []
  return [...stops, ...ackOther(call, other, sent.request, station, body), ...sounds]
}

/** Timer: our 2xx to a re-INVITE was not acknowledged yet. */
export function repeatPassed(call: Call, side: Side): Order[] {
  const pending = call.pending[side]
  if (!pending?.answer) return []
  pending.answer.waitMs = Math.min(pending.answer.waitMs * 2, T2)
  return [
    { type: 'respond', transaction: pending.transaction, response: pending.answer.response },
    { type: 'set', ms: pending.answer.waitMs, timer: { timer: 'repeatPending', side } },
  ]
}

/** Timer: it never was (§13.3.1.4: the dialog ends). */
export function unacknowledgedPassed(call: Call, side: Side, station: Station): Step {
  return hangUp(call, 'both', { reason: `SIP;cause=408;text="no ACK from ${side}"` }, station, 'failed')
}

function accept(call: Call, side: Side, pending: Pending, response: Response, station: Station): Order[] {
  const { request, transaction, sent } = pending
  const other = opposite(side)
  const here = legOf(call, side)
  const there = legOf(call, other)
  if (here) refreshTarget(here.dialog, request, response.status)
  if (there) refreshTarget(there.dialog, response, response.status)
  const offered = soundOf(request)
  const sound = soundOf(response)
  const body = sound && bodyFor(call, side, response, station)
  const ok = reply(request, response.status, {
    reason: response.reason,
    headers: [
      ['contact', contactOf(station, here?.flow.transport ?? 'udp')],
      ['allow', allow],
      ...(body ? typeOf(response, body) : []),
    ],
    ...(body ? { body } : {}),
  })
  const sounds = offered && sound ? [...aimSide(call, side, offered), ...aimSide(call, other, sound)] : []
  const answer: Order = { type: 'respond', transaction, response: ok }
  if (request.method !== 'INVITE') {
    delete call.pending[side]
    return [answer, ...sounds]
  }
  pending.answer = { response: ok, waitMs: T1 }
  const delayed = offered === undefined && sound !== undefined
  if (delayed) pending.accepted = response
  return [
    ...(delayed || !sent ? [] : ackOther(call, other, sent.request, station)),
    answer,
    { type: 'set', ms: T1, timer: { timer: 'repeatPending', side } },
    { type: 'set', ms: GIVE_UP, timer: { timer: 'unacknowledgedPending', side } },
    ...sounds,
  ]
}

function ackOther(call: Call, other: Side, sent: Request, station: Station, body?: Uint8Array): Order[] {
  const leg = legOf(call, other)
  if (!leg) return []
  const request = ackFor2xx(leg.dialog, sent.cseq.number, {
    via: viaOf(station, leg.flow),
    ...described(body),
  })
  return [{ type: 'ack', request, flow: leg.flow }]
}

/** A body for the other side: SDP rewritten, anything else (INFO) as it came; undefined: not possible. */
function bodyFor(
  call: Call,
  to: Side,
  message: Request | Response,
  station: Station,
): Uint8Array | undefined {
  const spoken = spokenOf(call, to)
  const sound = isSdp(message) ? soundOf(message) : undefined
  if (!sound) return message.body
  return spoken && speak(call, to, spoken, sound, station)
}

function aimSide(call: Call, side: Side, sound: Uint8Array | undefined): Order[] {
  const leg = legOf(call, side)
  const flow = side === 'caller' ? call.caller.flow : call.callee?.flow
  return sound && leg && flow ? aim(call, side, sound, flow, leg.trusted) : []
}

function isSdp(message: Request | Response): boolean {
  const type = message.header('content-type')?.toLowerCase()
  return type !== undefined && (type.startsWith('application/sdp') || type.startsWith('multipart/'))
}

function typeOf(message: Request | Response, body: Uint8Array): Header[] {
  if (body.length === 0) return []
  const type = isSdp(message) ? 'application/sdp' : message.header('content-type')
  return type ? [['content-type', type]] : []
}

function refuseRequest(
  request: Request,
  transaction: number,
  status: number,
  headers: readonly Header[] = [],
): Order {
  return {
    type: 'respond',
    transaction,
    response: reply(request, status, { headers }),
  }
}

function accepted(request: Request, transaction: number, response: Response): Order {
  const headers = typeOf(response, response.body)
  const { status, reason, body } = response
  return { type: 'respond', transaction, response: reply(request, status, { reason, headers, body }) }
}

function kept(response: Response | undefined): Header[] {
  return response?.headers.filter(([name]) => name === 'retry-after' || name === 'warning') ?? []
}

function opposite(side: Side): Side {
  return side === 'caller' ? 'callee' : 'caller'
}
