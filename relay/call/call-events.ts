import type { RouteDecision, TransferType } from '#contract'
import type { Located } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import type { MediaReport } from '../ground/media.ts'
import type { ByeResult } from '../leg/bye.ts'
import type { GivenReason, InDialogRequest, Leg, UasLeg } from '../leg/leg.ts'
import type { PrackResult } from '../leg/prack.ts'
import type { RefreshResult } from '../leg/refresh.ts'
import type { Contact } from '../registrar/registrar.ts'
import type { Authorizations } from '../sip/authorization.ts'
import type { Request, Response } from '../sip/message.ts'
import type { FollowedFlowEvents } from './flow-call.ts'
import type { Cause } from './reason.ts'
import type { CallSockets } from './spare-sessions.ts'
import type { Branch, Call, CallParty, Hunt, HuntEnding } from './state.ts'

/** What happens to a call, by name. */
export interface CallEvents extends TransferEvents, FlowCallEvents, EndingEvents {
  /** The edge's answer, the extension's contacts, and sockets for the media, or why there are none. */
  decided: { decision: RouteDecision; reachable: Reachable; sockets: CallSockets | string }
  undecided: { why: string }
  located: { branch: Branch; located: Located }
  /** It is known where a host leads which a leg named in its SDP, or that it leads nowhere. */
  resolved: { leg: Leg; host: string }
  provisional: { branch: Branch; response: Response }
  success: { branch: Branch; response: Response }
  /** A final failure; status 0 when the network spoke instead of the peer. */
  failure: { branch: Branch; status: number; why: string; response: Response | undefined }
  silence: { branch: Branch }
  progress: { branch: Branch }
  ring: { branch: Branch }
  search: { hunt: Hunt | undefined }
  delay: { hunt: Hunt }
  /** It is decided where a hunt leads, or why not; with the contacts of an extension or PBX. */
  sentOn: { hunt: Hunt; decision: RouteDecision | undefined; why: string; reachable: Reachable }
  /** The edge says where its phones are, while it rings already. */
  found: { hunt: Hunt; reachable: Reachable }
  /** Who asked takes its INVITE back, the first one or one passed on. */
  cancel: { leg: Leg; transaction: number } & GivenReason
  /** The ACK of our 2xx to a leg's first INVITE. */
  acked: { leg: UasLeg; request: Request }
  repeat: { leg: UasLeg }
  unacknowledged: { leg: UasLeg }
  /** A party hangs up; its BYE has been answered already. */
  bye: { leg: Leg } & GivenReason
  /** re-INVITE, UPDATE, INFO inside the dialog. */
  request: InDialogRequest
  /** The other leg's answer to one passed on as `sent`; no response: it never came. */
  passed: ForwardedResult
  byeAnswered: ByeResult
  passedAck: { leg: Leg; request: Request }
  repeatPending: { leg: Leg }
  unacknowledgedPending: { leg: Leg }
  stalledPending: { leg: Leg }
  stalledOffer: { leg: Leg; status: number }
  session: { leg: Leg }
  stalledRefresh: { leg: Leg }
  refreshed: RefreshResult
  reoffer: { leg: Leg }
  detour: { leg: Leg }
  /** Who called takes the place of a party (RFC 3891). */
  placeTaken: { leg: UasLeg; replaced: Leg; as: Pick<CallParty, 'kind' | 'id'> }
  reoffered: RefreshResult
  parting: { leg: Leg }
  repeatProvisional: { leg: UasLeg }
  provisionalUnacknowledged: { leg: UasLeg }
  /** A party acknowledges a provisional of ours by PRACK. */
  prack: InDialogRequest
  /** What a PRACK of ours was answered. */
  prackAnswered: PrackResult
  /** What an UPDATE passed on early was answered; no response: it never was. */
  earlyUpdateAnswered: ForwardedResult
  /** What became of an INFO of ours which told of a key. */
  keyAnswered: ToldKey
  media: { report: MediaReport }
  stop: undefined
}

/** What happens to a call which follows a flow. */
export type FlowCallEvents = FollowedFlowEvents<Hunt, HuntEnding>

/** What ends a call from without. */
export interface EndingEvents {
  /** By the API, or with the call whose flow made it: why, for its record. */
  hungUp: Cause
}

/** What happens between the two calls of a transfer. */
export interface TransferEvents {
  /** The call which a transfer leads to is there. */
  transferBegun: { asked: InDialogRequest; to: Call; type: TransferType }
  /** The same of one which the API ordered: `by` is the party which is left. */
  transferOrdered: { by: Leg; to: Call }
  /** What that would be answered were it an INVITE of who asked. */
  transferProgressed: { status: number }
  /** The transferred party leaves for it, speaks there, or comes back. */
  partyTaken: undefined
  partyJoined: undefined
  partyReturned: { status: number; gone: boolean }
  /** In that one: who asked has left, and the transferred party waits here; or the transfer is off. */
  partyAdopted: undefined
  transferOff: undefined
  /** The transferred party takes the place of who asked. */
  replaced: { from: Call; party: Leg; replaced: Leg }
}

/** Where it can be rung; `unreached`: relays where it is said to have phones, and which we know no way to. */
export interface Reachable {
  readonly contacts: readonly Contact[]
  readonly unreached: readonly string[]
}

/** An INFO of ours which told a leg of a key, and its answer; no response: none came. */
export interface ToldKey {
  readonly leg: Leg
  readonly proofs: Authorizations
  readonly sent: Request
  readonly flow: Flow
  readonly response: Response | undefined
}

/** What became of a request passed on. */
export interface ForwardedResult {
  readonly asked: InDialogRequest
  readonly proofs: Authorizations
  readonly sent: Request
  readonly flow: Flow
  readonly response: Response | undefined
}
