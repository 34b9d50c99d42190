import type { MonotonicMs, Port } from '#contract'
import type { MediaCounters, MediaReport, SessionId, Side } from '../ground/media.ts'
import { MediaLeg, type RtpPort } from './media-leg.ts'

/** A session is counted so long after it began, and then so often. */
const firstCountMs = 10_000
const countEveryMs = 10_000
/** On hold, silence is the rule: it must last this many time-outs to end a call. */
const HOLD_TIMES = 60

const nothing: MediaCounters = { packets: 0, bytes: 0, lost: 0, dropped: 0, jitterMs: 0 }

/** Legs which are opened together, one or two, and reported on as one: as a rule each other's partners. */
export class MediaSession {
  readonly id: SessionId
  readonly #caller: MediaLeg | undefined
  readonly #callee: MediaLeg | undefined
  /** Ports which have no socket yet. */
  #unbound: number
  #silent = false
  /** Since when all of its legs have said where they are; undefined: not yet. */
  #openedAt: MonotonicMs | undefined
  #countAt: number | undefined

  constructor(id: SessionId, ports: Readonly<Partial<Record<Side, Port>>>) {
    this.id = id
    this.#caller = ports.caller === undefined ? undefined : new MediaLeg(id, 'caller', ports.caller)
    this.#callee = ports.callee === undefined ? undefined : new MediaLeg(id, 'callee', ports.callee)
    if (this.#caller !== undefined && this.#callee !== undefined) this.#caller.connect(this.#callee)
    this.#unbound = this.ports.length
  }

  /** undefined: it never had one, or it is closed. */
  leg(side: Side): MediaLeg | undefined {
    const leg = side === 'caller' ? this.#caller : this.#callee
    return leg?.closed === false ? leg : undefined
  }

  /** Its legs which stand. */
  get legs(): MediaLeg[] {
    return [this.leg('caller'), this.leg('callee')].filter((leg) => leg !== undefined)
  }

  get ports(): RtpPort[] {
    return this.legs.flatMap(portsOf)
  }

  /** One more of its ports has a socket; true: now all have. */
  bound(): boolean {
    return --this.#unbound === 0
  }

  aimed(now: MonotonicMs): void {
    if (this.#isAimed) this.#openedAt ??= now
    this.#silent = false
  }

  /** One of its legs is to be heard from now on, whatever the other is. */
  expects(now: MonotonicMs, leg: MediaLeg): void {
    leg.expectedAt = now
    this.#silent = false
  }

  /** Milliseconds a leg took to begin after all were aimed. */
  firstMs(now: MonotonicMs): number {
    return now - (this.#openedAt ?? now)
  }

  /** Takes the legs from their partners; the ports which are to be released. */
  close(legs: readonly MediaLeg[] = this.legs): RtpPort[] {
    for (const leg of legs) {
      leg.disconnect()
      leg.closed = true
    }
    return legs.flatMap(portsOf)
  }

  report(type: 'counted' | 'closed'): MediaReport {
    const [caller, callee] = [this.#caller?.counters() ?? nothing, this.#callee?.counters() ?? nothing]
    return { type, session: this.id, caller, callee }
  }

  /** Whether it is to be counted again; it may wait, where many are. */
  isDue(now: MonotonicMs): boolean {
    if (!this.#isListenedTo) return false
    this.#countAt ??= now + firstCountMs
    return now >= this.#countAt
  }

  count(now: MonotonicMs): MediaReport {
    this.#countAt = now + countEveryMs
    return this.report('counted')
  }

  /** About once a second: tells who has fallen silent for `timeoutMs`. */
  listen(now: MonotonicMs, timeoutMs: number, tell: (report: MediaReport) => void): void {
    if (!this.#isListenedTo) return
    const [caller, callee] = [this.leg('caller'), this.leg('callee')]
    const ms = now - Math.max(lastHeard(caller), lastHeard(callee))
    const all = ms >= timeoutMs * (isHeld(caller) || isHeld(callee) ? HOLD_TIMES : 1)
    if (all && !this.#silent) tell({ type: 'silent', session: this.id, side: 'both', ms: Math.round(ms) })
    this.#silent = all
    if (caller?.isAimed) listenTo(now, caller, timeoutMs, tell)
    if (callee?.isAimed) listenTo(now, callee, timeoutMs, tell)
  }

  /** Its ports whose peer is silent. */
  eachDeaf(now: MonotonicMs, then: (rtpPort: RtpPort) => void): void {
    eachDeafOf(this.#caller, now, then)
    eachDeafOf(this.#callee, now, then)
  }

  get #isAimed(): boolean {
    const [caller, callee] = [this.leg('caller'), this.leg('callee')]
    const waits = caller?.isAimed === false || callee?.isAimed === false
    return !waits && (caller !== undefined || callee !== undefined)
  }

  /** A party which is there for us alone is listened to though it has no partner yet. */
  get #isListenedTo(): boolean {
    return this.#isAimed || isAnswering(this.leg('caller')) || isAnswering(this.leg('callee'))
  }
}

/** When a leg or its partner was heard last. */
function lastHeard(leg: MediaLeg | undefined): number {
  return leg === undefined ? 0 : Math.max(leg.since, leg.partner?.since ?? 0)
}

/** Whether a party is there for us alone: we were told so, or sounds were played to it and it has spoken, too. */
function isAnswering(leg: MediaLeg | undefined): boolean {
  if (leg?.isAimed && leg.expectedAt !== undefined) return true
  return leg?.heard === true && leg.own !== undefined && leg.own.packets > 0
}

function isHeld(leg: MediaLeg | undefined): boolean {
  return leg?.quiet === true || leg?.partner?.quiet === true
}

function eachDeafOf(leg: MediaLeg | undefined, now: MonotonicMs, then: (rtpPort: RtpPort) => void): void {
  if (leg === undefined || leg.closed) return
  if (leg.rtp.latch.isDeaf(now)) then(leg.rtp)
  if (leg.rtcp.latch.isDeaf(now)) then(leg.rtcp)
}

/** One leg's silence counts only while its partner talks. */
function listenTo(
  now: MonotonicMs,
  leg: MediaLeg,
  timeoutMs: number,
  tell: (report: MediaReport) => void,
): void {
  const { session, side, partner } = leg
  const ms = now - leg.since
  const silent = !leg.quiet && ms >= timeoutMs
  const talkedTo = partner !== undefined && now - partner.since < timeoutMs / 4
  const noticed = silent && (leg.silent || talkedTo)
  if (noticed && !leg.silent) tell({ type: 'silent', session, side, ms: Math.round(ms) })
  leg.silent = noticed
}

function portsOf({ rtp, rtcp }: MediaLeg): RtpPort[] {
  return [rtp, rtcp]
}
