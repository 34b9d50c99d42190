import {
  type CallTell,
  type FlowTransport,
  type MessagesTell,
  messageBytesAtMost,
  messagesAtMost,
  type SipMessage,
  type Snapshot,
  utcMs,
} from '#contract'
import type { SignalledLeg } from '../call/signalled-legs.ts'
import type { SnapshotConfirmation, VerifiedSnapshot } from '../ground/effects.ts'
import { type Flow, hostPort } from '../ground/flow.ts'
import { redacted } from '../sip/redact.ts'
import type { HostDeps } from './host.ts'
import { type LegMarks, marksOf, namesOf } from './leg-marks.ts'
import type { SecretHeaders } from './shown-message.ts'
import { shownText } from './shown-text.ts'
import type { MessageTap } from './wires.ts'

interface CaptureOptions {
  readonly relayId: string
  /** UTC ms, as calls have it. */
  utc(): number
  /** host:port of ours where that is taken. */
  place(transport: FlowTransport): string
  /** A UUIDv7 for an instant. */
  uuid(at: ReturnType<typeof utcMs>): string
  tell(tell: MessagesTell): void
  readonly secretHeaders: SecretHeaders
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
  seen: SeenMessage[]
  /** Of a call which comes back to us by a proxy: what its first leg sent may be in it still. */
  readonly secrets: Set<string>
}

interface CapturedCall {
  readonly id: string
  readonly customerId: string
  readonly startedAt: number
  readonly secretsByCallId: Map<string, Set<string>>
  /** Its dialogs and the requests by which they begin (`LegMarks`). */
  readonly names: Set<string>
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
 * the call's first tell says so, or too long. REGISTER, OPTIONS and the like begin nothing. A call takes the messages of its own
 * dialogs alone: under the same Call-ID there may be another customer's.
 */
export class Capture {
  readonly #options: CaptureOptions
  readonly #customers = new Set<string>()
  readonly #loose = new Map<string, LooseMessages>()
  readonly #callById = new Map<string, CapturedCall>()
  readonly #callByName = new Map<string, CapturedCall>()
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
  called({ call }: CallTell, legs: () => readonly SignalledLeg[]): void {
    const known = this.#callById.get(call.call_id)
    if (!known && !this.#customers.has(call.customer_id)) return
    const captured = known ?? this.#begin(call)
    for (const leg of legs()) this.#claim(captured, leg)
    if (call.ended_at !== null) this.#over(captured)
  }

  /** Tells what was not told. */
  stop(): void {
    for (const call of this.#callById.values()) {
      clearTimeout(call.end)
      if (call.due) this.#tell(call)
    }
    this.#callById.clear()
    this.#callByName.clear()
  }

  #see(direction: 'in' | 'out', flow: Flow, bytes: Uint8Array): void {
    const address = hostPort(flow.address, flow.port)
    const marks = marksOf({ direction, address, bytes })
    if (marks === undefined) return
    const call = this.#callOf(marks)
    const loose = call ? undefined : this.#looseOf(marks)
    if (!call && (!loose || loose.seen.length >= looseMessages)) return
    const { sipCallId } = marks
    // What these octets belong to may be what made room for them.
    if (!this.#roomFor(bytes.length) || (loose && this.#loose.get(sipCallId) !== loose)) {
      if (call) call.leftOut++
      return
    }
    const { transport } = flow
    const seen: SeenMessage = {
      direction,
      transport,
      address,
      local_address: this.#options.place(transport),
      sip_call_id: sipCallId,
      at: this.#options.utc(),
      serial: this.#serial++,
      size: bytes.length,
      // A stream's octets are a part of what was read at once; `slice` of a Buffer copies nothing.
      bytes: new Uint8Array(bytes),
      text: '',
    }
    this.#bytes += seen.size
    if (call) this.#add(call, seen)
    else loose?.seen.push(seen)
  }

  /** By what is answered to its INVITE our tag in its dialog is known. */
  #callOf({ request = '', dialog = '', names }: LegMarks): CapturedCall | undefined {
    const asked = this.#callByName.get(request)
    if (asked && names && dialog !== '') this.#hold(asked, dialog)
    return asked ?? this.#callByName.get(dialog)
  }

  #looseOf({ sipCallId, begins, wish }: LegMarks): LooseMessages | undefined {
    const loose = this.#loose.get(sipCallId) ?? (begins ? this.#makeLoose(sipCallId) : undefined)
    if (loose && wish !== undefined)
      for (const name of this.#options.secretHeaders(sipCallId)) loose.secrets.add(name)
    return loose
  }

  #makeLoose(sipCallId: string): LooseMessages {
    const now = this.#options.utc()
    this.#forgetLoose(now - looseMs)
    const made = { since: now, seen: [], secrets: new Set<string>() }
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
    const [oldest] = this.#loose
    if (!oldest) return
    this.#loose.delete(oldest[0])
    for (const { size } of oldest[1].seen) this.#bytes -= size
  }

  #begin({ call_id: id, customer_id: customerId, started_at }: CallTell['call']): CapturedCall {
    const made = {
      id,
      customerId,
      startedAt: Date.parse(started_at),
      secretsByCallId: new Map(),
      names: new Set<string>(),
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

  #claim(call: CapturedCall, leg: SignalledLeg): void {
    const { sipCallId, secretHeaders } = leg
    const { dialog, request } = namesOf(leg)
    const secrets = call.secretsByCallId.get(sipCallId) ?? new Set()
    for (const name of secretHeaders) secrets.add(name)
    for (const name of this.#loose.get(sipCallId)?.secrets ?? []) secrets.add(name)
    call.secretsByCallId.set(sipCallId, secrets)
    this.#hold(call, dialog)
    if (request !== undefined) this.#hold(call, request)
    this.#take(call, sipCallId, request)
  }

  /** A leg which speaks in another call of its customer's by now is that one's from then on. */
  #hold(call: CapturedCall, name: string): void {
    const holder = this.#callByName.get(name)
    if (holder === call || (holder && holder.customerId !== call.customerId)) return
    this.#callByName.set(name, call)
    call.names.add(name)
  }

  /** What passed of its legs; of an INVITE which was let in, too, as it came before: without a proof. */
  #take(call: CapturedCall, sipCallId: string, request: string | undefined): void {
    const loose = this.#loose.get(sipCallId)
    if (!loose) return
    // Read anew: what strangers sent takes no more memory than it is long.
    const read = loose.seen.map((seen) => ({ seen, marks: marksOf(seen) }))
    const came = read.find(({ marks }) => marks?.wish !== undefined && marks.request === request)
    for (const { marks } of read)
      if (came && marks?.request && marks.wish === came.marks?.wish) this.#hold(call, marks.request)
    loose.seen = []
    for (const { seen, marks } of read)
      if (marks && this.#callOf(marks) === call) this.#add(call, seen)
      else loose.seen.push(seen)
    if (loose.seen.length === 0) this.#loose.delete(sipCallId)
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
    for (const name of call.names) if (this.#callByName.get(name) === call) this.#callByName.delete(name)
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
