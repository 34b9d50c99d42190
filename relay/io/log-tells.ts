import type { BindingTell, CallTell, EventTell } from '#contract'
import { hostPort } from '../ground/flow.ts'
import type { Log } from './log.ts'

/** Writes into the log which tells for the edge are also worth a line here. */
export function logTells(tell: BindingTell | CallTell | EventTell, log: Log): void {
  if (tell.kind === 'binding') logPhone(tell, log)
}

/** Phones as they come and go; refreshes are no news. */
function logPhone({ event, binding }: BindingTell, log: Log): void {
  if (event === 'refreshed') return
  const { contact, received, extension_id } = binding
  log('info', `phone.${event}`, { contact, from: hostPort(received.address, received.port), extension_id })
}
