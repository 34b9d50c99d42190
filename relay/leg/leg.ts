import type { Dialog } from '../dialog/dialog.ts'
import type { Flow } from '../ground/flow.ts'
import type { Side } from '../ground/media.ts'
import type { SentSdp } from '../sdp/offer.ts'
import type { RelayedSdp } from '../sdp/relayed.ts'
import type { Request, Response } from '../sip/message.ts'

/** One party of a call, whether it called us or we call it. It does not know who else is in the call. */
export interface Leg {
  /** Where it last spoke from, or is called; undefined: it was not looked for yet. */
  flow: Flow | undefined
  /** The INVITE by which its dialog begins: the last one, where there were several. */
  invite: Request | undefined
  /** Our tag in its dialog: towards a caller, that of what it was last told. */
  localTag: string
  /** A provider's, or a PBX's at a host, not a phone's: its SDP address is believed. */
  readonly trusted: boolean
  dialog: Dialog | undefined
  /** What it was last sent. */
  readonly sdp: SdpSent
  /** What it said last of where it is heard; undefined: nothing, or another leg is heard in its place. */
  aimed: AimedMedia | undefined
  /** What it asks of the other party inside its dialog, and is not settled. */
  pending: PendingReinvite | undefined
  /** Our last ACK of a 2xx to what it asked: one which comes again gets it again. */
  passedAck: SentAck | undefined
}

/** What a leg has of its own before anything was said. */
export function freshLeg(sdpId: string): Pick<Leg, 'dialog' | 'sdp' | 'aimed' | 'pending' | 'passedAck'> {
  return {
    dialog: undefined,
    sdp: { id: sdpId, sent: undefined },
    aimed: undefined,
    pending: undefined,
    passedAck: undefined,
  }
}

/** A description which the media thread was told of. */
export interface AimedMedia {
  readonly said: RelayedSdp
  readonly flow: Flow
  readonly trusted: boolean
}

/** An ACK as it was sent, to be sent again; `repeats`: how often its 2xx came again all the same. */
export interface SentAck {
  readonly request: Request
  readonly flow: Flow
  repeats: number
}

/** The SDP we last sent to one leg: its session id, and its text with the version (RFC 3264 §8). */
export interface SdpSent {
  readonly id: string
  sent: SentSdp | undefined
}

/** A request of one side which waits for the other side's answer. */
export interface PendingReinvite {
  readonly asked: InDialogRequest
  /** Repeats our 2xx until its ACK comes (re-INVITE only). */
  answer: { response: Response; waitMs: number } | undefined
  /** The request as sent on, and the flow. */
  sent: { request: Request; flow: Flow }
  /** The other side was heard of: the request may be cancelled (RFC 3261 §9.1). */
  heard: boolean
  /** It is to be cancelled as soon as it may be. */
  cancelled: GivenReason | undefined
  /** The other side's 2xx, kept when the ACK will carry the answer (delayed offer). */
  accepted: Response | undefined
}

/** Why a leg is hung up, in the peer's words where it gave some (RFC 3326). */
export interface GivenReason {
  readonly reason: string | undefined
}

/** What one side asked inside its dialog, and where from. */
export interface InDialogRequest {
  readonly side: Side
  readonly request: Request
  readonly transaction: number
  readonly source: Flow
}
