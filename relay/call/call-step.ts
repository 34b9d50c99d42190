import type { ConnectDecision, FlowActionOf, FlowServerQuestion } from '#contract'
import type { Observation } from '#routing'
import type { LocateQuestion, Note } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import type { Turn } from '../ground/machine.ts'
import type { MediaCommand, Side } from '../ground/media.ts'
import type { InDialogRequest, Leg } from '../leg/leg.ts'
import type { LegOrder, LegRole, LegTimer } from '../leg/orders.ts'
import type { Authorizations } from '../sip/authorization.ts'
import type { Request } from '../sip/message.ts'
import type { ReferTarget } from '../sip/refer-to.ts'
import type { EndingEvents, FlowCallEvents, TransferEvents } from './call-events.ts'
import type { AskedSound } from './flow-call.ts'
import type { RecordingChange, RecordingWish } from './recording-wish.ts'
import type { Branch, Call, Hunt } from './state.ts'

/** Where a call stands; call.ts draws the figure. */
export type CallState = 'routing' | 'opening' | 'flow' | 'hunting' | 'answered' | 'transferred' | 'ended'

/** What one event leads to. */
export type CallStep = Turn<CallState, CallOrder>

/** What a call orders, by its legs or itself; the engine makes it true and decides nothing of its own. */
export type CallOrder =
  | LegOrder<Branch>
  | { readonly type: 'request'; readonly request: Request; readonly flow: Flow; readonly role: ClientRole }
  | { readonly type: 'locate'; readonly branch: Branch; readonly question: LocateQuestion }
  /** A sound of a flow is to be brought to this relay. */
  | { readonly type: 'sound'; readonly asked: AskedSound }
  /** A server of the customer's is to be asked by the edge. */
  | { readonly type: 'askServer'; readonly fetch: number; readonly question: FlowServerQuestion }
  /** A leg's SDP names a host. */
  | { readonly type: 'resolve'; readonly leg: Leg; readonly host: string }
  | { readonly type: 'set'; readonly ms: number; readonly timer: CallTimer }
  | { readonly type: 'stop'; readonly timer: CallTimer['timer']; readonly of?: Leg | Hunt }
  /** Where does a hunt lead? */
  | { readonly type: 'decide'; readonly hunt: Hunt }
  /** It is decided already, and its turn has come. */
  | { readonly type: 'seek'; readonly hunt: Hunt; readonly decision: ConnectDecision }
  /** A flow calls others, by calls of their own. */
  | { readonly type: 'make'; readonly fetch: number; readonly action: FlowActionOf<'call'> }
  /** Where are its phones by now? */
  | { readonly type: 'lookAgain'; readonly hunt: Hunt }
  /** The INVITE passed on for a leg is wanted no more; what comes late is still heard. */
  | { readonly type: 'abandon'; readonly of: Leg }
  | { readonly type: 'media'; readonly command: MediaCommand }
  /** `late`: what leaves need not wait for it. */
  | { readonly type: 'tell'; readonly late?: boolean }
  /** The call is to be recorded; or what is recorded of it is to pause, to go on, or to end. */
  | { readonly type: 'record'; readonly wish: RecordingWish }
  /** A party has come on this side: where the call is recorded it hears that. */
  | { readonly type: 'announceRecording'; readonly side: Side }
  /** `of`: only of those which a setting made. */
  | { readonly type: 'changeRecording'; readonly change: RecordingChange; readonly of?: 'setting' }
  /** A provider said 503 with Retry-After: it is to be left alone at this address for so long. */
  | { readonly type: 'cool'; readonly provider: string; readonly flow: Flow; readonly ms: number }
  /** A provider has shown how it is doing. */
  | { readonly type: 'observed'; readonly providerId: string; readonly seen: Observation }
  | { readonly type: 'release' }
  /** A party asks for a transfer, which is made here. */
  | { readonly type: 'refer'; readonly asked: InDialogRequest; readonly target: ReferTarget }
  /** Something happens to the other call of a transfer, or to this one when it has done what it is told here. */
  | Onward
  | Note

/** What a call's timer is for. */
export type CallTimer =
  /** No response at all / nothing but 100 / ringing for too long, of one branch. */
  | { readonly timer: 'silence' | 'progress' | 'ring'; readonly branch: Branch }
  /** No callee rings: the hunt is over. Without one: our sockets are late. */
  | { readonly timer: 'search'; readonly hunt?: Hunt }
  /** Its delay is over. */
  | { readonly timer: 'delay'; readonly hunt: Hunt }
  | LegTimer
  | { readonly timer: 'repeatPending' | 'unacknowledgedPending' | 'stalledPending'; readonly leg: Leg }
  /** A leg was busy when it was to be offered another one's sound; one which transferred its call has not hung up. */
  | { readonly timer: 'reoffer' | 'parting'; readonly leg: Leg }
  /** A phone at another relay is heard straight by now, or not. */
  | { readonly timer: 'detour'; readonly leg: Leg }
  /** An offer of ours cannot be made, or was not answered in time: what that counts as. */
  | { readonly timer: 'stalledOffer'; readonly leg: Leg; readonly status: number }
  /** The media thread never said its last word; what a flow waits for has not come. */
  | { readonly timer: 'media' | 'flow' }
  /** A caller has been with its flow alone for too long. */
  | { readonly timer: 'alone' }

/** Which of a call's client transactions an answer belongs to. */
export type ClientRole =
  | LegRole<Branch>
  /** An UPDATE passed on before the call is answered. */
  | { readonly role: 'early'; readonly asked: InDialogRequest; readonly proofs: Authorizations }
  /** A request of one leg passed on to the other. */
  | { readonly role: 'passed'; readonly asked: InDialogRequest; readonly proofs: Authorizations }

/** What happens in one call to another, or follows in itself. */
export type Onward = {
  [Name in keyof FollowingEvents]: {
    readonly type: 'onward'
    readonly call: Call
    readonly name: Name
    readonly event: FollowingEvents[Name]
  }
}[keyof FollowingEvents]

/** Events which calls bring about themselves. */
type FollowingEvents = TransferEvents &
  EndingEvents &
  Pick<FlowCallEvents, 'flowHappened' | 'flowReached' | 'connectOver'>
