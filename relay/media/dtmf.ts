/** What keys a telephone has: each stands at its event code (RFC 4733 §3.2). */
export const dtmfKeys = '0123456789*#ABCD'

/** Hz of a key's two tones, by its row and its column (ITU-T Q.23). */
export const rows: readonly number[] = [697, 770, 852, 941]
export const columns: readonly number[] = [1209, 1336, 1477, 1633]

/** Where each key stands, row by row, as event codes. */
export const keypad: readonly number[] = [1, 2, 3, 12, 4, 5, 6, 13, 7, 8, 9, 14, 10, 0, 11, 15]

/** Samples a second of everything which is telephony's. */
export const RATE = 8000

/** An RTP packet's timestamp, from 0 to 2³² - 1. */
export function timestampOf(packet: Uint8Array): number {
  const high = ((packet[4] as number) << 8) | (packet[5] as number)
  return high * 0x10000 + (((packet[6] as number) << 8) | (packet[7] as number))
}

/** How far one timestamp is ahead of another; negative: behind it. Half of the circle is as far as can be told. */
export function ticksBetween(from: number, to: number): number {
  return (to - from) | 0
}
