import type { MonotonicMs } from '#contract'
import type { MediaReport } from '../ground/media.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallEvents } from './call-events.ts'
import type { ActiveCall } from './call-index.ts'
import type { CallOrders } from './call-orders.ts'
import { mediaRecordOf } from './media-record.ts'
import { heardAt } from './sides.ts'

interface MediaReportsDeps {
  readonly endpoint: SipEndpoint
  readonly orders: CallOrders
  step<E extends keyof CallEvents>(now: MonotonicMs, active: ActiveCall, name: E, event: CallEvents[E]): void
}

/** What the media thread tells, brought to the calls which it is about. */
export class MediaReports {
  readonly #deps: MediaReportsDeps

  constructor(deps: MediaReportsDeps) {
    this.#deps = deps
  }

  /** It tells something of a session: of a call's, or of one which is opened ahead. */
  receive(now: MonotonicMs, report: MediaReport): void {
    const { orders } = this.#deps
    if (report.type === 'recorded') orders.recordings.recorded(now, report)
    if (report.type === 'played') orders.recordings.played(report)
    const active = orders.index.session(report.session)
    if (!active) return void orders.ports.receive(now, report)
    active.call.now = now
    const heard = report.type === 'heard' ? heardAt(active.call, report.side) : undefined
    if (heard) heard.spoke = true
    if (report.type === 'closed' || report.type === 'counted')
      active.call.record.media = { caller: report.caller, callee: report.callee }
    if (report.type === 'closed') return this.over(now, active)
    if (report.type === 'counted') return isUp(active) ? orders.tell(active) : undefined
    if (report.type === 'failed') {
      if (orders.ports.openOthers(now, active, report.why)) return
      active.mediaClosed = true
    }
    this.#deps.step(now, active, 'media', { report })
  }

  /** It said its last word of a call's sound, or never will. */
  over(now: MonotonicMs, active: ActiveCall): void {
    const { orders, endpoint } = this.#deps
    const { call, machine } = active
    active.mediaClosed = true
    orders.timers.stop(active, 'media')
    call.record.soundOver = true
    if (machine.state === 'ended' && !active.finalTold && mediaRecordOf(call, endpoint)) {
      active.finalTold = true
      orders.tell(active)
    }
    orders.settle(now, active)
  }
}

/** Whether it is told now and then how its sound is. */
function isUp({ machine: { state } }: ActiveCall): boolean {
  return state === 'answered' || state === 'flow'
}
