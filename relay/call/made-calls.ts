import {
  type FlowActionOf,
  flowLimits,
  type MonotonicMs,
  type OrderResult,
  type OriginateCommand,
} from '#contract'
import type { FlowEvent } from '#flows'
import { orderedQuestion } from '#routing'
import { wholeUtcAt } from '../ground/clock.ts'
import type { Reply } from '../ground/questions.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallEvents } from './call-events.ts'
import type { ActiveCall } from './call-index.ts'
import type { CallOrders } from './call-orders.ts'
import { type CommandResults, done } from './command-results.ts'
import { type CallToMake, callsOfFlow, orderedByApi } from './flow-calls.ts'
import { standIn } from './stand-in.ts'

/** What calls which no party asked for need of all calls. */
interface MadeCallsDeps {
  readonly endpoint: SipEndpoint
  readonly orders: CallOrders
  readonly results: CommandResults
  /** A call which no party's INVITE began, under this id. */
  open(now: MonotonicMs, arrival: ReturnType<typeof standIn>, id: string): ActiveCall
  step<E extends keyof CallEvents>(now: MonotonicMs, active: ActiveCall, name: E, event: CallEvents[E]): void
}

/** An order of which the edge did not say whether it may be carried out, and why not. */
interface UnsaidBegin {
  readonly command: OriginateCommand
  readonly why: string
}

/** Hears whether a call was begun: its first INVITE is out, or none ever will be. */
type BeginHearer = (now: MonotonicMs, result: OrderResult) => void

/* Implementation */
/** So long the edge may take to say whether a call may be begun: no party waits for that. */
const beginWithinMs = 5_000

/** Calls which no party asked for: those which the API orders of this relay, and those of flows. */
export class MadeCalls {
  readonly #deps: MadeCallsDeps
  /** Of calls which are not begun yet. */
  readonly #hearers = new Map<ActiveCall, BeginHearer>()
  /** How many each call's flow has made. */
  readonly #madeBy = new WeakMap<ActiveCall, number>()
  /** The edge is asked about them again as soon as it is heard. */
  #unsaid: UnsaidBegin[] = []
  /** None is begun for now. */
  draining = false

  constructor(deps: MadeCallsDeps) {
    this.#deps = deps
  }

  /** The API orders one; an order which comes once more makes no second call. */
  command(now: MonotonicMs, command: OriginateCommand): void {
    if (!this.#deps.results.take(command.command_id)) return
    this.#ask(now, command, tooLate)
  }

  /** The edge is heard: what it did not say before is asked again. It says the same to who asks twice. */
  heard(now: MonotonicMs): void {
    for (const { command, why } of this.#unsaid.splice(0)) this.#ask(now, command, edgeAway(why))
  }

  /** The edge has said whether it may be begun here, or has not. */
  allowed(now: MonotonicMs, command: OriginateCommand, reply: Reply): void {
    if (reply.type === 'unanswered') {
      this.#unsaid.push({ command, why: reply.why })
      return this.#deps.orders.effects.emit({ type: 'beat' })
    }
    const { command_id } = command
    const refusal = notAllowed(reply)
    if (refusal) return this.#conclude(now, command_id, refusal)
    this.#make(now, orderedByApi(command), (at, result) => this.#conclude(at, command_id, result))
  }

  /** A flow's `call` makes some: it hears when each of them was begun, or was not. */
  flow(now: MonotonicMs, parent: ActiveCall, fetch: number, action: FlowActionOf<'call'>): void {
    const { endpoint, step } = this.#deps
    const calls = this.#refusalOf(parent, action) ?? callsOfFlow(parent.call, action, endpoint.entropy)
    if (typeof calls === 'string') {
      const refused = { type: 'fetched', fetch, result: 'refused', why: calls } as const
      return step(now, parent, 'flowHappened', refused)
    }
    const results: OrderResult[] = []
    for (const call of calls) {
      const made = this.#make(now, call, (at, result) => {
        results.push(result)
        if (results.length === calls.length)
          step(at, parent, 'flowHappened', begun(fetch, calls[0]?.call_id ?? '', results))
      })
      if (action.option.chained) parent.call.chained = parent.call.chained.concat(made.call)
    }
  }

  /** Something has happened to a call: what waits for its begin hears of that. */
  look(now: MonotonicMs, active: ActiveCall): void {
    const hearer = this.#hearers.get(active)
    if (!hearer) return
    const isOut = active.call.branches.some(({ invite }) => invite !== undefined)
    if (!isOut && active.machine.state !== 'ended') return
    this.#hearers.delete(active)
    hearer(now, isOut ? done : notBegun(active))
  }

