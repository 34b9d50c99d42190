import type { MonotonicMs } from '#contract'
import type { Entropy } from '../ground/effects.ts'
import type { OwnStream } from './own-stream.ts'
import type { Reception } from './reception.ts'
import { middleOf, ntpOf, type RtcpCompound, type SenderReport, type SourceReport } from './rtcp-writer.ts'
import type { Stages } from './stages.ts'
import type { Statistics } from './statistics.ts'

/** What is known of a media leg to which is reported. */
interface ReportedLeg {
  readonly partner: ReportedLeg | undefined
  readonly reporter: Reporter | undefined
  readonly rtp: { readonly statistics: Statistics }
  readonly reception: Reception
  readonly decode: Stages['decode']
  readonly encode: Stages['encode']
}

/** Between two reports, on average; one may come half of it sooner or later (RFC 3550 §6.2, §6.3.1). */
const INTERVAL_MS = 5_000
/** The first comes sooner (§6.2). */
const FIRST_MS = 2_500
/** A partner which sent no RTCP for so long sends none. */
const MUTE_MS = 15_000

/**
 * The RTCP which we send a leg's party ourselves: where the leg stands alone, and where its partner sends none, so that the
 * party hears of its sound all the same and its answers tell how far away it is; and while sounds of ours are played to it. In a partner's place we say what the partner
 * would: under its SSRC, which is the one the party knows (RFC 3550 §7.2). Once the partner speaks for itself we are silent.
 */
export class Reporter {
  /** What we say as ourselves, and who we are where no partner speaks. */
  readonly #own: OwnStream
  /** Packets of it when it was reported on last, and whether some came before the last look. */
  #ownPackets = 0
  #spoke = false
  readonly #cname: string
  readonly #entropy: Pick<Entropy, 'below'>
  /** When RTCP of the leg's party came last; undefined: none did. */
  heardAt: MonotonicMs | undefined
  /** The middle of the time in the party's last sender's report, and when that came. */
  #lastReport = 0
  #lastReportAt = 0
  /** Whom the leg was joined with when it was looked at last; null: it was not looked at yet. */
  #partner: ReportedLeg | undefined | null = null
  #dueAt = 0
  /** Under which SSRC something was said, so that a BYE is owed; undefined: nothing was. */
  #saidAs: number | undefined
  #packets = 0

  constructor(entropy: Pick<Entropy, 'below' | 'hex'>, own: OwnStream) {
    this.#entropy = entropy
    this.#own = own
    // RFC 7022 §4.2: 96 random bits, which say nothing of us.
    this.#cname = entropy.hex(12)
  }

  /** RTCP of the leg's party came; `ntp` is the middle of a sender's report's time. */
  heard(now: MonotonicMs, ntp: number | undefined): void {
    this.heardAt = now
    if (ntp === undefined) return
    this.#lastReport = ntp
    this.#lastReportAt = now
  }

  /** What is to be said to the leg's party now; undefined: nothing is. To be asked about once a second. */
  due(now: MonotonicMs, leg: ReportedLeg): RtcpCompound | undefined {
    const { partner } = leg
    if (partner !== this.#partner) {
      this.#partner = partner
      this.#dueAt = now + (partner === undefined ? this.#around(FIRST_MS) : MUTE_MS)
    }
    const theirs = partner?.reporter?.heardAt
    if (this.#speaks(now)) this.#dueAt = Math.min(this.#dueAt, now + INTERVAL_MS)
    else if (theirs !== undefined) this.#dueAt = Math.max(this.#dueAt, theirs + MUTE_MS)
    if (now < this.#dueAt) return undefined
    this.#dueAt = now + this.#around(INTERVAL_MS)
    return this.#compound(now, leg)
  }

  /** The last word to the leg's party; undefined: nothing was said which it would end (§6.3.7). */
  goodbye(): RtcpCompound | undefined {
    if (this.#saidAs === undefined) return undefined
    return { ssrc: this.#saidAs, cname: this.#cname, sender: undefined, sources: [], bye: true }
  }

  /** Whether we sent sound of our own since we reported last; the first report of it comes sooner. */
  #speaks(now: MonotonicMs): boolean {
    const speaks = this.#own.packets !== this.#ownPackets
    if (speaks && !this.#spoke) this.#dueAt = Math.min(this.#dueAt, now + this.#around(FIRST_MS))
    this.#spoke = speaks
    return speaks
  }

  #compound(now: MonotonicMs, leg: ReportedLeg): RtcpCompound {
    const sender = this.#spoke ? this.#ourselves(now, leg) : this.#senderOf(now, leg)
    const ssrc = this.#spoke ? this.#own.ssrc : (leg.partner?.rtp.statistics.ssrc ?? this.#own.ssrc)
    if (sender !== undefined) leg.reception.passed(now, middleOf(ntpOf(now)))
    this.#saidAs = ssrc
    return { ssrc, cname: this.#cname, sender, sources: this.#sourcesOf(now, leg), bye: false }
  }

  #ourselves(now: MonotonicMs, { encode }: ReportedLeg): SenderReport {
    const { packets, octets, ssrc } = this.#own
    const time = this.#own.timeAt(now)
    this.#ownPackets = packets
    return { at: now, rtpTime: encode ? encode.timeOf(ssrc, time) : time, packets, octets }
  }

  /** Of the partner's sound, where some went out since the report before. */
  #senderOf(now: MonotonicMs, { partner, encode }: ReportedLeg): SenderReport | undefined {
    const statistics = partner?.rtp.statistics
    const time = statistics?.rtpTimeAt(now)
    const turned = encode ?? partner?.decode
    const rtpTime =
      time !== undefined && turned !== undefined ? turned.timeOf(statistics?.ssrc ?? 0, time) : time
    const packets = statistics?.packets ?? 0
    const isSending = packets !== this.#packets
    this.#packets = packets
    if (statistics === undefined || rtpTime === undefined || !isSending) return undefined
    return { at: now, rtpTime, packets, octets: statistics.octets }
  }

  /** Of the party's sound, where some came. */
  #sourcesOf(now: MonotonicMs, { rtp: { statistics } }: ReportedLeg): SourceReport[] {
    const heard = statistics.takeReport()
    if (heard === undefined) return []
    const known = this.#lastReport !== 0
    const delay = known ? Math.round(((now - this.#lastReportAt) * 65_536) / 1000) : 0
    return [{ ...heard, lastReport: this.#lastReport, delay }]
  }

  #around(ms: number): number {
    return ms / 2 + this.#entropy.below(ms)
  }
}
