import { portNumber } from '#contract'
import { sdpBody } from '../sip/body.ts'
import type { Header, Message } from '../sip/message.ts'
import { readSdp, type Sdp } from './description.ts'
import { withSharedWay } from './ice.ts'
import { decline, type SentSdp } from './offer.ts'

/*
 * The session description a message brings, and the one it is given.
 */

const utf8 = new TextDecoder('utf-8')
const bytes = new TextEncoder()

/** Whether a message brings SDP, whatever it says. */
export function hasSdp(message: Message): boolean {
  return (sdpBody(message)?.length ?? 0) > 0
}

const readByMessage = new WeakMap<Message, { readonly sdp: Sdp | undefined }>()

/** A message's SDP, read once; undefined: it brings none, or none which can be read. */
export function sdpOf(message: Message): Sdp | undefined {
  const known = readByMessage.get(message)
  if (known) return known.sdp
  const body = sdpBody(message)
  const read = body && readSdp(utf8.decode(body))
  const sdp = read && withSharedWay(read)
  readByMessage.set(message, { sdp })
  return sdp
}

/** A description as the octets of a body. */
export function sdpBytes({ text }: Pick<SentSdp, 'text'>): Uint8Array {
  return bytes.encode(text)
}

/** Content-Type stands only where there is content. */
export function withSdp(
  body: Uint8Array | undefined,
  headers: readonly Header[] = [],
): { body?: Uint8Array; headers: readonly Header[] } {
  if (!body || body.length === 0) return { headers }
  return { body, headers: [...headers, ['content-type', 'application/sdp']] }
}

/** What a party was sent last: our session id towards it, and the text. */
interface LastSdp {
  readonly id: number
  readonly sent: SentSdp | undefined
}

/**
 * The body of an ACK which declines the offer that came in a 2xx, for no ACK leaves one without an answer (RFC 3261
 * §13.2.2.4); undefined: none came which could be read. `address` is ours.
 */
export function declineOffer(
  offering: Message,
  last: LastSdp,
  { address }: { readonly address: string },
): Uint8Array | undefined {
  const sdp = hasSdp(offering) ? sdpOf(offering) : undefined
  return sdp && declineSdp(sdp, last, { address })
}

/** The same where the offer was read before. undefined where the offer has no m-line. */
export function declineSdp(
  sdp: Sdp,
  { id, sent }: LastSdp,
  { address }: { readonly address: string },
): Uint8Array | undefined {
  if (sdp.media.length === 0) return undefined
  return bytes.encode(decline(sdp, { address, port: portNumber(0), id }, sent))
}
