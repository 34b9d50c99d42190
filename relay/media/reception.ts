import type { MonotonicMs } from '#contract'
import type { ReceptionReport } from './rtcp.ts'

/** Packets which a party was sent between two looks at its reports: of fewer, some may be under way still. */
const SENT_AT_LEAST = 50
/** Of 256: who misses more hears nothing. */
const ALL_LOST = 250
/** Sources of which the last word is kept; who names more is not worth the room. */
const SOURCES_AT_MOST = 8

/** What a party says it hears of the sound which it is sent, and how far away it is. */
export class Reception {
  /** Milliseconds to the party and back; undefined: not known. */
  roundTripMs: number | undefined
  /** undefined: it has said nothing. */
  reported: { readonly lost: number; readonly jitterMs: number } | undefined
  /** Reports which were looked at, each after a second of sound or more was sent to the party; */
  reports = 0
  /** and those of them by which nothing of it had come. */
  unheard = 0
  /** From whom the sound is of which `#sent` packets were sent by the last look. */
  #source: object | undefined
  #sent = 0
  #came = false
  /** By SSRC, what was said last which changes only as packets come. */
  readonly #said = new Map<number, string>()
  /** The last sender's reports which the party was sent, the newest first. */
  readonly #timed: { ntp: number; at: number }[] = []

  /** A sender's report of the other side is passed on to the party: its next report names the time in it, or in the one before where they cross. */
  passed(now: MonotonicMs, ntp: number): void {
    this.#timed.unshift({ ntp, at: now })
    this.#timed.splice(CROSSING)
  }

  /** The party's report of the other side's stream; `ticks` of that stream's clock are a millisecond. */
  heard(now: MonotonicMs, { lost, jitter, lastReport, delay }: ReceptionReport, ticks: number): void {
    this.reported = { lost, jitterMs: Math.round((jitter / ticks) * 100) / 100 }
    const answered = this.#timed.find(({ ntp }) => ntp !== 0 && ntp === lastReport)
    if (answered === undefined) return
    const roundTrip = now - answered.at - (delay * 1000) / 65_536
    if (roundTrip >= 0) this.roundTripMs = Math.round(roundTrip * 10) / 10
  }

  /** A report of the party came, which was sent so many packets of `source`'s till now; undefined: it is to hear none. */
  told(source: object | undefined, sent: number, blocks: readonly ReceptionReport[]): void {
    for (const block of blocks) if (this.#tellsOfMore(block)) this.#came = true
    // What was sent before the first is counted; before another, or after a hold, it may not have been for this party.
    this.#source ??= source
    if (source === undefined || source !== this.#source || sent < this.#sent) {
      this.#source = source
      this.#sent = source === undefined ? Number.POSITIVE_INFINITY : sent
      this.#came = false
    }
    if (sent - this.#sent < SENT_AT_LEAST) return
    this.reports++
    if (!this.#came) this.unheard++
    this.#sent = sent
    this.#came = false
  }

  /** Of whichever source: a party behind another SBC names those it knows. Who has heard none may name none, or 0. */
  #tellsOfMore({ ssrc, fraction, lost, highest, jitter }: ReceptionReport): boolean {
    const words = `${lost} ${highest} ${jitter}`
    const before = this.#said.get(ssrc) ?? '0 0 0'
    if (this.#said.size >= SOURCES_AT_MOST) this.#said.clear()
    this.#said.set(ssrc, words)
    return ssrc !== 0 && words !== before && fraction < ALL_LOST
  }
}

/** Two parties who report in step, as two phones of one maker do, each know the other's last report but one. */
const CROSSING = 2
