import type {
  Attempt,
  CallTell,
  Consideration,
  HangupParty,
  HangupReason,
  ProviderTarget,
  RouteDecision,
} from '#contract'
import type { Dialog } from '../dialog/dialog.ts'
import type { Located, LocateQuestion, Note } from '../effects.ts'
import type { Flow } from '../flow.ts'
import type { Turn } from '../machine.ts'
import type { Sent } from '../media/offer.ts'
import type { Heard, MediaCommand, MediaReport, Side } from '../media/session.ts'
import type { Contact } from '../registrar/register.ts'
import type { Request, Response } from '../sip/message.ts'

export type Connect = Extract<RouteDecision, { kind: 'connect' }>
export type { Side }

/** One call: two legs and what happened between them (B2BUA, RFC 7092). */
export interface Call {
  /** UUIDv7; the record's id at the edge. */
  readonly id: string
  /** The media thread's name for it. */
  readonly session: number
  /** Monotonic ms and UTC ms of the first INVITE. */
  readonly startedNow: number
  readonly startedAt: number
  /** Monotonic ms of the event being handled. */
  now: number
  readonly caller: CallerLeg
  decision: Connect | undefined
  /** RTP ports, even; taken when the call is connected somewhere. */
  ports: Record<Side, number> | undefined
  /** Providers not tried yet, best first. */
  waiting: ProviderTarget[]
  branches: Branch[]
  /** The branch which answered. */
  callee: Branch | undefined
  /** A ringing was passed to the caller: no other provider is tried any more. */
  rang: boolean
  /** Statuses of the branches which failed. */
  failures: number[]
  /** Re-INVITE or UPDATE passed through and not answered yet, by the side which asked. */
  pending: Partial<Record<Side, Pending>>
  record: Record_
  /** Ports were handed back, the last record was told. */
  released: boolean
}

/** What the call's record says, besides what the legs say. */
export interface Record_ {
  sequence: number
  direction: CallTell['call']['direction']
  customerId: string | undefined
  source: CallTell['call']['source']
  destination: CallTell['call']['destination']
  numberId: string | null
  providerId: string | null
  unverified: boolean
  explanation: Consideration[]
  rejectReason: string | null
  ringingAt: number | undefined
  answeredAt: number | undefined
  endedAt: number | undefined
  by: HangupParty | undefined
  reason: HangupReason | undefined
  sipStatus: number | undefined
  media: Record<Side, Heard> | undefined
}

/** The side which called us: we are its UAS. */
export interface CallerLeg {
  readonly flow: Flow
  readonly invite: Request
  /** Our server transaction for that INVITE. */
  readonly transaction: number
  readonly localTag: string
  /** From a provider's trunk, not from a phone: its SDP address is believed. */
  readonly trusted: boolean
  dialog: Dialog | undefined
  /** The 2xx until it is acknowledged, and how long the next repeat waits. */
  answer: { response: Response; waitMs: number } | undefined
  acknowledged: boolean
  /** A BYE which must wait for the ACK (RFC 3261 §15). */
  bye: Farewell | undefined
  /** Version of the SDP we send this side, and its last text (RFC 3264 §8). */
  sdp: Spoken
}

/** One side which we called: we are its UAC. */
export interface Branch {
  readonly index: number
  readonly attempt: { -readonly [K in keyof Attempt]: Attempt[K] }
  readonly provider: ProviderTarget | undefined
  readonly contact: Contact | undefined
  readonly callId: string
  readonly localTag: string
  cseq: number
  /** Addresses of this provider not tried yet. */
  flows: Flow[]
  flow: Flow | undefined
  /** The INVITE in the air, or the last one which was. */
  invite: Request | undefined
  state: 'locating' | 'calling' | 'abandoned' | 'answered' | 'over'
  /** What came back so far. */
  heard: 'nothing' | 'trying' | 'ringing'
  /** Its digest challenge was answered; a second one is a refusal (RFC 3261 §22.2). */
  proved: boolean
  /** A CANCEL was sent, and why. */
  cancelled: boolean
  dialog: Dialog | undefined
  /** Our ACKs for its 2xx, by the callee's tag: a repeated 2xx is acknowledged again (§13.2.2.4). */
  acks: Map<string, { request: Request; flow: Flow }>
  /** SDP of a provisional, for a 2xx which comes without. */
  early: Uint8Array | undefined
  sdp: Spoken
}

/** The SDP we last sent to one side. */
export interface Spoken {
  readonly id: string
  sent: Sent | undefined
}

