import { encoded, type Law } from '../../relay/media/g711.ts'
import { sampleOf } from '../../relay/media/tone-generator.ts'

/** One packet of a line on paper: RTP as it is sent, in its order. */
export type LinePacket = Uint8Array

/** Numbers from 0 to 1 which are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What arrives of a line which loses `loss` of its packets, delivers some twice and some after the two behind them. */
export function shaken(packets: readonly LinePacket[], loss: number, seed: number): LinePacket[] {
  const dice = seeded(seed)
  return packets
    .map((packet, at) => ({ packet: Uint8Array.from(packet), at: dice() < 0.05 ? at + 2.5 : at }))
    .filter(() => dice() >= loss)
    .flatMap((one) =>
      dice() < 0.02 ? [one, { packet: Uint8Array.from(one.packet), at: one.at + 1.5 }] : [one],
    )
    .sort((a, b) => a.at - b.at)
    .map(({ packet }) => packet)
}

/** An RTP packet (RFC 3550 §5.1). */
export function rtp(
  type: number,
  sequence: number,
  timestamp: number,
  payload: Iterable<number>,
  marker = false,
) {
  const bytes = [...payload]
  const packet = new Uint8Array(12 + bytes.length)
  const view = new DataView(packet.buffer)
  packet[0] = 0x80
  packet[1] = (marker ? 0x80 : 0) | type
  view.setUint16(2, sequence & 0xffff)
  view.setUint32(4, timestamp >>> 0)
  view.setUint32(8, 0xdecade)
  packet.set(bytes, 12)
  return packet
}

interface Press {
  readonly code: number
  /** Milliseconds of the press, and of the pause behind it. */
  readonly ms: number
  readonly pause: number
}

/** Keys as a telephone tells them by RFC 4733: a packet every 20 ms, the end thrice; silence between them is not sent. */
export function eventLine(
  presses: readonly Press[],
  { type = 101, clock = 8000, from = 0xffff_f000 } = {},
): LinePacket[] {
  let [sequence, timestamp] = [65_530, from]
  const ticks = clock / 1000
  return presses.flatMap(({ code, ms, pause }) => {
    const began = timestamp
    timestamp += (ms + pause) * ticks
    const updates = Array.from({ length: Math.ceil(ms / 20) }, (_, at) => Math.min((at + 1) * 20, ms))
    return [...updates, ms, ms].map((passed, at) => {
      const end = at >= updates.length - 1 ? 0x80 : 0
      const duration = passed * ticks
      return rtp(type, sequence++, began, [code, end | 10, duration >> 8, duration & 0xff], at === 0)
    })
  })
}

/** Keys as tones of G.711 in packets of 20 ms, with a noise floor below them. */
export function toneLine(
  presses: readonly Press[],
  law: Law,
  { noise = 0, gain = 1, seed = 7 } = {},
): LinePacket[] {
  const dice = seeded(seed)
  const hum = () => (dice() - 0.5) * 2 * noise
  const silent = (ms: number) => Array.from({ length: ms * 8 }, () => hum())
  const samples = [
    ...silent(100),
    ...presses.flatMap(({ code, ms, pause }) => [
      ...Array.from({ length: ms * 8 }, (_, n) => gain * sampleOf(code, n) + hum()),
      ...silent(pause),
    ]),
    ...silent(100),
  ]
  return packetsOf(samples, law)
}

/** Samples in packets of 20 ms. */
export function packetsOf(samples: readonly number[], law: Law): LinePacket[] {
  return Array.from({ length: Math.floor(samples.length / 160) }, (_, at) =>
    rtp(
      law === 'PCMU' ? 0 : 8,
      at,
      at * 160,
      samples.slice(at * 160, (at + 1) * 160).map((sample) => encoded(law, Math.round(sample))),
    ),
  )
}
