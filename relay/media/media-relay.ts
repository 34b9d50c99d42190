import type { MonotonicMs, Port } from '#contract'
import type { Entropy } from '../ground/effects.ts'
import type { Aim, LegName, MediaCommand, MediaReport, SessionId, Side } from '../ground/media.ts'
import type { SocketAddress } from '../ground/socket-address.ts'
import { Besides } from './besides.ts'
import type { Evidence } from './contender.ts'
import { DigitPacer } from './digit-pacer.ts'
import type { DtlsEngine } from './dtls.ts'
import { DEAF_MS } from './latch.ts'
import { Leaving } from './leaving.ts'
import type { MediaLeg, RtpPort } from './media-leg.ts'
import { MediaSession } from './media-session.ts'
import { OwnStream } from './own-stream.ts'
import { isValid, isWhole, looksLikeControl } from './packet-shape.ts'
import { drop, hearReports, pass, unprotected } from './passing.ts'
import { PLAYED_PACKET, Player } from './player.ts'
import type { RecordingSink, RecordingTerms } from './recorder.ts'
import { Recordings } from './recordings.ts'
import { Reporter } from './reporter.ts'
import { type RtcpCompound, writeCompound } from './rtcp-writer.ts'
import { plain, ROOM, type StageBuilder, type TranscodeStage } from './stages.ts'
import { sequenceOf, ssrcOf } from './statistics.ts'

/** What is needed to send packets of our own: RTCP, keys, and sounds. */
export interface RtcpSending {
  readonly entropy: Pick<Entropy, 'below' | 'hex'>
  /** Sends `length` bytes towards the destination of a port's latch; the memory is used again afterwards. */
  readonly send: (rtpPort: RtpPort, packet: Uint8Array, length: number) => void
  /** Where packets lie which leave at the least price, `PLAYED_PACKET` bytes or more; absent: anywhere. */
  readonly packet?: Uint8Array
  /** Sends to any place from a port; absent: what is no RTP has no answer. */
  readonly reply?: (rtpPort: RtpPort, to: SocketAddress, packet: Uint8Array, length: number) => void
  /** Agrees on keys with parties whose aim has `ice`; absent: none does. */
  readonly dtls?: DtlsEngine | undefined
}

type TellReport = (report: MediaReport) => void

/** Longest packet we pass on. */
const LONGEST = 1500
/** How often `sweep` is to be called; and where little is there to be looked at, for each costs a wake-up. */
export const SWEEPS_A_SECOND = 20
const FEWEST_SWEEPS = 5
/** Sessions looked at in one sweep, where so many are left. */
const SWEPT_AT_LEAST = 16
/** And counted, where so many are due. */
const COUNTED_AT_LEAST = 4
/** Longest time between two looks for silent peers, if we were awake. */
const STALLED_MS = 300

/**
 * Every call's media, as legs, their ports, and the packets which arrive at them.
 *
 * It is told of each packet and answers with the port to send it from; that port's latch knows where to. What else is
 * worth telling (first sound, silence) gathers in `reports`.
 */
