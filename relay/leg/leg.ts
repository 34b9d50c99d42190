import type { Port, SecurePolicy } from '#contract'
import type { Dialog } from '../dialog/dialog.ts'
import type { Flow } from '../ground/flow.ts'
import type {
  DigitAim,
  IceAim,
  IceCredentials,
  LegName,
  OpusAim,
  PayloadChange,
  SrtpKeys,
} from '../ground/media.ts'
import { none } from '../ground/none.ts'
import type { SmallMap } from '../ground/small-map.ts'
import type { SentSdp } from '../sdp/offer.ts'
import type { RelayedSdp } from '../sdp/relayed.ts'
import type { CryptoLine } from '../sdp/sdes.ts'
import type { Authorizations, DigestAccount } from '../sip/authorization.ts'
import type { Request, Response } from '../sip/message.ts'
import type { Signalling } from '../ua/endpoint.ts'
import type { KeyTelling, PressedKey } from './keys.ts'
import { noTimer, type SessionTimer } from './session-timer.ts'

/** One party of a call, whether it called us or we call it. It does not know who else is in the call. */
export type Leg = UacLeg | UasLeg

/** What we know of a leg, whichever of us called. */
interface LegState {
  /** Where it last spoke from, or is called; undefined: it was not looked for yet. */
  flow: Flow | undefined
  /** The INVITE by which its dialog begins: the last one, where there were several; undefined: none was sent, or it is over. */
  invite: Request | undefined
  /** Our tag in its dialog: towards a caller, that of what it was last told. */
  localTag: string
  /** A provider's, or a PBX's at a host, not a phone's: its SDP address is believed. */
  readonly trusted: boolean
  /** With what its challenges are answered; null: they are not. */
  readonly account: DigestAccount | null
  dialog: Dialog | undefined
  /** Whether its sound is encrypted. */
  secure: SecurePolicy
  /** By what it may be spoken with. */
  signalling: Signalling
  /** What it was last sent. */
  readonly sdp: SdpSent
  /** A packet of its sound came. */
  spoke: boolean
  /** Of one at another relay: its sound is to come through that, for it was not heard straight. */
  detours: boolean
  /** Its media leg, and our port for that; undefined: it has none, and nothing is heard of it. */
  media: LegMedia | undefined
  /** What it said last of where it is heard; undefined: nothing, or another leg is heard in its place. */
  aimed: AimedMedia | undefined
  /** What it asks of the other party inside its dialog, and is not settled. */
  pending: PendingReinvite | undefined
  /** Our last ACK of its 2xx to a re-INVITE: one which comes again gets it again. */
  reinviteAck: SentAck | undefined
  /** Its REFERs which were passed on: the number each came by, and that by which the other party knows it. */
  refers: readonly { readonly asked: number; readonly sent: number }[]
  /** How long its session lives without a sign of life. */
  readonly timer: SessionTimer
  /** The keys its party pressed, the last of them. */
  keys: readonly PressedKey[]
  /** The keys of the other party which it is told of by INFO; undefined: none yet. */
  telling: KeyTelling | undefined
  /** Our request which refreshes that, until its final answer. */
  refresh: Request | undefined
  /** What we answered it last, and to which offer: the same offer again changes nothing; undefined: it was offered something since. */
  exchange: SdpExchange | undefined
}

/** An offer of a party, as the octets of its description, and our answer. */
export interface SdpExchange {
  /** undefined: that of its INVITE. */
  readonly offer: Uint8Array | undefined
  readonly answer: Pick<SentSdp, 'text'>
}

