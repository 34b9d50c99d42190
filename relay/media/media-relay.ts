import { type MonotonicMs, type Port, portNumber } from '#contract'
import type { Aim, MediaCounters, MediaReport, SessionId, Side, StreamMeasures } from '../ground/media.ts'
import { readSocketAddress, type SocketAddress } from '../ground/socket-address.ts'
import type { Evidence } from './contender.ts'
import { Reception } from './reception.ts'
import { readReports } from './rtcp.ts'
import { RtpPort } from './rtp-port.ts'
import { sequenceOf, ssrcOf } from './statistics.ts'

/** The media leg of one party: its two ports and what is known of its silence. */
class MediaLeg {
  readonly rtp: RtpPort
  readonly rtcp: RtpPort
  mux = false
  blind = false
  quiet = false
  heard = false
  /** Undefined until its first offer or answer came. */
  aimedAt: number | undefined
  silent = false
  /** Milliseconds it took to begin; undefined: it has not. */
  firstMs: number | undefined
  readonly reception = new Reception()

  constructor(session: SessionId, side: Side, port: Port) {
    this.rtp = new RtpPort(session, side, port, false)
    this.rtcp = new RtpPort(session, side, portNumber(port + 1), true)
  }

  /** When it was last heard, or last had reason to begin. */
  get since(): number {
    return Math.max(this.aimedAt ?? 0, this.rtp.latch.heardAt, this.rtcp.latch.heardAt)
  }
}

interface MediaSession {
  readonly caller: MediaLeg
  readonly callee: MediaLeg
  /** Ports which have no socket yet. */
  unbound: number
  silent: boolean
  /** Since when both of its sides have said where they are; undefined: not yet. */
  openedAt: MonotonicMs | undefined
  /** When it is counted next; undefined: not both of its sides have said where they are. */
  countAt: number | undefined
}

/** Longest packet we pass on. */
const LONGEST = 1500
/** A session is counted so long after it began, and then so often. */
const firstCountMs = 10_000
const countEveryMs = 10_000
/** On hold, silence is the rule: it must last this many time-outs to end a call. */
const HOLD_TIMES = 60

/**
 * Every call's media, as ports and the packets which arrive at them.
 *
 * It is told of each packet and answers with the port to send it from; that port's latch knows where to. What else is
 * worth telling (first sound, silence) gathers in `reports`.
 */
export class MediaRelay {
  readonly reports: MediaReport[] = []
  readonly #sessions = new Map<SessionId, MediaSession>()
  readonly #timeoutMs: number
  readonly #evidence: Evidence = { ssrc: 0, sequence: -1, continues: false }

  /** `timeoutMs` 0: silence is never reported. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Whether a port is one of a session that stands. */
  has(rtpPort: RtpPort): boolean {
    const leg = this.#sessions.get(rtpPort.session)?.[rtpPort.side]
    return leg?.rtp === rtpPort || leg?.rtcp === rtpPort
  }

