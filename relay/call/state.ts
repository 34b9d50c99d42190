import type {
  AddressTry,
  Attempt,
  ConnectDecision,
  FlowDecision,
  Forwarder,
  HangupParty,
  HangupReason,
  MonotonicMs,
  PlanTarget,
  Port,
  ProviderTarget,
  RingCondition,
  RingStep,
  TransferPolicy,
  TransferType,
  UtcMs,
} from '#contract'
import type { Dialog } from '../dialog/dialog.ts'
import type { BoundedMap } from '../ground/bounded-map.ts'
import type { Flow } from '../ground/flow.ts'
import type { SessionId, Side } from '../ground/media.ts'
import type { InDialogRequest, Leg, UacLeg, UasLeg } from '../leg/leg.ts'
import type { Ledger } from '../limits/ledger.ts'
import type { Contact } from '../registrar/registrar.ts'
import type { Header, Response } from '../sip/message.ts'
import type { CallRecord } from './call-record.ts'
import type { FollowedFlow } from './flow-call.ts'
import type { MadeCall } from './made-call.ts'
import type { Cause } from './reason.ts'

export type { ConnectDecision, Side }

/** One call: two legs and what happened between them (B2BUA, RFC 7092). */
export interface Call {
  /** UUIDv7; the record's id at the edge. */
  readonly id: string
  /** The media thread's name for it. */
  session: SessionId
  /** Monotonic ms and UTC ms of the first INVITE. */
  readonly startedNow: number
  readonly startedAt: UtcMs
  /** Monotonic ms of the event being handled. */
  now: MonotonicMs
  /** Of a call which no party asked for, one which stands for none: nothing is sent to it. */
  readonly caller: UasLeg
  /** No party asked for it; undefined: one did. */
  made: MadeCall<Branch> | undefined
  /** The relay of our fleet which hands it on, for phones of ours: record and limits are that one's. undefined: it came to us. */
  readonly handedBy: string | undefined
  /** Calls which its flow made and which end with it. */
  chained: readonly Call[]
  /** Whose limits it counts in. */
  readonly ledger: Ledger
  readonly serviceRoutes: ServiceRoutes
  decision: ConnectDecision | undefined
  /** The flow it follows; undefined: none. */
  flow: FlowCall | undefined
  /** RTP ports, even; taken when the call is connected somewhere. */
  ports: Record<Side, Port> | undefined
  /** For whom it looks: its own callee first, then whom it is sent on to, as it comes to them. */
  hunts: [Hunt, ...Hunt[]]
  branches: Branch[]
  /** A branch whose 2xx waits until the caller has acknowledged a provisional (RFC 3262 §3). */
  held: { readonly branch: Branch; readonly response: Response } | undefined
  /** An UPDATE passed on before the call is answered, which is not answered yet (RFC 3311). */
  earlyUpdate: EarlyUpdate | undefined
  /** The branch which answered. */
  callee: Branch | undefined
  /** Who speaks with whom: the caller and who answered, until another leg takes the place of one. */
  readonly joined: Record<Side, Leg | undefined>
  /** Whose the sides are where a party has come into the call since it began. */
  came: Readonly<Record<Side, CallParty | undefined>>
  /** The party which was transferred away, and to which call: what it was asked here may be answered still. */
  left: { readonly leg: Leg; readonly to: Call } | undefined
  /** A transfer which one of its parties asked for, and is not done. */
  transfer: Transfer | undefined
  /** The party of another call which comes into this one by a transfer, or came. */
  joining: Joining | undefined
  /** A ringing was passed to the caller. */
  rang: boolean
  /** Where host names in SDP lead, by name in lower case; undefined: none was named. */
  hosts: BoundedMap<string, ResolvedHost> | undefined
  record: CallRecord
}

/** The search for one callee of a call, by the branches which are called for it; or for those of a list, by a hunt for each. */
export interface Hunt {
  /** Whose list it is in, or whose phone redirected; undefined: it is the call's own. */
  readonly parent: Hunt | undefined
  /** Where it leads, as it was named; undefined: it is the call's own. */
  readonly sought: SoughtTarget | undefined
  /** `waiting`: its delay goes on; `deciding`: it is asked where it leads. */
  state: 'waiting' | 'deciding' | 'hunting' | 'over'
  decision: ConnectDecision | undefined
  /** Extensions which sent the call on to it, the first one first. */
  readonly path: readonly string[]
  /** Where the phones it goes to have registered. */
  contacts: readonly Contact[]
  /** Relays where it is said to have others, to which we know no way. */
  unreached: readonly string[]
  /** Whether it was asked anew where its phones are, since a relay which was said to have some had none. */
  lookedAgain: 'no' | 'asked' | 'answered'
  /** Those of them which were not rung yet. */
  rounds: RingRounds
  /** Providers not tried yet, best first. */
  waiting: CalledPeer[]
  /** A callee rings: no other provider is tried any more. */
  rang: boolean
  /** What the branches which failed said. */
  failures: readonly BranchFailure[]
  /** Of its list, which were not begun. */
  steps: readonly RingStep[]
  /** How it ended; undefined: it goes on, or was answered. */
  ending: HuntEnding | undefined
  /** The flow to which it leads, whose turn comes when no callee rings any more; undefined: it leads to none. */
  leads: FlowDecision | undefined
}

