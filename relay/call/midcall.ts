import { refreshTarget } from '../dialog/dialog.ts'
import { inDialog } from '../dialog/request.ts'
import { type Header, noBody, type Request, type Response } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { type Refusal, screen, supportedOptions } from '../sip/screen.ts'
import { hangUp } from './answered.ts'
import { proveToProvider, withProof } from './credentials.ts'
import { buildCancel } from './invite.ts'
import { legOf } from './path.ts'
import { ackPassed, closePending, opposite, refuseRequest } from './pending.ts'
import { aim, noCodec, readable, soundOf, speak, spokenOf } from './sound.ts'
import type { Asked, Call, Farewell, Order, Passed, Pending, Side, Step } from './state.ts'
import { allow, contactOf, type Station, viaOf } from './station.ts'

/*
 * What one party asks of the other inside the dialog: re-INVITE and UPDATE with their SDP rewritten
 * (RFC 3261 §14, RFC 3311), INFO as it is. We answer nothing ourselves which the other side can.
 */

const T1 = 500
const T2 = 4_000
const GIVE_UP = 64 * T1
/** Timer C: a re-INVITE may take longer than three minutes, but not for ever (RFC 3261 §16.6 step 11). */
const STALLED = 181_000

/** Passes a request on, or says why not. */
export function passRequest(call: Call, asked: Asked, station: Station): Order[] {
  const { side, request } = asked
  const other = opposite(side)
  const leg = legOf(call, other)
  if (!leg) return [refuseRequest(asked, 481)]
  const refusal = refusalOf(call, side, request, station)
  if (refusal) return [refuseRequest(asked, ...refusal)]
  const body = isChange(request) ? offerFor(call, other, request, station) : request.body
  if (!body) return [refuseRequest(asked, 488, [noCodec(station)])]
  const sent = inDialog(leg.dialog, {
    method: request.method,
    via: viaOf(station, leg.flow),
    contact: contactOf(station, leg.flow.transport),
    maxForwards: request.maxForwards - 1,
    headers: [...typeOf(request, body), ['allow', allow]],
    body,
  })
  return sendOn(call, { asked, proofs: 0, sent, flow: leg.flow })
}

/** Why a request is not passed on: hops, extensions, or another change of the session still open (§14.2). */
function refusalOf(
  call: Call,
  side: Side,
  request: Request,
  station: Station,
): [status: number, headers?: Header[]] | undefined {
  if (request.maxForwards <= 0) return [483]
  const refusal = screenWithin(request)
  if (refusal) return [refusal.status, [...(refusal.headers ?? [])]]
  if (!isChange(request)) return undefined
  if (call.pending[side]) return [500, [['retry-after', String(station.chance.below(10))]]]
  // The first INVITE is a change too: towards the caller until its ACK, towards the callee while our ACK
  // waits for the caller's answer (§14.1, RFC 5407 §3.1.4).
  const first = call.caller.answer && (side === 'callee' || soundOf(call.caller.invite) === undefined)
  return first || call.pending[opposite(side)] ? [491] : undefined
}

/** What a UAS checks first (RFC 3261 §8.2): all of it for an INVITE, Require for what else comes inside a dialog. */
function screenWithin(request: Request): Refusal | undefined {
  if (request.method === 'INVITE') {
    const sound = soundOf(request)
    return screen(request) ?? (sound && !readable(sound) ? { status: 400 } : undefined)
  }
  const unknown = request.all('require').filter((option) => !supportedOptions.includes(option.toLowerCase()))
  return unknown.length === 0 ? undefined : { status: 420, headers: [['unsupported', unknown.join(', ')]] }
}

function sendOn(call: Call, on: Omit<Passed, 'response'>): Order[] {
  const { asked, proofs, sent, flow } = on
  const { side, request } = asked
  const order: Order = { type: 'request', request: sent, flow, role: { role: 'passed', asked, proofs } }
  if (!isChange(request)) return [order]
  call.pending[side] = {
    asked,
    answer: undefined,
    sent: { request: sent, flow },
    heard: false,
    accepted: undefined,
  }
  if (request.method !== 'INVITE') return [order]
  return [order, { type: 'set', ms: STALLED, timer: { timer: 'stalledPending', side } }]
}

