import type { Aim, MediaCounters, MediaReport, Side } from '../ground/media.ts'
import type { Evidence } from './contender.ts'
import { Gate } from './gate.ts'
import { type Place, readPlace } from './place.ts'
import { sequenceOf, ssrcOf } from './statistics.ts'

/** One party's place at the patchbay: its two gates and what is known of its silence. */
class Seat {
  readonly rtp: Gate
  readonly rtcp: Gate
  mux = false
  blind = false
  quiet = false
  heard = false
  /** Undefined until its first offer or answer came. */
  aimedAt: number | undefined
  silent = false

  constructor(session: number, side: Side, port: number) {
    this.rtp = new Gate(session, side, port, false)
    this.rtcp = new Gate(session, side, port + 1, true)
  }

  /** When it was last heard, or last had reason to begin. */
  get since(): number {
    return Math.max(this.aimedAt ?? 0, this.rtp.latch.heardAt, this.rtcp.latch.heardAt)
  }
}

interface Session {
  readonly caller: Seat
  readonly callee: Seat
  /** Gates which have no socket yet. */
  unbound: number
  silent: boolean
  /** When it is counted next; undefined: not both of its sides have said where they are. */
  countAt: number | undefined
}

/** Longest packet we pass on. */
const LONGEST = 1500
/** A session is counted so long after it began, and then so often. */
const firstCountMs = 10_000
const countEveryMs = 30_000
/** On hold, silence is the rule: it must last this many time-outs to end a call. */
const HOLD_TIMES = 60

/**
 * Every call's sound, as ports and the packets which arrive at them.
 *
 * It is told of each packet and answers with the gate to send it from; that gate's latch knows where to. What else is
 * worth telling (first sound, silence) gathers in `reports`.
 */
export class Patchbay {
  readonly reports: MediaReport[] = []
  readonly #sessions = new Map<number, Session>()
  readonly #timeoutMs: number
  readonly #evidence: Evidence = { ssrc: 0, sequence: -1, continues: false }

  /** `timeoutMs` 0: silence is never reported. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Whether a gate is one of a session that stands. */
  has(gate: Gate): boolean {
    const seat = this.#sessions.get(gate.session)?.[gate.side]
    return seat?.rtp === gate || seat?.rtcp === gate
  }

