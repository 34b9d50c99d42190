import type { Dialog } from '../dialog/dialog.ts'
import type { Flow } from '../ground/flow.ts'
import type { Authorizations } from '../sip/authorization.ts'
import type { Request, Response } from '../sip/message.ts'
import type { EarlyDialog, Leg, UacLeg, UasLeg } from './leg.ts'

/** What a leg sends as a client, whatever script it is part of; `Called` is how that script knows the legs it calls. */
export type ClientOrder<Called extends UacLeg = UacLeg> =
  | {
      readonly type: 'request'
      readonly request: Request
      readonly flow: Flow
      readonly role: LegRole<Called>
    }
  /** An ACK for a 2xx: outside any transaction (RFC 3261 §13.2.2.4). */
  | SendAck
  /** The INVITE of a leg is wanted no more; what comes late is still heard. */
  | { readonly type: 'abandon'; readonly of: Called }

/** What a leg orders, whatever script it is part of. */
export type LegOrder<Called extends UacLeg = UacLeg> =
  | ClientOrder<Called>
  | { readonly type: 'respond'; readonly transaction: number; readonly response: Response }
  /** What comes in this dialog is the leg's. */
  | { readonly type: 'dialog'; readonly leg: Leg; readonly dialog: Dialog }
  | { readonly type: 'set'; readonly ms: number; readonly timer: LegTimer }
  | { readonly type: 'stop'; readonly timer: LegTimer['timer']; readonly of: Leg }

/** An ACK for a 2xx leaves. */
export interface SendAck {
  readonly type: 'ack'
  readonly request: Request
  readonly flow: Flow
}

/** Which of a leg's client transactions an answer belongs to. */
export type LegRole<Called extends UacLeg = UacLeg> =
  | { readonly role: 'invite'; readonly leg: Called }
  | { readonly role: 'cancel' }
  | { readonly role: 'bye'; readonly leg: Leg; readonly proofs: Authorizations }
  /** The PRACK of a provisional. */
  | {
      readonly role: 'prack'
      readonly leg: UacLeg
      readonly early: EarlyDialog
      readonly proofs: Authorizations
    }
  /** A request by which its session is kept alive. */
  | { readonly role: 'refresh'; readonly leg: Leg; readonly proofs: Authorizations }
  /** An INFO which tells of a key. */
  | { readonly role: 'key'; readonly leg: Leg; readonly proofs: Authorizations }
  /** A re-INVITE by which it is to speak with another leg. */
  | { readonly role: 'reoffer'; readonly leg: Leg; readonly proofs: Authorizations }
  /** A NOTIFY of what came of its REFER: whatever is said to it. */
  | { readonly role: 'notify' }

/** What a leg's timer is for. */
export type LegTimer =
  /** To repeat our 2xx, or to stop waiting for its ACK (RFC 3261 §13.3.1.4). */
  | { readonly timer: 'repeat' | 'unacknowledged'; readonly leg: UasLeg }
  /** To repeat a provisional which wants a PRACK, or to stop waiting for that (RFC 3262 §3). */
  | { readonly timer: 'repeatProvisional' | 'provisionalUnacknowledged'; readonly leg: UasLeg }
  /** Its session is to be refreshed, or has expired (RFC 4028 §10); our re-INVITE to that end was not answered. */
  | { readonly timer: 'session' | 'stalledRefresh'; readonly leg: Leg }