  #conclude(now: MonotonicMs, commandId: string, result: OrderResult): void {
    this.#deps.results.conclude(now, commandId, result)
    this.#deps.orders.effects.emit({ type: 'beat' })
  }

  /** Asks the edge whether it may be begun here; `late`: what comes of it where there is no time left for that. */
  #ask(now: MonotonicMs, command: OriginateCommand, late: OrderResult): void {
    const { command_id, call_id, until } = command
    if (this.draining) return this.#conclude(now, command_id, draining)
    if (Date.parse(until) <= wholeUtcAt(this.#deps.endpoint, now))
      return this.#conclude(now, command_id, late)
    const question = { command_id, call_id }
    this.#deps.orders.questions.ask({ for: 'begin', command }, { ask: 'begin', question }, beginWithinMs)
  }

  /** Why a call's flow makes no more; undefined: it may. */
  #refusalOf(parent: ActiveCall, { option }: FlowActionOf<'call'>): string | undefined {
    if (this.draining) return 'the relay takes no new calls'
    const before = this.#madeBy.get(parent) ?? 0
    const after = before + option.destinations.length
    if (after > flowLimits.calls) return `a call makes ${flowLimits.calls} others at most`
    const { customerId } = parent.call.record
    const goOn = this.#deps.orders.index
      .all()
      .filter(({ call, machine }) => (call.made?.depth ?? 0) > 0 && machine.state !== 'ended')
      .filter(({ call }) => call.record.customerId === customerId)
    if (goOn.length + option.destinations.length > flowLimits.callsAtOnce)
      return `flows of the customer have made ${flowLimits.callsAtOnce} calls which go on`
    this.#madeBy.set(parent, after)
    return undefined
  }

  #make(now: MonotonicMs, call: CallToMake, hearer: BeginHearer): ActiveCall {
    const { endpoint, open, orders } = this.#deps
    const active = open(now, standIn(endpoint), call.call_id)
    const {
      source,
      ring_ms: ringMs,
      run,
      forwarder,
      depth,
      hidden,
      customer_id: customerId,
      destination,
    } = call
    const joins = run.kind === 'join'
    active.call.joined.caller = undefined
    active.call.made = {
      run,
      side: joins ? 'caller' : 'callee',
      source,
      first: joins ? orderedQuestion(call, 'source') : undefined,
      ringMs,
      forwarder,
      depth,
      hidden,
      decision: undefined,
      party: undefined,
    }
    const type = destination.type === 'trunk' ? 'sip' : destination.type
    Object.assign(active.call.record, { customerId, source, destination: { ...destination, type } })
    this.#hearers.set(active, hearer)
    orders.effects.emit({ type: 'made', active, question: orderedQuestion(call, 'destination') })
    return active
  }
}

function refusal(reason: string, message: string): OrderResult {
  return { ok: false, reason, message }
}

const draining = refusal('RELAY_DRAINING', 'The relay takes no new calls.')
const tooLate = refusal('TOO_LATE', 'The call was to be begun before the relay heard of it.')

function edgeAway(why: string): OrderResult {
  return refusal('EDGE_AWAY', `The edge did not say in time whether the call may be begun: ${why}.`)
}

function notAllowed({ answer }: Extract<Reply, { type: 'answered' }>): OrderResult | undefined {
  if (answer.ask === 'begin' && answer.answer.begin) return undefined
  const why = answer.ask === 'begin' ? answer.answer.message : ''
  return refusal(
    'NOT_TO_BE_BEGUN',
    why === '' ? 'Another relay begins the call, or nobody waits for it.' : why,
  )
}

/** Why a call was over before it was begun. */
function notBegun({ call: { record } }: ActiveCall): OrderResult {
  const message = record.rejectMessage ?? 'The call was taken back.'
  return refusal(record.rejectReason ?? 'CANCELLED', message)
}

/** What a flow hears of the calls it made: one which was begun is enough. */
function begun(fetch: number, first: string, results: readonly OrderResult[]): FlowEvent {
  const why = results.flatMap(({ ok, message }) => (ok ? [] : message)).join(' ')
  if (!results.some(({ ok }) => ok)) return { type: 'fetched', fetch, result: 'refused', why }
  const variables = { 'voipbin.call.created_id': first }
  return { type: 'fetched', fetch, result: 'ok', variables, ...(why !== '' && { why }) }
}