  /** The four ports to be bound; none when the session is there already. */
  open(id: SessionId, ports: Readonly<Record<Side, Port>>): RtpPort[] {
    if (this.#sessions.has(id)) return []
    const caller = new MediaLeg(id, 'caller', ports.caller)
    const callee = new MediaLeg(id, 'callee', ports.callee)
    this.#sessions.set(id, {
      caller,
      callee,
      unbound: 4,
      silent: false,
      openedAt: undefined,
      countAt: undefined,
    })
    return portsOf(caller, callee)
  }

  /** The two ports whose latch this opens. */
  aim(now: MonotonicMs, id: SessionId, side: Side, aim: Aim): RtpPort[] {
    const session = this.#sessions.get(id)
    if (session === undefined) return []
    const leg = session[side]
    const sources = aim.sources
      .map((source) => readSocketAddress(source))
      .filter((place) => place !== undefined)
    leg.rtp.latch.aim(now, targetOf(aim.rtp, aim), sources, aim.quiet)
    leg.rtcp.latch.aim(now, targetOf(aim.rtcp, aim), sources, aim.quiet)
    leg.rtp.statistics.rest()
    leg.rtp.statistics.ticks = (aim.clock ?? 8000) / 1000
    leg.mux = aim.mux
    leg.blind = aim.blind === true
    leg.quiet = aim.quiet
    leg.aimedAt = now
    if (session.caller.aimedAt !== undefined && session.callee.aimedAt !== undefined) session.openedAt ??= now
    leg.silent = false
    session.silent = false
    return [leg.rtp, leg.rtcp]
  }

  /** Forgets a session; its ports are to be released. */
  close(id: SessionId): RtpPort[] {
    const session = this.#sessions.get(id)
    if (session === undefined) return []
    this.#sessions.delete(id)
    this.#report('closed', id, session)
    return portsOf(session.caller, session.callee)
  }

  /** A port has its socket. */
  bound(rtpPort: RtpPort): void {
    const session = this.#sessions.get(rtpPort.session)
    if (session === undefined || !this.has(rtpPort)) return
    session.unbound--
    if (session.unbound === 0) this.reports.push({ type: 'opened', session: rtpPort.session })
  }

  /** A port was refused its socket: as `close`, but the report says why. */
  fail(rtpPort: RtpPort, why: string): RtpPort[] {
    const id = rtpPort.session
    const session = this.#sessions.get(id)
    if (session === undefined || !this.has(rtpPort)) return []
    this.#sessions.delete(id)
    this.reports.push({ type: 'failed', session: id, why })
    return portsOf(session.caller, session.callee)
  }

  /** A packet came to `rtpPort`; returns the port it leaves from, whose latch has a destination, or undefined: drop it. */
  arrive(
    now: MonotonicMs,
    rtpPort: RtpPort,
    from: SocketAddress,
    packet: Uint8Array,
    length: number,
  ): RtpPort | undefined {
    const session = this.#sessions.get(rtpPort.session)
    if (session === undefined) return undefined
    const leg = session[rtpPort.side]
    const control = !leg.blind && (rtpPort.control || looksLikeControl(packet))
    if (!leg.blind && !isValid(packet, length, control)) return drop(rtpPort)
    if (length > LONGEST) return drop(rtpPort)
    if (!rtpPort.latch.hears(now, from) && !this.#learns(now, leg, rtpPort, from, packet, control))
      return drop(rtpPort)
    if (!rtpPort.spare(now)) return drop(rtpPort)
    const other = rtpPort.side === 'caller' ? session.callee : session.caller
    if (control) hearReports(now, leg, other, packet, length)
    else this.#hear(now, session, leg, packet, length)
    const out = control && !other.mux ? other.rtcp : other.rtp
    return out.latch.destination === undefined ? drop(rtpPort) : out
  }

  /** To be called about once a second: counts, and notices who has fallen silent. */
  sweep(now: MonotonicMs): void {
    for (const [id, session] of this.#sessions) {
      if (session.caller.aimedAt === undefined || session.callee.aimedAt === undefined) continue
      this.#count(now, id, session)
      if (this.#timeoutMs > 0) this.#listen(now, id, session)
    }
  }

  /** To be called five times a second: ports whose peer is silent, so that others must be heard there. */
  eachDeaf(now: MonotonicMs, then: (rtpPort: RtpPort) => void): void {
    for (const { caller, callee } of this.#sessions.values()) {
      if (caller.rtp.latch.isDeaf(now)) then(caller.rtp)
      if (caller.rtcp.latch.isDeaf(now)) then(caller.rtcp)
      if (callee.rtp.latch.isDeaf(now)) then(callee.rtp)
      if (callee.rtcp.latch.isDeaf(now)) then(callee.rtcp)
    }
  }

  /** A packet from elsewhere than the port's peer. RTCP on the RTP port says nothing of a sequence. */
  #learns(
    now: MonotonicMs,
    leg: MediaLeg,
    rtpPort: RtpPort,
    from: SocketAddress,
    packet: Uint8Array,
    control: boolean,
  ): boolean {
    if (control && !rtpPort.control) return rtpPort.latch.learns(now, from, undefined)
    const { statistics } = leg.rtp
    const evidence = this.#evidence
    evidence.ssrc = leg.blind ? 0 : ssrcOf(packet, control)
    evidence.sequence = leg.blind || control ? -1 : sequenceOf(packet)
    evidence.continues = !leg.blind && statistics.isOf(evidence.ssrc, evidence.sequence)
    return rtpPort.latch.learns(now, from, evidence)
  }

  #hear(
    now: MonotonicMs,
    { openedAt }: MediaSession,
    leg: MediaLeg,
    packet: Uint8Array,
    length: number,
  ): void {
    const { session, side, statistics, latch } = leg.rtp
    statistics.count(length)
    if (!leg.blind) statistics.hear(now, packet)
    if (leg.heard) return
    leg.heard = true
    leg.firstMs = now - (openedAt ?? now)
    this.reports.push({ type: 'heard', session, side, address: latch.peer.address, port: latch.peer.port })
  }

  #count(now: MonotonicMs, id: SessionId, session: MediaSession): void {
    session.countAt ??= now + firstCountMs
    if (now < session.countAt) return
    session.countAt = now + countEveryMs
    this.#report('counted', id, session)
  }

  #report(type: 'counted' | 'closed', session: SessionId, { caller, callee }: MediaSession): void {
    this.reports.push({ type, session, caller: heardAt(caller), callee: heardAt(callee) })
  }

  #listen(now: MonotonicMs, id: SessionId, session: MediaSession): void {
    const { caller, callee } = session
    const ms = now - Math.max(caller.since, callee.since)
    const held = caller.quiet || callee.quiet
    const both = ms >= this.#timeoutMs * (held ? HOLD_TIMES : 1)
    if (both && !session.silent)
      this.reports.push({ type: 'silent', session: id, side: 'both', ms: Math.round(ms) })
    session.silent = both
    this.#listenTo(now, caller, callee)
    this.#listenTo(now, callee, caller)
  }

  /** One side's silence counts only while the other talks. */
  #listenTo(now: MonotonicMs, leg: MediaLeg, other: MediaLeg): void {
    const ms = now - leg.since
    const { session, side } = leg.rtp
    const silent = !leg.quiet && ms >= this.#timeoutMs
    const noticed = silent && (leg.silent || now - other.since < this.#timeoutMs / 4)
    if (noticed && !leg.silent) this.reports.push({ type: 'silent', session, side, ms: Math.round(ms) })
    leg.silent = noticed
  }
}

