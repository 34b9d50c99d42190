import { type MonotonicMs, monotonicMs, parseUtc, type UtcMs, utcMs } from '#contract'
import { Challenger } from './auth/challenger.ts'
import { SourceBlocks } from './auth/source-blocks.ts'
import type { LegFound } from './call/call-index.ts'
import { Calls } from './call/calls.ts'
import { admits } from './call/path.ts'
import { reasonsOf } from './call/reason.ts'
import { receiveInDialog } from './dialog/dialog.ts'
import { Corrections, type TimeTold } from './ground/clock.ts'
import { EffectBuffer } from './ground/effect-buffer.ts'
import type { Effect, Input } from './ground/effects.ts'
import { type Flow, reliable } from './ground/flow.ts'
import { type BeatPart, type BeatReporter, silent } from './ground/reporter.ts'
import { AdmissionControl, type ServedDomains } from './ingress/admission.ts'
import { Revocations } from './ingress/revocations.ts'
import { StatelessReplies } from './ingress/stateless-replies.ts'
import { Uas } from './ingress/uas.ts'
import { Ledger } from './limits/ledger.ts'
import { QuotaWait } from './limits/quota-wait.ts'
import { type LimitSource, limitsOn } from './limits/scope.ts'
import { Ports } from './media/ports.ts'
import { Domains } from './policy/domains.ts'
import { RoutingClient } from './policy/routing-client.ts'
import { Providers } from './providers/providers.ts'
import { Registrar } from './registrar/registrar.ts'
import type { Request } from './sip/message.ts'
import { parseMessage } from './sip/parse.ts'
import { reply } from './sip/reply.ts'
import { allowHeader } from './sip/screen.ts'
import { type TransactionOutput, Transactions } from './transaction/layer.ts'
import type { SipEndpoint } from './ua/endpoint.ts'

/** How the engine is set up. */
interface EngineSetup {
  readonly endpoint: SipEndpoint
  readonly served: ServedDomains
  /** First and last RTP port of our range. */
  readonly rtpPorts: readonly [number, number]
  /** Sockets there may be for sound: two are one pair; absent: as many as the range has. */
  readonly mediaSockets?: number
  /** Who has which limits; absent: as the snapshots say. */
  readonly limits?: LimitSource
}

/**
 * The whole relay without its sockets: what happens goes in, what to do comes out.
 *
 *   packet → parse → transaction ─┬─ a stranger's → ingress ──┬─ refused, challenged: stateless
 *                                 │                           ├─ REGISTER → registrar
 *                                 │                           └─ INVITE → calls
 *                                 ├─ inside a dialog → the call's leg
 *                                 └─ a response → the call's branch
 *
 * `now` is monotonic milliseconds. There is no telephony in this file: an `if` about it has lost its room.
 */
export class Engine {
  /** Which call counts in whose limits. */
  readonly ledger: Ledger
  readonly #endpoint: SipEndpoint
  readonly #effects: EffectBuffer
  readonly #replies: StatelessReplies
  readonly #transactions = new Transactions()
  readonly #registrar: Registrar
  readonly #admission: AdmissionControl
  readonly #calls: Calls
  readonly #uas: Uas
  /** Rooms which speak in beats: each one's own keys. */
  readonly #reporters: readonly BeatReporter[]
  /** How providers are, for the routing client. */
  readonly providers: Providers
  readonly #routing: RoutingClient
  readonly #quotaWait: QuotaWait
  readonly #corrections = new Corrections()
  #now = monotonicMs(0)

