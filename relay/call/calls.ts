import type { CallCommand, CallTell, Command, MonotonicMs, RouteDecision } from '#contract'
import { BoundedMap } from '../ground/bounded-map.ts'
import type { Input, Located } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import { turn } from '../ground/machine.ts'
import { type SessionId, sessionId } from '../ground/media.ts'
import { none } from '../ground/none.ts'
import { locatedBy, type Reply } from '../ground/questions.ts'
import type { BeatPart } from '../ground/reporter.ts'
import { SmallMap } from '../ground/small-map.ts'
import type { SoundFile } from '../ground/sound.ts'
import type { InDialogRequest } from '../leg/leg.ts'
import { restLeg } from '../leg/rest.ts'
import { uasLeg } from '../leg/uas.ts'
import { admitCall } from '../limits/admit-call.ts'
import type { Request } from '../sip/message.ts'
import type { ClientOutput } from '../transaction/layer.ts'
import { besidesCarriers } from './besides-carriers.ts'
import { table } from './call.ts'
import type { CallEvents } from './call-events.ts'
import type { ActiveCall, CallIndex, LegFound } from './call-index.ts'
import { CallNews, type CallNewsDeps } from './call-news.ts'
import {
  CallOrders,
  type CallsDeps,
  type CallsOutput,
  type SendOn,
  type WaitingForPlace,
  type WaitingInCall,
} from './call-orders.ts'
import type { CallOrder, Onward } from './call-step.ts'
import { CommandResults } from './command-results.ts'
import { serverSaid } from './flow-server.ts'
import { hostsAtMost, leadOf } from './hosts.ts'
import { LocalTransfers } from './local-transfers.ts'
import { MadeCalls } from './made-calls.ts'
import { MediaReports } from './media-reports.ts'
import { newCall } from './new-call.ts'
import { unknownHost } from './offer-answer.ts'
import { OrderedCalls } from './ordered-calls.ts'
import { refuseRequest } from './pending-reinvite.ts'
import { PlaceLookup } from './place-lookup.ts'
import { restCall } from './rest.ts'
import { countedWithPbx } from './sent-on.ts'
import { isAnswered } from './sides.ts'
import { type SignalledLeg, secretHeaders, signalledLegs } from './signalled-legs.ts'
import { isSips } from './sips.ts'
import type { Branch, CallParty, ConnectDecision, Hunt } from './state.ts'

/** What happens to calls. */
type CallsInput =
  | ClientOutput
  | Reply
  | Extract<Input, { type: 'begun' | 'media' | 'stop' | 'beat' | 'news' | 'drain' | 'resume' }>
  | { readonly type: 'tick' }

/** No decision: neither edge nor snapshot made one, and why. */
interface DecidedSendOn {
  readonly decision: RouteDecision | undefined
  readonly why: string
}

/** All calls: carries out what their machines order, and brings them what happens. */
export class Calls {
  readonly #deps: CallsDeps
  readonly #orders: CallOrders
  readonly #transfers: LocalTransfers
  readonly #made: MadeCalls
  readonly #ordered: OrderedCalls
  readonly #results = new CommandResults()
  /** Requests which wait until it is known where the host in their offer leads, by transaction. */
  readonly #awaitingLookup = new Map<number, InDialogRequest>()
  readonly #places: PlaceLookup
  readonly #media: MediaReports
  readonly #news: CallNews
  #sessions = 0

