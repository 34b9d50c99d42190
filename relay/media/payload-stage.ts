import type { PayloadChange } from '../ground/media.ts'
import { pcmaOfPcmu, pcmuOfPcma } from './g711.ts'
import { payloadEnd, payloadStart } from './packet-shape.ts'
import { plain, type RewriteStage, type StageBuilder } from './stages.ts'

/** A leg whose party numbers codecs as its partner's does, and speaks the same of them, has none. */
export const payloadStages: StageBuilder = ({ aim: { rewrite } }) =>
  rewrite === undefined ? plain : { rewrite: new PayloadStage(rewrite) }

const types = 128
const dropped = 255

/** Turns the payload types of one party into those of another, and its law of G.711 into the other one. */
export class PayloadStage implements RewriteStage {
  readonly #to = Uint8Array.from({ length: types }, (_, type) => type)
  /** By payload type as it comes. */
  readonly #laws: (Uint8Array | undefined)[] = new Array(types).fill(undefined)

  constructor(changes: readonly PayloadChange[]) {
    for (const { from, to, law } of changes) {
      this.#to[from] = to ?? dropped
      this.#laws[from] = law && (law === 'PCMA' ? pcmaOfPcmu : pcmuOfPcma)
    }
  }

  /** Rewrites an RTP packet where it lies. Its length from now on; -1: it means nothing to whom it would go to. */
  rewrite(packet: Uint8Array, length: number): number {
    const second = packet[1] as number
    const type = second & 0x7f
    const to = this.#to[type] as number
    if (to === dropped) return -1
    packet[1] = (second & 0x80) | to
    const law = this.#laws[type]
    if (law !== undefined) convert(law, packet, length)
    return length
  }
}

/** Only the payload: neither header, nor extension, nor padding (RFC 3550 §5.1, §5.3.1). */
function convert(law: Uint8Array, packet: Uint8Array, length: number): void {
  const to = payloadEnd(packet, length)
  for (let at = payloadStart(packet); at < to; at++) packet[at] = law[packet[at] as number] as number
}
