import { inDialog } from '../dialog/request.ts'
import { reasonPhrase } from '../sip/reasons.ts'
import { contactOf, type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import type { Leg } from './leg.ts'
import type { LegOrder } from './orders.ts'
import { reach } from './path.ts'

/** Who asked for a transfer hears this long what comes of it, if nothing does; seconds (RFC 3515 §2.4.4). */
const subscribedS = 300

const bytes = new TextEncoder()

/**
 * Tells a leg which asked for a transfer, by the REFER of this number, how it goes: the status line of what the call it
 * leads to was answered (RFC 3515 §2.4.5). After a final one no other follows.
 */
export function notifyRefer(
  leg: Leg,
  refer: number,
  status: number,
  endpoint: SipEndpoint,
): LegOrder<never>[] {
  const way = reach(leg)
  if (!way) return []
  const over = status >= 200
  const request = inDialog(way.dialog, {
    method: 'NOTIFY',
    via: viaOf(endpoint, way.flow),
    contact: contactOf(endpoint, way.flow.transport, leg.signalling),
    headers: [
      ['event', `refer;id=${refer}`],
      ['subscription-state', over ? 'terminated;reason=noresource' : `active;expires=${subscribedS}`],
      ['content-type', 'message/sipfrag;version=2.0'],
    ],
    body: bytes.encode(`SIP/2.0 ${status} ${reasonPhrase(status)}\r\n`),
  })
  return [{ type: 'request', request, flow: way.flow, role: { role: 'notify' } }]
}
