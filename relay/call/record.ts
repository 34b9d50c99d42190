import type { Attempt, CallStatus, CallTell, MediaCounters } from '#contract'
import type { Heard } from '../media/session.ts'
import type { Call } from './state.ts'
import type { Station } from './station.ts'

/** The call as it stands, for the edge; undefined while nobody knows whose call it is. */
export function callTell(call: Call, station: Station): CallTell | undefined {
  const { record } = call
  if (record.customerId === undefined) return undefined
  record.sequence++
  const at = utcOf(call)
  return {
    kind: 'call',
    tell_id: station.chance.uuid(at),
    sequence: record.sequence,
    at: instant(at),
    call: {
      call_id: call.id,
      customer_id: record.customerId,
      relay_id: station.relayId,
      direction: record.direction,
      source: record.source,
      destination: record.destination,
      number_id: record.numberId,
      provider_id: record.providerId,
      status: statusOf(call),
      unverified: record.unverified,
      sip_call_id: call.caller.invite.callId,
      started_at: instant(call.startedAt),
      ringing_at: maybe(record.ringingAt),
      answered_at: maybe(record.answeredAt),
      ended_at: maybe(record.endedAt),
      hangup_by: record.by ?? null,
      hangup_reason: record.reason ?? null,
      sip_status: record.sipStatus ?? null,
      attempts: [...new Set(call.branches.map((branch) => branch.attempt))].map(copied),
      media: record.media
        ? { from_caller: counters(record.media.caller), from_callee: counters(record.media.callee) }
        : null,
      decision: unheard(record),
      extension_id: record.extensionId,
      trunk_id: record.trunkId,
      reject_reason: record.rejectReason,
    },
  }
}

/** Why it went where it went, told once: it is most of a record, and seldom changes. */
function unheard(record: Call['record']): CallTell['call']['decision'] {
  if (record.decision === record.toldDecision) return null
  record.toldDecision = record.decision
  return record.decision
}

/** RFC 3339 in UTC, milliseconds. */
export function instant(at: number): string {
  return new Date(at).toISOString()
}

/** As it stands now: the attempt itself goes on. */
function copied(attempt: Attempt): Attempt {
  const tries = attempt.tries.map((one) => ({ ...one, codes: [...one.codes] }))
  return { ...attempt, tries }
}

/** UTC ms of the event being handled, counted from the call's start: a clock put right meanwhile makes no call shorter. */
export function utcOf({ startedAt, startedNow, now }: Call): number {
  return startedAt + now - startedNow
}

function statusOf(call: Call): CallStatus {
  const { record } = call
  if (record.endedAt !== undefined) return 'hangup'
  if (record.answeredAt !== undefined) return 'progressing'
  return record.ringingAt !== undefined ? 'ringing' : 'dialing'
}

function maybe(at: number | undefined): string | null {
  return at === undefined ? null : instant(at)
}

function counters(heard: Heard): MediaCounters {
  return {
    packets: heard.packets,
    bytes: heard.bytes,
    lost: heard.lost,
    dropped: heard.dropped,
    jitter_ms: heard.jitterMs,
  }
}
