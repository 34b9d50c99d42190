import type { MonotonicMs } from '#contract'
import type { Aim, LegName, MediaReport } from '../ground/media.ts'

/*
 * The way of a packet through the relay, as `MediaRelay.arrive` walks it:
 *
 *   unprotect → latch → count → decode → listen  │  rewrite → encode → protect
 *   └───────── of the leg it came to ──────────┘ │  └─ of the leg it leaves by ─┘
 *
 * A stage works on the packet where it lies, in which ROOM bytes may follow it, and allocates nothing. A leg without a
 * stage pays a comparison for it. Fax (`Aim.blind`) meets none.
 */

/** Bytes a packet may grow by on its way. */
export const ROOM = 256

/** Takes off what protected a packet (SRTP, RFC 3711 §3.3). */
export interface UnprotectStage {
  /** Packets which no key of the party opens. */
  readonly failures: { readonly unauthentic: number }
  /** Its length as plain RTP, or RTCP (`control`); -1: forged, a replay, or too short. At least 8 bytes are there, 12 of RTP. */
  unprotect(packet: Uint8Array, length: number, control: boolean): number
  /** Whether something authentic came under a packet's SSRC before. At least 8 bytes are there, 12 of RTP. */
  knows(packet: Uint8Array, control: boolean): boolean
}

/** Hears the RTP of a leg once the latch has taken it for its party's. */
export interface ListenStage {
  /** False: the packet was for us alone, and is not passed on. */
  hear(now: MonotonicMs, packet: Uint8Array, length: number): boolean
}

/** Turns the partner's RTP into what this leg's party was promised: payload types, codec. */
export interface RewriteStage {
  /** Its length from now on; -1: the party would not understand it, it is dropped. */
  rewrite(packet: Uint8Array, length: number): number
}

/**
 * Turns one codec into another. Of one packet none may come, or several: those are written elsewhere, under sequence numbers
 * and timestamps of their own, and the packet is gone.
 */
export interface TranscodeStage {
  /** Samples which were worked on so far. */
  readonly spent: number
  /** Takes a whole RTP packet; false: it is none of these, or late. What came of the one before was asked for. */
  take(packet: Uint8Array, length: number): boolean
  /** Writes the next packet which has come of it. Its length; 0: there is none. */
  next(into: Uint8Array): number
  /** What a source's RTP time is in packets which are written. */
  timeOf(ssrc: number, rtpTime: number): number
}

/** Protects what leaves by a leg, last of all. */
export interface ProtectStage {
  /** Its length as SRTP, or SRTCP (`control`); -1: it must not leave, for its key is used up. */
  protect(packet: Uint8Array, length: number, control: boolean): number
}

/** What stands in a leg's way of packets; undefined: nothing. */
export interface Stages {
  readonly unprotect?: UnprotectStage | undefined
  /** What its party says becomes what the others speak. */
  readonly decode?: TranscodeStage | undefined
  readonly listen?: ListenStage | undefined
  readonly rewrite?: RewriteStage | undefined
  /** What the others speak becomes what its party speaks. */
  readonly encode?: TranscodeStage | undefined
  readonly protect?: ProtectStage | undefined
  /** What sends keys to the leg's party. */
  readonly digits?: DigitSending | undefined
}

/** Keys which wait to be sent to a party, and how packets tell of them: those of sound which passes, or ones of ours. */
export interface DigitSending extends RewriteStage {
  readonly isEmpty: boolean
  /** Ticks of 20 ms of its sound. */
  readonly packetTicks: number
  add(keys: string, ms: number): void
  /** Makes a packet of ours, whose header stands but for the payload type, tell of them. Its length; 0: it is not to be sent. */
  fill(packet: Uint8Array, length: number): number
}

/** What stages are made from. */
export interface StageTerms {
  /** The same object as long as the leg lives: what is to outlast an aim is kept by it. */
  readonly leg: LegName
  readonly aim: Aim
  /** Those of the aim before: one which has memory (a roll-over counter, digits under way) goes on where nothing has changed. */
  readonly before: Stages
  /** Tells the SIP thread. */
  readonly report: (report: MediaReport) => void
}

/** Makes a leg's stages whenever it is aimed. */
export type StageBuilder = (terms: StageTerms) => Stages

/** A plain leg's. */
export const plain: Stages = {}

/** One builder of several: each brings stages of its own kind, and a leg for which none has any is plain. */
export function stagesFrom(builders: readonly StageBuilder[]): StageBuilder {
  return (terms) => {
    const brought = builders.map((build) => build(terms)).filter((stages) => stages !== plain)
    return brought.length === 0 ? plain : Object.assign({}, ...brought)
  }
}
