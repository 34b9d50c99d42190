import type { MonotonicMs } from '#contract'
import type { Entropy } from '../ground/effects.ts'
import type { Leaving } from './leaving.ts'
import type { MediaLeg } from './media-leg.ts'
import { OWN_TICKS } from './own-stream.ts'
import { ROOM } from './stages.ts'

/** How often `pace` is to be called, while keys wait. */
export const PACE_MS = 20
/** A partner which was silent for so long carries no keys. */
const SILENT_MS = 100
/** A packet of 20 ms of G.711, header included. */
const PACKET = 172

/** A stream of our own towards one party: no partner's, so that neither disturbs the other (RFC 3550 §8). */
interface OwnStream {
  readonly ssrc: number
  sequence: number
  timestamp: number
}

/** Sounds which are played to a party take its keys with them, as those of a partner do. */
export function carriesKeys({ isPlayedTo, stages }: MediaLeg): boolean {
  return isPlayedTo && stages.digits?.packetTicks === PACE_MS * OWN_TICKS
}

/** Sends keys to parties whose partners are silent, in packets of our own: those of a partner which speaks carry them. */
export class DigitPacer {
  readonly #entropy: Pick<Entropy, 'below'>
  readonly #leaving: Leaving
  readonly #streams = new Map<MediaLeg, OwnStream>()
  readonly #packet = new Uint8Array(PACKET + ROOM)

  constructor(entropy: Pick<Entropy, 'below'>, leaving: Leaving) {
    this.#entropy = entropy
    this.#leaving = leaving
  }

  /** Keys wait to be sent to the party of a leg. */
  add(leg: MediaLeg): void {
    if (this.#streams.has(leg)) return
    const [ssrc, sequence, timestamp] = [2 ** 32, 2 ** 15, 2 ** 31].map((many) => this.#entropy.below(many))
    this.#streams.set(leg, { ssrc: ssrc ?? 0, sequence: sequence ?? 0, timestamp: timestamp ?? 0 })
  }

  /** To be called every PACE_MS; false: no key waits anywhere. */
  pace(now: MonotonicMs): boolean {
    for (const [leg, stream] of this.#streams) {
      if (leg.closed || leg.stages.digits?.isEmpty !== false) this.#streams.delete(leg)
      else if (carriesKeys(leg)) continue
      else if (now - (leg.partner?.rtp.latch.heardAt ?? 0) > SILENT_MS) this.#say(leg, stream)
    }
    return this.#streams.size > 0
  }

  #say(leg: MediaLeg, stream: OwnStream): void {
    const { digits } = leg.stages
    if (digits === undefined || leg.rtp.latch.destination === undefined) return
    const packet = this.#packet
    stream.sequence = (stream.sequence + 1) & 0xffff
    stream.timestamp = (stream.timestamp + digits.packetTicks) >>> 0
    const view = new DataView(packet.buffer)
    packet[0] = 0x80
    view.setUint16(2, stream.sequence)
    view.setUint32(4, stream.timestamp)
    view.setUint32(8, stream.ssrc)
    const said = digits.fill(packet, PACKET)
    if (said > 0) this.#leaving.send(leg, packet, said)
  }
}
