import type { CallTell, MonotonicMs, OriginateCommand, RouteDecision, RouteQuestion } from '#contract'
import type { Configuration, Observation } from '#routing'
import { EffectBuffer } from '../ground/effect-buffer.ts'
import type { Effect } from '../ground/effects.ts'
import type { MediaCommand, SessionId } from '../ground/media.ts'
import { type QuestionNumbers, Questions, type Reply } from '../ground/questions.ts'
import type { SoundSource } from '../ground/sound.ts'
import type { InDialogRequest, Leg } from '../leg/leg.ts'
import { LegRequests } from '../leg/leg-requests.ts'
import type { Ledger } from '../limits/ledger.ts'
import type { Ports } from '../media/ports.ts'
import type { Neighbours } from '../registrar/neighbours.ts'
import type { Registrar } from '../registrar/registrar.ts'
import { writeMessage } from '../sip/write.ts'
import type { TransactionOutput, Transactions } from '../transaction/layer.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { type ActiveCall, CallIndex } from './call-index.ts'
import { CallPorts } from './call-ports.ts'
import { CallRecordings } from './call-recordings.ts'
import type { CallOrder, ClientRole } from './call-step.ts'
import { CallTimers } from './call-timers.ts'
import type { AskedSound } from './flow-call.ts'
import { hostQuestion, lookUpMs } from './hosts.ts'
import { LastingCalls } from './lasting-calls.ts'
import { callTell, endedNote } from './record.ts'
import type { Announced } from './recording-announcements.ts'
import type { RegisteredTarget } from './registered-target.ts'
import { Reputation } from './reputation.ts'
import { costsMinutes, minutesFrom, placesOf } from './scopes.ts'
import { huntQuestion } from './sent-on.ts'
import { SentOutside } from './sent-outside.ts'
import { forgetSettled } from './settled.ts'
import { joinedLegs } from './sides.ts'
import type { Branch, Call, ConnectDecision, Hunt, ServiceRoutes } from './state.ts'
import { freeUnturned } from './turned.ts'

/** The rooms calls stand on. */
export interface CallsDeps {
  readonly endpoint: SipEndpoint
  readonly numbers: QuestionNumbers
  readonly transactions: Transactions
  readonly ports: Ports
  readonly ledger: Ledger
  readonly registrar: Pick<Registrar, 'contacts'>
  readonly neighbours: Neighbours
  readonly serviceRoutes: ServiceRoutes
  readonly carriers: Pick<Configuration, 'providersAt'>
}

/** How a call to a provider went says how the provider is. */
export interface ProviderObserved {
  readonly type: 'observed'
  readonly providerId: string
  readonly seen: Observation
}

/** A call is to be decided for which no INVITE came: a party which transfers another one asks for it. */
export interface CallReferred {
  readonly type: 'referred'
  readonly active: ActiveCall
  readonly caller: RouteQuestion['caller']
}

/** A call is to be decided which no party asked for. */
export interface CallMade {
  readonly type: 'made'
  readonly active: ActiveCall
  readonly question: RouteQuestion
}

/** A call under way is to be sent on: where, is asked. */
export interface SendOn {
  readonly type: 'sendOn'
  readonly question: RouteQuestion
  readonly active: ActiveCall
  readonly hunt: Hunt
}

/** What calls have to say to the rooms above. */
export type CallsEvent = ProviderObserved | CallReferred | CallMade | SendOn

/** What calls order, and what is said to the rooms above. */
export type CallsOutput = Effect | TransactionOutput | CallsEvent

/** What in a call waits until it is known where a host leads. */
export type WaitingForHost = { readonly active: ActiveCall } & (
  | { readonly for: 'branch'; readonly branch: Branch }
  | { readonly for: 'leg'; readonly host: string; readonly leg: Leg }
  | { readonly for: 'decision'; readonly host: string; readonly decided: RouteDecision }
  | { readonly for: 'request'; readonly host: string; readonly asked: InDialogRequest }
)

/** A sound which a call is to play. */
type WaitingForSound = { readonly for: 'sound'; readonly active: ActiveCall; readonly asked: AskedSound }

/** What is said before a call is recorded. */
type WaitingForAnnouncement = {
  readonly for: 'announcement'
  readonly active: ActiveCall
  readonly announced: Announced
}

/** A question of a flow, by its number, to a server of the customer's. */
type WaitingForServer = { readonly for: 'server'; readonly active: ActiveCall; readonly fetch: number }

/** An order of the API, until the edge says whether its call may be begun. */
interface WaitingForOrderedSound {
  readonly for: 'orderedSound'
  readonly active: ActiveCall
  /** Hears where it is, or why it is not to be had. */
  readonly found: (now: MonotonicMs, reply: Reply) => void
}

/** A call which the API ordered, until the edge says whether it may be begun. */
interface WaitingToBegin {
  readonly for: 'begin'
  readonly command: OriginateCommand
}

