import { payloadEnd } from './dtmf.ts'
import { headerLength } from './srtp-locks.ts'

/** Bytes of a packet's fixed header (RFC 3550 §5.1, §6.4.2). */
export const [RTP_HEADER, RTCP_HEADER] = [12, 8]

/** Packet types 192–223 are RTCP even on the RTP port (RFC 5761 §4). */
export function looksLikeControl(packet: Uint8Array, length: number): boolean {
  const type = packet[1] as number
  return length >= RTCP_HEADER && type >= 192 && type <= 223
}

/** RTP and RTCP are version 2, and have their fixed header: all that can be told before a packet is unprotected. */
export function isValid(packet: Uint8Array, length: number, control: boolean): boolean {
  if (length < (control ? RTCP_HEADER : RTP_HEADER) || ((packet[0] as number) & 0xc0) !== 0x80) return false
  return !control || looksLikeControl(packet, length)
}

/**
 * Whether all of RTP is there which its header tells of: sources, extension, padding (RFC 3550 §5.1, appendix A.1). Stages
 * rely on it, for where it lies they would read and write behind the packet: what came before it, or another call's.
 */
export function isWhole(packet: Uint8Array, length: number): boolean {
  const header = headerLength(packet, length)
  return header >= 0 && payloadEnd(packet, length) >= header
}
