import {
  type CallTell,
  type MessagesTell,
  messageBytesAtMost,
  messagesAtMost,
  type SipMessage,
  type Snapshot,
  type Transport,
  utcMs,
} from '#contract'
import type { SignalledLeg } from '../call/signalled-legs.ts'
import type { SnapshotConfirmation, VerifiedSnapshot } from '../ground/effects.ts'
import { type Flow, hostPort } from '../ground/flow.ts'
import { redacted } from '../sip/redact.ts'
import type { HostDeps } from './host.ts'
import { shownText } from './shown-text.ts'
import type { MessageTap } from './wires.ts'

interface CaptureOptions {
  readonly relayId: string
  /** UTC ms, as calls have it. */
  utc(): number
  /** host:port of ours where that is taken. */
  place(transport: Transport): string
  /** A UUIDv7 for an instant. */
  uuid(at: ReturnType<typeof utcMs>): string
  tell(tell: MessagesTell): void
  /** Octets of all messages here. */
  readonly bytesAtMost?: number
  readonly quietMs?: number
  readonly lingerMs?: number
}

/** A message as it was seen. */
interface SeenMessage extends Omit<SipMessage, 'ms' | 'text'> {
  readonly at: number
  readonly serial: number
  readonly size: number
  /** As it was read or written, then as it is told. */
  bytes: Uint8Array | undefined
  text: string
}

/** What passed under one Call-ID of which it is not known yet whose call that is. */
interface LooseMessages {
  readonly since: number
  readonly seen: SeenMessage[]
}

interface CapturedCall {
  readonly id: string
  readonly customerId: string
  readonly startedAt: number
  readonly secretsByCallId: Map<string, ReadonlySet<string>>
  readonly seen: SeenMessage[]
  bytes: number
  leftOut: number
  sequence: number
  /** Told within a second. */
  due: NodeJS.Timeout | undefined
  /** Forgotten then: it is over. */
  end: NodeJS.Timeout | undefined
}

/* Implementation */
const usualBytes = 32 * 1024 * 1024
/** What passed before a call was decided is kept as long as an INVITE may take to be answered (Timer B, RFC 3261 §17.1.1.2). */
const looseMs = 32_000
const looseAtMost = 4_000
const looseMessages = 24
/** Of a call with too many messages those in its middle go: how it began and what came last say most. */
const beginning = 40

/**
 * Keeps the SIP messages of calls whose customers want that, and tells them a second after the last of a few came, the
 * whole of a call each time.
 *
 * An INVITE is seen before it is known whose it is: while any customer wants it, what passes under its Call-ID is kept until
 * the call's first tell says so, or too long. REGISTER, OPTIONS and the like begin nothing.
 */
export class Capture {
  readonly #options: CaptureOptions
  readonly #customers = new Set<string>()
  readonly #loose = new Map<string, LooseMessages>()
  readonly #callById = new Map<string, CapturedCall>()
  readonly #callBySipCallId = new Map<string, CapturedCall>()
  #bytes = 0
  #serial = 0

  constructor(options: CaptureOptions) {
    this.#options = options
  }

  /** Octets of messages which are kept. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether a customer wants it: as its configuration says now. */
  configure(customerId: string, wanted: boolean): void {
    if (wanted) this.#customers.add(customerId)
    else this.#customers.delete(customerId)
    if (this.#customers.size === 0) this.#forgetLoose(Number.POSITIVE_INFINITY)
  }

  /** For every message: costs nothing while no customer wants any. */
  readonly tap: MessageTap = (direction, flow, bytes) => {
    if (this.#customers.size > 0 || this.#callById.size > 0) this.#see(direction, flow, bytes)
  }

  /** A call as it stands: its legs' messages are its own from now on. `legs` is asked only where that is wanted. */
  called({ call }: CallTell, legs: () => readonly SignalledLeg[] | undefined): void {
    const known = this.#callById.get(call.call_id)
    if (!known && !this.#customers.has(call.customer_id)) return
    const captured = known ?? this.#begin(call)
    this.#claim(captured, { sipCallId: call.sip_call_id, secretHeaders: [] })
    for (const leg of legs() ?? []) this.#claim(captured, leg)
    if (call.ended_at !== null) this.#over(captured)
  }

  /** Tells what was not told. */
  stop(): void {
    for (const call of this.#callById.values()) {
      clearTimeout(call.end)
      if (call.due) this.#tell(call)
    }
    this.#callById.clear()
    this.#callBySipCallId.clear()
  }

  #see(direction: 'in' | 'out', flow: Flow, bytes: Uint8Array): void {
    const sipCallId = sipCallIdOf(bytes)
    if (sipCallId === undefined) return
    const call = this.#callBySipCallId.get(sipCallId)
    const loose = call ? undefined : this.#looseOf(sipCallId, bytes)
    if (!call && (!loose || loose.seen.length >= looseMessages)) return
    if (!this.#roomFor(bytes.length)) {
      if (call) call.leftOut++
      return
    }
    const { transport } = flow
    const address = hostPort(flow.address, flow.port)
    const seen: SeenMessage = {
      direction,
      transport,
      address,
      local_address: this.#options.place(transport),
      sip_call_id: sipCallId,
      at: this.#options.utc(),
      serial: this.#serial++,
      size: bytes.length,
      // A stream's octets are a part of what was read at once.
      bytes: bytes.slice(),
      text: '',
    }
    this.#bytes += seen.size
    if (call) this.#add(call, seen)
    else loose?.seen.push(seen)
  }

  #looseOf(sipCallId: string, bytes: Uint8Array): LooseMessages | undefined {
    const known = this.#loose.get(sipCallId)
    if (known || !isInvite(bytes)) return known
    const now = this.#options.utc()
    this.#forgetLoose(now - looseMs)
    const made = { since: now, seen: [] }
    this.#loose.set(sipCallId, made)
    if (this.#loose.size > looseAtMost) this.#forgetOldest()
    return made
  }

  /** Strangers' INVITEs make room first. */
  #roomFor(size: number): boolean {
    const { bytesAtMost = usualBytes } = this.#options
    while (this.#bytes + size > bytesAtMost && this.#loose.size > 0) this.#forgetOldest()
    return this.#bytes + size <= bytesAtMost
  }

  /** They are in the order they began. */
  #forgetLoose(before: number): void {
    for (const { since } of this.#loose.values()) {
      if (since >= before) return
      this.#forgetOldest()
    }
  }

  #forgetOldest(): void {
    const [oldest] = this.#loose.keys()
    for (const { size } of this.#takeLoose(oldest ?? '') ?? []) this.#bytes -= size
  }

  #takeLoose(sipCallId: string): SeenMessage[] | undefined {
    const loose = this.#loose.get(sipCallId)
    this.#loose.delete(sipCallId)
    return loose?.seen
  }

