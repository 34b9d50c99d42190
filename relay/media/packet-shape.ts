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

/** Bytes before an RTP packet's payload: header, sources and extension (RFC 3550 §5.1); -1: they are not all there. */
export function headerLength(packet: Uint8Array, length: number): number {
  if (length < RTP_HEADER) return -1
  const start = payloadStart(packet)
  return start > length ? -1 : start
}

/** Where the payload of a whole RTP packet begins: behind CSRCs and extension (RFC 3550 §5.1, §5.3.1). */
export function payloadStart(packet: Uint8Array): number {
  const first = packet[0] as number
  const at = RTP_HEADER + 4 * (first & 0x0f)
  if ((first & 0x10) === 0) return at
  return at + 4 + 4 * (((packet[at + 2] as number) << 8) | (packet[at + 3] as number))
}

/** Where it ends: before its padding. */
export function payloadEnd(packet: Uint8Array, length: number): number {
  return (packet[0] as number) & 0x20 ? length - (packet[length - 1] as number) : length
}