  constructor({
    endpoint: given,
    served,
    rtpPorts,
    mediaSockets = Number.POSITIVE_INFINITY,
    limits,
  }: EngineSetup) {
    const endpoint = { ...given }
    const { entropy, hashes } = endpoint
    const effects = new EffectBuffer()
    const replies = new StatelessReplies(endpoint, effects, () => this.#now)
    const transactions = this.#transactions
    const challenger = new Challenger(hashes, { hosts: [...served.names] })
    const registrar = new Registrar(endpoint, (host, username) => domains.of(host, username).realm)
    const carry = (now: MonotonicMs, outputs: readonly TransactionOutput[]) => this.#carry(now, outputs)
    const at = () => this.#at
    const ports = new Ports(rtpPorts, entropy.below, Math.floor(mediaSockets / 2))
    const providers = new Providers({
      endpoint,
      effects,
      transactions,
      ports,
      providers: () => routing.providers(),
      provider: (id) => routing.configuration.provider(id),
      current: (now, customerId) => routing.current(now, customerId),
      country: (customerId) => routing.configuration.customer(customerId)?.country ?? '',
      carry,
    })
    const { baseDomain } = served
    const routing: RoutingClient = new RoutingClient({
      engine: {
        emit: effects.emit,
        note: (level, event, fields) => effects.note(level, event, fields),
        ask: effects.ask,
        below: entropy.below,
        revoke: (accounts) => revocations.revoke(accounts),
      },
      baseDomain,
      foundAt: (address) => providers.foundAt(address),
      runtime: {
        health: (id) => providers.health(this.#now, id),
        trial: (id) => providers.trial(this.#now, id),
        use: (scope) => ledger.use(scope, this.#now),
      },
      at,
    })
    const domains = new Domains({
      index: routing.index,
      complete: () => routing.complete,
      baseDomain,
      names: served.names,
      hashes,
    })
    const blocks = new SourceBlocks(entropy)
    const admission = new AdmissionControl(served, challenger, {
      blocks,
      ready: (now) => routing.ready(now),
      isFamiliar: (address) => routing.isFamiliar(address),
      isRegistrationToken: (word) => routing.configuration.line(word) !== undefined,
      domains,
      lets: (now, realm, address) => routing.allowsAddress(now, realm, address),
      cached: (now, question) => routing.cached(now, question),
      customerOf: (realm) => routing.customerOf(realm),
      algorithms: (realm) => routing.algorithms(realm),
      whereabouts: (id, from) => registrar.whereabouts(id, from),
    })
    const revocations = new Revocations({ registrar, admission, effects, at })
    const ledger = new Ledger(endpoint, limits ?? limitsOn(routing.index))
    this.#quotaWait = new QuotaWait({
      route: (now, question, then) => routing.route(now, question, then),
      ledger,
      emit: effects.emit,
    })
    const calls = new Calls({
      endpoint,
      transactions,
      ports,
      ledger,
      contacts: (customerId, extensionId) => registrar.contacts(customerId, extensionId, at()),
      emit: effects.emit,
      observe: (now, id, seen) => providers.observe(now, id, seen),
      serviceRoute: (id) => providers.serviceRoute(id),
      ask: effects.ask,
      carry,
    })
    const rooms = {
      endpoint,
      served,
      effects,
      replies,
      transactions,
      challenger,
      registrar,
      admission,
      calls,
      quotaWait: this.#quotaWait,
      routing,
      domains,
      at,
      carry,
    }
    this.#uas = new Uas(rooms)
    this.ledger = ledger
    this.#endpoint = endpoint
    this.#effects = effects
    this.#replies = replies
    this.#registrar = registrar
    this.#admission = admission
    this.#calls = calls
    this.providers = providers
    this.#routing = routing
    this.#reporters = [routing, ledger, providers, revocations, blocks]
  }

  /** Calls under way, remembered, and counted in limits; bindings, transactions, registrations at providers: for the operator. */
  get load() {
    return {
      calls: this.#calls.active,
      legs: this.#calls.legs,
      bindings: this.#registrar.size,
      transactions: this.#transactions.size,
      counted: this.ledger.size,
      registrations: this.providers.registrations,
    }
  }

  /** Whether phones or calls hang on this connection: silent or not, it must stay. */
  needs(flow: Flow): boolean {
    return this.#registrar.needs(flow) || this.#calls.index.needs(flow) || this.providers.needs(flow)
  }

  /** Whether who is at the other end has proved who it is over this connection, or calls from a provider's or PBX's address. */
  knows(flow: Flow): boolean {
    if (this.#admission.hasProved(flow) || this.#registrar.needs(flow)) return true
    return this.providers.needs(flow) || this.#routing.isFamiliar(flow.address)
  }

  /** What is to be said in a beat sent now. */
  pulse(now: MonotonicMs): BeatPart {
    const said = { ...silent, draining: this.#admission.closed }
    return Object.assign(said, ...this.#reporters.map((reporter) => reporter.beatPart(now)))
  }

  /** Something happened; these are its consequences. */
  receive(now: MonotonicMs, input: Input): Effect[] {
    this.#now = now
    this.#hear(now, input)
    this.providers.renew(now, this.#routing.changes)
    return this.#effects.take()
  }

  /** Time passed. */
  tick(now: MonotonicMs): Effect[] {
    this.#now = now
    this.#carry(now, this.#transactions.tick(now))
    this.#calls.tick(now)
    this.#uas.tick(now)
    this.#quotaWait.tick(now)
    this.providers.tick(now)
    this.#effects.tell(this.#registrar.tick(now, this.#at))
    for (const effect of this.#registrar.keepOpen(now, this.#at)) this.#effects.emit(effect)
    return this.#effects.take()
  }

  /** When to call tick() next; undefined: not before something happens. */
  nextDeadline(): number | undefined {
    const rooms = [
      this.#transactions,
      this.#calls,
      this.#registrar,
      this.#uas,
      this.#quotaWait,
      this.providers,
    ]
    let earliest: number | undefined
    for (const room of rooms) {
      const at = room.nextDeadline()
      if (at !== undefined && (earliest === undefined || at < earliest)) earliest = at
    }
    return earliest
  }

  /** UTC ms at monotonic 0, as far as it is known. */
  get epoch(): number {
    return this.#endpoint.epoch
  }

  /** UTC of the event being handled, in whole milliseconds. */
  get #at(): UtcMs {
    return utcMs(Math.floor(this.#endpoint.epoch + this.#now))
  }

  #hear(now: MonotonicMs, input: Input): void {
    switch (input.type) {
      case 'packet':
        return this.#packet(now, input.flow, input.bytes)
      case 'closed':
        this.#admission.forget(input.flow)
        this.#carry(now, this.#transactions.unsent(now, input.flow, 'connection closed'))
        this.providers.closed(now, input.flow)
        return this.#effects.tell(this.#registrar.flowLost(this.#at, input.flow))
      case 'unsent':
        return this.#carry(now, this.#transactions.unsent(now, input.flow, input.why))
      case 'answered':
        return this.#effects.answered(now, input.id, input.answer, '')
      case 'unanswered':
        return this.#effects.answered(now, input.id, undefined, input.why)
      case 'media':
        return this.#calls.media(now, input.report)
      case 'restored':
        if (input.from === 'edge' && input.list.at !== undefined)
          this.#timeTold(now, { edgeAt: parseUtc(input.list.at), sentAt: input.sentAt, heardAt: now })
        return this.#effects.tell(this.#registrar.restore(now, this.#at, input.list, input.from))
      case 'beat':
        this.#timeTold(now, { edgeAt: parseUtc(input.answer.at), sentAt: input.sentAt, heardAt: now })
        for (const reporter of this.#reporters) reporter.beatAnswered(now, input.answer, input.sentAt)
        if (this.ledger.fell()) this.#effects.emit({ type: 'beat' })
        return this.#quotaWait.shared(now)
      case 'unbeaten':
        return this.#routing.missed(now, input.away)
      case 'cached':
        return this.#routing.restore(now, input.files, input.confirmed)
      case 'drain':
        this.#admission.closed = true
        return this.providers.drain(now)
      case 'stop':
        this.#uas.stop()
        return this.#calls.stop(now)
    }
  }

  /** UTC is the edge's: what is told, and what expires, is compared there. */
  #timeTold(now: MonotonicMs, told: TimeTold): void {
    const behindMs = this.#corrections.hear(this.#endpoint.epoch, told)
    this.#endpoint.epoch += behindMs
    if (behindMs !== 0)
      this.#effects.note('warn', 'clock.wrong', { behind_ms: Math.round(behindMs), sentence: wrongClock })
    this.#effects.tell(this.#registrar.timeTold(now, this.#at, behindMs))
  }

  #packet(now: MonotonicMs, flow: Flow, bytes: Uint8Array): void {
    const parsed = parseMessage(bytes, { stream: reliable(flow) })
    if (parsed.ok) {
      if (parsed.value.kind === 'request') this.#replies.weigh(parsed.value, bytes.length)
      return this.#carry(now, this.#transactions.receive(now, parsed.value, flow))
    }
    const { where, why, status, answerable } = parsed.fault
    this.#effects.note('debug', 'sip.fault', { where, why, status, from: flow.address })
    if (answerable) {
      this.#replies.weigh(answerable, bytes.length)
      return this.#replies.refuse(answerable, flow, status, why)
    }
    // A stranger whose bytes are no message makes room for others.
    if (reliable(flow) && !this.knows(flow) && !this.needs(flow)) this.#effects.emit({ type: 'close', flow })
  }

  #carry(now: MonotonicMs, outputs: readonly TransactionOutput[]): void {
    for (const output of outputs) {
      switch (output.type) {
        case 'send':
          this.#effects.emit(output)
          break
        case 'request':
          this.#stranger(now, output.request, output.flow)
          break
        case 'response':
        case 'timeout':
        case 'unreachable':
        case 'ended':
          if (!this.#calls.receive(now, output)) this.providers.receive(now, output)
          break
        case 'stray': {
          const { response, flow } = output
          const tells = this.#registrar.answered(now, this.#at, response, flow)
          if (tells) this.#effects.tell(tells)
          else this.#effects.note('debug', 'sip.stray', { status: response.status, from: flow.address })
          break
        }
        case 'unacknowledged':
          break
      }
    }
  }

  #stranger(now: MonotonicMs, request: Request, flow: Flow): void {
    if (request.method === 'CANCEL') return this.#cancel(now, request, flow)
    if (request.to.tag !== undefined) return this.#inDialog(now, request, flow)
    if (request.method !== 'ACK') this.#uas.meet(now, request, flow)
  }

  #cancel(now: MonotonicMs, request: Request, flow: Flow): void {
    if (this.#uas.cancel(request, flow)) return
    const transaction = this.#transactions.cancelled(request)
    if (transaction === undefined) return this.#replies.refuse(request, flow, 481)
    const asker = this.#calls.index.server(transaction)
    // Its INVITE has had its final answer: nothing is left to cancel (§9.2).
    if (!asker) return this.#replies.refuse(request, flow, 200)
    const { active, side } = asker
    if (!admits(active.call, side, flow)) return this.#replies.refuse(request, flow, 481)
    this.#accept(now, request, flow, active.call.caller.localTag)
    this.#calls.cancel(now, active, { side, transaction, reason: reasonsOf(request) })
  }

  #inDialog(now: MonotonicMs, request: Request, flow: Flow): void {
    const found = this.#calls.index.leg(request)
    const ack = request.method === 'ACK'
    if (!found || !admits(found.active.call, found.side, flow))
      return ack ? undefined : this.#inNoDialog(request, flow)
    if (ack) return this.#acked(now, request, found)
    const leg = found.side === 'caller' ? found.active.call.caller : found.active.call.callee
    if (leg?.dialog && receiveInDialog(leg.dialog, request) === 'old')
      return this.#replies.refuse(request, flow, 500)
    this.#withinCall(now, request, flow, found)
  }

  /**
   * A callee which rings crosses our INVITE with its own, or our open offer with its own (RFC 3261 §14.2, RFC 3311
   * §5.2), or asks for what waits for its answer.
   */
  #inNoDialog(request: Request, flow: Flow): void {
    const { method, body } = request
    const early = this.#calls.index.early(request, flow)
    if (!early || !waits.has(method)) return this.#replies.refuse(request, flow, 481)
    const crosses = method === 'INVITE' || (method === 'UPDATE' && body.length > 0)
    if (crosses) return this.#replies.refuse(request, flow, 491)
    this.#replies.notYet(request, flow)
  }

  #acked(now: MonotonicMs, request: Request, { active, side }: LegFound): void {
    const first = side === 'caller' && request.cseq.number === active.call.caller.invite.cseq.number
    if (first) this.#calls.step(now, active, 'acked', { request })
    else this.#calls.step(now, active, 'passedAck', { side, request })
  }

  #withinCall(now: MonotonicMs, request: Request, flow: Flow, { active, side }: LegFound): void {
    switch (request.method) {
      case 'BYE':
        this.#accept(now, request, flow)
        return this.#calls.step(now, active, 'bye', { side, reason: reasonsOf(request) })
      case 'INVITE':
      case 'UPDATE':
      case 'INFO': {
        if (active.machine.state !== 'answered') return this.#replies.notYet(request, flow)
        const transaction = this.#transactions.open(now, request, flow)
        return this.#calls.request(now, active, { side, request, transaction, source: flow })
      }
      case 'OPTIONS':
        return this.#replies.refuse(request, flow, 200, undefined, [
          allowHeader,
          ['accept', 'application/sdp'],
        ])
      default:
        return this.#replies.refuse(request, flow, 405, undefined, [allowHeader])
    }
  }

  /** Answers 200 in a transaction of its own. */
  #accept(now: MonotonicMs, request: Request, flow: Flow, toTag?: string): void {
    const id = this.#transactions.open(now, request, flow)
    this.#carry(now, this.#transactions.respond(now, id, reply(request, 200, { flow, toTag })))
  }
}

const wrongClock = "This machine's clock is not the edge's. The edge's is used; set this one right (NTP)."

/** Requests inside a dialog which are passed on once the call is answered. */
const waits: ReadonlySet<string> = new Set(['INVITE', 'UPDATE', 'INFO'])