/** A request of one side which waits for the other side's answer. */
export interface Pending {
  readonly request: Request
  readonly transaction: number
  /** Repeats our 2xx until its ACK comes (re-INVITE only). */
  answer: { response: Response; waitMs: number } | undefined
  /** The re-INVITE as sent on, and the flow, for the ACK. */
  sent: { request: Request; flow: Flow } | undefined
  /** The other side's 2xx, kept when the ACK will carry the answer (delayed offer). */
  accepted: Response | undefined
}

/** Why a leg is hung up, in the peer's words where it gave some (RFC 3326). */
export interface Farewell {
  readonly reason: string | undefined
}

/** Which of a call's client transactions an answer belongs to. */
export type Role =
  | { readonly role: 'invite'; readonly branch: Branch }
  | { readonly role: 'cancel'; readonly branch: Branch }
  | { readonly role: 'bye'; readonly side: Side }
  /** A request of `side` passed on to the other. */
  | { readonly role: 'passed'; readonly side: Side; readonly request: Request; readonly transaction: number }

export type Timer =
  /** No response at all / nothing but 100 / ringing for too long, of one branch. */
  | { readonly timer: 'silence' | 'progress' | 'ring'; readonly branch: Branch }
  /** Nobody rings: the search as a whole is over. */
  | { readonly timer: 'search' }
  /** Repeat our 2xx; stop waiting for its ACK. */
  | { readonly timer: 'repeat' | 'unacknowledged' }
  | { readonly timer: 'repeatPending' | 'unacknowledgedPending'; readonly side: Side }
  /** The media thread never said its last word. */
  | { readonly timer: 'media' }

/** What a call orders; the engine makes it true and decides nothing of its own. */
export type Order =
  | { readonly type: 'respond'; readonly transaction: number; readonly response: Response }
  | { readonly type: 'request'; readonly request: Request; readonly flow: Flow; readonly role: Role }
  /** An ACK for a 2xx: outside any transaction (RFC 3261 §13.2.2.4). */
  | { readonly type: 'ack'; readonly request: Request; readonly flow: Flow }
  | { readonly type: 'locate'; readonly branch: Branch; readonly question: LocateQuestion }
  | { readonly type: 'set'; readonly ms: number; readonly timer: Timer }
  | { readonly type: 'stop'; readonly timer: Timer['timer']; readonly of?: Branch | Side }
  /** The INVITE of this branch is not to be repeated any more; what comes late is still heard. */
  | { readonly type: 'abandon'; readonly branch: Branch }
  | { readonly type: 'media'; readonly command: MediaCommand }
  | { readonly type: 'dialog'; readonly side: Side; readonly dialog: Dialog }
  | { readonly type: 'tell' }
  /** A provider said 503 with Retry-After: leave this address alone for so long. */
  | { readonly type: 'cool'; readonly flow: Flow; readonly ms: number }
  | { readonly type: 'release' }
  | Note

/** Where a call stands; call.ts draws the figure. */
export type State = 'routing' | 'hunting' | 'answered' | 'ended'

export interface Events {
  /** The edge's answer, the extension's contacts, and ports for the media (none left: undefined). */
  decided: { decision: RouteDecision; contacts: readonly Contact[]; ports: Record<Side, number> | undefined }
  undecided: { why: string }
  located: { branch: Branch; located: Located }
  provisional: { branch: Branch; response: Response }
  success: { branch: Branch; response: Response }
  /** A final failure; status 0 when the network spoke instead of the peer. */
  failure: { branch: Branch; status: number; why: string; response: Response | undefined }
  silence: { branch: Branch }
  progress: { branch: Branch }
  ring: { branch: Branch }
  search: undefined
  cancel: Farewell
  /** The ACK of our 2xx to the caller's first INVITE. */
  acked: { request: Request }
  repeat: undefined
  unacknowledged: undefined
  /** A party hangs up; its BYE has been answered already. */
  bye: { side: Side } & Farewell
  /** A party is gone: its dialog answered 481 or 408, or nothing. */
  gone: { side: Side }
  /** re-INVITE, UPDATE, INFO inside the dialog. */
  request: { side: Side; request: Request; transaction: number }
  /** The other side's answer to one passed on; no response: it never came. */
  passed: { side: Side; request: Request; transaction: number; response: Response | undefined }
  passedAck: { side: Side; request: Request }
  repeatPending: { side: Side }
  unacknowledgedPending: { side: Side }
  media: { report: MediaReport }
  stop: undefined
}

/** What one event leads to. */
export type Step = Turn<State, Order>