  #begin({ call_id: id, customer_id: customerId, started_at }: CallTell['call']): CapturedCall {
    const made = {
      id,
      customerId,
      startedAt: Date.parse(started_at),
      secretsByCallId: new Map(),
      seen: [],
      bytes: 0,
      leftOut: 0,
      sequence: 0,
      due: undefined,
      end: undefined,
    }
    this.#callById.set(id, made)
    return made
  }

  /** A leg which speaks in another call by now is that one's from then on. */
  #claim(call: CapturedCall, { sipCallId, secretHeaders }: SignalledLeg): void {
    if (this.#callBySipCallId.get(sipCallId) === call && secretHeaders.length === 0) return
    this.#callBySipCallId.set(sipCallId, call)
    call.secretsByCallId.set(sipCallId, new Set(secretHeaders))
    for (const seen of this.#takeLoose(sipCallId) ?? []) this.#add(call, seen)
  }

  #add(call: CapturedCall, seen: SeenMessage): void {
    call.seen.push(seen)
    if ((call.seen.at(-2)?.serial ?? -1) > seen.serial)
      call.seen.sort((one, other) => one.serial - other.serial)
    call.bytes += seen.size
    while (call.seen.length > 1 && (call.bytes > messageBytesAtMost || call.seen.length > messagesAtMost)) {
      const [left] = call.seen.splice(Math.min(beginning, call.seen.length - 2), 1)
      call.leftOut++
      call.bytes -= left?.size ?? 0
      this.#bytes -= left?.size ?? 0
    }
    call.due ??= setTimeout(() => this.#tell(call), this.#options.quietMs ?? 1_000)
  }

  #tell(call: CapturedCall): void {
    clearTimeout(call.due)
    call.due = undefined
    const at = utcMs(Math.floor(this.#options.utc()))
    this.#options.tell({
      kind: 'messages',
      tell_id: this.#options.uuid(at),
      sequence: ++call.sequence,
      at: new Date(at).toISOString(),
      relay_id: this.#options.relayId,
      customer_id: call.customerId,
      call_id: call.id,
      left_out: call.leftOut,
      messages: call.seen.map((seen) => told(call, seen)),
    })
  }

  #over(call: CapturedCall): void {
    call.end ??= setTimeout(() => this.#forget(call), this.#options.lingerMs ?? 2 * looseMs).unref()
  }

  #forget(call: CapturedCall): void {
    if (call.due) this.#tell(call)
    this.#bytes -= call.bytes
    this.#callById.delete(call.id)
    for (const sipCallId of call.secretsByCallId.keys())
      if (this.#callBySipCallId.get(sipCallId) === call) this.#callBySipCallId.delete(sipCallId)
  }
}

/** Snapshots on disk, of which a capture hears whose calls' messages are wanted. */
export function capturedBy(capture: Capture, snapshots: HostDeps['snapshots']) {
  const look = ({ customer_id, customer }: Snapshot) =>
    capture.configure(customer_id, customer.capture_messages)
  return {
    look,
    confirm: (confirmed: SnapshotConfirmation) => snapshots.confirm(confirmed),
    keep(verified: VerifiedSnapshot) {
      look(verified.snapshot)
      snapshots.keep(verified)
    },
    discard(customerId: string) {
      capture.configure(customerId, false)
      snapshots.discard(customerId)
    },
  }
}

/** Its secrets are masked before it is told for the first time, and its octets are then let go. */
function told({ startedAt, secretsByCallId }: CapturedCall, seen: SeenMessage): SipMessage {
  const { bytes, at, serial: _, size: __, text: ___, ...shown } = seen
  if (bytes) {
    seen.text = redacted(shownText(bytes), {
      hidden: secretsByCallId.get(seen.sip_call_id),
      ours: seen.direction === 'out',
    })
    seen.bytes = undefined
  }
  return { ...shown, ms: Math.round((at - startedAt) * 1000) / 1000, text: seen.text }
}

const headBytes = 8 * 1024

/** undefined: it names none, and is no message of a call. */
function sipCallIdOf(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, headBytes)).toString(
    'latin1',
  )
  const end = text.search(/\r?\n\r?\n/)
  const found = /^(?:call-id|i)[ \t]*:(?:[ \t]|\r?\n[ \t])*(\S+)[ \t]*\r?$/im.exec(
    end < 0 ? text : text.slice(0, end + 2),
  )
  return found?.[1]
}

function isInvite(bytes: Uint8Array): boolean {
  return (
    Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 7)).toString('latin1') === 'INVITE '
  )
}
