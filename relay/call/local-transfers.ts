import type { MonotonicMs } from '#contract'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallEvents } from './call-events.ts'
import type { ActiveCall } from './call-index.ts'
import type { CallOrders } from './call-orders.ts'
import type { CallOrder } from './call-step.ts'
import { referRefused } from './refer.ts'
import type { ReferredCall } from './referred.ts'
import { otherOf } from './sides.ts'
import { transferLead } from './transfers.ts'

/** What transfers need of the calls between which they are made. */
interface LocalTransfersDeps {
  readonly endpoint: SipEndpoint
  readonly orders: CallOrders
  /** A call which no party's INVITE began. */
  open(now: MonotonicMs, arrival: ReferredCall['arrival']): ActiveCall
  step<E extends keyof CallEvents>(now: MonotonicMs, active: ActiveCall, name: E, event: CallEvents[E]): void
}

/** Transfers which are made here, of one call to another. */
export class LocalTransfers {
  readonly #deps: LocalTransfersDeps

  constructor(deps: LocalTransfersDeps) {
    this.#deps = deps
  }

  /** A party asks for one. */
  refer(now: MonotonicMs, active: ActiveCall, order: Extract<CallOrder, { type: 'refer' }>): void {
    const { endpoint, orders, step } = this.#deps
    const { asked } = order
    const lead = transferLead(active.call, order, orders.index, endpoint)
    if (lead.type === 'refused') return orders.carryOut(now, active, referRefused(asked, lead, endpoint))
    const party = otherOf(active.call, asked.leg)
    const to = lead.type === 'attended' ? lead.found.active : this.#referred(now, active, lead)
    step(now, active, 'transferBegun', { asked, to: to.call, type: lead.type })
    if (lead.type === 'blind') orders.effects.emit({ type: 'referred', active: to, caller: lead.caller })
    else if (party) step(now, to, 'replaced', { from: active.call, party, replaced: lead.found.leg })
  }

  #referred(now: MonotonicMs, { call }: ActiveCall, { arrival, joining }: ReferredCall): ActiveCall {
    const to = this.#deps.open(now, arrival)
    to.call.joined.caller = undefined
    to.call.joining = joining
    Object.assign(to.call.record, { transferredFrom: call.id, transferType: 'blind' })
    return to
  }
}