/** A leg which we call: we are its UAC. */
export interface UacLeg extends LegState {
  readonly kind: 'uac'
  /** Route values its INVITE carries: a contact's Path, or a provider's Service-Route. */
  readonly route: readonly string[]
  readonly callId: string
  /** The number of its INVITE. */
  cseq: number
  state: 'locating' | 'calling' | 'abandoned' | 'answered' | 'over'
  /** What came back so far. */
  heard: 'nothing' | 'trying' | 'ringing'
  /** What its INVITE has shown of us. */
  proofs: Authorizations
  /** A CANCEL was sent. */
  cancelled: boolean
  /** Its sound was offered once more in another way (otherKeying). */
  reoffered: boolean
  /** Why it was given up, for a CANCEL which has to wait (RFC 3326). */
  reason: string | undefined
  /**
   * Our ACKs for its 2xx, by the tag of who answered: a carrier may fork, and a repeated 2xx is acknowledged again (§13.2.2.4).
   * undefined: the one of its dialog was sent, and its INVITE's transaction is over: whatever 2xx comes is a stray.
   */
  acks: SmallMap<string, SentAck> | undefined
  /** Its early dialogs, by the same tags; undefined: there are none. */
  earlyDialogs: SmallMap<string, EarlyDialog> | undefined
  /** SDP of provisionals by the same tags, for a 2xx which comes without; undefined: none came. */
  early: SmallMap<string, RelayedSdp> | undefined
}

/** A leg which called us: we are its UAS. */
export interface UasLeg extends LegState {
  readonly kind: 'uas'
  flow: Flow
  invite: Request
  /** Our server transaction for that INVITE. */
  readonly transaction: number
  /** The To tags under which it was sent a description, and which. */
  told: readonly ToldDescription[]
  /** The 2xx until it is acknowledged, and how long the next repeat waits. */
  answer: { response: Response; waitMs: number } | undefined
  /** A BYE which must wait for the ACK (RFC 3261 §15). */
  bye: GivenReason | undefined
  /** Provisionals it is sent reliably; undefined: there were none. */
  reliable: ReliableProvisionals | undefined
}

/** A description a party was sent, under which To tag, and what the other party said to that end. */
export interface ToldDescription {
  readonly tag: string
  readonly sent: SentSdp
  readonly said: RelayedSdp
}

/** What a leg was sent reliably before the answer (RFC 3262 §3). */
export interface ReliableProvisionals {
  /** RSeq of the last one, sent or waiting; 0: there was none. */
  rseq: number
  /** The one in the air, and how long its next repeat waits. */
  unacknowledged: (ReliableProvisional & { waitMs: number }) | undefined
  waiting: ReliableProvisional[]
  /** The To tag under which it has acknowledged our description: offer and answer are settled there. */
  settled: string | undefined
  /** Of a party which left the offer to us: what its PRACKs answered, by those tags (§5). */
  readonly answers: SmallMap<string, RelayedSdp>
}

interface ReliableProvisional {
  readonly response: Response
  readonly rseq: number
  readonly tag: string
}

/** An early dialog with a party which we call (RFC 3262 §4). */
export interface EarlyDialog {
  readonly dialog: Dialog
  /** RSeq of the last provisional in turn; undefined: none was reliable yet. */
  rseq: number | undefined
  /** One of them brought its answer, or was given ours. */
  answering: boolean
  /** The one which brought an offer: its PRACK waits for our answer (§5). */
  offering: Response | undefined
  /** That was acknowledged: offer and answer are settled. */
  settled: boolean
}

/** What no leg begins with otherwise. */
type Fresh =
  | 'dialog'
  | 'secure'
  | 'signalling'
  | 'sdp'
  | 'spoke'
  | 'detours'
  | 'media'
  | 'aimed'
  | 'pending'
  | 'reinviteAck'
  | 'timer'
  | 'refresh'
  | 'exchange'
  | 'refers'
  | 'keys'
  | 'telling'

/** What a leg has of its own before anything was said. */
export function freshLeg(sdpId: number): Pick<LegState, Fresh> {
  return {
    dialog: undefined,
    secure: 'allowed',
    signalling: 'any',
    sdp: {
      id: sdpId,
      sent: undefined,
      before: undefined,
      lines: none,
      srtp: undefined,
      ice: undefined,
      sound: undefined,
      spent: false,
    },
    spoke: false,
    detours: false,
    media: undefined,
    aimed: undefined,
    pending: undefined,
    reinviteAck: undefined,
    timer: noTimer(),
    refresh: undefined,
    exchange: undefined,
    refers: none,
    keys: none,
    telling: undefined,
  }
}

