import type { MonotonicMs } from '#contract'
import type { Effect } from '../ground/effects.ts'
import { lacksDescriptors, type MediaCommand, type MediaReport, type SessionId } from '../ground/media.ts'
import type { Ports } from '../media/ports.ts'
import type { ActiveCall } from './call-index.ts'
import { joinedLegs, mediaOn } from './sides.ts'
import { type CallSockets, SpareSessions } from './spare-sessions.ts'

type AimCommand = Extract<MediaCommand, { type: 'aim' }>

/* Implementation */
/** Pairs of ports a call tries, since another program may have one of them. */
const pairsAtMost = 4
const lackEveryMs = 10_000

/** The ports calls have for their sound, and what to raise where there are too few. */
export class CallPorts {
  readonly #ports: Ports
  readonly #spares: SpareSessions
  readonly #emit: (effect: Effect) => void
  #lackSaidAt = Number.NEGATIVE_INFINITY

  /** `name` gives a session number which no other has. */
  constructor(ports: Ports, name: () => SessionId, emit: (effect: Effect) => void) {
    this.#ports = ports
    this.#spares = new SpareSessions(ports, name, emit)
    this.#emit = emit
  }

  /** From now on some are open before a call needs them. */
  begin(now: MonotonicMs): void {
    this.#spares.begin(now)
  }

  /** Both pairs of a call, or why they cannot be had. */
  take(now: MonotonicMs): CallSockets | string {
    const spare = this.#spares.take(now)
    if (spare) return spare
    const ports = this.#ports.both(now)
    if (typeof ports === 'object') return { ports, session: undefined }
    this.#lacking(now, ports)
    return ports
  }

  /** What the media thread says of a session which is no call's; false: it is none of ours. */
  receive(now: MonotonicMs, report: MediaReport): boolean {
    const heard = this.#spares.receive(now, report)
    if (typeof heard === 'string') this.#lacking(now, heard)
    return heard !== false
  }

  /** Gives a call's ports back, if it has any. */
  give(now: MonotonicMs, { call }: ActiveCall): void {
    if (!call.ports) return
    this.#ports.give(now, call.ports.caller)
    this.#ports.give(now, call.ports.callee)
    call.ports = undefined
    // One which speaks in another call by now has a port of that one's.
    for (const leg of [call.caller, ...call.branches, ...joinedLegs(call)])
      if (leg.media?.session === call.session) leg.media = undefined
  }

  /**
   * A leg of a call is aimed: its share of what may be open is smaller where RTCP needs no socket. One which had none and needs
   * one when none is left goes without RTCP: its sound is what matters.
   */
  aimed(now: MonotonicMs, { call: { ports } }: ActiveCall, command: AimCommand): AimCommand {
    const { side, aim } = command
    if (!ports || this.#ports.share(ports[side], aim.mux)) return command
    this.#lacking(now, 'no descriptor left for RTCP')
    return { ...command, aim: { ...aim, isWithoutRtcp: true } }
  }

  /** A port of the range is another program's: another pair is tried, as long as it is only that. False: none is. */
  openOthers(now: MonotonicMs, active: ActiveCall, why: string): boolean {
    const { call, machine } = active
    this.#lacking(now, why)
    if (machine.state !== 'opening' || !call.ports || lacksDescriptors(why)) return false
    if (++active.portRefusals >= pairsAtMost) return false
    const others = this.#ports.both(now)
    if (typeof others === 'string') return false
    this.give(now, active)
    call.ports = others
    call.caller.media = mediaOn(call, 'caller')
    this.#emit({ type: 'media', command: { type: 'open', session: call.session, ports: others } })
    return true
  }

  /** Says what to raise, once in a while: each call which is refused for it has its own record. */
  #lacking(now: MonotonicMs, why: string): void {
    if (now < this.#lackSaidAt + lackEveryMs) return
    this.#lackSaidAt = now
    const raise = /descriptor|MFILE|ENFILE/.test(why)
      ? 'the limit of open files (ulimit -n, LimitNOFILE): a call takes four'
      : 'RTP_PORTS: a call takes two pairs which no other program has'
    this.#emit({ type: 'note', level: 'warn', event: 'media.lacking', fields: { why, raise } })
  }
}
