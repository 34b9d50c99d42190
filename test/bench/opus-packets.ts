import type { OpusAim } from '../../relay/ground/media.ts'
import { encoded } from '../../relay/media/g711.ts'
import type { OpusMaker } from '../../relay/media/opus.ts'
import { OpusEncoder } from '../../relay/media/opus-encoder.ts'

/** Who speaks Opus here, by which number, and as what it is heard. */
export const benchOpus: OpusAim = { from: [111], to: 111, law: 'PCMA', ms: 20 }

/** RTP's header and 20 ms of G.711. */
const LENGTH = 172
const HEADER = 12
/** Of a payload: one frame, with padding behind it, whose length follows (RFC 6716 §3.2.5). */
const PADDED = 0b0100_0001

/** So many packets of PCMU: two waves, which swell, in noise. */
export function speechLike(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => {
    const packet = Buffer.alloc(LENGTH)
    packet[0] = 0x80
    packet.writeUInt16BE(at, 2)
    packet.writeUInt32BE(at * 160, 4)
    for (let i = 0; i < 160; i++) packet[HEADER + i] = encoded('PCMU', sampleAt(at * 160 + i))
    return packet
  })
}

/** The same as Opus, one behind the other, each padded to the length of G.711. */
export function opusPackets(make: OpusMaker, count: number): Buffer {
  const encoder = new OpusEncoder(make(), benchOpus.to)
  const into = new Uint8Array(2_048)
  return Buffer.concat(
    speechLike(count).map((packet) => {
      encoder.take(packet, packet.length)
      return padded(into.subarray(0, encoder.next(into)))
    }),
  )
}

/** A payload of one frame is its table of contents, which says so by its last two bits, and the frame. */
function padded(packet: Uint8Array): Buffer {
  const frame = packet.subarray(HEADER + 1)
  const whole = Buffer.alloc(LENGTH)
  whole.set(packet.subarray(0, HEADER))
  whole.set([(packet[HEADER] as number) | 3, PADDED, LENGTH - HEADER - 3 - frame.length], HEADER)
  whole.set(frame, HEADER + 3)
  return whole
}

function sampleAt(n: number): number {
  const [low, high] = [440, 1_810].map((hz) => Math.sin((2 * Math.PI * hz * n) / 8_000))
  const swell = 0.5 + 0.5 * Math.sin(n / 3_000)
  return Math.round(9_000 * (low ?? 0) * swell + 3_000 * (high ?? 0) + 1_000 * (Math.random() - 0.5))
}
