import type { MonotonicMs } from '#contract'
import type { LegFound } from '../call/call-index.ts'
import type { CallState } from '../call/call-step.ts'
import type { Calls } from '../call/calls.ts'
import { reasonsOf } from '../call/reason.ts'
import { receiveInDialog } from '../dialog/dialog.ts'
import type { Flow } from '../ground/flow.ts'
import { isTrickle } from '../leg/ice.ts'
import type { Leg } from '../leg/leg.ts'
import { admits } from '../leg/path.ts'
import { infoDigitOf } from '../sip/dtmf-relay.ts'
import type { Request } from '../sip/message.ts'
import { asksForMessages } from '../sip/message-summary.ts'
import { reply } from '../sip/reply.ts'
import { allowHeader, supportedHeader } from '../sip/screen.ts'
import type { TransactionOutput, Transactions } from '../transaction/layer.ts'
import type { IngressEffects, IngressOutput } from './ingress-effects.ts'
import type { StatelessReplies } from './stateless-replies.ts'

interface DialogRequestsDeps {
  readonly effects: IngressEffects
  readonly replies: StatelessReplies
  readonly transactions: Transactions
  readonly calls: Calls
}

/** Requests inside a call which are passed on once it is answered. */
const passed: ReadonlySet<string> = new Set(['INVITE', 'UPDATE', 'INFO', 'MESSAGE', 'REFER', 'NOTIFY'])

/**
 * The UAS inside dialogs (RFC 3261 §12.2.2), and of CANCEL (§9.2): finds the call a request is for, and says where there
 * is none.
 */
export class DialogRequests {
  readonly #deps: DialogRequestsDeps

  constructor(deps: DialogRequestsDeps) {
    this.#deps = deps
  }

  /** undefined: the request is for no dialog, nor takes back what is under way. */
  receive(
    { request, flow }: Extract<TransactionOutput, { type: 'request' }>,
    now: MonotonicMs,
  ): IngressOutput[] | undefined {
    if (request.method === 'CANCEL') {
      if (!this.#cancel(now, request, flow)) return undefined
    } else if (request.to.tag === undefined || asksForMessages(request)) return undefined
    else this.#inDialog(now, request, flow)
    return this.#deps.effects.take()
  }

  #cancel(now: MonotonicMs, request: Request, flow: Flow): boolean {
    const { effects, replies, transactions, calls } = this.#deps
    const transaction = transactions.cancelled(request)
    if (transaction === undefined) return false
    const asker = calls.index.server(transaction)
    if (!asker) {
      // Its INVITE has had its final answer: nothing is left to cancel (§9.2).
      replies.refuse(request, flow, 200)
      return true
    }
    const { active, leg } = asker
    if (!admits(leg, flow)) {
      replies.refuse(request, flow, 481)
      return true
    }
    this.#accept(now, request, flow, active.call.caller.localTag)
    effects.pass(calls.cancel(now, active, { leg, transaction, reason: reasonsOf(request) }))
    return true
  }

  #inDialog(now: MonotonicMs, request: Request, flow: Flow): void {
    const { replies, calls } = this.#deps
    const found = calls.index.leg(request)
    const ack = request.method === 'ACK'
    if (!found || !admits(found.leg, flow)) return ack ? undefined : this.#inNoDialog(now, request, flow)
    if (ack) return this.#acked(now, request, found)
    const { dialog } = found.leg
    if (dialog && receiveInDialog(dialog, request) === 'old') return replies.refuse(request, flow, 500)
    this.#withinCall(now, request, flow, found)
  }

  /**
   * A callee which rings crosses our INVITE with its own, or our open offer with its own (RFC 3261 §14.2, RFC 3311
   * §5.2), or asks for what waits for its answer.
   */
  #inNoDialog(now: MonotonicMs, request: Request, flow: Flow): void {
    const { replies, calls } = this.#deps
    const { method } = request
    const early = calls.index.early(request, flow)
    if (!early || !passed.has(method)) return replies.refuse(request, flow, 481)
    if (isTrickle(early.leg, request)) return this.#accept(now, request, flow)
    if (isHeardEarly(request)) return this.#ask(now, request, flow, early)
    if (method === 'INVITE') return replies.refuse(request, flow, 491)
    replies.notYet(request, flow)
  }

  #acked(now: MonotonicMs, request: Request, { active, leg }: LegFound): void {
    const { effects, calls } = this.#deps
    effects.pass(
      leg.kind === 'uas' && request.cseq.number === leg.invite.cseq.number
        ? calls.step(now, active, 'acked', { leg, request })
        : calls.step(now, active, 'passedAck', { leg, request }),
    )
  }

  #withinCall(now: MonotonicMs, request: Request, flow: Flow, { active, leg }: LegFound): void {
    const { effects, replies, transactions, calls } = this.#deps
    const { method } = request
    if (method === 'BYE') {
      this.#accept(now, request, flow)
      effects.pass(calls.step(now, active, 'bye', { leg, reason: reasonsOf(request) }))
    } else if (method === 'PRACK') {
      if (!acknowledges.has(active.machine.state)) return replies.refuse(request, flow, 481)
      const transaction = transactions.open(now, request, flow)
      effects.pass(calls.step(now, active, 'prack', { leg, request, transaction, source: flow }))
    } else if (isTrickle(leg, request)) this.#accept(now, request, flow)
    else if (passed.has(method)) {
      if (!mayAsk(active.machine.state, leg, request)) return replies.notYet(request, flow)
      this.#ask(now, request, flow, { active, leg })
    } else if (method === 'OPTIONS')
      replies.refuse(request, flow, 200, undefined, [
        allowHeader,
        ['accept', 'application/sdp'],
        supportedHeader,
      ])
    else if (method === 'SUBSCRIBE') replies.refuse(request, flow, 489)
    else replies.refuse(request, flow, 405, undefined, [allowHeader])
  }

  /** Brings a request to its call, in a transaction of its own. */
  #ask(now: MonotonicMs, request: Request, flow: Flow, { active, leg }: LegFound): void {
    const { effects, transactions, calls } = this.#deps
    const transaction = transactions.open(now, request, flow)
    effects.pass(calls.request(now, active, { leg, request, transaction, source: flow }))
  }

  /** Answers 200 in a transaction of its own. */
  #accept(now: MonotonicMs, request: Request, flow: Flow, toTag?: string): void {
    const { effects, transactions } = this.#deps
    const id = transactions.open(now, request, flow)
    effects.pass(transactions.respond(now, id, reply(request, 200, { flow, toTag })))
  }
}

/** States in which a provisional of ours may still be acknowledged. */
const acknowledges: ReadonlySet<CallState> = new Set(['hunting', 'flow', 'answered'])

/** Whether a party may ask this now: all of it once it speaks here, little before. */
function mayAsk(state: CallState, { dialog }: Leg, request: Request): boolean {
  if (state === 'answered' || (state === 'flow' && dialog?.confirmed)) return true
  return (state === 'hunting' || state === 'flow') && isHeardEarly(request)
}

/** What may be asked before the call is answered: a change of what was agreed reliably, or that a key be told. */
function isHeardEarly(request: Request): boolean {
  return request.method === 'UPDATE' || (request.method === 'INFO' && infoDigitOf(request) !== undefined)
}
