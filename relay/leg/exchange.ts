import { sdpBody } from '../sip/body.ts'
import type { Leg, SdpExchange } from './leg.ts'

/** What was exchanged; an answer which is what the leg was sent last is that. */
export function exchanged({ sdp }: Pick<Leg, 'sdp'>, offer: Uint8Array, answer: Uint8Array): SdpExchange {
  const text = utf8.decode(answer)
  return { offer, answer: text === sdp.sent?.text ? sdp.sent : { text } }
}

const utf8 = new TextDecoder()

/** Whether an offer is the one which was answered last, octet by octet. */
export function repeatsOffer(
  { exchange, invite }: Pick<Leg, 'exchange' | 'invite'>,
  offer: Uint8Array,
): boolean {
  const last = exchange?.offer ?? (exchange && invite && sdpBody(invite))
  return last !== undefined && equal(last, offer)
}

/** What was exchanged last, without the message which the offer came in; undefined: nothing. */
export function exchangeAtRest({
  exchange,
  invite,
}: Pick<Leg, 'exchange' | 'invite'>): SdpExchange | undefined {
  if (!exchange?.offer) return exchange
  const first = invite && sdpBody(invite)
  const offer = first && equal(first, exchange.offer) ? undefined : new Uint8Array(exchange.offer)
  return { ...exchange, offer }
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}
