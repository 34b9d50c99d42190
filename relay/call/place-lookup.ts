import type { MonotonicMs, RouteDecision, TargetQuestion } from '#contract'
import type { Reply } from '../ground/questions.ts'
import type { Reachable } from './call-events.ts'
import type { ActiveCall } from './call-index.ts'
import type { CallsDeps, WaitingForPlace } from './call-orders.ts'
import { CalleeFinder } from './reach.ts'
import { questionOf, type RegisteredTarget, reachesNone, registeredTarget } from './registered-target.ts'
import type { Hunt } from './state.ts'

/*
 * At which relays of the fleet a callee has phones: asked before it is rung where nothing is known, else while it rings.
 */

interface PlaceLookupDeps extends Pick<CallsDeps, 'endpoint' | 'registrar' | 'neighbours'> {
  ask(question: TargetQuestion, waiting: Omit<WaitingForPlace, 'for'>): void
}

/** Looks for where callees are, for the calls which are for them. */
export class PlaceLookup {
  readonly #deps: PlaceLookupDeps
  readonly #finder: CalleeFinder

  constructor(deps: PlaceLookupDeps) {
    this.#deps = deps
    this.#finder = new CalleeFinder(deps)
  }

  /** Whether it has to be asked first where the callee is. It is asked then, and `what` waits for that. */
  first(
    now: MonotonicMs,
    active: ActiveCall,
    decision: RouteDecision,
    what: WaitingForPlace['what'],
  ): boolean {
    const target = ownTarget(active, decision)
    const question = target && this.#finder.first(now, target)
    if (question) this.#deps.ask(question, { active, target, what })
    return question !== undefined
  }

  /** Where a callee can be rung which has registered, as far as is known. */
  reachable(now: MonotonicMs, { call }: ActiveCall, decision: RouteDecision | undefined): Reachable {
    const target = decision && registeredTarget(decision)
    return target ? this.#finder.of(now, target, call.handedBy !== undefined) : reachesNone
  }

  /** It rings where phones are known to be, and the edge says meanwhile where others are. */
  meanwhile(now: MonotonicMs, active: ActiveCall, hunt: Hunt, decision: RouteDecision | undefined): void {
    const target = decision && ownTarget(active, decision)
    const question = target && hunt.state !== 'over' && this.#finder.meanwhile(now, target)
    if (question) this.#deps.ask(question, { active, target, what: { for: 'ringing', hunt } })
  }

  /** Where it was said to be, it is no longer. */
  again(active: ActiveCall, hunt: Hunt): void {
    const target = hunt.decision && registeredTarget(hunt.decision)
    if (target) this.#deps.ask(questionOf(target), { active, target, what: { for: 'ringing', hunt } })
  }

  /** The edge has said where, or nothing: where the callee can be rung now. */
  heard(now: MonotonicMs, target: RegisteredTarget, reply: Reply): Reachable {
    const said = reply.type === 'answered' && reply.answer.ask === 'target' ? reply.answer.answer : undefined
    this.#deps.neighbours.heard(now, target.id, said)
    return this.#finder.of(now, target)
  }
}

/** One which is handed on by another relay is for phones of ours, and is looked for nowhere else. */
function ownTarget({ call }: ActiveCall, decision: RouteDecision): RegisteredTarget | undefined {
  return call.handedBy === undefined ? registeredTarget(decision) : undefined
}
