import type { MonotonicMs, Port } from '#contract'
import type { Effect } from '../ground/effects.ts'
import { lacksDescriptors, type MediaReport, type SessionId, type Side } from '../ground/media.ts'
import type { Ports } from '../media/ports.ts'

/** Calls which may begin within the moment the media thread takes to open more sockets. */
const sparesAtMost = 16
/** Of all pairs there may be, one in so many stands ready. */
const share = 32
/** After a system call was refused for want of descriptors none is tried for this long: calls need them. */
const restMs = 10_000

/** Both pairs of a call's ports; `session`: their sockets are there already, under this number. */
export interface CallSockets {
  readonly ports: Record<Side, Port>
  readonly session: SessionId | undefined
}

/**
 * Sessions which are opened ahead, so that a call finds its sockets open and an INVITE waits for none.
 *
 * They are opened several at a time, when half are used up. What comes to one before it is a call's is read and dropped.
 */
export class SpareSessions {
  readonly #ports: Ports
  readonly #name: () => SessionId
  readonly #emit: (effect: Effect) => void
  readonly #ready: CallSockets[] = []
  readonly #opening = new Map<SessionId, Record<Side, Port>>()
  #most = 0
  #restsUntil = Number.NEGATIVE_INFINITY

  /** `name` gives a session number which no other has. */
  constructor(ports: Ports, name: () => SessionId, emit: (effect: Effect) => void) {
    this.#ports = ports
    this.#name = name
    this.#emit = emit
  }

  /** From now on some are kept ready, if there are ports enough. */
  begin(now: MonotonicMs): void {
    this.#most = Math.min(sparesAtMost, Math.floor(this.#ports.atMost / (2 * share)))
    this.#fill(now)
  }

  /** undefined: none is ready. */
  take(now: MonotonicMs): CallSockets | undefined {
    const spare = this.#ready.pop()
    if ((this.#ready.length + this.#opening.size) * 2 <= this.#most) this.#fill(now)
    return spare
  }

  /** What the media thread says of one of these: false where it is none, else why it was refused, or true. */
  receive(now: MonotonicMs, report: MediaReport): boolean | string {
    const ports = this.#opening.get(report.session)
    if (ports === undefined) return false
    this.#opening.delete(report.session)
    if (report.type !== 'failed') {
      this.#ready.push({ session: report.session, ports })
      return true
    }
    this.#ports.give(now, ports.caller)
    this.#ports.give(now, ports.callee)
    if (lacksDescriptors(report.why)) this.#restsUntil = now + restMs
    return report.why
  }

  #fill(now: MonotonicMs): void {
    if (now < this.#restsUntil) return
    for (let some = this.#ready.length + this.#opening.size; some < this.#most; some++) {
      const ports = this.#ports.both(now)
      if (typeof ports === 'string') return
      const session = this.#name()
      this.#opening.set(session, ports)
      this.#emit({ type: 'media', command: { type: 'open', session, ports } })
    }
  }
}