  constructor(deps: CallsDeps) {
    this.#deps = deps
    this.#orders = new CallOrders(deps, () => this.#nextSession())
    this.#places = new PlaceLookup({
      ...deps,
      ask: (question, waiting) =>
        this.#orders.questions.ask({ for: 'place', ...waiting }, { ask: 'target', question }),
    })
    const step: CallNewsDeps['step'] = (...event) => this.#step(...event)
    this.#media = new MediaReports({ endpoint: deps.endpoint, orders: this.#orders, step })
    const mediaOver: CallNewsDeps['mediaOver'] = (now, active) => this.#media.over(now, active)
    this.#news = new CallNews({ orders: this.#orders, step, mediaOver })
    this.#transfers = new LocalTransfers({
      endpoint: deps.endpoint,
      orders: this.#orders,
      // No transaction of a party's has its number.
      open: (now, arrival) => this.#open(now, { ...arrival, transaction: -(this.#sessions + 1) }),
      step,
    })
    this.#ordered = new OrderedCalls({
      endpoint: deps.endpoint,
      orders: this.#orders,
      results: this.#results,
      carryOut: (...order) => this.#carryOut(...order),
      open: (now, arrival) => this.#open(now, { ...arrival, transaction: -(this.#sessions + 1) }),
      step,
    })
    this.#made = new MadeCalls({
      endpoint: deps.endpoint,
      orders: this.#orders,
      results: this.#results,
      open: (now, arrival, id) => this.#open(now, { ...arrival, transaction: -(this.#sessions + 1) }, { id }),
      step,
    })
  }

  get active(): number {
    return this.#orders.index.active
  }

  get legs(): number {
    return this.#orders.index.legs
  }

  /** For the beat: what became of commands. */
  beatPart(): Pick<BeatPart, 'results'> {
    return { results: this.#results.waiting() }
  }

  /** How what comes in finds its call. */
  get index(): Omit<CallIndex, 'add' | 'remove' | 'addServer' | 'removeServer' | 'addDialog' | 'addBranch'> {
    return this.#orders.index
  }

  /** The legs of the call which a tell of ours is of, though it be settled by now; none: it is no tell of ours. */
  legsOf(tell: CallTell): SignalledLeg[] {
    const call = this.#orders.callOf(tell)
    return call ? signalledLegs(call) : []
  }

  /** Headers which are for a provider's eyes alone, as `SignalledLeg` has them, of a leg which we call under this Call-ID. */
  secretHeadersUnder(sipCallId: string): readonly string[] {
    const branch = this.#orders.index.branch(sipCallId)
    return branch ? secretHeaders(branch) : []
  }

  nextDeadline(): number | undefined {
    return this.#orders.timers.nextDeadline()
  }

  receive(event: CallsInput, now: MonotonicMs): CallsOutput[] | undefined {
    switch (event.type) {
      case 'begun':
        // Another program gives up what is opened ahead, where nothing is heard in it.
        if (this.#deps.endpoint.mediaAddress === undefined) this.#orders.ports.begin(now)
        break
      case 'media':
        this.#media.receive(now, event.report)
        break
      case 'beat':
        this.#results.delivered(event.sentAt)
        this.#made.heard(now)
        this.#commanded(now, event.answer.commands)
        break
      case 'news':
        this.#commanded(now, event.news.commands ?? [])
        break
      case 'drain':
      case 'resume':
        this.#made.draining = event.type === 'drain'
        break
      case 'stop':
        for (const active of this.#orders.index.all()) this.#step(now, active, 'stop', undefined)
        break
      case 'tick':
        this.#orders.forgetSettled(now)
        for (let due = this.#orders.timers.due(now); due; due = this.#orders.timers.due(now))
          this.#news.due(now, due.active, due.timer)
        break
      case 'answered':
      case 'unanswered': {
        const waiting = this.#orders.questions.answered(event)
        if (!waiting) return undefined
        this.#answered(now, waiting, event)
        break
      }
      default: {
        const result = this.#orders.requests.heard(event)
        if (!result) return this.#serverEnded(event)
        this.#news.heard(now, result)
      }
    }
    return this.#orders.effects.take()
  }

  /** Of the INVITE of who called us, first or by Replaces: nothing of it is repeated any more. */
  #serverEnded({ type, id }: ClientOutput): undefined {
    const found = type === 'ended' ? this.#orders.index.server(id) : undefined
    if (found?.leg.kind !== 'uas' || found.leg.transaction !== id) return
    this.#orders.index.removeServer(id)
    restLeg(found.leg)
    restCall(found.active.call)
  }

  /** A call begins: its INVITE's server transaction is open. `ask` is left to the caller. */
  open(now: MonotonicMs, request: Request, flow: Flow, transaction: number, trusted: boolean): ActiveCall {
    return this.#open(now, { invite: request, flow, transaction, trusted })
  }

  /** A call which another relay hands on to phones of ours: it knows no other, and is handed on no further. */
  handedOn(
    now: MonotonicMs,
    arrival: Parameters<typeof newCall>[2],
    decision: ConnectDecision,
    handedBy: string,
  ): CallsOutput[] {
    this.#decided(now, this.#open(now, arrival, { handedBy }), decision)
    return this.#orders.effects.take()
  }

  #nextSession(): SessionId {
    return sessionId(++this.#sessions)
  }

  /** `id`: where the call has one before it is there. */
  #open(
    now: MonotonicMs,
    arrival: Parameters<typeof newCall>[2],
    known?: Parameters<typeof newCall>[4],
  ): ActiveCall {
    const call = newCall(now, this.#nextSession(), arrival, this.#deps, known)
    const active: ActiveCall = {
      machine: { state: 'routing', memory: { call, endpoint: this.#deps.endpoint } },
      call,
      timers: [],
      inviteIds: new SmallMap(),
      names: none,
      outstanding: 0,
      mediaClosed: true,
      portRefusals: 0,
      finalTold: false,
      endLogged: false,
    }
    this.#orders.index.add(active)
    return active
  }

  /** It is decided; ports and contacts are fetched only for a call which connects and which no limit stops. */
  decided(now: MonotonicMs, active: ActiveCall, decision: RouteDecision): CallsOutput[] {
    this.#decided(now, active, decision)
    return this.#orders.effects.take()
  }

  /** It is decided where a call is sent on to, or why not. */
  sentOn(now: MonotonicMs, { active, hunt }: SendOn, decided: DecidedSendOn): CallsOutput[] {
    this.#sentOn(now, active, hunt, decided)
    return this.#orders.effects.take()
  }

  #sentOn(now: MonotonicMs, active: ActiveCall, hunt: Hunt, { decision, why }: DecidedSendOn): void {
    // The call may have been answered, or have ended, while we asked.
    const { state } = active.machine
    if ((state !== 'hunting' && state !== 'flow') || hunt.state !== 'deciding') return
    if (decision && this.#places.first(now, active, decision, { for: 'sentOn', hunt, decision, why })) return
    const { id, hunts } = active.call
    const screened =
      decision && this.#orders.outside.screen(active.call, hunt, countedWithPbx(hunt, decision))
    const admitted = screened && admitCall(this.#deps.ledger, now, id, screened, hunts.indexOf(hunt))
    const reachable = this.#places.reachable(now, active, admitted)
    this.#step(now, active, 'sentOn', { hunt, decision: admitted, why, reachable })
    this.#places.meanwhile(now, active, hunt, admitted)
  }

  /** One leg asks something inside its dialog; the host its offer names is looked up first. */
  request(now: MonotonicMs, active: ActiveCall, asked: InDialogRequest): CallsOutput[] {
    this.#requested(now, active, asked)
    return this.#orders.effects.take()
  }

  /** One leg takes its INVITE back. */
  cancel(now: MonotonicMs, active: ActiveCall, cancelled: CallEvents['cancel']): CallsOutput[] {
    const asked = this.#awaitingLookup.get(cancelled.transaction)
    if (!asked) return this.step(now, active, 'cancel', cancelled)
    this.#awaitingLookup.delete(cancelled.transaction)
    this.#carryOut(now, active, refuseRequest(asked, 487))
    return this.#orders.effects.take()
  }

  /** A party calls to take the place of another one (RFC 3891): its INVITE's server transaction is open. */
  replace(
    now: MonotonicMs,
    { active, leg: replaced }: LegFound,
    arrival: Parameters<typeof uasLeg>[1],
    as: Pick<CallParty, 'kind' | 'id'>,
  ): CallsOutput[] {
    const leg = uasLeg(this.#deps.endpoint, arrival)
    leg.secure = replaced.secure
    if (leg.signalling === 'any' && isSips(active.call)) leg.signalling = 'tls'
    this.#orders.index.addServer(active, leg, arrival.transaction)
    return this.step(now, active, 'placeTaken', { leg, replaced, as })
  }

  /** Brings one event to a call. */
  step<E extends keyof CallEvents>(
    now: MonotonicMs,
    active: ActiveCall,
    name: E,
    event: CallEvents[E],
  ): CallsOutput[] {
    this.#step(now, active, name, event)
    return this.#orders.effects.take()
  }

  #step<E extends keyof CallEvents>(
    now: MonotonicMs,
    active: ActiveCall,
    name: E,
    event: CallEvents[E],
  ): void {
    active.call.now = now
    const orders = turn(table, active.machine, name, event)
    this.#orders.count(now, active)
    for (const order of orders) this.#carryOut(now, active, order)
    if (active.call.made) this.#made.look(now, active)
    this.#orders.settle(now, active)
  }

  /**
   * Of a call which a transfer leads to, what its INVITE would be answered is told in the call it comes from; of one which no
   * party asked for, no party hears it.
   */
  #carryOut(now: MonotonicMs, active: ActiveCall, order: CallOrder): void {
    const { joining, caller, made } = active.call
    if (order.type === 'lookAgain') return this.#places.again(active, order.hunt)
    if (order.type === 'refer') return this.#transfers.refer(now, active, order)
    if (order.type === 'onward') return this.#onward(now, order)
    if (order.type === 'seek') return this.#seek(now, active, order)
    if (order.type === 'make') return this.#made.flow(now, active, order.fetch, order.action)
    if (order.type === 'respond' && made && order.transaction === caller.transaction) return
    if (order.type !== 'respond' || joining?.type !== 'blind' || order.transaction !== caller.transaction)
      return this.#orders.carryOut(now, active, order)
    const event = { status: order.response.status }
    this.#onward(now, { type: 'onward', call: joining.from, name: 'transferProgressed', event })
  }

  #seek(
    now: MonotonicMs,
    active: ActiveCall,
    { hunt, decision }: Omit<Extract<CallOrder, { type: 'seek' }>, 'type'>,
  ): void {
    if (this.#places.first(now, active, decision, { for: 'seek', hunt, decision })) return
    const reachable = this.#places.reachable(now, active, decision)
    this.#step(now, active, 'sentOn', { hunt, decision, why: '', reachable })
    this.#places.meanwhile(now, active, hunt, decision)
  }

  #onward(now: MonotonicMs, { call, name, event }: Onward): void {
    const other = this.#orders.index.session(call.session)
    if (other) this.#step(now, other, name, event)
  }

  #decided(now: MonotonicMs, active: ActiveCall, decided: RouteDecision): void {
    // The caller may have left while we asked.
    if (active.machine.state !== 'routing') return
    const host =
      decided.kind !== 'reject' &&
      unknownHost(active.call, active.call.caller, active.call.caller.invite, this.#deps.endpoint)
    if (host) return this.#orders.lookUp({ for: 'decision', active, host, decided })
    if (this.#places.first(now, active, decided, { for: 'decision', decided })) return
    const screened = this.#orders.outside.screenFirst(active.call, decided)
    const decision = admitCall(this.#deps.ledger, now, active.call.id, screened)
    const sockets = decision.kind === 'reject' ? '' : this.#orders.ports.take(now)
    const reachable = this.#places.reachable(now, active, decision)
    if (typeof sockets === 'object') {
      active.mediaClosed = false
      if (sockets.session !== undefined) this.#orders.index.renamed(active, sockets.session)
    }
    this.#step(now, active, 'decided', { decision, reachable, sockets })
    this.#places.meanwhile(now, active, active.call.hunts[0], decision)
  }

  #requested(now: MonotonicMs, active: ActiveCall, asked: InDialogRequest): void {
    const host = unknownHost(active.call, asked.leg, asked.request, this.#deps.endpoint)
    if (!host) return this.#step(now, active, 'request', asked)
    if (asked.request.method === 'INVITE') this.#orders.index.addServer(active, asked.leg, asked.transaction)
    this.#awaitingLookup.set(asked.transaction, asked)
    this.#orders.lookUp({ for: 'request', active, host, asked })
  }

  /** It is known at which relays the callee has phones: what waited for that goes on. */
  #placed(now: MonotonicMs, { active, target, what }: WaitingForPlace, reply: Reply): void {
    const reachable = this.#places.heard(now, target, reply)
    if (what.for === 'decision') return this.#decided(now, active, what.decided)
    if (what.for === 'seek') return this.#seek(now, active, what)
    if (what.for === 'sentOn') return this.#sentOn(now, active, what.hunt, what)
    this.#step(now, active, 'found', { hunt: what.hunt, reachable })
  }

  #besidesCarriers({ hunt }: Branch, located: Located): Located {
    const isAddress = hunt.decision?.targets.kind === 'sip'
    return isAddress ? besidesCarriers(located, this.#deps.carriers) : located
  }

  #answered(now: MonotonicMs, waiting: WaitingInCall, reply: Reply): void {
    if (waiting.for === 'begin') return this.#made.allowed(now, waiting.command, reply)
    if (waiting.for === 'orderedSound') return waiting.found(now, reply)
    const { active } = waiting
    if (waiting.for === 'place') return this.#placed(now, waiting, reply)
    if (waiting.for === 'sound')
      return this.#step(now, active, 'soundFound', { ...waiting.asked, found: soundIn(reply) })
    if (waiting.for === 'announcement')
      return this.#orders.recordings.announced(waiting.announced, soundIn(reply))
    if (waiting.for === 'server')
      return this.#step(now, active, 'flowHappened', serverSaid(waiting.fetch, reply))
    const located = locatedBy(reply)
    if (waiting.for === 'branch') {
      const { branch } = waiting
      const id = branch.provider?.provider_id
      const more = branch.hunt.waiting.length > 0
      const inTurn = id
        ? this.#orders.reputation.inTurn(now, id, located, more)
        : this.#besidesCarriers(branch, located)
      return this.#step(now, active, 'located', { branch, located: inTurn })
    }
    const { address } = this.#deps.endpoint
    active.call.hosts ??= new BoundedMap(hostsAtMost)
    active.call.hosts.set(waiting.host, leadOf(address, waiting.host, located))
    if (waiting.for === 'leg') return this.#step(now, active, 'resolved', waiting)
    if (waiting.for === 'decision') return this.#decided(now, active, waiting.decided)
    if (this.#awaitingLookup.delete(waiting.asked.transaction)) this.#requested(now, active, waiting.asked)
  }

  /** What the API ordered of calls which go on here. */
  #commanded(now: MonotonicMs, commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.kind === 'originate') this.#made.command(now, command)
      if (command.kind === 'test_provider' || command.kind === 'drill' || command.kind === 'originate')
        continue
      const active = this.#orders.index
        .all()
        .find(({ call }) => call.id === command.call_id && call.record.customerId === command.customer_id)
      if (!isOfRecording(command)) {
        this.#ordered.command(now, command, active)
        continue
      }
      if (!active) continue
      active.call.now = now
      this.#orders.recordings.command(command, active.call, isHeard(active))
    }
  }
}

/** Whether its caller was answered and is there. */
function isHeard({ machine: { state }, call }: ActiveCall): boolean {
  return state === 'answered' || (state === 'flow' && isAnswered(call))
}

function isOfRecording(
  command: CallCommand,
): command is Extract<CallCommand, { kind: `recording_${string}` }> {
  return command.kind.startsWith('recording_')
}

/** Where a sound is, or why it is not to be had. */
function soundIn(reply: Reply): SoundFile | string {
  if (reply.type === 'unanswered') return reply.why
  return reply.answer.ask === 'sound' ? reply.answer.answer : 'the answer was about something else'
}
