import { type AddressTry, type Attempt, type CallStatus, type CallTell, type UtcMs, utcMs } from '#contract'
import type { Note } from '../ground/effects.ts'
import type { Leg } from '../leg/leg.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallRecord } from './call-record.ts'
import { mediaRecordOf } from './media-record.ts'
import type { Branch, Call } from './state.ts'

/** The call as it stands, for the edge; undefined while it is not known whose call it is. */
export function callTell(call: Call, endpoint: SipEndpoint): CallTell | undefined {
  const { record } = call
  if (record.customerId === undefined) return undefined
  record.sequence++
  const at = utcOf(call)
  return {
    kind: 'call',
    tell_id: endpoint.entropy.uuid(at),
    sequence: record.sequence,
    at: instant(at),
    call: {
      call_id: call.id,
      customer_id: record.customerId,
      relay_id: endpoint.relayId,
      direction: record.direction,
      source: record.source,
      destination: record.destination,
      number_id: record.numberId,
      provider_id: record.providerId ?? record.carried?.providerId ?? null,
      status: statusOf(call),
      unverified: record.unverified,
      sip_call_id: sipCallIdOf(call),
      started_at: instant(call.startedAt),
      ringing_at: maybe(record.ringingAt),
      answered_at: maybe(record.answeredAt),
      ended_at: maybe(record.endedAt),
      hangup_by: record.by ?? null,
      hangup_reason: record.reason ?? null,
      sip_status: record.sipStatus ?? null,
      attempts: attemptsOf(call.branches).map(copied),
      media: mediaRecordOf(call, endpoint) ?? null,
      decision: unheard(record),
      extension_id: record.extensionId,
      trunk_id: record.trunkId,
      reject_reason: record.rejectReason,
      reject_message: record.rejectMessage,
      transferred_from: record.transferredFrom,
      sent_out_by: sentOutBy(call),
      transfer_type: record.transferType,
      ...(record.held.length > 0 && { held: [...record.held] }),
      ...(record.muted.length > 0 && { muted: [...record.muted] }),
      flow: isJoining(call) ? null : (call.flow?.machine.trace ?? null),
    },
  }
}

/** Of a call which no party asked for, that of who was called first. */
function sipCallIdOf({ made, caller, branches }: Call): string {
  return (made && (made.party ?? branches[0])?.callId) ?? caller.invite.callId
}

/** Who was called first is joined with another, and follows no flow of the customer's. */
function isJoining({ made }: Call): boolean {
  return made?.run.kind === 'join' && made.decision?.kind !== 'flow'
}

/** Who sent it on, or brought a leg by a transfer, to where it costs minutes besides its own: they are that one's. */
function sentOutBy({ callee, record, flow, branches }: Call): string | null {
  if (record.carried) return record.carried.payerId
  if (record.direction === 'outgoing') return null
  // Whom a flow called out there may have left, and another one be spoken with now.
  const spoke = flow ? branches.find((one) => one.attempt.answered_ms && sentOnBy(one)) : undefined
  return sentOnBy(callee) ?? sentOnBy(spoke)
}

function sentOnBy(callee: Branch | undefined): string | null {
  const { sought, decision } = callee?.hunt ?? {}
  return (decision?.direction === 'outgoing' && sought?.forwarder.id) || null
}

/** What is paid for a leg, for the record of the call it is transferred to; null: nothing. */
export function carriedFrom({ record, callee, made }: Call, leg: Leg): CallRecord['carried'] {
  const called = [callee, made?.party].find((branch) => branch === leg)
  if (!called) return 'provider' in leg ? record.carried : null
  const providerId = called.provider?.provider_id ?? null
  const own = record.direction === 'outgoing' ? (record.extensionId ?? record.trunkId) : null
  const payerId = own ?? sentOnBy(called)
  return providerId === null || payerId === null ? null : { providerId, payerId }
}

/** One line for the log when a call is over: why, and every status heard on the way. */
export function endedNote({ id, record, branches }: Call): Note {
  const { customerId, direction, source, destination, by, reason, sipStatus } = record
  const attempts = attemptsOf(branches)
  const fields = {
    call_id: id,
    customer_id: customerId,
    direction,
    from: source.target,
    to: destination.target,
    by,
    reason,
    status: sipStatus,
    reject_reason: record.rejectReason,
    message: record.rejectMessage,
    attempts: attempts.length,
    codes:
      attempts
        .flatMap(({ tries }) => tries)
        .map(codesOf)
        .join(', ') || undefined,
  }
  return { type: 'note', level: 'info', event: 'call.ended', fields }
}

/** Each once: addresses of one attempt are branches of their own. */
function attemptsOf(branches: readonly Branch[]): Attempt[] {
  const attempts: Attempt[] = []
  for (const { attempt } of branches) if (!attempts.includes(attempt)) attempts.push(attempt)
  return attempts
}

/** `203.0.113.1:5060/udp 100 180 486`; what ended it in words where no status did. */
function codesOf({ address, transport, codes, status, reason }: AddressTry): string {
  const heard = codes.map((code) => code.status).join(' ')
  return `${address}/${transport} ${[heard, status === 0 ? reason : ''].filter(Boolean).join(' ')}`.trim()
}

/** Why it went where it went, told once: it is most of a record, and seldom changes. */
function unheard(record: Call['record']): CallTell['call']['decision'] {
  if (record.decision === record.toldDecision) return null
  record.toldDecision = record.decision
  return record.decision
}

/** RFC 3339 in UTC, milliseconds. */
export function instant(at: UtcMs): string {
  return new Date(at).toISOString()
}

/** As it stands now: the attempt itself goes on. */
function copied(attempt: Attempt): Attempt {
  const tries = attempt.tries.map((one) => ({ ...one, codes: [...one.codes] }))
  return { ...attempt, tries }
}

/** The call is answered, if it was not before: by a party, or by a flow in the place of one. */
export function answeredNow(call: Call): void {
  call.record.answeredAt ??= utcOf(call)
  call.record.sipStatus = 200
}

/** UTC ms of the event being handled, counted from the call's start: a clock put right meanwhile makes no call shorter. */
export function utcOf({ startedAt, startedNow, now }: Call): UtcMs {
  return utcMs(startedAt + now - startedNow)
}

function statusOf(call: Call): CallStatus {
  const { record } = call
  if (record.endedAt !== undefined) return 'hangup'
  if (record.answeredAt !== undefined) return 'progressing'
  return record.ringingAt !== undefined ? 'ringing' : 'dialing'
}

function maybe(at: UtcMs | undefined): string | null {
  return at === undefined ? null : instant(at)
}
