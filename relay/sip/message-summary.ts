import type { Request } from './message.ts'

/** The one event which we tell of: what lies in a mailbox (RFC 3842). */
export const MESSAGE_SUMMARY = 'message-summary'

/** Whether a request subscribes to that. */
export function asksForMessages(request: Request): boolean {
  const [event = ''] = (request.header('event') ?? '').split(';')
  return request.method === 'SUBSCRIBE' && event.trim().toLowerCase() === MESSAGE_SUMMARY
}
