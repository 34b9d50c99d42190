import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type Harm, lossyWay, StreamWatch, type Way } from './lossy-way.ts'
import { receiverReport, senderReport } from './rtp.ts'
import type { Sound } from './sound.ts'

const REPORT_MS = 500

/**
 * A party's sound and RTCP over a bad line, watched at its ends: `said` is what leaves the line towards the relay, `heard`
 * what leaves it towards the party. It sends a report of both every half second, and answers one at once.
 */
export class WatchedSound {
  readonly said = new StreamWatch()
  readonly heard = new StreamWatch()
  readonly #sound: Sound
  readonly #control: Socket
  readonly #up: Way
  readonly #down: Way
  readonly #beat: NodeJS.Timeout
  #time = 1
  #open = true
  /** The last report heard, and when it came. */
  #last = 0
  #lastAt = 0

  private constructor(sound: Sound, control: Socket, dice: () => number, harm: () => Harm) {
    this.#sound = sound
    this.#control = control
    this.#up = lossyWay(dice, harm)
    this.#down = lossyWay(dice, harm)
    sound.ways = { up: watched(this.#up, this.said), down: watched(this.#down, this.heard) }
    control.on('message', (packet) => this.#down(packet, (bytes) => this.#receive(bytes)))
    control.on('error', () => undefined)
    this.#beat = setInterval(() => this.#report(), REPORT_MS)
  }

  /** Its RTCP is beside its RTP (RFC 3550 §11). */
  static async on(sound: Sound, dice: () => number, harm: () => Harm): Promise<WatchedSound> {
    const control = createSocket('udp4')
    control.bind(sound.place.port + 1, sound.place.address)
    await once(control, 'listening')
    return new WatchedSound(sound, control, dice, harm)
  }

  close(): void {
    clearInterval(this.#beat)
    this.#open = false
    this.#control.close()
  }

  #receive(packet: Buffer): void {
    if (packet.length < 28 || packet[1] !== 200) return
    this.#last = packet.readUInt32BE(10)
    this.#lastAt = performance.now()
    this.#send(this.#block())
  }

  #report(): void {
    this.#send(Buffer.concat([senderReport(this.#sound.ssrc, this.#time++), this.#block()]))
  }

  #block(): Buffer {
    const { ssrc, lost, jitterMs } = this.heard
    const delay = this.#last === 0 ? 0 : Math.round(((performance.now() - this.#lastAt) * 65_536) / 1000)
    const block = { ssrc, lost, jitter: Math.round(jitterMs * 8), lastReport: this.#last, delay }
    return receiverReport(this.#sound.ssrc, block)
  }

  #send(packet: Buffer): void {
    const { ear } = this.#sound
    if (ear === undefined) return
    this.#up(packet, (bytes) => {
      if (this.#open) this.#control.send(bytes, ear.port + 1, ear.address, () => undefined)
    })
  }
}

function watched(way: Way, watch: StreamWatch): Way {
  return (packet, deliver) =>
    way(packet, (bytes) => {
      watch.note(bytes)
      deliver(bytes)
    })
}