function heardAt(leg: MediaLeg): MediaCounters {
  const { statistics, latch } = leg.rtp
  const { address, port } = latch.peer
  const latched = latch.locked ? { address, port } : undefined
  return { ...statistics.summary(), stream: leg.blind ? undefined : measuresOf(leg), latched }
}

function measuresOf({ rtp: { statistics }, reception, firstMs }: MediaLeg): StreamMeasures {
  const { reordered, gaps, longestGapMs, payloadType } = statistics
  const { roundTripMs, reported } = reception
  return { reordered, gaps, longestGapMs, firstMs, payloadType, roundTripMs, reported }
}

/** Reads what a side's RTCP says before it is passed on to the other. */
function hearReports(
  now: MonotonicMs,
  leg: MediaLeg,
  other: MediaLeg,
  packet: Uint8Array,
  length: number,
): void {
  const { statistics } = other.rtp
  for (const { ntp, blocks } of readReports(packet, length)) {
    if (ntp !== undefined) other.reception.passed(now, ntp)
    for (const block of blocks)
      if (block.ssrc === statistics.ssrc) leg.reception.heard(now, block, statistics.ticks)
  }
}

function portsOf(caller: MediaLeg, callee: MediaLeg): RtpPort[] {
  return [caller.rtp, caller.rtcp, callee.rtp, callee.rtcp]
}

function targetOf(spot: Aim['rtp'], aim: Aim): SocketAddress | undefined {
  return aim.eager && spot !== undefined ? readSocketAddress(spot.address, spot.port) : undefined
}

/** RTP and RTCP are version 2; packet types 192–223 are RTCP even on the RTP port (RFC 5761 §4). */
function isValid(packet: Uint8Array, length: number, control: boolean): boolean {
  if (length < (control ? 8 : 12) || ((packet[0] as number) & 0xc0) !== 0x80) return false
  return !control || looksLikeControl(packet)
}

function looksLikeControl(packet: Uint8Array): boolean {
  const type = packet[1] as number
  return type >= 192 && type <= 223
}

function drop(rtpPort: RtpPort): undefined {
  rtpPort.statistics.dropped++
  return undefined
}