/** What in a call waits until the edge says at which relays a callee has phones. */
export interface WaitingForPlace {
  readonly for: 'place'
  readonly active: ActiveCall
  readonly target: RegisteredTarget
  readonly what:
    | { readonly for: 'decision'; readonly decided: RouteDecision }
    | { readonly for: 'sentOn'; readonly hunt: Hunt; readonly decision: RouteDecision; readonly why: string }
    | { readonly for: 'seek'; readonly hunt: Hunt; readonly decision: ConnectDecision }
    | { readonly for: 'ringing'; readonly hunt: Hunt }
}

/** What in a call waits for an answer, or before it. */
export type WaitingInCall =
  | WaitingForHost
  | WaitingForPlace
  | WaitingForSound
  | WaitingForAnnouncement
  | WaitingForServer
  | WaitingToBegin
  | WaitingForOrderedSound

/** Milliseconds a sound may take until it is here. */
const soundWithinMs = 15_000

/** Whether a 2xx of ours is repeated still. */
function awaitsAck(call: Call): boolean {
  return [call.caller, ...joinedLegs(call)].some((leg) => leg.kind === 'uas' && leg.answer !== undefined)
}

/** What concerns one call alone. */
export type SingleOrder = Exclude<CallOrder, { type: 'refer' | 'onward' | 'lookAgain' | 'seek' | 'make' }>

/** Carries out what calls order, and settles those which are over. */
export class CallOrders {
  readonly effects = new EffectBuffer<TransactionOutput | CallsEvent>()
  readonly index = new CallIndex()
  readonly timers = new CallTimers()
  readonly requests: LegRequests<ActiveCall, ClientRole>
  readonly ports: CallPorts
  readonly questions: Questions<WaitingInCall>
  readonly reputation = new Reputation()
  readonly outside = new SentOutside()
  readonly recordings: CallRecordings
  readonly #lasting = new LastingCalls()
  /** A call which is refused is settled before its tell is heard. */
  readonly #told = new WeakMap<CallTell, Call>()
  #settled: Call[] = []
  readonly #deps: CallsDeps

  /** `name` gives a session number which no other has. */
  constructor(deps: CallsDeps, name: () => SessionId) {
    this.#deps = deps
    this.requests = new LegRequests(deps.transactions)
    this.ports = new CallPorts(deps.ports, name, (effect) => this.effects.emit(effect))
    this.recordings = new CallRecordings(
      deps.endpoint,
      (effect) => this.effects.emit(effect),
      (announced, sound) => this.#bringAnnouncement(announced, sound),
    )
    this.questions = new Questions(this.effects, deps.numbers)
  }

  carryOut(now: MonotonicMs, active: ActiveCall, order: SingleOrder): void {
    const { effects } = this
    switch (order.type) {
      case 'respond':
        return this.#respond(now, active, order)
      case 'request':
        return this.#request(now, active, order)
      case 'ack':
        return effects.emit({ type: 'send', flow: order.flow, bytes: writeMessage(order.request) })
      case 'abandon':
        return effects.pass(this.requests.abandon(now, active, order.of))
      case 'locate':
        return this.questions.ask(
          { for: 'branch', active, branch: order.branch },
          { ask: 'locate', question: order.question },
        )
      case 'decide':
        return this.#decide(active, order.hunt)
      case 'sound':
        return this.#bring(active, order.asked)
      case 'askServer': {
        const { fetch, question } = order
        return this.questions.ask({ for: 'server', active, fetch }, { ask: 'flow-server', question })
      }
      case 'resolve':
        return this.lookUp({ for: 'leg', active, host: order.host, leg: order.leg })
      case 'set':
        return this.timers.set(now, active, order.ms, order.timer)
      case 'stop':
        return this.timers.stop(active, order.timer, order.of)
      case 'media':
        return this.#media(now, order.command)
      case 'dialog':
        return this.index.addDialog(active, order.leg, order.dialog)
      case 'tell':
        return this.tell(active, order.late)
      case 'record':
        return this.recordings.begin(active.call, order.wish)
      case 'announceRecording':
        return this.recordings.joined(active.call, order.side)
      case 'changeRecording':
        return this.recordings.change(active.call, order.change, order.of)
      case 'cool':
        return this.reputation.cool(now, order.provider, order.flow, order.ms)
      case 'release':
        active.mediaClosed = true
        return
      case 'observed':
      case 'note':
        return effects.emit(order)
    }
  }

