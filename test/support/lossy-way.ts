/** How datagrams go one way: `deliver` is called for each time one arrives. */
export type Way = (packet: Buffer, deliver: (packet: Buffer) => void) => void

/** What a way does to datagrams: shares of them, and milliseconds. */
export interface Harm {
  readonly loss: number
  readonly twice: number
  /** Each is late by as much at most, all times alike. */
  readonly lateMs: number
}

/** A straight way. */
export const straight: Way = (packet, deliver) => deliver(packet)

/** Loses, doubles and delays datagrams by a dice; a double comes right behind. */
export function lossyWay(dice: () => number, harm: () => Harm): Way {
  return (packet, deliver) => {
    const { loss, twice, lateMs } = harm()
    if (dice() < loss) return
    const copies = dice() < twice ? 2 : 1
    const bytes = Buffer.from(packet)
    const arrive = () => {
      for (let i = 0; i < copies; i++) deliver(bytes)
    }
    if (lateMs === 0) arrive()
    else setTimeout(arrive, dice() * lateMs)
  }
}

/** What a watcher at the end of a way notes of an RTP stream at 8 kHz, by its own plain arithmetic. */
export class StreamWatch {
  packets = 0
  duplicates = 0
  /** RFC 3550 appendix A.8. */
  jitterMs = 0
  ssrc = 0
  readonly #numbers = new Set<number>()
  #transit: number | undefined
  #rtpTime = -1

  note(packet: Buffer): void {
    const number = packet.readUInt16BE(2)
    this.packets++
    if (this.#numbers.has(number)) {
      this.duplicates++
      return
    }
    this.#numbers.add(number)
    this.ssrc = packet.readUInt32BE(8)
    this.#measure(packet.readUInt32BE(4))
  }

  get highest(): number {
    return Math.max(0, ...this.#numbers)
  }

  /** Numbers which are missing between the first and the last. */
  get lost(): number {
    if (this.#numbers.size === 0) return 0
    return this.highest - Math.min(...this.#numbers) + 1 - this.#numbers.size
  }

  #measure(rtpTime: number): void {
    if (rtpTime === this.#rtpTime) return
    this.#rtpTime = rtpTime
    const transit = performance.now() - rtpTime / 8
    if (this.#transit !== undefined) this.jitterMs += (Math.abs(transit - this.#transit) - this.jitterMs) / 16
    this.#transit = transit
  }
}