/** A media leg, and the RTP port, even, which it has of ours. */
export interface LegMedia extends LegName {
  readonly port: Port
}

/** A description which the media thread was told of. */
export interface AimedMedia {
  readonly said: RelayedSdp
  readonly flow: Flow
  readonly trusted: boolean
  /** What is done to its partner's packets before they go to it. */
  changes: readonly PayloadChange[]
  /** The keys it is heard by; undefined: it is heard without. */
  readonly srtp: SrtpKeys | undefined
  /** How it is found where keys are agreed on in the way of its sound; undefined: they are not. */
  readonly ice: IceAim | undefined
  /** Which keys are heard of it, and how it is sent some; undefined: none. */
  digits: DigitAim | undefined
  /** Its sound goes past us: the media thread was not told. */
  past: boolean
  /** How its Opus is turned; undefined: it is not. */
  opus: OpusAim | undefined
}

/** An ACK as it was sent, to be sent again; `repeats`: how often its 2xx came again all the same. */
export interface SentAck {
  readonly request: Request
  readonly flow: Flow
  repeats: number
}

/** How sound is offered: plain, encrypted where the other party likes (RFC 8643), encrypted alone, or as browsers have it. */
export type Keying = 'plain' | 'either' | 'strict' | 'dtls'

/** The SDP we last sent to one leg: its session id, and its text with the version (RFC 3264 §8). */
export interface SdpSent {
  readonly id: number
  sent: SentSdp | undefined
  /**
   * What it was sent before our last offer, and with which keys; one which is refused leaves it so (RFC 3261 §14.1).
   * undefined: what it was sent last was an answer.
   */
  before: { readonly sent: SentSdp | undefined; readonly lines: readonly CryptoLine[] } | undefined
  /** Our keys in it, or in what is sent next. */
  lines: readonly CryptoLine[]
  /** The keys in use; undefined: its sound is plain. */
  srtp: SrtpKeys | undefined
  /** How a browser and we find each other; undefined: it is none. */
  ice: LegIce | undefined
  /** They were in use and no longer are: no packet may be encrypted with ours again. */
  spent: boolean
  /** How its sound was keyed last, which fax may have taken the place of; undefined: there was none. */
  sound: Keying | undefined
}

/** What a browser's leg and we have said of the way between us (ICE, DTLS). */
export interface LegIce {
  /** undefined: others are to be made, for its sound has come to another port of ours. */
  readonly ours: IceCredentials | undefined
  /** Which of our certificates is shown. */
  readonly certificate: number
  /** We begin the handshake; undefined: it is not known yet. */
  readonly begins: boolean | undefined
  /** What it said last. */
  readonly theirs: IceCredentials | undefined
}

/** A request of one leg which waits for the other leg's answer. */
export interface PendingReinvite {
  readonly asked: InDialogRequest
  /** Repeats our 2xx until its ACK comes (re-INVITE only). */
  answer: { response: Response; waitMs: number } | undefined
  /** The request as sent on, and the flow; undefined: it is answered without the other leg. */
  sent: { request: Request; flow: Flow } | undefined
  /** The other leg was heard of: the request may be cancelled (RFC 3261 §9.1). */
  heard: boolean
  /** It is to be cancelled as soon as it may be. */
  cancelled: GivenReason | undefined
  /** The other leg's 2xx, kept when the ACK will carry the answer (delayed offer). */
  accepted: Response | undefined
}

/** Why a leg is hung up, in the peer's words where it gave some (RFC 3326). */
export interface GivenReason {
  readonly reason: string | undefined
}

/** What one leg asked inside its dialog, and where from. */
export interface InDialogRequest {
  readonly leg: Leg
  readonly request: Request
  readonly transaction: number
  readonly source: Flow
}
