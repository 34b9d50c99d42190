import type { BindingTell, CallTell, EventTell } from '#contract'
import { hostPort } from '../flow.ts'
import type { Log } from './log.ts'

/** Writes into the log what of the news for the edge is also worth a line here. */
export function logNews(tell: BindingTell | CallTell | EventTell, log: Log): void {
  if (tell.kind === 'binding') logPhone(tell, log)
  if (tell.kind === 'call') logCall(tell, log)
}

/** Phones as they come and go; refreshes are no news. */
function logPhone({ event, binding }: BindingTell, log: Log): void {
  if (event === 'refreshed') return
  const { contact, received, extension_id } = binding
  log('info', `phone.${event}`, { contact, from: hostPort(received.address, received.port), extension_id })
}

/** Calls when they are over, the last time they are told. */
function logCall({ call }: CallTell, log: Log): void {
  if (call.status !== 'hangup' || (call.answered_at !== null && call.media === null)) return
  const { call_id, direction, source, destination, hangup_by, hangup_reason, sip_status, attempts } = call
  log('info', 'call.ended', {
    call_id,
    direction,
    from: source.target,
    to: destination.target,
    by: hangup_by,
    reason: hangup_reason,
    status: sip_status,
    attempts: attempts.length,
  })
}
