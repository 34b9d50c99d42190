import type { MonotonicMs } from '#contract'
import type { LegResult } from '../leg/leg-requests.ts'
import { restLeg, restSound } from '../leg/rest.ts'
import type { Response } from '../sip/message.ts'
import { recordCode } from './branch.ts'
import type { CallEvents } from './call-events.ts'
import type { ActiveCall } from './call-index.ts'
import type { CallOrders } from './call-orders.ts'
import type { CallTimer, ClientRole } from './call-step.ts'
import { restCall } from './rest.ts'
import { joinedLegs } from './sides.ts'
import type { Branch } from './state.ts'

/** What brings news to calls. */
export interface CallNewsDeps {
  readonly orders: Pick<CallOrders, 'settle' | 'reputation'>
  /** Brings one event to a call. */
  step<E extends keyof CallEvents>(now: MonotonicMs, active: ActiveCall, name: E, event: CallEvents[E]): void
  /** The media thread will say no more of it. */
  mediaOver(now: MonotonicMs, active: ActiveCall): void
}

/** What timers and answers to its requests tell a call, as its events. */
export class CallNews {
  readonly #deps: CallNewsDeps

  constructor(deps: CallNewsDeps) {
    this.#deps = deps
  }

  /** A timer of a call's is due. */
  due(now: MonotonicMs, active: ActiveCall, timer: CallTimer): void {
    switch (timer.timer) {
      case 'media':
        return this.#deps.mediaOver(now, active)
      case 'flow':
      case 'alone':
        return this.#deps.step(now, active, timer.timer, undefined)
      case 'silence':
        this.#unheard(now, timer.branch)
        return this.#deps.step(now, active, timer.timer, timer)
      case 'progress':
      case 'ring':
        return this.#deps.step(now, active, timer.timer, timer)
      case 'repeatPending':
      case 'unacknowledgedPending':
      case 'stalledPending':
        return this.#deps.step(now, active, timer.timer, timer)
      case 'stalledOffer':
        return this.#deps.step(now, active, timer.timer, timer)
      case 'session':
      case 'stalledRefresh':
      case 'reoffer':
      case 'detour':
      case 'parting':
        return this.#deps.step(now, active, timer.timer, timer)
      case 'repeat':
      case 'repeatProvisional':
      case 'provisionalUnacknowledged':
      case 'unacknowledged':
        return this.#deps.step(now, active, timer.timer, timer)
      case 'search':
        return this.#deps.step(now, active, timer.timer, { hunt: timer.hunt })
      case 'delay':
        return this.#deps.step(now, active, timer.timer, timer)
    }
  }

  /** What became of a request of a call's. */
  heard(now: MonotonicMs, result: LegResult<ActiveCall, ClientRole>): void {
    const { owner: active, role, sent, flow } = result
    const response = result.type === 'response' ? result.response : undefined
    if (result.type === 'ended') {
      // One which a refusal made us send anew says nothing of the 2xx to that.
      if (role.role === 'invite' && sent === role.leg.invite) this.#rest(active, role.leg)
      else if (sent.method === 'INVITE') restSound(joinedLegs(active.call))
      return this.#deps.orders.settle(now, active)
    }
    switch (role.role) {
      case 'invite':
        return response
          ? this.#inviteAnswered(now, active, role.leg, response)
          : this.#inviteSilent(now, active, role.leg, result.type === 'silence' ? result.why : '')
      case 'passed':
        return this.#deps.step(now, active, 'passed', { ...role, sent, flow, response })
      case 'key':
        return this.#deps.step(now, active, 'keyAnswered', { ...role, sent, flow, response })
      case 'refresh':
        return this.#deps.step(now, active, 'refreshed', { ...role, sent, flow, response })
      case 'early':
        return this.#deps.step(now, active, 'earlyUpdateAnswered', { ...role, sent, flow, response })
      case 'prack':
        return this.#deps.step(now, active, 'prackAnswered', { ...role, sent, flow, response })
      case 'bye':
        return this.#deps.step(now, active, 'byeAnswered', { ...role, sent, flow, response })
      case 'reoffer':
        return this.#deps.step(now, active, 'reoffered', { ...role, sent, flow, response })
      case 'cancel':
      case 'notify':
        return this.#deps.orders.settle(now, active)
    }
  }

  #rest({ call }: ActiveCall, leg: Branch): void {
    restLeg(leg)
    if (call.callee === leg) restCall(call)
  }

  #inviteAnswered(now: MonotonicMs, active: ActiveCall, branch: Branch, response: Response): void {
    const { status, reason } = response
    active.call.now = now
    recordCode(active.call, branch, status)
    if (branch.provider?.provider_id && branch.flow)
      this.#deps.orders.reputation.spoke(branch.provider.provider_id, branch.flow)
    if (status < 200) this.#deps.step(now, active, 'provisional', { branch, response })
    else if (status < 300) this.#deps.step(now, active, 'success', { branch, response })
    else this.#deps.step(now, active, 'failure', { branch, status, why: reason, response })
  }

  #inviteSilent(now: MonotonicMs, active: ActiveCall, branch: Branch, why: string): void {
    this.#unheard(now, branch)
    this.#deps.step(now, active, 'failure', { branch, status: 0, why, response: undefined })
  }

  /** A provider which is called gave no sign of life yet, and now it is late; or it cannot be reached. */
  #unheard(now: MonotonicMs, { provider, flow, heard, state }: Branch): void {
    if (provider?.provider_id && flow && heard === 'nothing' && state === 'calling')
      this.#deps.orders.reputation.silent(now, provider.provider_id, flow)
  }
}
