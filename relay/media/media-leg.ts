import { type MonotonicMs, type Port, portNumber } from '#units'
import type {
  Aim,
  G711Types,
  LegName,
  MediaCounters,
  PlayedCodec,
  SessionId,
  Side,
  StreamMeasures,
} from '../ground/media.ts'
import { readSocketAddress, type SocketAddress } from '../ground/socket-address.ts'
import { TokenBucket } from '../ground/token-bucket.ts'
import type { IceLeg } from './ice-leg.ts'
import { Latch } from './latch.ts'
import type { OwnStream } from './own-stream.ts'
import { Reception } from './reception.ts'
import type { Reporter } from './reporter.ts'
import { plain, type Stages } from './stages.ts'
import { Statistics } from './statistics.ts'
import type { Tap } from './tap.ts'

/** One of our ports: it hears one party, and what crosses to that party leaves from it (RFC 4961). */
export class RtpPort {
  readonly leg: MediaLeg
  readonly port: Port
  /** True: the odd port beside, for RTCP. */
  readonly control: boolean
  /** Whatever io knows the socket by. */
  handle = -1
  /** Bytes of the packet which `MediaRelay.arrive` said leaves from here. */
  leaving = 0
  readonly latch: Latch
  readonly statistics = new Statistics()
  readonly #bucket = new TokenBucket(packets)
  readonly #turned = new TokenBucket(turned)
  readonly #strange = new TokenBucket(strange)
  readonly #failed = new TokenBucket(failed)

  constructor(leg: MediaLeg, port: Port, control: boolean) {
    this.leg = leg
    this.port = port
    this.control = control
    this.latch = new Latch(control)
  }

  /** Whether one more packet at `now` is still within what a call can need. */
  spare(now: MonotonicMs): boolean {
    return this.#bucket.take(now)
  }

  /** Whether one more packet at `now` may become another codec, which costs ten times what it does to pass it. */
  turns(now: MonotonicMs): boolean {
    return this.#turned.has(now)
  }

  /** One did, of so many samples. */
  turned(now: MonotonicMs, samples: number): void {
    this.#turned.spend(now, Math.max(LEAST, samples))
  }

  /** Whether a packet is worth decrypting: there is no end of those which are forged. `known`: it comes from the peer, and its SSRC is known. */
  tries(now: MonotonicMs, known: boolean): boolean {
    return known ? this.#failed.has(now) : this.#strange.take(now)
  }

  /** One was, and is not authentic. */
  failed(now: MonotonicMs): void {
    this.#failed.take(now)
  }
}

/**
 * Packets which are decrypted though nothing says that they are the peer's, for that costs most of all: a stream's first
 * ones, and those of a peer at a new place. What comes from the peer under its SSRC is none of them, so that no stranger
 * keeps it from being heard.
 */
const strange = { atOnce: 100, perSecond: 50 }
/** And those which came from the peer under its SSRC, and were not authentic. */
const failed = { atOnce: 500, perSecond: 500 }

/** Packets of one port: several times what audio at 10 ms or video needs, so that one which is flooded takes no other's time. */
const packets = { atOnce: 500, perSecond: 1_000 }

/**
 * And of what becomes another codec, in samples: what a party says, in packets of any length, and half as much; six seconds
 * may come at once. Each packet counts as the shortest there is, 2.5 ms.
 */
const turned = { atOnce: 48_000, perSecond: 12_000 }
const LEAST = 20

/**
 * The media leg of one party: its two ports, the partner its sound goes to, and what is known of its silence.
 *
 * It is aimed, joined with another and taken from it as often as the call likes; its latch, its counters and its stages
 * stay its own. Alone it hears, counts and listens.
 */
export class MediaLeg implements LegName {
  readonly session: SessionId
  readonly side: Side
  readonly rtp: RtpPort
  readonly rtcp: RtpPort
  /** The leg whose party hears this one's; undefined: it stands alone. */
  partner: MediaLeg | undefined
  closed = false
  mux = false
  /** RTCP's own socket is closed, for it comes by that of RTP, or there is none for it. */
  #isWithoutRtcp = false
  blind = false
  quiet = false
  /** What its party says goes no further. */
  muted = false
  heard = false
  /** So was who it is aimed at now: `heard` may have been another, before a transfer. */
  heardHere = false
  /** Undefined until its first offer or answer came. */
  aimedAt: MonotonicMs | undefined
  lastAim: Aim | undefined
  /** Since when it is listened to though it stands alone; undefined: it is not. */
  expectedAt: MonotonicMs | undefined
  silent = false
  /** Milliseconds it took to begin; undefined: it has not. */
  firstMs: number | undefined
  /** What records it; undefined: nothing does. */
  tap: Tap | undefined
  spoken: G711Types | undefined
  readonly reception = new Reception()
  /** undefined: it sends no RTCP of its own. */
  reporter: Reporter | undefined
  /** What we send its party as ourselves; undefined: nothing. */
  own: OwnStream | undefined
  /** How sounds are played to its party; undefined: they are not. */
  plays: PlayedCodec | undefined
  /** Its party hears a sound of ours in the place of its partner's. */
  isPlayedTo = false
  /** How its party shows where it is, and agrees on keys; undefined: by its description and its packets. */
  ice: IceLeg | undefined
  stages: Stages = plain
  /** The stages again, for the way of a packet looks for each at the same place. */
  unprotect: Stages['unprotect']
  decode: Stages['decode']
  listen: Stages['listen']
  rewrite: Stages['rewrite']
  encode: Stages['encode']
  protect: Stages['protect']

