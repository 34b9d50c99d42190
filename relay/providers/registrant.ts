import type { BeatAnswer, MonotonicMs, ProviderFacts, RegistrationReport } from '#contract'
import { Deadlines } from '../ground/deadlines.ts'
import type { EffectBuffer } from '../ground/effect-buffer.ts'
import type { Note } from '../ground/effects.ts'
import { type Flow, reliable } from '../ground/flow.ts'
import { turn } from '../ground/machine.ts'
import { none } from '../ground/none.ts'
import type { TransactionOutput } from '../transaction/layer.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { OutOfDialogRequests, RequestOver } from '../ua/out-of-dialog.ts'
import { Pacer } from '../ua/pacer.ts'
import {
  type AssignedRegistration,
  assignedRegistration,
  placeKey,
  type RegistrantWakeup,
  registerKey,
  registrationReport,
} from './assigned-registration.ts'
import { accountOf } from './options.ts'
import type { RegisterAnswer } from './register-answer.ts'
import { RegistersInFlight } from './registers-in-flight.ts'
import { type RegistrationEvents, type RegistrationOrder, table } from './registration.ts'

/** What the registrant stands on. */
interface RegistrantDeps {
  readonly endpoint: SipEndpoint
  readonly outOfDialog: OutOfDialogRequests
  readonly effects: EffectBuffer<TransactionOutput>
}

/* Implementation */
/** A relay which takes over hundreds of registrations asks for ten a second. */
const apartMs = 100
/** Connections are kept open for calls which come over them (RFC 5626 §3.5.1). */
const pingMs = 27_000
const ping = new TextEncoder().encode('\r\n\r\n')
const unwanted = 'it is disabled, deleted, or not to be registered any more'

/**
 * Registers at providers, one relay at each: the one the edge has told to, under an epoch (§ registrations of a beat).
 *
 * While the edge is away it keeps what it holds. Handed to another relay, it stops and leaves its contact to expire,
 * for the other's stands beside it; withdrawn, or given up by ourselves, it takes its contact back.
 */
export class Registrant {
  readonly #deps: RegistrantDeps
  readonly #held = new Map<string, AssignedRegistration>()
  readonly #registers: RegistersInFlight
  readonly #deadlines = new Deadlines<RegistrantWakeup>()
  readonly #pacer = new Pacer(apartMs)
  #facts = new Map<string, ProviderFacts>()
  #draining = false

  constructor(deps: RegistrantDeps) {
    this.#deps = deps
    this.#registers = new RegistersInFlight(deps)
  }

