import { libopus } from '../../relay/io/libopus.ts'
import { encoded } from '../../relay/media/g711.ts'
import { OpusDecoder } from '../../relay/media/opus-decoder.ts'
import { OpusEncoder } from '../../relay/media/opus-encoder.ts'
import type { TranscodeStage } from '../../relay/media/stages.ts'
import { machine, printTable } from './cost.ts'

const packets = 5_000
const rounds = 3

/** What a packet of 20 ms costs whose Opus is turned into G.711, or the other way round: two waves, which swell, in noise. */
export async function opusBench(): Promise<void> {
  const make = libopus()
  if (typeof make === 'string') throw new Error(make)
  const rows = Array.from({ length: rounds }, (_, round) => {
    const encoder = timed(new OpusEncoder(make(), 111), speechLike())
    const decoder = timed(
      new OpusDecoder(make(), { from: [111], to: 111, law: 'PCMU', ms: 20 }),
      encoder.made,
    )
    const octets = encoder.made.reduce((sum, { length }) => sum + length - 12, 0) / encoder.made.length
    return [`round ${round + 1}`, encoder.us.toFixed(1), decoder.us.toFixed(1), octets.toFixed(0)]
  })
  process.stdout.write(`${machine()}\n\n`)
  process.stdout.write(`${printTable(['µs CPU a packet', 'to Opus', 'from Opus', 'octets'], rows)}\n`)
}

function timed(stage: TranscodeStage, given: readonly Uint8Array[]): { us: number; made: Uint8Array[] } {
  const into = new Uint8Array(2_048)
  const made: Uint8Array[] = []
  const before = process.cpuUsage()
  for (const packet of given) {
    stage.take(packet, packet.length)
    for (let length = stage.next(into); length > 0; length = stage.next(into))
      made.push(into.slice(0, length))
  }
  const { user, system } = process.cpuUsage(before)
  return { us: (user + system) / given.length, made }
}

function speechLike(): Uint8Array[] {
  return Array.from({ length: packets }, (_, at) => {
    const packet = Buffer.alloc(172)
    packet[0] = 0x80
    packet.writeUInt16BE(at, 2)
    packet.writeUInt32BE(at * 160, 4)
    for (let i = 0; i < 160; i++) packet[12 + i] = encoded('PCMU', sampleAt(at * 160 + i))
    return packet
  })
}

function sampleAt(n: number): number {
  const [low, high] = [440, 1_810].map((hz) => Math.sin((2 * Math.PI * hz * n) / 8_000))
  const swell = 0.5 + 0.5 * Math.sin(n / 3_000)
  return Math.round(9_000 * (low ?? 0) * swell + 3_000 * (high ?? 0) + 1_000 * (Math.random() - 0.5))
}