/** The other side's answer goes back; a dialog it does not know any more ends the call (§12.2.1.2). */
export function passAnswer(call: Call, passed: Passed, station: Station): Step {
  const { asked, sent, response } = passed
  const change = pendingOf(call, passed)
  if (response && response.status < 200) {
    if (change) change.heard = true
    return { effects: [] }
  }
  if (response && response.status < 300) {
    if (sent.method === 'INVITE' && (!change || change.answer))
      return { effects: passedAgain(call, passed, station) }
    const effects = change ? accept(call, change, response, station) : [accepted(asked, response)]
    return { effects }
  }
  return passFailure(call, passed, change, station)
}

/** Timer, or the asker's CANCEL: a change nobody answers is cancelled, and its 487 goes back. */
export function cancelPassed(call: Call, side: Side, { reason }: Farewell): Order[] {
  const pending = call.pending[side]
  if (!pending || pending.answer || pending.asked.request.method !== 'INVITE') return []
  const { request, flow } = pending.sent
  const abandon: Order = { type: 'abandon', of: side }
  // Nothing may be cancelled before it was heard of (§9.1); it then ends by itself.
  if (!pending.heard) return [abandon]
  return [abandon, { type: 'request', request: buildCancel(request, reason), flow, role: { role: 'cancel' } }]
}

/** A 2xx which came again, or after the end: its ACK was lost, or never sent (§13.2.2.4, RFC 5407 §3.2.3). */
export function passedAgain(call: Call, { asked, sent, response }: Passed, station: Station): Order[] {
  const success = response !== undefined && response.status >= 200 && response.status < 300
  // The ACK of a delayed offer waits for the asker's.
  if (sent.method !== 'INVITE' || !success || call.pending[asked.side]?.accepted) return []
  return ackPassed(call, asked.side, sent.cseq.number, station)
}

function passFailure(call: Call, passed: Passed, change: Pending | undefined, station: Station): Step {
  const { asked, response } = passed
  const { side, request } = asked
  const again = response && provedAgain(call, passed, response, station)
  if (again) return { effects: again }
  const stops = change ? closePending(call, side) : []
  const status = response?.status ?? 408
  const back = [...stops, refuseRequest(asked, ownStatus(status, request), kept(response))]
  if (status !== 481 && status !== 408) return { effects: back }
  const farewell = { reason: `SIP;cause=${status}` }
  // Who says 481 has no call any more; who says nothing may still have one.
  const step =
    status === 481
      ? hangUp(call, opposite(side), farewell, station)
      : hangUp(call, 'both', farewell, station, 'timeout')
  return { ...step, effects: [...back, ...step.effects] }
}

/** A provider which wants the change proved gets its proof; who asked does not hear of it. */
function provedAgain(call: Call, passed: Passed, response: Response, station: Station): Order[] | undefined {
  const { asked, sent, flow, proofs } = passed
  const leg = legOf(call, 'callee')
  if (asked.side !== 'caller' || !call.callee || !leg) return undefined
  const proof = proveToProvider(call.callee, sent, response, proofs, station)
  if (!proof) return undefined
  const again = withProof(sent, ++leg.dialog.localCseq, proof, flow, station)
  return sendOn(call, { ...passed, sent: again, proofs: proofs + 1 })
}

/**
 * What is told of another's refusal: nobody is told 408 about anything but an INVITE (RFC 4320 §4.2),
 * and a challenge to us is nobody else's.
 */
function ownStatus(status: number, { method }: Request): number {
  if (status === 401 || status === 407 || status < 400) return 500
  return status === 408 && method !== 'INVITE' ? 500 : status
}

function pendingOf(call: Call, { asked, sent }: Passed): Pending | undefined {
  const pending = call.pending[asked.side]
  const current = pending?.asked === asked && pending.sent.request.cseq.number === sent.cseq.number
  return current ? pending : undefined
}

function isChange({ method }: Request): boolean {
  return method === 'INVITE' || method === 'UPDATE'
}