  /** Registrations which stand, and those being taken back. */
  get size(): number {
    let count = this.#registers.leaving
    for (const { registration } of this.#held.values()) if (registration.memory.until !== undefined) count++
    return count
  }

  /** Whether calls come over this connection. */
  needs({ connection }: Flow): boolean {
    if (connection === undefined) return false
    for (const { over } of this.#held.values()) if (over?.connection === connection) return true
    return false
  }

  /** The route for calls out which a provider gave us with the present registration; empty: none. */
  serviceRoute(providerId: string): readonly string[] {
    const held = this.#held.get(providerId)
    return held?.registration.memory.until === undefined ? none : held.route
  }

  /** All providers there are, as they are configured now. */
  configure(now: MonotonicMs, list: readonly ProviderFacts[]): void {
    this.#facts = new Map(list.map((facts) => [facts.id, facts]))
    for (const held of this.#held.values()) this.#review(now, held)
  }

  /** What the edge says is ours to keep, and what is to be kept by no relay any more; the rest another one keeps. */
  assigned(now: MonotonicMs, list: BeatAnswer['registrations'], withdrawn: BeatAnswer['withdrawn']): void {
    const epochs = new Map(list.map(({ provider_id, epoch }) => [provider_id, epoch]))
    for (const held of this.#held.values()) {
      if (epochs.has(held.id)) continue
      if (withdrawn.includes(held.id)) this.#leave(now, held, unwanted)
      this.#drop(now, held)
    }
    for (const [id, epoch] of epochs) {
      const held = this.#held.get(id) ?? this.#hold(now, id, epoch)
      held.epoch = Math.max(held.epoch, epoch)
    }
  }

  /** Takes every contact back: another relay registers now. */
  drain(now: MonotonicMs): void {
    this.#draining = true
    for (const held of this.#held.values()) this.#leave(now, held, 'this relay takes no new calls')
  }

  /** Registers again what the edge has it keep. */
  resume(now: MonotonicMs): void {
    this.#draining = false
    for (const held of this.#held.values()) this.#review(now, held)
  }

  /** A connection is gone: what was registered over it is registered anew. */
  closed(now: MonotonicMs, { connection }: Flow): void {
    if (connection === undefined) return
    for (const held of this.#held.values()) {
      if (held.over?.connection !== connection) continue
      held.over = undefined
      this.#deadlines.cancel(held.pinged)
      this.#step(now, held, 'cut', { now })
    }
  }

  /** A request is over; false: it is no REGISTER of ours. */
  over(now: MonotonicMs, request: RequestOver): boolean {
    const over = this.#registers.over(now, request)
    if (typeof over === 'object') this.#answered(now, over.held, over.answer)
    return over !== undefined
  }

  reports(): RegistrationReport[] {
    const { epoch } = this.#deps.endpoint
    return [...this.#held.values()].flatMap((held) => registrationReport(held, epoch) ?? [])
  }

  tick(now: MonotonicMs): void {
    for (let due = this.#deadlines.due(now); due; due = this.#deadlines.due(now)) due.ring(now)
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  #hold(now: MonotonicMs, id: string, epoch: number): AssignedRegistration {
    const held = assignedRegistration(now, id, epoch, this.#deps.endpoint)
    this.#held.set(id, held)
    this.#review(now, held)
    return held
  }

  /** Its configuration may have changed: what concerns the registration is acted upon at once. */
  #review(now: MonotonicMs, held: AssignedRegistration): void {
    const before = held.facts
    const facts = this.#facts.get(held.id)
    const wanted = facts?.enabled && !facts.deleted && facts.register && !this.#draining
    if (!facts || !wanted) {
      if (before) this.#leave(now, held, unwanted)
      held.facts = facts ?? before
      return
    }
    const fresh = held.registration.state === 'not_registered'
    if (before && !fresh && registerKey(before) === registerKey(facts)) {
      held.facts = facts
      return
    }
    if (before && placeKey(before) !== placeKey(facts)) this.#leave(now, held, 'it moved')
    held.facts = facts
    this.#registers.giveUp(now, held)
    this.#step(now, held, 'changed', { now, expires: facts.register_expires })
  }

  /** It is held here no longer. What still stands another relay has: nothing is sent, our contact expires by itself. */
  #drop(now: MonotonicMs, held: AssignedRegistration): void {
    this.#registers.giveUp(now, held)
    this.#rest(held)
    this.#held.delete(held.id)
    if (held.registration.state !== 'not_registered') this.#note('info', held, 'registration.handed_over')
  }

  #leave(now: MonotonicMs, held: AssignedRegistration, why: string): void {
    const { facts, registration, inFlight: request } = held
    // What is in the air may be granted after all.
    const asked = request?.sent?.flow
    const at = registration.memory.until === undefined ? asked : (held.at ?? asked)
    this.#registers.giveUp(now, held)
    if (at && facts) this.#registers.takeBack(now, held, facts, at)
    held.at = undefined
    held.over = undefined
    this.#step(now, held, 'left', { why })
  }

  #rest(held: AssignedRegistration): void {
    this.#deadlines.cancel(held.due)
    this.#deadlines.cancel(held.lapse)
    this.#deadlines.cancel(held.pinged)
  }

  #step<E extends keyof RegistrationEvents>(
    now: MonotonicMs,
    held: AssignedRegistration,
    name: E,
    event: RegistrationEvents[E],
  ): void {
    const before = held.registration.state
    const orders = turn(table, held.registration, name, event)
    if (held.registration.state !== before) this.#changed(now, held)
    for (const order of orders) this.#carryOut(now, held, order)
  }

  #changed(now: MonotonicMs, held: AssignedRegistration): void {
    held.since = now
    const { state } = held.registration
    const bad = state === 'failed' || state === 'auth_failed'
    this.#note(bad ? 'warn' : state === 'pending' ? 'debug' : 'info', held, `registration.${state}`)
  }

  #carryOut(now: MonotonicMs, held: AssignedRegistration, order: RegistrationOrder): void {
    switch (order.type) {
      case 'register':
        return this.#register(now, held, order.seconds)
      case 'wake':
        return this.#wake(now, held, order.at)
      case 'lapse': {
        this.#deadlines.cancel(held.lapse)
        const ring = (later: MonotonicMs) => this.#step(later, held, 'lapsed', undefined)
        held.lapse = this.#deadlines.set(order.at, { ring })
        return
      }
      case 'rest':
        return this.#rest(held)
    }
  }

  /** What is due now waits for its turn in the row of all that are. */
  #wake(now: MonotonicMs, held: AssignedRegistration, at: number): void {
    this.#deadlines.cancel(held.due)
    const ring = (later: MonotonicMs) => this.#step(later, held, 'due', { now: later })
    const inRow = (later: MonotonicMs) => {
      const place = this.#pacer.next(later)
      if (place <= later) ring(later)
      else held.due = this.#deadlines.set(place, { ring })
    }
    if (at <= now) return inRow(now)
    held.due = this.#deadlines.set(at, { ring: inRow })
  }

  #register(now: MonotonicMs, held: AssignedRegistration, wanted: number): void {
    const { facts } = held
    if (!facts) return
    this.#registers.giveUp(now, held)
    const credentials = accountOf(facts)
    if (!credentials) {
      const why = facts.locked ? 'its password cannot be opened' : 'it has no username and password'
      return this.#step(now, held, 'denied', { now, status: 0, why })
    }
    this.#registers.ask(now, held, facts, credentials, wanted)
  }

  #answered(now: MonotonicMs, held: AssignedRegistration, { name, event, by }: RegisterAnswer): void {
    if (by) {
      Object.assign(held, by)
      if (reliable(by.over)) this.#keepOpen(now, held, by.over)
    }
    this.#step(now, held, name, event)
  }

  #keepOpen(now: MonotonicMs, held: AssignedRegistration, flow: Flow): void {
    this.#deadlines.cancel(held.pinged)
    const ring = (later: MonotonicMs) => {
      this.#deps.effects.emit({ type: 'send', flow, bytes: ping })
      this.#keepOpen(later, held, flow)
    }
    held.pinged = this.#deadlines.set(now + pingMs, { ring })
  }

  #note(level: Note['level'], { id, epoch, facts, registration }: AssignedRegistration, event: string): void {
    const { status, why } = registration.memory
    this.#deps.effects.note(level, event, { provider_id: id, name: facts?.name, epoch, status, why })
  }
}