/** Phones which ring one after the other, those of a round together; and how long each round may ring. */
export interface RingRounds {
  readonly contacts: readonly (readonly Contact[])[]
  readonly ms: number
}

/** One who is looked for: of a list, or where a phone sends the call. */
export interface SoughtTarget {
  readonly forwarder: Forwarder
  readonly called: string
  readonly type: PlanTarget['type'] | 'redirect'
  /** As the list has it; the user of a redirection. */
  readonly target: string
  /** Of a redirection; else empty. */
  readonly host: string
  /** Milliseconds it may ring; null: as its own settings say. */
  readonly ring_ms: number | null
  readonly delay_ms: number
  /** The step of the list, 0 first. */
  readonly step: number
  /** How those ended who were rung before; or a phone said so. */
  readonly why: RingCondition | 'always' | 'redirected'
}

/** How a hunt ended in which no callee answered; headers go to the caller with it. */
export interface HuntEnding extends UnansweredEnd {
  readonly headers: readonly Header[]
}

/** How a call ends which was never answered. */
export interface UnansweredEnd {
  readonly by: HangupParty
  readonly reason: HangupReason
  /** What the caller is told. */
  readonly status: number
  /** Why, where that is ours to say, for a Reason header (RFC 3326); `cause` is its status unless given. */
  readonly why?: string
  readonly cause?: number
  /** The warn-code which goes with `why` (RFC 3261 §20.43). */
  readonly code?: number
  /** Why, for the record; undefined: the caller left. */
  readonly because: Cause | undefined
}

/** The flow a call follows, as its own hunts go on in it. */
export type FlowCall = FollowedFlow<Hunt, HuntEnding>

/** An UPDATE in an early dialog, and the callee's early dialog which it is about. */
interface EarlyUpdate {
  readonly asked: InDialogRequest
  /** In which it was passed on. */
  readonly dialog: Dialog
  readonly branch: Branch
  readonly tag: string
}

/** Whose a side of a call is: an account of a customer's, or a provider. */
export interface CallParty {
  readonly kind: 'extension' | 'trunk' | 'provider'
  /** Its id; null: it is not known, and nothing is done in its name. */
  readonly id: string | null
  /** What becomes of a transfer which it asks for. */
  readonly transfer: TransferPolicy
}

/** A transfer under way. */
export interface Transfer {
  readonly type: TransferType
  /** Who asked for it, and the number of its REFER; undefined: it wants to hear nothing more of it (RFC 4488). */
  readonly by: Leg
  readonly refer: number | undefined
  /** The API asked for it, not that party. */
  readonly ordered?: true
  /** Who is transferred. */
  readonly party: Leg
  /** The call which goes on. */
  readonly to: Call
  /** Whether the other party has left for that call. */
  taken: boolean
  /** The status who asked was told last. */
  told: number
}

/** The party which comes into a call. */
export interface Joining {
  readonly type: TransferType
  /** The call it comes from. */
  readonly from: Call
  readonly party: Leg
  /** Whose it is. */
  readonly as: CallParty | undefined
  readonly side: Side
  /** In whose place it comes; undefined: in none, or that party has hung up. */
  replaced: Leg | undefined
  /** Whose that place was, if its party had come into the call, too. */
  readonly before: CallParty | undefined
  /** No party is left in the call it comes from: it cannot go back. */
  alone: boolean
  state: 'waiting' | 'offered' | 'joined'
}

/** The routes which providers' registrars gave us for calls out. */
export interface ServiceRoutes {
  /** First hop first; empty: none. */
  serviceRoute(providerId: string): readonly string[]
}

/** What became of a host name; no address: `why` says why not. */
export interface ResolvedHost {
  readonly address: string | undefined
  readonly why: string
}

/** A branch's failure. */
export interface BranchFailure {
  /** What it counts as where several failed. */
  readonly status: number
  /** The final status which came; 0: none. */
  readonly answered: number
  /** As it was put, for the caller; where a redirection leads is not for it. */
  readonly why: string
  /** In words, for the attempt's record. */
  readonly said: string
  /** Our credentials were in the way: how. */
  readonly credentials: string | undefined
  /** Why, in the words of its side (RFC 3326). */
  readonly words: readonly Header[]
  /** For the record. */
  readonly cause: Cause
}

/** Whom we call at a host: a provider, or a PBX which has one; that one has no provider's id. */
export type CalledPeer = Omit<ProviderTarget, 'provider_id'> & { readonly provider_id: string | null }

/** A leg which a call tries: one INVITE of its hunt. */
export interface Branch extends UacLeg {
  readonly index: number
  /** On which side of its call it is called. */
  readonly side: Side
  readonly hunt: Hunt
  readonly attempt: Attempt
  /** Its address in the attempt's record; undefined until it is called. */
  tried: AddressTry | undefined
  /** Lead by RFC 3263 and tried address by address; undefined: a registered contact. */
  readonly provider: CalledPeer | undefined
  readonly contact: Contact | undefined
  /** Of a call which another relay hands on: it is offered that one's sound as it is. */
  straight: boolean
  /** Addresses of this provider not tried yet. */
  flows: readonly Flow[]
}