  /** The four gates to be bound; none when the session is there already. */
  open(id: number, ports: Readonly<Record<Side, number>>): Gate[] {
    if (this.#sessions.has(id)) return []
    const caller = new Seat(id, 'caller', ports.caller)
    const callee = new Seat(id, 'callee', ports.callee)
    this.#sessions.set(id, { caller, callee, unbound: 4, silent: false, countAt: undefined })
    return gatesOf(caller, callee)
  }

  /** The two gates whose latch this opens. */
  aim(now: number, id: number, side: Side, aim: Aim): Gate[] {
    const session = this.#sessions.get(id)
    if (session === undefined) return []
    const seat = session[side]
    const sources = aim.sources.map((source) => readPlace(source)).filter((place) => place !== undefined)
    seat.rtp.latch.aim(now, targetOf(aim.rtp, aim), sources, aim.quiet)
    seat.rtcp.latch.aim(now, targetOf(aim.rtcp, aim), sources, aim.quiet)
    seat.rtp.statistics.ticks = (aim.clock ?? 8000) / 1000
    seat.mux = aim.mux
    seat.blind = aim.blind === true
    seat.quiet = aim.quiet
    seat.aimedAt = now
    seat.silent = false
    session.silent = false
    return [seat.rtp, seat.rtcp]
  }

  /** Forgets a session; its gates are to be released. */
  close(id: number): Gate[] {
    const session = this.#sessions.get(id)
    if (session === undefined) return []
    this.#sessions.delete(id)
    this.#report('closed', id, session)
    return gatesOf(session.caller, session.callee)
  }

  /** A gate has its socket. */
  bound(gate: Gate): void {
    const session = this.#sessions.get(gate.session)
    if (session === undefined || !this.has(gate)) return
    session.unbound--
    if (session.unbound === 0) this.reports.push({ type: 'opened', session: gate.session })
  }

  /** A gate was refused its socket: as `close`, but the report says why. */
  fail(gate: Gate, why: string): Gate[] {
    const id = gate.session
    const session = this.#sessions.get(id)
    if (session === undefined || !this.has(gate)) return []
    this.#sessions.delete(id)
    this.reports.push({ type: 'failed', session: id, why })
    return gatesOf(session.caller, session.callee)
  }

  /** A packet came to `gate`; returns the gate it leaves from, whose latch has a destination, or undefined: drop it. */
  arrive(now: number, gate: Gate, from: Place, packet: Uint8Array, length: number): Gate | undefined {
    const session = this.#sessions.get(gate.session)
    if (session === undefined) return undefined
    const seat = session[gate.side]
    const control = !seat.blind && (gate.control || looksLikeControl(packet))
    if (!seat.blind && !isValid(packet, length, control)) return drop(gate)
    if (length > LONGEST) return drop(gate)
    if (!gate.latch.hears(now, from) && !this.#learns(now, seat, gate, from, packet, control))
      return drop(gate)
    if (!gate.spare(now)) return drop(gate)
    if (!control) this.#hear(now, seat, packet, length)
    const other = gate.side === 'caller' ? session.callee : session.caller
    const out = control && !other.mux ? other.rtcp : other.rtp
    return out.latch.destination === undefined ? drop(gate) : out
  }

  /** To be called about once a second: counts, and notices who has fallen silent. */
  sweep(now: number): void {
    for (const [id, session] of this.#sessions) {
      if (session.caller.aimedAt === undefined || session.callee.aimedAt === undefined) continue
      this.#count(now, id, session)
      if (this.#timeoutMs > 0) this.#listen(now, id, session)
    }
  }

  /** To be called five times a second: gates whose peer is silent, so that others must be heard there. */
  eachDeaf(now: number, then: (gate: Gate) => void): void {
    for (const { caller, callee } of this.#sessions.values()) {
      if (caller.rtp.latch.isDeaf(now)) then(caller.rtp)
      if (caller.rtcp.latch.isDeaf(now)) then(caller.rtcp)
      if (callee.rtp.latch.isDeaf(now)) then(callee.rtp)
      if (callee.rtcp.latch.isDeaf(now)) then(callee.rtcp)
    }
  }

  /** A packet from elsewhere than the gate's peer. RTCP on the RTP port says nothing of a sequence. */
  #learns(now: number, seat: Seat, gate: Gate, from: Place, packet: Uint8Array, control: boolean): boolean {
    if (control && !gate.control) return gate.latch.learns(now, from, undefined)
    const { statistics } = seat.rtp
    const evidence = this.#evidence
    evidence.ssrc = seat.blind ? 0 : ssrcOf(packet, control)
    evidence.sequence = seat.blind || control ? -1 : sequenceOf(packet)
    evidence.continues = !seat.blind && statistics.isOf(evidence.ssrc, evidence.sequence)
    return gate.latch.learns(now, from, evidence)
  }

  #hear(now: number, seat: Seat, packet: Uint8Array, length: number): void {
    const { session, side, statistics, latch } = seat.rtp
    statistics.count(length)
    if (!seat.blind) statistics.hear(now, packet)
    if (seat.heard) return
    seat.heard = true
    this.reports.push({ type: 'heard', session, side, address: latch.peer.address, port: latch.peer.port })
  }

  #count(now: number, id: number, session: Session): void {
    session.countAt ??= now + firstCountMs
    if (now < session.countAt) return
    session.countAt = now + countEveryMs
    this.#report('counted', id, session)
  }

  #report(type: 'counted' | 'closed', session: number, { caller, callee }: Session): void {
    this.reports.push({ type, session, caller: heardAt(caller), callee: heardAt(callee) })
  }

  #listen(now: number, id: number, session: Session): void {
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
  #listenTo(now: number, seat: Seat, other: Seat): void {
    const ms = now - seat.since
    const { session, side } = seat.rtp
    const silent = !seat.quiet && ms >= this.#timeoutMs
    const noticed = silent && (seat.silent || now - other.since < this.#timeoutMs / 4)
    if (noticed && !seat.silent) this.reports.push({ type: 'silent', session, side, ms: Math.round(ms) })
    seat.silent = noticed
  }
}

function heardAt({ rtp: { statistics, latch } }: Seat): MediaCounters {
  const { address, port } = latch.peer
  return { ...statistics.summary(), latched: latch.locked ? { address, port } : undefined }
}

function gatesOf(caller: Seat, callee: Seat): Gate[] {
  return [caller.rtp, caller.rtcp, callee.rtp, callee.rtcp]
}

function targetOf(spot: Aim['rtp'], aim: Aim): Place | undefined {
  return aim.eager && spot !== undefined ? readPlace(spot.address, spot.port) : undefined
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

function drop(gate: Gate): undefined {
  gate.statistics.dropped++
  return undefined
}