  constructor(session: SessionId, side: Side, port: Port) {
    this.session = session
    this.side = side
    this.rtp = new RtpPort(this, port, false)
    this.rtcp = new RtpPort(this, portNumber(port + 1), true)
  }

  get isAimed(): boolean {
    return this.aimedAt !== undefined
  }

  /** When it was last heard, or last had reason to begin. */
  get since(): number {
    return Math.max(this.aimedAt ?? 0, this.expectedAt ?? 0, this.rtp.latch.heardAt, this.rtcp.latch.heardAt)
  }

  /** Whether a packet it sends or is sent may change its length on the way. */
  get isStaged(): boolean {
    return this.stages !== plain || (this.partner !== undefined && this.partner.stages !== plain)
  }

  /** A new offer or answer: where its party is. */
  aim(now: MonotonicMs, aim: Aim): void {
    const sources = aim.sources
      .map((source) => readSocketAddress(source))
      .filter((place) => place !== undefined)
    // Who checks its way says by its checks where it is.
    if (aim.ice === undefined) {
      this.rtp.latch.aim(now, targetOf(aim.rtp, aim), sources, aim.quiet)
      this.rtcp.latch.aim(now, targetOf(aim.rtcp, aim), sources, aim.quiet)
    }
    if (!this.rtp.latch.locked) this.heardHere = false
    this.rtp.statistics.rest()
    this.rtp.statistics.ticks = (aim.clock ?? 8000) / 1000
    this.mux = aim.mux
    this.blind = aim.blind === true
    this.quiet = aim.quiet
    this.plays = aim.blind === true ? undefined : aim.plays
    this.aimedAt = now
    this.silent = false
    this.spoken = aim.spoken
    this.tap?.aimed(aim.spoken)
    this.lastAim = aim
  }

  /** What its aim has become of RTCP's socket: who agreed on one port for both needs none (RFC 5761 §5.1.1). undefined: it stays. */
  changeOfRtcp(): 'release' | 'bind' | undefined {
    const isWithoutRtcp = this.mux || this.lastAim?.isWithoutRtcp === true
    if (isWithoutRtcp === this.#isWithoutRtcp) return undefined
    this.#isWithoutRtcp = isWithoutRtcp
    return isWithoutRtcp ? 'release' : 'bind'
  }

  /** Joins two legs: each is taken from the partner it had. */
  connect(other: MediaLeg): void {
    this.disconnect()
    other.disconnect()
    this.partner = other
    other.partner = this
  }

  /** Takes it from its partner: both stand alone. */
  disconnect(): void {
    if (this.partner !== undefined) this.partner.partner = undefined
    this.partner = undefined
  }

  /** What stands in the way of its packets from now on. */
  stage(stages: Stages): void {
    this.stages = stages
    this.unprotect = stages.unprotect
    this.decode = stages.decode
    this.listen = stages.listen
    this.rewrite = stages.rewrite
    this.encode = stages.encode
    this.protect = stages.protect
  }

  counters(): MediaCounters {
    const { statistics, latch } = this.rtp
    const { address, port } = latch.peer
    const latched = latch.locked ? { address, port } : undefined
    const unauthentic = this.unprotect?.failures.unauthentic
    return {
      ...statistics.summary(),
      ...(unauthentic !== undefined && { unauthentic }),
      ...(this.ice?.keys && { cipher: this.ice.keys.ours.suite }),
      stream: this.blind ? undefined : this.#measures(),
      latched,
    }
  }

  #measures(): StreamMeasures {
    const { reordered, duplicates, gaps, longestGapMs, payloadType } = this.rtp.statistics
    const { roundTripMs, reported, reports: all, unheard } = this.reception
    const { firstMs } = this
    const reports = { all, unheard }
    return { reordered, duplicates, gaps, longestGapMs, firstMs, payloadType, roundTripMs, reported, reports }
  }
}

function targetOf(spot: Aim['rtp'], aim: Aim): SocketAddress | undefined {
  return aim.eager && spot !== undefined ? readSocketAddress(spot.address, spot.port) : undefined
}
