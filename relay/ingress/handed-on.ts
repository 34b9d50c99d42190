import type { MonotonicMs } from '#contract'
import type { Calls } from '../call/calls.ts'
import { handedDecision } from '../call/handed-on.ts'
import { registeredTarget } from '../call/registered-target.ts'
import type { Clock } from '../ground/clock.ts'
import type { Flow } from '../ground/flow.ts'
import type { Neighbours } from '../registrar/neighbours.ts'
import type { Registrar } from '../registrar/registrar.ts'
import type { Request } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { allowHeader, screen } from '../sip/screen.ts'
import type { Transactions } from '../transaction/layer.ts'
import type { IngressEffects } from './ingress-effects.ts'
import type { StatelessReplies } from './stateless-replies.ts'

interface HandedOnDeps {
  readonly clock: Clock
  readonly effects: IngressEffects
  readonly replies: StatelessReplies
  readonly transactions: Transactions
  readonly registrar: Registrar
  readonly neighbours: Neighbours
  readonly calls: Calls
}

/**
 * What comes from other relays of the fleet: calls for phones which registered here. They were let in, decided and counted
 * there; here they ring, also while this relay drains, for its phones are nowhere else yet.
 */
export class HandedOn {
  readonly #deps: HandedOnDeps

  constructor(deps: HandedOnDeps) {
    this.#deps = deps
  }

  receive(now: MonotonicMs, request: Request, flow: Flow, relayId: string): void {
    const { neighbours, replies, effects } = this.#deps
    if (!neighbours.has(relayId)) return effects.emit({ type: 'close', flow })
    const refusal = screen(request)
    if (refusal) return replies.refuse(request, flow, refusal.status, refusal.reason, refusal.headers)
    if (request.method === 'OPTIONS') return replies.refuse(request, flow, 200, undefined, [allowHeader])
    if (request.method !== 'INVITE') return replies.refuse(request, flow, 405, undefined, [allowHeader])
    this.#ring(now, request, flow, relayId)
  }

  #ring(now: MonotonicMs, request: Request, flow: Flow, relayId: string): void {
    const { clock, calls, effects, registrar, replies, transactions } = this.#deps
    const decision = handedDecision(request)
    const target = decision && registeredTarget(decision)
    if (!decision || !target) return replies.refuse(request, flow, 400, 'No Target')
    // Its phone has moved, or left: who hands the call on asks anew where to.
    if (registrar.contacts(target.customerId, target.id, clock.at).length === 0)
      return replies.refuse(request, flow, 430, 'Not Registered Here')
    const transaction = transactions.open(now, request, flow)
    effects.pass(transactions.respond(now, transaction, reply(request, 100, { flow })))
    effects.pass(
      calls.handedOn(now, { invite: request, flow, transaction, trusted: true }, decision, relayId),
    )
  }
}
