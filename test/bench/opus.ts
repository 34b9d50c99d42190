import { libopus } from '../../relay/io/libopus.ts'
import { OpusDecoder } from '../../relay/media/opus-decoder.ts'
import { OpusEncoder } from '../../relay/media/opus-encoder.ts'
import type { TranscodeStage } from '../../relay/media/stages.ts'
import { machine, printTable } from './cost.ts'
import { speechLike } from './opus-packets.ts'
import { turnedBench } from './turned.ts'

const packets = 5_000
const rounds = 3

/**
 * What a packet of 20 ms costs whose Opus is turned into G.711, or the other way round; then what that does to others' sound.
 *
 *   npm run bench -- opus [--plain 20] [--turned 100] [--seconds 5] [--rounds 3] [--tries 4]
 */
export async function opusBench(args: string[]): Promise<void> {
  const make = libopus()
  if (typeof make === 'string') throw new Error(make)
  const rows = Array.from({ length: rounds }, (_, round) => {
    const encoder = timed(new OpusEncoder(make(), 111), speechLike(packets))
    const decoder = timed(
      new OpusDecoder(make(), { from: [111], to: 111, law: 'PCMU', ms: 20 }),
      encoder.made,
    )
    const octets = encoder.made.reduce((sum, { length }) => sum + length - 12, 0) / encoder.made.length
    return [`round ${round + 1}`, encoder.us.toFixed(1), decoder.us.toFixed(1), octets.toFixed(0)]
  })
  process.stdout.write(`${machine()}\n\n`)
  process.stdout.write(`${printTable(['µs CPU a packet', 'to Opus', 'from Opus', 'octets'], rows)}\n\n`)
  await turnedBench(args, make)
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
