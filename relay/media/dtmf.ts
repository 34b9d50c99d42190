/** What keys a telephone has: each stands at its event code (RFC 4733 §3.2). */
export const dtmfKeys = '0123456789*#ABCD'

/** Hz of a key's two tones, by its row and its column (ITU-T Q.23). */
export const rows: readonly number[] = [697, 770, 852, 941]
export const columns: readonly number[] = [1209, 1336, 1477, 1633]

/** Where each key stands, row by row, as event codes. */
export const keypad: readonly number[] = [1, 2, 3, 12, 4, 5, 6, 13, 7, 8, 9, 14, 10, 0, 11, 15]

/** Samples a second of everything which is telephony's. */
export const RATE = 8000

/** Where the payload of a whole RTP packet begins: behind CSRCs and extension (RFC 3550 §5.1, §5.3.1). */
export function payloadStart(packet: Uint8Array): number {
  const first = packet[0] as number
  const at = 12 + 4 * (first & 0x0f)
  if ((first & 0x10) === 0) return at
  return at + 4 + 4 * (((packet[at + 2] as number) << 8) | (packet[at + 3] as number))
}

/** Where it ends: before its padding. */
export function payloadEnd(packet: Uint8Array, length: number): number {
  return (packet[0] as number) & 0x20 ? length - (packet[length - 1] as number) : length
}

/** An RTP packet's timestamp, from 0 to 2³² - 1. */
export function timestampOf(packet: Uint8Array): number {
  const high = ((packet[4] as number) << 8) | (packet[5] as number)
  return high * 0x10000 + (((packet[6] as number) << 8) | (packet[7] as number))
}

/** How far one timestamp is ahead of another; negative: behind it. Half of the circle is as far as can be told. */
export function ticksBetween(from: number, to: number): number {
  return (to - from) | 0
}
