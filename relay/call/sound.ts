import { type Flow, hostPort } from '../flow.ts'
import { aimOf } from '../media/aim.ts'
import { codecs, keepCodecs } from '../media/codecs.ts'
import { compose } from '../media/offer.ts'
import { readSdp } from '../media/sdp.ts'
import type { Side } from '../media/session.ts'
import { sdpBody } from '../sip/body.ts'
import type { Header, Message } from '../sip/message.ts'
import type { Branch, Call, Order, Spoken } from './state.ts'
import type { Station } from './station.ts'

const utf8 = new TextDecoder('utf-8')
const bytes = new TextEncoder()

/** The encoding names a message's SDP offers, best first; none without SDP. */
export function codecsOf(message: Message): string[] {
  const body = sdpBody(message)
  const sdp = body && readSdp(utf8.decode(body))
  return sdp ? codecs(sdp) : []
}

/** The SDP of a message as raw bytes: alone, or inside multipart/mixed. */
export function soundOf(message: Message): Uint8Array | undefined {
  const body = sdpBody(message)
  return body && body.length > 0 ? body : undefined
}

/** Whether a body can be understood as SDP. */
export function readable(body: Uint8Array): boolean {
  return readSdp(utf8.decode(body)) !== undefined
}

/**
 * One side's SDP as the other side shall hear it: our address, our port, our origin line whose
 * version rises only when the text changed (RFC 3264 §8). `only` keeps these codecs; undefined comes
 * back when none is left, or when the text cannot be read.
 */
export function speak(
  call: Call,
  to: Side,
  spoken: Spoken,
  body: Uint8Array,
  station: Station,
  only: readonly string[] = [],
): Uint8Array | undefined {
  const sdp = readSdp(utf8.decode(body))
  const kept = sdp && only.length > 0 ? keepCodecs(sdp, only) : sdp
  if (!kept || !call.ports) return undefined
  const { address } = station
  spoken.sent = compose(spoken.sent, kept, { address, port: call.ports[to], id: spoken.id })
  return bytes.encode(spoken.sent.text)
}

/** Tells the media thread where one side listens and from where it may speak. */
export function aim(call: Call, side: Side, body: Uint8Array, flow: Flow, trusted: boolean): Order[] {
  const sdp = readSdp(utf8.decode(body))
  const target = sdp && aimOf(sdp, { signalling: flow.address, trusted })
  if (!target || !call.ports) return []
  return [{ type: 'media', command: { type: 'aim', session: call.session, side, aim: target } }]
}

/** Content-Type stands only where there is content. */
export function described(
  body: Uint8Array | undefined,
  headers: readonly Header[] = [],
): { body?: Uint8Array; headers: readonly Header[] } {
  if (!body || body.length === 0) return { headers }
  return { body, headers: [...headers, ['content-type', 'application/sdp']] }
}

/** Goes with a 488: incompatible media format (RFC 3261 §20.43). */
export function noCodec({ address, port }: Station): Header {
  return ['warning', `305 ${hostPort(address, port)} "no codec is left that both sides speak"`]
}

/** The SDP record of the leg on one side. */
export function spokenOf(call: Call, side: Side): Spoken | undefined {
  return side === 'caller' ? call.caller.sdp : call.callee?.sdp
}

/** Whether a side's SDP address is believed although it does not signal from there. */
export function trusts(call: Call, side: Side, branch: Branch | undefined = call.callee): boolean {
  return side === 'caller' ? call.caller.trusted : branch?.provider !== undefined
}
