import type { StageBuilder, Stages } from '../../../relay/media/stages.ts'

/** What a cipher adds. */
export const TAG = 4

/**
 * A leg's stages as its aim names them, by its clock: 16000 and it is protected (payload turned over, and a tag of the
 * session's side behind), 12000 and a payload type 0 is heard as 8, 11000 and key presses (type 101) end here.
 */
export function stagesByClock(made: Stages[] = []): StageBuilder {
  return ({ aim, before }) => {
    const stages = builders[aim.clock ?? 8000]?.(before) ?? {}
    made.push(stages)
    return stages
  }
}

const builders: Record<number, (before: Stages) => Stages> = {
  16000: (before) => (before.unprotect ? before : cipher()),
  12000: () => ({ rewrite: { rewrite: (packet, length) => renamed(packet, length) } }),
  11000: () => ({ listen: { hear: (_, packet) => ((packet[1] as number) & 0x7f) !== 101 } }),
}

function cipher(): Stages {
  const tag = (packet: Uint8Array, at: number) => packet.fill(0xa5, at, at + TAG)
  const isTagged = (packet: Uint8Array, at: number) =>
    packet.subarray(at, at + TAG).every((byte) => byte === 0xa5)
  return {
    unprotect: {
      knows: () => true,
      failures: { unauthentic: 0 },
      unprotect: (packet, length, control) =>
        length > TAG && isTagged(packet, length - TAG) ? turned(packet, length - TAG, control) : -1,
    },
    protect: {
      protect(packet, length, control) {
        turned(packet, length, control)
        tag(packet, length)
        return length + TAG
      },
    },
  }
}

/** Its own inverse. */
export function turned(packet: Uint8Array, length: number, control: boolean): number {
  for (let i = control ? 8 : 12; i < length; i++) packet[i] = ~(packet[i] as number) & 0xff
  return length
}

function renamed(packet: Uint8Array, length: number): number {
  if (packet[1] === 13) return -1
  if (packet[1] === 0) packet[1] = 8
  return length
}
