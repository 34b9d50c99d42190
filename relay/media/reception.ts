import type { MonotonicMs } from '#contract'
import type { ReceptionReport } from './rtcp.ts'

/** What a party says it hears of the sound which it is sent, and how far away it is. */
export class Reception {
  /** Milliseconds to the party and back; undefined: not known. */
  roundTripMs: number | undefined
  /** undefined: it has said nothing. */
  reported: { readonly lost: number; readonly jitterMs: number } | undefined
  #ntp = 0
  #passedAt = 0

  /** A sender's report of the other side is passed on to the party: its next report will name the time in it. */
  passed(now: MonotonicMs, ntp: number): void {
    this.#ntp = ntp
    this.#passedAt = now
  }

  /** The party's report of the other side's stream; `ticks` of that stream's clock are a millisecond. */
  heard(now: MonotonicMs, { lost, jitter, lastReport, delay }: ReceptionReport, ticks: number): void {
    this.reported = { lost, jitterMs: Math.round((jitter / ticks) * 100) / 100 }
    if (lastReport === 0 || lastReport !== this.#ntp) return
    const roundTrip = now - this.#passedAt - (delay * 1000) / 65_536
    if (roundTrip >= 0) this.roundTripMs = Math.round(roundTrip * 10) / 10
  }
}
