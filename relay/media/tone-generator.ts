import type { DigitQueue } from './digit-queue.ts'
import { columns, keypad, RATE, rows } from './dtmf.ts'
import { encoded, type Law, silence } from './g711.ts'
import { payloadEnd, payloadStart } from './packet-shape.ts'

/** Amplitudes of the two tones as 16-bit samples: -9 and -7 dBm0, the column louder, for lines take more of it. */
const [ROW, COLUMN] = [8_000, 10_000]
/** Milliseconds of silence between two keys. */
const PAUSE_MS = 60

/**
 * Sends key presses as the tones of their keys (ITU-T Q.23), in the place of G.711 sound which passes meanwhile.
 */
export class ToneWriter {
  readonly #queue: DigitQueue
  readonly #types: readonly (Law | undefined)[]
  /** Samples of the present key which are sent, and of the pause behind it which are left. */
  #sent = 0
  #pause = 0

  /** `types`: the law of each payload type which is G.711 to the receiver. */
  constructor(queue: DigitQueue, types: readonly (Law | undefined)[]) {
    this.#queue = queue
    this.#types = types
  }

  /** Writes tones over a packet of G.711 where it lies, if a key is to be heard. Its length stays. */
  rewrite(packet: Uint8Array, length: number): number {
    if (this.#queue.isEmpty && this.#pause === 0) return length
    const law = this.#types[(packet[1] as number) & 0x7f]
    if (law === undefined) return length
    const end = payloadEnd(packet, length)
    for (let at = payloadStart(packet); at < end; at++) packet[at] = this.#next(law)
    return length
  }

  #next(law: Law): number {
    if (this.#pause > 0) {
      this.#pause--
      return silence[law]
    }
    if (this.#queue.isEmpty) return silence[law]
    const octet = encoded(law, sampleOf(this.#queue.code, this.#sent++))
    if (this.#sent >= (this.#queue.ms * RATE) / 1000) {
      this.#queue.drop()
      this.#sent = 0
      this.#pause = (PAUSE_MS * RATE) / 1000
    }
    return octet
  }
}

/** Sample number `n` of a key's tones, 16-bit. */
export function sampleOf(code: number, n: number): number {
  const place = keypad.indexOf(code)
  const [row, column] = [rows[place >> 2] as number, columns[place & 3] as number]
  const turn = (2 * Math.PI * n) / RATE
  return Math.round(ROW * Math.sin(turn * row) + COLUMN * Math.sin(turn * column))
}
