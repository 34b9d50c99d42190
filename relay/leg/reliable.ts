import { SmallMap } from '../ground/small-map.ts'
import { hasSdp } from '../sdp/message-sdp.ts'
import type { Header, Request } from '../sip/message.ts'
import { rackOf } from '../sip/reliability.ts'
import { supports } from '../sip/session-expires.ts'
import { timerBase } from '../transaction/timers.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { ReliableProvisionals, UasLeg } from './leg.ts'
import type { LegOrder } from './orders.ts'
import { respond, responseTo } from './uas.ts'

/*
 * Reliable provisionals as a UAS (RFC 3262 §3): one is in the air at a time, and repeated until its PRACK; those which
 * come meanwhile wait for that.
 */

const { t1 } = timerBase
const giveUpMs = 64 * t1

/** A party may ring without end; what more it says before the first is acknowledged is not said. */
const mostWaiting = 16

/** Whether a party may be sent provisionals reliably. */
export function takesReliably({ invite }: UasLeg): boolean {
  return supports(invite, '100rel')
}

/** Whether the PRACK which is waited for has to bring an answer: to an offer which the party left to us (§5). */
export function awaitsAnswer({ invite, reliable }: UasLeg): boolean {
  const { unacknowledged, answers } = reliable ?? {}
  return (
    unacknowledged !== undefined &&
    hasSdp(unacknowledged.response) &&
    !hasSdp(invite) &&
    answers?.has(unacknowledged.tag) !== true
  )
}

/**
 * Sends a provisional: reliably where the party requires it, or takes it and it was said `reliably` to us. To a party which
 * left the offer to us the first which is reliable brings that: `body`; without one it is plain, or is not sent (§5).
 */
export function sendProvisional(
  leg: UasLeg,
  endpoint: SipEndpoint,
  status: number,
  body: Uint8Array | undefined,
  reliably: boolean,
): LegOrder<never>[] {
  const required = leg.invite.all('require').some((option) => option.toLowerCase() === '100rel')
  const offered = hasSdp(leg.invite) || body !== undefined || leg.reliable?.answers.has(leg.localTag)
  if (!offered && required) return []
  const offers = body !== undefined && !hasSdp(leg.invite)
  if (!(required || ((reliably || offers) && offered && takesReliably(leg))))
    return [respond(leg, responseTo(leg, endpoint, status, [], body))]
  const reliable = reliableOf(leg)
  if (reliable.waiting.length >= mostWaiting) return []
  reliable.rseq = reliable.rseq === 0 ? 1 + endpoint.entropy.below(2 ** 31 - 1) : reliable.rseq + 1
  const headers: Header[] = [
    ['require', '100rel'],
    ['rseq', String(reliable.rseq)],
  ]
  const response = responseTo(leg, endpoint, status, headers, body)
  reliable.waiting.push({ response, rseq: reliable.rseq, tag: leg.localTag })
  return reliable.unacknowledged ? [] : sendNext(leg)
}

/** What it was sent reliably, nothing yet. */
export function reliableOf(leg: UasLeg): ReliableProvisionals {
  leg.reliable ??= {
    rseq: 0,
    unacknowledged: undefined,
    waiting: [],
    settled: undefined,
    answers: new SmallMap(),
  }
  return leg.reliable
}

function sendNext(leg: UasLeg): LegOrder<never>[] {
  const reliable = reliableOf(leg)
  const next = reliable.waiting.shift()
  reliable.unacknowledged = next && { ...next, waitMs: t1 }
  if (!next) return []
  return [
    respond(leg, next.response),
    { type: 'set', ms: t1, timer: { timer: 'repeatProvisional', leg } },
    { type: 'set', ms: giveUpMs, timer: { timer: 'provisionalUnacknowledged', leg } },
  ]
}

/** Timer: there was no PRACK yet. It is waited for twice as long each time, without end but the 64·T1. */
export function repeatProvisional(leg: UasLeg): LegOrder<never>[] {
  const unacknowledged = leg.reliable?.unacknowledged
  if (!unacknowledged) return []
  unacknowledged.waitMs *= 2
  const timer = { timer: 'repeatProvisional', leg } as const
  return [respond(leg, unacknowledged.response), { type: 'set', ms: unacknowledged.waitMs, timer }]
}

/** What follows a PRACK, the next provisional; undefined: it acknowledges nothing which was sent, and is 481. */
export function acknowledgedBy(leg: UasLeg, prack: Request): LegOrder<never>[] | undefined {
  const { reliable } = leg
  const unacknowledged = reliable?.unacknowledged
  const rack = rackOf(prack)
  const { cseq } = leg.invite
  if (
    !reliable ||
    !unacknowledged ||
    rack?.rseq !== unacknowledged.rseq ||
    prack.to.tag !== unacknowledged.tag
  )
    return undefined
  if (rack.cseq !== cseq.number || rack.method !== cseq.method) return undefined
  if (hasSdp(unacknowledged.response)) reliable.settled = unacknowledged.tag
  return [...stopRepeating(leg), ...sendNext(leg)]
}

/** Whether a 2xx has to wait: a description is in the air of which it is not known whether it was heard (§3). */
export function holdsAnswer({ reliable }: UasLeg): boolean {
  return reliable?.unacknowledged !== undefined && hasSdp(reliable.unacknowledged.response)
}

/** The final answer is sent: nothing is repeated, and what waited is not said any more. A PRACK may still come. */
export function endReliable(leg: UasLeg): LegOrder<never>[] {
  if (!leg.reliable) return []
  leg.reliable.waiting = []
  return leg.reliable.unacknowledged ? stopRepeating(leg) : []
}

function stopRepeating(leg: UasLeg): LegOrder<never>[] {
  return [
    { type: 'stop', timer: 'repeatProvisional', of: leg },
    { type: 'stop', timer: 'provisionalUnacknowledged', of: leg },
  ]
}
