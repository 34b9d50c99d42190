import type { FlowDecision, UtcMs } from '#contract'
import type { FlowEvent, FlowMachine } from '#flows'
import type { PlayedSound, Side } from '../ground/media.ts'
import type { SoundFile, SoundSource } from '../ground/sound.ts'
import type { Leg } from '../leg/leg.ts'
import type { RelayedSdp } from '../sdp/relayed.ts'

/** The flow a call follows: the machine which says what is done, and how far that is. */
export interface FollowedFlow<Search, Ending> {
  readonly machine: FlowMachine
  readonly decision: FlowDecision
  /** On which side the party is whom it is with; whom it connects that with is on the other. */
  readonly side: Side
  /** The party it is with, where that came by a transfer; undefined: it is the call's first. */
  readonly party: Leg | undefined
  /**
   * What the caller is told that it hears, as if another party had said it: G.711, in which sounds are played. undefined: the
   * caller speaks none, and hears whom it is connected with alone.
   */
  ours: RelayedSdp | undefined
  /** The caller was told that before the answer. */
  early: boolean
  /** An answer of ours waits until the caller has acknowledged a provisional (RFC 3262 §3). */
  answerHeld: boolean
  /** Our answer was an offer: where the caller is heard says its ACK, which has not come. */
  answerOffered: boolean
  /** Whom a `connect` looks for; undefined: none is under way. */
  hunt: Search | undefined
  /** How the last `connect` ended in which no callee answered. */
  last: Ending | undefined
  /** The callee which has hung up just now. */
  left: Leg | undefined
  /** What callees let be heard before they answer is heard. */
  hearsEarly: boolean
  /** UTC ms at which the callee answered: its minutes begin then; undefined: there is none. */
  connectedAt: UtcMs | undefined
  /** A callee was heard here before: whom is called next is heard in its place. */
  wasHeard: boolean
  /** What is to be played and is not all there, by its number. */
  readonly plays: Map<number, AwaitedPlay>
  /** The number of the ringing the caller hears; undefined: it hears none. */
  ringing: number | undefined
  /** Ringings heard so far. */
  ringings: number
}

/** Sounds which are to be played once all of them are on this relay. */
export interface AwaitedPlay {
  readonly sounds: (PlayedSound | undefined)[]
  /** How many are not there yet. */
  missing: number
  /** Why one is not to be had. */
  why: string | undefined
}

/** A sound of a play which is asked for. */
export interface AskedSound {
  readonly play: number
  /** Its place among those of the play. */
  readonly at: number
  readonly sound: SoundSource
}

/** What happens to a call which follows a flow. */
export interface FollowedFlowEvents<Search, Ending> {
  /** To its flow. */
  flowHappened: FlowEvent
  /** The time is over which the flow waits for. */
  flow: undefined
  /** The caller has been with it alone for too long. */
  alone: undefined
  /** Where a sound is, or why it is not to be had. */
  soundFound: AskedSound & { found: SoundFile | string }
  /** A `connect` ended in which no callee answered; or it came to a number or list which leads to a flow. */
  connectOver: { hunt: Search; ending: Ending; leads: FlowDecision | undefined }
  /** No callee answered, and one place to which the call was sent on leads to this flow. */
  flowReached: FlowDecision
}
