import type { MediaLeg, RtpPort } from './media-leg.ts'
import { OPUS_OCTETS } from './opus.ts'
import { RTP_HEADER } from './packet-shape.ts'
import { ROOM } from './stages.ts'

type Send = (rtpPort: RtpPort, packet: Uint8Array, length: number) => void

/** The last of a packet's way which is not the one it came as: it is encoded and protected as its leg has it, and sent. */
export class Leaving {
  readonly #send: Send
  readonly #encoded = new Uint8Array(RTP_HEADER + OPUS_OCTETS + ROOM)

  constructor(send: Send) {
    this.#send = send
  }

  /** Sends `length` bytes of RTP to a leg's party, in the place of which it may stand as a packet or several. */
  send(leg: MediaLeg, packet: Uint8Array, length: number): void {
    const { encode } = leg
    if (encode === undefined) return this.#protected(leg, packet, length)
    const encoded = this.#encoded
    if (!encode.take(packet, length)) return
    for (let made = encode.next(encoded); made > 0; made = encode.next(encoded))
      this.#protected(leg, encoded, made)
  }

  #protected(leg: MediaLeg, packet: Uint8Array, length: number): void {
    const ready = leg.protect === undefined ? length : leg.protect.protect(packet, length, false)
    if (ready > 0) this.#send(leg.rtp, packet, ready)
  }
}
