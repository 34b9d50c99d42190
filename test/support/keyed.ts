import type { SrtpSuite } from '#contract'
import type { SrtpKeys } from '../../relay/ground/media.ts'
import { sdpOf } from '../../relay/sdp/message-sdp.ts'
import { cryptosOf, writeCrypto } from '../../relay/sdp/sdes.ts'
import type { Message } from '../../relay/sip/message.ts'
import type { Ladder } from './ladder.ts'
import { sdp } from './office.ts'
import { text } from './scene.ts'

/*
 * Descriptions with keys (RFC 4568), and what the media were told of them.
 */

/** A key as a test says it. */
export interface SaidKey {
  tag: string
  suite?: SrtpSuite
  more?: string
  direction?: string
}

/** A description of SRTP alone, whose key's bytes are all `byte`. */
export function encrypted(address: string, byte: number, said: SaidKey = { tag: '1' }): Uint8Array {
  const attributes = `${line(said, byte)}\r\na=${said.direction ?? 'sendrecv'}`
  return new TextEncoder().encode(text(sdp(address, 4000, attributes)).replace('RTP/AVP', 'RTP/SAVP'))
}

/** One a=crypto line. */
export function line({ tag, suite = 'AES_CM_128_HMAC_SHA1_80', more = '' }: SaidKey, byte: number): string {
  const secret = new Uint8Array(suite === 'AEAD_AES_128_GCM' ? 28 : 30).fill(byte)
  return `${writeCrypto({ tag, suite, secret })}${more}`
}

/** The protocol of its first m-line. */
export function proto(message: Message): string | undefined {
  return sdpOf(message)?.media[0]?.proto
}

/** The keys of its first m-line. */
export function keysIn(message: Message) {
  const media = sdpOf(message)?.media[0]
  return media === undefined ? [] : cryptosOf(media)
}

/** The keys a side was aimed with last. */
export function srtp(ladder: Ladder, side: 'caller' | 'callee'): SrtpKeys | undefined {
  const last = ladder.media.findLast((command) => command.type === 'aim' && command.side === side)
  return last?.type === 'aim' ? last.aim.srtp : undefined
}
