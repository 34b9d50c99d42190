import { createHash } from 'node:crypto'
import {
  type AddressTry,
  type Attempt,
  type CallTell,
  parseUtc,
  type TraceSpan,
  traceOfCall,
  utcMs,
} from '#contract'

/** A call's record, as it is told. */
type CallRecordTold = CallTell['call']

/** Spans which follow from what is told of a call: of its decision when that is told, of all else when the call is over. */
export function spansOfCall({ call }: CallTell): TraceSpan[] {
  const over = call.ended_at !== null
  return [
    ...decisionOf(call),
    ...(over ? [wholeOf(call), ...call.attempts.flatMap((one, at) => attemptOf(call, one, at))] : []),
  ]
}

/** The same for the same part of the same call, however often it is told. */
function partOf(call: CallRecordTold, part: string): string {
  return createHash('sha256').update(`${call.call_id} ${part}`).digest('hex').slice(0, 16)
}

function wholeOf(call: CallRecordTold): TraceSpan {
  const { started_at, ended_at, ringing_at, answered_at, sip_status, hangup_reason } = call
  const happened = [
    { name: 'ringing', at: ringing_at },
    { name: 'answered', at: answered_at },
  ]
  const carried =
    answered_at !== null ||
    hangup_reason === 'cancel' ||
    hangup_reason === 'busy' ||
    hangup_reason === 'noanswer'
  return {
    ...traceOfCall(call.call_id),
    name: `call ${call.direction}`,
    kind: 'server',
    start: parseUtc(started_at),
    end: parseUtc(ended_at ?? started_at),
    attributes: {
      'call.id': call.call_id,
      'call.direction': call.direction,
      'customer.id': call.customer_id,
      'provider.id': call.provider_id,
      'sip.method': 'INVITE',
      'sip.call_id': call.sip_call_id,
      'sip.status_code': sip_status,
      'call.hangup_by': call.hangup_by,
      'call.hangup_reason': hangup_reason,
      'call.reject_reason': call.reject_reason,
    },
    events: happened.flatMap(({ name, at }) => (at === null ? [] : [{ name, at: parseUtc(at) }])),
    ...(!carried && { error: call.reject_message ?? call.reject_reason ?? `${sip_status ?? 'no answer'}` }),
  }
}

/** What the relay decided by itself; what the edge decided, it tells of. A decision takes no time here: it is a point. */
function decisionOf(call: CallRecordTold): TraceSpan[] {
  const { decision } = call
  if (decision === null || decision.decided_by !== 'relay') return []
  const at = parseUtc(decision.at)
  const { traceId, spanId: parentId } = traceOfCall(call.call_id)
  const { outcome, status, reason, candidates, version } = decision
  return [
    {
      traceId,
      parentId,
      spanId: partOf(call, `decide ${decision.at}`),
      name: 'decide',
      kind: 'internal',
      start: at,
      end: at,
      attributes: {
        'decision.outcome': outcome,
        'decision.reason': reason,
        'decision.candidates': candidates.length,
        'decision.kept': candidates.filter(({ kept }) => kept).length,
        'decision.version': version,
        'sip.status_code': status,
      },
    },
  ]
}

function attemptOf(call: CallRecordTold, attempt: Attempt, at: number): TraceSpan[] {
  const { traceId, spanId: parentId } = traceOfCall(call.call_id)
  const began = parseUtc(call.started_at)
  const after = (ms: number | null) =>
    ms === null ? parseUtc(call.ended_at ?? call.started_at) : utcMs(began + ms)
  const spanId = partOf(call, `attempt ${at}`)
  const {
    provider_id,
    provider_name,
    route_id,
    address,
    transport,
    status,
    reason,
    decision,
    counts,
    cause,
    pdd_ms,
  } = attempt
  const refused = decision !== null && (status === 0 || status >= 300)
  const whole: TraceSpan = {
    traceId,
    spanId,
    parentId,
    name: provider_id === null ? 'attempt' : 'attempt provider',
    kind: 'client',
    start: after(attempt.started_ms),
    end: after(attempt.ended_ms),
    attributes: {
      'provider.id': provider_id,
      'provider.name': provider_id === null ? null : provider_name,
      'route.id': route_id,
      'network.peer.address': address,
      'network.transport': transport,
      'sip.method': 'INVITE',
      'sip.status_code': status,
      'attempt.verdict': decision,
      'attempt.counts': counts,
      'attempt.cause': cause?.reason,
      'attempt.pdd_ms': pdd_ms,
    },
    ...(refused && { error: `${status} ${reason}`.trim() }),
  }
  // One address is the attempt itself.
  const tries = attempt.tries.length > 1 ? attempt.tries : []
  return [
    whole,
    ...tries.map((one, nth) =>
      tryOf(one, { traceId, parentId: spanId, spanId: partOf(call, `try ${at} ${nth}`) }, after),
    ),
  ]
}

function tryOf(
  { address, transport, status, reason, codes, started_ms, ended_ms }: AddressTry,
  ids: { readonly traceId: string; readonly spanId: string; readonly parentId: string },
  after: (ms: number | null) => TraceSpan['start'],
): TraceSpan {
  return {
    ...ids,
    name: 'try address',
    kind: 'client',
    start: after(started_ms),
    end: after(ended_ms),
    attributes: {
      'network.peer.address': address,
      'network.transport': transport,
      'sip.status_code': status,
    },
    events: codes.map((code) => ({ name: `SIP ${code.status}`, at: after(code.ms) })),
    ...(ended_ms !== null && (status === 0 || status >= 300) && { error: `${status} ${reason}`.trim() }),
  }
}