  #media(now: MonotonicMs, command: MediaCommand): void {
    // A party which is transferred is heard in another call's session.
    const active = this.index.session(command.session)
    const fit = active && command.type === 'aim' ? this.ports.aimed(now, active, command) : command
    this.effects.emit({ type: 'media', command: fit })
  }

  /** Sounds are fetched, converted and spoken before they are here: that may take a while. */
  #bring(active: ActiveCall, asked: AskedSound): void {
    const customer_id = active.call.record.customerId ?? ''
    const question = { customer_id, sound: asked.sound }
    this.questions.ask({ for: 'sound', active, asked }, { ask: 'sound', question }, soundWithinMs)
  }

  #bringAnnouncement(announced: Announced, sound: SoundSource): void {
    const active = this.index.session(announced.call.session)
    const customer_id = announced.call.record.customerId ?? ''
    if (!active) return
    const waiting = { for: 'announcement', active, announced } as const
    this.questions.ask(waiting, { ask: 'sound', question: { customer_id, sound } }, soundWithinMs)
  }

  #decide(active: ActiveCall, hunt: Hunt): void {
    const question = huntQuestion(active.call, hunt)
    if (question) this.effects.emit({ type: 'sendOn', question, active, hunt })
  }

  #respond(
    now: MonotonicMs,
    active: ActiveCall,
    { transaction, response }: Extract<CallOrder, { type: 'respond' }>,
  ): void {
    const leg = this.index.server(transaction)?.leg
    // By which a leg has come: until its end, after which that rests.
    const isFirst = response.status < 300 && leg?.kind === 'uas' && leg.transaction === transaction
    if (response.status >= 200 && transaction !== active.call.caller.transaction && !isFirst)
      this.index.removeServer(transaction)
    this.effects.pass(this.#deps.transactions.respond(now, transaction, response))
  }

  #request(now: MonotonicMs, active: ActiveCall, order: Extract<CallOrder, { type: 'request' }>): void {
    const { role, request } = order
    const passed = role.role === 'passed' && request.method === 'INVITE' ? role.asked : undefined
    if (role.role === 'invite') this.index.addBranch(active, role.leg)
    if (passed) this.index.addServer(active, passed.leg, passed.transaction)
    const ours = role.role === 'reoffer' || (role.role === 'refresh' && request.method === 'INVITE')
    const inviter = role.role === 'invite' || ours ? role.leg : passed?.leg
    this.effects.pass(this.requests.send(now, active, order, inviter))
  }

  /** Asks where a host leads which a description names. */
  lookUp(waiting: Extract<WaitingForHost, { host: string }>): void {
    this.questions.ask(waiting, hostQuestion(waiting.host), lookUpMs)
  }

  /** Whose limits a call counts in is read off the call after each event: no room has to remember to let go. */
  count(now: MonotonicMs, { call, machine }: ActiveCall): void {
    const { ledger } = this.#deps
    for (const { id } of this.#lasting.over(call)) ledger.free(now, id)
    const isOver = machine.state === 'ended'
    // What of it speaks on is turned in the call which it has come into.
    if (isOver || machine.state === 'transferred') ledger.turned.free(call.id)
    if (isOver) this.outside.free(call)
    if (isOver) return this.#lasting.lasts(call) ? undefined : ledger.free(now, call.id)
    if (machine.state === 'routing') return
    ledger.keep(now, call.id, placesOf(call))
    freeUnturned(call)
    // Calls in and calls inside cost no minutes.
    if (minutesFrom(call) === undefined) ledger.unanswered(now, call.id)
    else if (costsMinutes(call)) ledger.answered(now, call.id)
  }

  /** Ends what is over: ports back at once, the rest when no answer is waited for any more. */
  settle(now: MonotonicMs, active: ActiveCall): void {
    const { call } = active
    if (active.machine.state !== 'ended' || !active.mediaClosed) return
    this.#sayEnded(active)
    this.ports.give(now, active)
    if (active.outstanding > 0 || awaitsAck(call) || !this.index.has(active)) return
    this.index.remove(active)
    this.timers.forget(active)
    this.#settled.push(call)
  }

  /** Calls which are over let go of what they hold; not in the turn of their last event, whose tell asks for their legs. */
  forgetSettled(now: MonotonicMs): void {
    const left = this.#settled.filter((call) => call.now >= now)
    if (left.length === this.#settled.length) return
    for (const call of this.#settled) if (call.now < now) forgetSettled(call)
    this.#settled = left
  }

  /** Its record is whole now, but for what never came. */
  #sayEnded(active: ActiveCall): void {
    if (active.endLogged || active.call.record.customerId === undefined) return
    active.endLogged = true
    this.effects.emit(endedNote(active.call))
  }

  /** The call which a tell is of; undefined: it is none of ours. */
  callOf(tell: CallTell): Call | undefined {
    return this.#told.get(tell)
  }

  /** Tells the edge how a call stands. */
  tell(active: ActiveCall, late = false): void {
    const tell = callTell(active.call, this.#deps.endpoint)
    if (!tell) return
    this.#told.set(tell, active.call)
    this.effects.emit(late ? { type: 'tell', tell, late } : { type: 'tell', tell })
  }
}