/** The ACK of a re-INVITE's 2xx; with a delayed offer it carries the answer (§14.1). */
export function passAck(call: Call, side: Side, ack: Request, station: Station): Order[] {
  const pending = call.pending[side]
  if (!pending?.answer || pending.asked.request.cseq.number !== ack.cseq.number) return []
  const { accepted } = pending
  if (!accepted) return closePending(call, side)
  const answer = soundOf(ack)
  const other = opposite(side)
  const body = answer && speakTo(call, other, answer, station)
  const sounds = answer ? [...aimSide(call, side, answer), ...aimSide(call, other, soundOf(accepted))] : []
  const acks = ackPassed(call, side, accepted.cseq.number, station, body)
  return [...closePending(call, side), ...acks, ...sounds]
}

/** Timer: our 2xx to a re-INVITE was not acknowledged yet. */
export function repeatPassed(call: Call, side: Side): Order[] {
  const pending = call.pending[side]
  if (!pending?.answer) return []
  pending.answer.waitMs = Math.min(pending.answer.waitMs * 2, T2)
  return [
    { type: 'respond', transaction: pending.asked.transaction, response: pending.answer.response },
    { type: 'set', ms: pending.answer.waitMs, timer: { timer: 'repeatPending', side } },
  ]
}

/** Timer: it never was (§13.3.1.4: the dialog ends). */
export function unacknowledgedPassed(call: Call, side: Side, station: Station): Step {
  return hangUp(call, 'both', { reason: `SIP;cause=408;text="no ACK from ${side}"` }, station, 'failed')
}

function accept(call: Call, pending: Pending, response: Response, station: Station): Order[] {
  const { side, request, transaction, source } = pending.asked
  const other = opposite(side)
  const here = legOf(call, side)
  const there = legOf(call, other)
  if (here) refreshTarget(here.dialog, request, response.status)
  if (there) refreshTarget(there.dialog, response, response.status)
  const offered = soundOf(request)
  const sound = soundOf(response)
  const body = sound && speakTo(call, side, sound, station)
  const ok = reply(request, response.status, {
    reason: response.reason,
    headers: [
      ['contact', contactOf(station, here?.flow.transport ?? 'udp')],
      ['allow', allow],
      ...(body ? typeOf(response, body) : []),
    ],
    ...(body ? { body } : {}),
    flow: source,
  })
  const sounds = offered && sound ? [...aimSide(call, side, offered), ...aimSide(call, other, sound)] : []
  const answer: Order = { type: 'respond', transaction, response: ok }
  if (request.method !== 'INVITE') {
    return [...closePending(call, side), answer, ...sounds]
  }
  pending.answer = { response: ok, waitMs: T1 }
  const delayed = offered === undefined && sound !== undefined
  if (delayed) pending.accepted = response
  return [
    ...(delayed ? [] : ackPassed(call, side, response.cseq.number, station)),
    answer,
    { type: 'stop', timer: 'stalledPending', of: side },
    { type: 'set', ms: T1, timer: { timer: 'repeatPending', side } },
    { type: 'set', ms: GIVE_UP, timer: { timer: 'unacknowledgedPending', side } },
    ...sounds,
  ]
}

/** The offer of a change as the other side shall hear it, none if there is none; undefined: no codec is left. */
function offerFor(call: Call, to: Side, request: Request, station: Station): Uint8Array | undefined {
  const sound = soundOf(request)
  const only = to === 'callee' ? call.callee?.provider?.codecs : undefined
  return sound ? speakTo(call, to, sound, station, only) : noBody
}

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
function typeOf(message: Request | Response, body: Uint8Array): Header[] {
  if (body.length === 0) return []
  const { method } = message.cseq
  const type = method === 'INVITE' || method === 'UPDATE' ? 'application/sdp' : message.header('content-type')
  return type ? [['content-type', type]] : []
}

function accepted({ request, transaction, source }: Asked, response: Response): Order {
  const headers = typeOf(response, response.body)
  const { status, reason, body } = response
  const ok = reply(request, status, { reason, headers, body, flow: source })
  return { type: 'respond', transaction, response: ok }
}

/** What a refusal may say besides its status. */
const keptNames = new Set(['retry-after', 'warning', 'unsupported'])

function kept(response: Response | undefined): Header[] {
  return response?.headers.filter(([name]) => keptNames.has(name)) ?? []
}
