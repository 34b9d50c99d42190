import type { BeatAnswer, MonotonicMs, ProviderFacts, RegistrationReport } from '#contract'
import { Deadlines } from '../ground/deadlines.ts'
import type { EffectBuffer } from '../ground/effect-buffer.ts'
import type { Note } from '../ground/effects.ts'
import { type Flow, reliable } from '../ground/flow.ts'
import { turn } from '../ground/machine.ts'
import type { TransactionOutput } from '../transaction/layer.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type {
  OutOfDialogRequests,
  RequestInFlight,
  RequestOutcome,
  RequestOver,
} from '../ua/out-of-dialog.ts'
import { Pacer } from '../ua/pacer.ts'
import {
  type AssignedRegistration,
  assignedRegistration,
  placeKey,
  type RegistrantWakeup,
  registerKey,
  registrationReport,
} from './assigned-registration.ts'
import { grantedSeconds, serviceRouteOf } from './grant.ts'
import { accountOf, targetOf } from './options.ts'
import { registerFor, seconds } from './register-request.ts'
import { type RegistrationEvents, type RegistrationOrder, table } from './registration.ts'

/** What the registrant stands on. */
interface RegistrantDeps {
  readonly endpoint: SipEndpoint
  readonly outOfDialog: OutOfDialogRequests
  readonly effects: EffectBuffer<TransactionOutput>
}

/* Implementation */
/** One address may be silent so long: a second one is then heard within the time a hand-over may take. */
const timeoutMs = 4_000
/** A relay which takes over hundreds of registrations asks for ten a second. */
const apartMs = 100
/** Connections are kept open for calls which come over them (RFC 5626 §3.5.1). */
const pingMs = 27_000
const ping = new TextEncoder().encode('\r\n\r\n')
const unwanted = 'it is disabled, deleted, or not to be registered any more'

interface AskedRegistration {
  readonly held: AssignedRegistration
  readonly facts: ProviderFacts
  readonly wanted: number
}

/**
 * Registers at providers, one relay at each: the one the edge has told to, under an epoch (§ registrations of a beat).
 *
 * While the edge is away it keeps what it holds. Handed to another relay, it stops and leaves its contact to expire,
 * for the other's stands beside it; withdrawn, or given up by ourselves, it takes its contact back.
 */
export class Registrant {
  readonly #deps: RegistrantDeps
  readonly #held = new Map<string, AssignedRegistration>()
  /** REGISTERs under way, and for how many seconds they ask. */
  readonly #asked = new Map<RequestInFlight, AskedRegistration>()
  readonly #leaving = new Set<RequestInFlight>()
  readonly #deadlines = new Deadlines<RegistrantWakeup>()
  readonly #pacer = new Pacer(apartMs)
  #facts = new Map<string, ProviderFacts>()
  #draining = false

  constructor(deps: RegistrantDeps) {
    this.#deps = deps
  }

  /** Registrations which stand, and those being taken back. */
  get size(): number {
    let count = this.#leaving.size
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
    return held?.registration.memory.until === undefined ? [] : held.route
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
    for (const held of this.#held.values()) this.#leave(now, held, 'this relay is shutting down')
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
  over(now: MonotonicMs, { request, outcome }: RequestOver): boolean {
    const asked = this.#asked.get(request)
    this.#asked.delete(request)
    if (!asked) return this.#leaving.delete(request)
    asked.held.inFlight = undefined
    this.#done(now, asked.held, asked.facts, asked.wanted, outcome)
    return true
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
    this.#giveUp(now, held)
    this.#step(now, held, 'changed', { now, expires: facts.register_expires })
  }

  /** It is held here no longer. What still stands another relay has: nothing is sent, our contact expires by itself. */
  #drop(now: MonotonicMs, held: AssignedRegistration): void {
    this.#giveUp(now, held)
    this.#rest(held)
    this.#held.delete(held.id)
    if (held.registration.state !== 'not_registered') this.#note('info', held, 'registration.handed_over')
  }

  #leave(now: MonotonicMs, held: AssignedRegistration, why: string): void {
    const { facts, registration, inFlight: request } = held
    // What is in the air may be granted after all.
    const asked = request?.sent?.flow
    const at = registration.memory.until === undefined ? asked : (held.at ?? asked)
    this.#giveUp(now, held)
    if (at && facts) this.#takeBack(now, held, facts, at)
    held.at = undefined
    held.over = undefined
    this.#step(now, held, 'left', { why })
  }

  #takeBack(now: MonotonicMs, held: AssignedRegistration, facts: ProviderFacts, at: Flow): void {
    const { outOfDialog, endpoint } = this.#deps
    const request = outOfDialog.run(now, {
      target: targetOf(facts),
      at,
      timeoutMs,
      credentials: accountOf(facts),
      every: 0,
      build: registerFor(facts, endpoint, held.series, 0),
    })
    this.#leaving.add(request)
  }

  #giveUp(now: MonotonicMs, held: AssignedRegistration): void {
    if (!held.inFlight) return
    this.#asked.delete(held.inFlight)
    this.#deps.outOfDialog.abandon(now, held.inFlight)
    held.inFlight = undefined
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
    const { outOfDialog, endpoint } = this.#deps
    const { facts } = held
    if (!facts) return
    this.#giveUp(now, held)
    const credentials = accountOf(facts)
    if (!credentials) {
      const why = facts.locked ? 'its password cannot be opened' : 'it has no username and password'
      return this.#step(now, held, 'denied', { now, status: 0, why })
    }
    held.inFlight = outOfDialog.run(now, {
      target: targetOf(facts),
      first: held.at,
      timeoutMs,
      credentials,
      every: 0,
      build: registerFor(facts, endpoint, held.series, wanted),
    })
    this.#asked.set(held.inFlight, { held, facts, wanted })
  }

  #done(
    now: MonotonicMs,
    held: AssignedRegistration,
    facts: ProviderFacts,
    wanted: number,
    { tries, why }: RequestOutcome,
  ): void {
    const last = tries.at(-1)
    const response = last?.response
    if (!last || !response) {
      return this.#step(now, held, 'refused', { now, status: 0, why, retryAfter: undefined })
    }
    const { status } = last
    if (status < 300) return this.#granted(now, held, facts, wanted, last)
    if (status === 423) {
      const least = seconds(response.header('min-expires'))
      return this.#step(now, held, 'tooBrief', { now, seconds: least, why: last.why })
    }
    if (status === 401 || status === 403 || status === 407)
      return this.#step(now, held, 'denied', { now, status, why: last.why })
    const retryAfter = status >= 500 ? seconds(response.header('retry-after')) : undefined
    this.#step(now, held, 'refused', { now, status, why: last.why, retryAfter })
  }

  #granted(
    now: MonotonicMs,
    held: AssignedRegistration,
    facts: ProviderFacts,
    wanted: number,
    last: RequestOutcome['tries'][number],
  ): void {
    const { status, response, flow, over } = last
    const { endpoint } = this.#deps
    const granted = response && grantedSeconds(response, facts, endpoint, flow, wanted)
    if (!granted) {
      const why = `${last.why}, but for no time at all`
      return this.#step(now, held, 'refused', { now, status, why, retryAfter: undefined })
    }
    held.at = flow
    held.over = over
    held.route = serviceRouteOf(response, flow)
    if (reliable(over)) this.#keepOpen(now, held, over)
    this.#step(now, held, 'granted', { now, seconds: granted, status, why: last.why })
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