export class MediaRelay {
  readonly reports: MediaReport[] = []
  readonly recordings: Recordings
  readonly #sessions = new Map<SessionId, MediaSession>()
  readonly #timeoutMs: number
  readonly #stagesOf: StageBuilder
  readonly #rtcp: RtcpSending | undefined
  readonly #leaving: Leaving | undefined
  readonly #pacer: DigitPacer | undefined
  readonly #besides: Besides | undefined
  /** undefined: nothing is played. */
  readonly player: Player | undefined
  /** RTCP of ours is written here. */
  readonly #own = new Uint8Array(512 + ROOM)
  /** What a packet became in another codec. */
  readonly #decoded = new Uint8Array(PLAYED_PACKET)
  /** When `eachDeaf` was called last, and since when it has been called in time. */
  #lookedAt = Number.NEGATIVE_INFINITY
  #attentiveSince = Number.NEGATIVE_INFINITY
  /** Those which this round of sweeps has not come to yet. */
  #sweeping = this.#sessions.values()
  readonly #evidence: Evidence = { ssrc: 0, sequence: -1, continues: false }
  readonly #tell: TellReport = (report) => {
    this.reports.push(report)
  }

  /** `timeoutMs` 0: silence is never reported. Without `rtcp` we send nothing of our own, without `sink` nothing is recorded. */
  constructor(
    timeoutMs: number,
    stagesOf: StageBuilder = () => plain,
    rtcp?: RtcpSending,
    sink?: RecordingSink,
  ) {
    this.#timeoutMs = timeoutMs
    this.#stagesOf = stagesOf
    this.#rtcp = rtcp
    this.#leaving = rtcp && new Leaving(rtcp.send)
    this.#pacer = rtcp && this.#leaving && new DigitPacer(rtcp.entropy, this.#leaving)
    this.recordings = new Recordings(sink, this.#tell)
    this.player = rtcp && this.#leaving && playerOf(rtcp, this.#leaving, this.#tell)
    const keyed = (leg: MediaLeg) => leg.lastAim && this.#stage(leg, leg.lastAim)
    this.#besides = rtcp?.reply && new Besides({ ...rtcp, reply: rtcp.reply, tell: this.#tell, keyed })
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Milliseconds from one `sweep` to the next: few enough that each session is looked at once a second. */
  get sweepMs(): number {
    const isCalm = this.#sessions.size <= FEWEST_SWEEPS * SWEPT_AT_LEAST && this.recordings.isIdle
    return 1000 / (isCalm ? FEWEST_SWEEPS : SWEEPS_A_SECOND)
  }

  /** The ports to be bound, two a leg; none when the session is there already. Where both sides are given they are joined. */
  open(id: SessionId, ports: Readonly<Partial<Record<Side, Port>>>): RtpPort[] {
    if (this.#sessions.has(id)) return []
    const session = new MediaSession(id, ports)
    if (this.#rtcp !== undefined) for (const leg of session.legs) speakAs(leg, this.#rtcp.entropy)
    this.#sessions.set(id, session)
    return session.ports
  }

  /** The two ports whose latch this opens. */
  aim(now: MonotonicMs, id: SessionId, side: Side, aim: Aim): RtpPort[] {
    const session = this.#sessions.get(id)
    const leg = session?.leg(side)
    if (session === undefined || leg === undefined) return []
    this.#besides?.aim(leg, aim.ice)
    leg.aim(now, aim)
    this.#stage(leg, aim)
    session.aimed(now)
    return [leg.rtp, leg.rtcp]
  }

  /** Joins two legs, of whatever sessions: each is taken from the partner it had, which stands alone from then on. */
  connect(one: LegName, other: LegName): void {
    const [leg, partner] = [this.#leg(one), this.#leg(other)]
    if (leg === undefined || partner === undefined || leg === partner) return
    this.#part(leg)
    this.#part(partner)
    leg.connect(partner)
    this.recordings.joined(leg, partner)
  }

  /** Writes what parties say to the sink, until it is told to stop, silence, or the end of the session. */
  record(now: MonotonicMs, terms: RecordingTerms): void {
    this.recordings.begin(now, terms, this.#sessions.get(terms.session)?.legs ?? [])
  }

  /** Has keys sent to the party of a leg, each for `ms`; one which can be sent none in its sound hears none. */
  digits(name: LegName, keys: string, ms: number): void {
    const leg = this.#leg(name)
    if (leg?.stages.digits === undefined) return
    leg.stages.digits.add(keys, ms)
    this.#pacer?.add(leg)
  }

  /** Has sounds played to the party of a leg: `player` is to be asked for its `beat` from then on. */
  play(now: MonotonicMs, command: Extract<MediaCommand, { type: 'play' }>): void {
    const { session, side, play } = command
    const leg = this.#leg(command)
    if (leg !== undefined && this.player !== undefined) this.player.play(now, leg, command)
    else this.#tell({ type: 'played', session, side, play, ms: 0, why: 'There is no such leg.' })
  }

  /** Stops what plays to the party of a leg, or waits to. */
  stopPlay(name: LegName, play: number): void {
    const leg = this.#leg(name)
    if (leg !== undefined) this.player?.stop(leg, play)
  }

  /** Tells of the silence of a party which no other is there for, from now on. */
  listen(now: MonotonicMs, name: LegName): void {
    const leg = this.#leg(name)
    if (leg !== undefined) this.#sessions.get(leg.session)?.expects(now, leg)
  }

  /** To be called every PACE_MS behind `digits`, as long as it is true: those go on whose partner is silent. */
  pace(now: MonotonicMs): boolean {
    return this.#pacer?.pace(now) === true
  }

  /** What a leg's party says goes no further, or does again. */
  mute(name: LegName, muted: boolean): void {
    const leg = this.#leg(name)
    if (leg !== undefined) leg.muted = muted
  }

  /** Takes a leg from its partner: both hear, and are heard by us alone. */
  disconnect(name: LegName): void {
    const leg = this.#leg(name)
    if (leg !== undefined) this.#part(leg)
  }

  /** Closes a session or, where a side is named, that leg of it; with its last leg it ends. The ports are to be released. */
  close(id: SessionId, side?: Side): RtpPort[] {
    const session = this.#sessions.get(id)
    if (session === undefined) return []
    const legs = session.legs.filter((leg) => side === undefined || leg.side === side)
    for (const leg of legs) {
      this.player?.close(leg)
      this.#say(leg, leg.reporter?.goodbye())
      this.#besides?.close(leg)
    }
    const ports = this.#close(session, legs)
    const isOver = session.legs.length === 0
    if (isOver) this.recordings.closed(id)
    if (isOver) this.#sessions.delete(id)
    if (isOver || ports.length > 0) this.#tell(session.report(isOver ? 'closed' : 'counted'))
    return ports
  }

  /** A port has its socket. */
  bound({ leg }: RtpPort): void {
    const session = this.#sessions.get(leg.session)
    if (!leg.closed && session?.bound()) this.#tell({ type: 'opened', session: leg.session })
  }

  /** A port was refused its socket: as `close` of its session, but the report says why. */
  fail({ leg }: RtpPort, why: string): RtpPort[] {
    const session = this.#sessions.get(leg.session)
    if (session === undefined || leg.closed) return []
    this.#sessions.delete(leg.session)
    for (const each of session.legs) {
      this.player?.close(each)
      this.#besides?.close(each)
    }
    this.#tell({ type: 'failed', session: leg.session, why })
    return session.close()
  }

  /**
   * A packet came to `rtpPort`, `received` bytes of it; returns the port it leaves from, whose latch has a destination and
   * whose `leaving` is its length now, or undefined: drop it. `stages.ts` has the way it goes, `passing.ts` its steps.
   */
  arrive(
    now: MonotonicMs,
    rtpPort: RtpPort,
    from: SocketAddress,
    packet: Uint8Array,
    received: number,
  ): RtpPort | undefined {
    const { leg, latch } = rtpPort
    if (leg.closed) return undefined
    const control = !leg.blind && (rtpPort.control || looksLikeControl(packet, received))
    if (!leg.blind && !isValid(packet, received, control)) {
      const isBesides = this.#besides?.arrive(now, rtpPort, from, packet, received) === true
      return isBesides ? undefined : drop(rtpPort)
    }
    if (received > LONGEST) return drop(rtpPort)
    const length =
      leg.unprotect === undefined ? received : unprotected(now, rtpPort, from, packet, received, control)
    if (length < 0 || !(control || leg.blind || isWhole(packet, length))) return drop(rtpPort)
    if (!latch.hears(now, from) && !this.#learns(now, rtpPort, from, packet, control)) return drop(rtpPort)
    if (!rtpPort.spare(now)) return drop(rtpPort)
    const becomes = control ? undefined : (leg.decode ?? leg.partner?.encode)
    if (becomes !== undefined) return this.#turn(now, rtpPort, becomes, packet, length)
    if (control) hearReports(now, leg, packet, length)
    else this.#count(now, leg, packet, length)
    return control || this.#hear(now, leg, packet, length)
      ? this.#pass(rtpPort, packet, length, control)
      : undefined
  }

  /**
   * To be called again after `sweepMs`: counts, and notices who has fallen silent. Each call looks at a share of the
   * sessions alone, and counts a tenth of these: packets wait meanwhile, and a thousand which began together are due together.
   */
  sweep(now: MonotonicMs): void {
    this.recordings.advance(now)
    this.#besides?.sweep(now)
    const share = Math.max(SWEPT_AT_LEAST, Math.ceil(this.#sessions.size / SWEEPS_A_SECOND))
    let counts = Math.max(COUNTED_AT_LEAST, Math.ceil(share / 10))
    for (let i = 0; i < share; i++) {
      const { done, value: session } = this.#sweeping.next()
      if (done) {
        this.#sweeping = this.#sessions.values()
        return
      }
      if (counts > 0 && session.isDue(now)) {
        counts--
        this.#tell(session.count(now))
      }
      if (this.#timeoutMs > 0) session.listen(now, this.#timeoutMs, this.#tell)
      this.#report(now, session)
    }
  }

  /**
   * To be called five times a second: ports whose peer is silent, so that others must be heard there. Where it was we who
   * did not listen, for the processor was another's, none has been silent, and all would be opened and tied again at once.
   */
  eachDeaf(now: MonotonicMs, then: (rtpPort: RtpPort) => void): void {
    if (now - this.#lookedAt > STALLED_MS) this.#attentiveSince = now
    this.#lookedAt = now
    if (now - this.#attentiveSince < DEAF_MS) return
    for (const session of this.#sessions.values()) session.eachDeaf(now, then)
  }

  /** What stands in the way of a leg's packets, with the keys which were agreed on in that way. */
  #stage(leg: MediaLeg, said: Aim): void {
    const keys = leg.ice?.keys
    const aim = keys === undefined ? said : { ...said, srtp: keys }
    const terms = { leg, aim, before: leg.stages, report: this.#tell }
    leg.stage(aim.blind === true ? plain : this.#stagesOf(terms))
  }

  /** Takes a leg from its partner: neither is recorded with the other any more. */
  #part(leg: MediaLeg): void {
    const { partner } = leg
    leg.disconnect()
    for (const parted of [leg, partner]) if (parted !== undefined) this.recordings.parted(parted)
  }

  #close(session: MediaSession, legs: readonly MediaLeg[]): RtpPort[] {
    const partners = legs.map(({ partner }) => partner)
    const ports = session.close(legs)
    for (const parted of [...legs, ...partners]) if (parted !== undefined) this.recordings.parted(parted)
    return ports
  }

  #report(now: MonotonicMs, session: MediaSession): void {
    if (this.#rtcp === undefined) return
    for (const leg of session.legs) if (leg.isAimed && !leg.blind) this.#say(leg, leg.reporter?.due(now, leg))
  }

  /** Sends RTCP of ours to a leg's party; undefined: there is none. */
  #say(leg: MediaLeg, compound: RtcpCompound | undefined): void {
    const out = leg.mux ? leg.rtp : leg.rtcp
    if (compound === undefined || out.latch.destination === undefined) return
    const written = writeCompound(this.#own, compound)
    const length = leg.protect === undefined ? written : leg.protect.protect(this.#own, written, true)
    if (length > 0) this.#rtcp?.send(out, this.#own, length)
  }

  #leg({ session, side }: LegName): MediaLeg | undefined {
    return this.#sessions.get(session)?.leg(side)
  }

  /** A packet from elsewhere than the port's peer. RTCP on the RTP port says nothing of a sequence. */
  #learns(
    now: MonotonicMs,
    { leg, latch, control: own }: RtpPort,
    from: SocketAddress,
    packet: Uint8Array,
    control: boolean,
  ): boolean {
    if (control && !own) return latch.learns(now, from, undefined)
    const { statistics } = leg.rtp
    const evidence = this.#evidence
    evidence.ssrc = leg.blind ? 0 : ssrcOf(packet, control)
    evidence.sequence = leg.blind || control ? -1 : sequenceOf(packet)
    evidence.continues = !leg.blind && statistics.isOf(evidence.ssrc, evidence.sequence)
    return latch.learns(now, from, evidence)
  }

  #count(now: MonotonicMs, leg: MediaLeg, packet: Uint8Array, length: number): void {
    const { statistics } = leg.rtp
    statistics.count(length)
    if (!leg.blind) statistics.hear(now, packet)
    if (!leg.heardHere) this.#heardFirst(now, leg)
  }

  /** A packet which becomes others, as far as its party may have that done. */
  #turn(
    now: MonotonicMs,
    rtpPort: RtpPort,
    becomes: TranscodeStage,
    packet: Uint8Array,
    length: number,
  ): RtpPort | undefined {
    if (!rtpPort.turns(now)) return drop(rtpPort)
    const { leg } = rtpPort
    const before = becomes.spent
    this.#count(now, leg, packet, length)
    const out =
      leg.decode !== undefined
        ? this.#decode(now, rtpPort, leg.decode, packet, length)
        : this.#hear(now, leg, packet, length)
          ? this.#pass(rtpPort, packet, length, false)
          : undefined
    rtpPort.turned(now, becomes.spent - before)
    return out
  }

  /** What its party says in another codec goes on as packets of ours; its keys are for us alone. */
  #decode(
    now: MonotonicMs,
    rtpPort: RtpPort,
    decode: TranscodeStage,
    packet: Uint8Array,
    length: number,
  ): undefined {
    const { leg } = rtpPort
    if (!decode.take(packet, length)) return void leg.listen?.hear(now, packet, length)
    const decoded = this.#decoded
    for (let made = decode.next(decoded); made > 0; made = decode.next(decoded)) {
      const out = this.#hear(now, leg, decoded, made) ? this.#pass(rtpPort, decoded, made, false) : undefined
      if (out !== undefined) this.#rtcp?.send(out, decoded, out.leaving)
    }
  }

  /** Where a packet which a leg has heard leaves from; undefined: nowhere, or it has left as another. */
  #pass(rtpPort: RtpPort, packet: Uint8Array, length: number, control: boolean): RtpPort | undefined {
    const { muted, partner } = rtpPort.leg
    if (partner === undefined || (muted && !control)) return undefined
    return pass(rtpPort, partner, packet, length, control, this.#leaving)
  }

  /** False: the packet goes no further. */
  #hear(now: MonotonicMs, leg: MediaLeg, packet: Uint8Array, length: number): boolean {
    if (leg.tap !== undefined && !leg.blind) leg.tap.hear(now, packet, length)
    return leg.listen === undefined || leg.listen.hear(now, packet, length)
  }

  #heardFirst(now: MonotonicMs, leg: MediaLeg): void {
    const { session, side } = leg
    const { address, port } = leg.rtp.latch.peer
    leg.heard = true
    leg.heardHere = true
    leg.firstMs ??= this.#sessions.get(session)?.firstMs(now)
    this.#tell({ type: 'heard', session, side, address, port })
  }
}

function playerOf(
  { packet = new Uint8Array(PLAYED_PACKET) }: RtcpSending,
  leaving: Leaving,
  tell: TellReport,
): Player {
  return new Player({ leaving, packet, tell })
}

function speakAs(leg: MediaLeg, entropy: RtcpSending['entropy']): void {
  leg.own = new OwnStream(entropy)
  leg.reporter = new Reporter(entropy, leg.own)
}
