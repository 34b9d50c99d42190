import { type MonotonicMs, monotonicMs } from '#units'
import type { MediaCommand, MediaReport } from '../ground/media.ts'
import { carriesKeys } from './digit-pacer.ts'
import { encode } from './g711.ts'
import type { Leaving } from './leaving.ts'
import type { MediaLeg } from './media-leg.ts'
import { OWN_TICKS } from './own-stream.ts'
import { RTP_HEADER } from './packet-shape.ts'
import { Play } from './play.ts'
import { type Clocked, PlayClock } from './play-clock.ts'
import { SoundLibrary } from './sound-library.ts'
import { ROOM } from './stages.ts'

/** What the player needs to be heard. */
interface PlayerDeps {
  readonly leaving: Leaving
  /** Where packets are made. */
  readonly packet: Uint8Array
  readonly tell: (report: MediaReport) => void
}

/** Milliseconds of sound a packet has at most. */
const LONGEST_MS = 60
/** Bytes of the longest packet, and what stages may add. */
export const PLAYED_PACKET = RTP_HEADER + LONGEST_MS * OWN_TICKS + ROOM
/** A party which is not found yet is waited for so long; then its sounds are played, and go nowhere. */
const WAIT_MS = 1_000

/** One which was not heard for so long is silent. */
const SILENT_MS = 200

/** A leg with what is played to its party: the first plays, the others wait. */
interface PlayedLeg extends Clocked {
  readonly leg: MediaLeg
  readonly plays: Play[]
  /** Until when its party is waited for. */
  readonly waitsUntil: number
}

/**
 * Plays sounds to the parties of legs: encodes them to the codec each was aimed with, a packet at a time, in the leg's own
 * stream. A play whose files are being read waits for them, as does what is behind it.
 */
export class Player {
  readonly sounds = new SoundLibrary()
  readonly #clock = new PlayClock<PlayedLeg>()
  readonly #legs = new Map<MediaLeg, PlayedLeg>()
  readonly #samples = new Int16Array(LONGEST_MS * OWN_TICKS)
  readonly #deps: PlayerDeps
  readonly #send = (played: PlayedLeg, at: number) => this.#sendTo(played, at)

  constructor(deps: PlayerDeps) {
    this.#deps = deps
  }

  play(now: MonotonicMs, leg: MediaLeg, command: Extract<MediaCommand, { type: 'play' }>): void {
    const play = new Play(command, this.sounds)
    if (leg.plays === undefined)
      return this.#tell(leg, play, 'Its party takes no codec in which sounds are played.')
    const known = this.#legs.get(leg)
    if (known !== undefined) return void known.plays.push(play)
    const played = { leg, plays: [play], waitsUntil: now + WAIT_MS, next: undefined }
    this.#legs.set(leg, played)
    this.#clock.add(now, played)
  }

  /** One which is over, or never was, is told of no more. */
  stop(leg: MediaLeg, number: number): void {
    const plays = this.#legs.get(leg)?.plays ?? []
    const at = plays.findIndex((play) => play.number === number)
    for (const play of at < 0 ? [] : plays.splice(at, 1)) this.#tell(leg, play)
    if (plays.length === 0) leg.isPlayedTo = false
  }

  /** The leg is closed: what plays there ends. */
  close(leg: MediaLeg): void {
    this.#endAll(leg, 'It was closed.')
    this.#legs.delete(leg)
  }

  /** A file which was wanted was read. */
  read(path: string, file: Uint8Array): void {
    const { samples, why = '' } = this.sounds.read(path, file)
    this.#found(path, samples ?? why)
  }

  /** It could not be. */
  unread(path: string, why: string): void {
    this.sounds.failed(path, why)
    this.#found(path, why)
  }

  /** Sends what is due; the milliseconds until more is. Infinity: nothing plays. */
  beat(now: MonotonicMs): number {
    return this.#clock.beat(now, this.#send)
  }

  #found(path: string, samples: Int16Array | string): void {
    for (const { leg, plays } of this.#legs.values()) {
      for (const play of plays) play.found(path, samples)
      const failed = plays.filter(({ why }) => why !== undefined)
      for (const play of failed) {
        plays.splice(plays.indexOf(play), 1)
        this.#tell(leg, play, play.why)
      }
    }
  }

  /** The milliseconds until its next packet; 0: there is none. */
  #sendTo(played: PlayedLeg, at: number): number {
    const { leg, plays } = played
    const [first] = plays
    if (first === undefined) {
      this.#legs.delete(leg)
      return 0
    }
    const codec = leg.plays
    if (codec === undefined) {
      this.#endAll(leg, 'Its party takes no codec in which sounds are played any more.')
      return LONGEST_MS
    }
    const isHeard = leg.rtp.latch.destination !== undefined || at >= played.waitsUntil
    leg.isPlayedTo = first.isReady && isHeard
    if (leg.isPlayedTo) this.#sendPacket(leg, plays, at)
    return codec.ms
  }

  #sendPacket(leg: MediaLeg, plays: Play[], at: number): void {
    const { packet, leaving } = this.#deps
    const { plays: codec, own } = leg
    if (codec === undefined || own === undefined) return
    const count = codec.ms * OWN_TICKS
    if (!this.#fill(leg, plays, count)) return
    encode(codec.codec, this.#samples, count, packet, RTP_HEADER)
    own.head(packet, at, codec.ms, codec.type)
    const length = withKeys(leg, packet, RTP_HEADER + count)
    if (length < 0 || leg.rtp.latch.destination === undefined) return
    own.sent(length)
    if (!speaks(leg.partner, at)) leg.tap?.plays(monotonicMs(at), packet, length)
    leaving.send(leg, packet, length)
  }

  /** The sound of one packet: of what plays, then of what waits, then silence; false: there was nothing. */
  #fill(leg: MediaLeg, plays: Play[], count: number): boolean {
    const samples = this.#samples
    let filled = 0
    for (let [play] = plays; play?.isReady && filled < count; [play] = plays) {
      filled += play.read(samples, filled, count - filled)
      if (play.isOver) this.#tell(leg, plays.shift() as Play)
    }
    leg.isPlayedTo = plays.length > 0
    samples.fill(0, filled, count)
    return filled > 0
  }

  #endAll(leg: MediaLeg, why: string): void {
    const plays = this.#legs.get(leg)?.plays ?? []
    for (const play of plays.splice(0)) this.#tell(leg, play, why)
    leg.isPlayedTo = false
  }

  #tell({ session, side }: MediaLeg, { number, ms }: Play, why?: string): void {
    this.#deps.tell({ type: 'played', session, side, play: number, ms, ...(why !== undefined && { why }) })
  }
}

/** Whether a party is heard just now. */
function speaks(leg: MediaLeg | undefined, at: number): boolean {
  return leg?.rtp.latch.locked === true && at - leg.rtp.latch.heardAt < SILENT_MS
}

/** Keys which are to be sent to the party take the place of sound, ours too, where they go by its clock. */
function withKeys(leg: MediaLeg, packet: Uint8Array, length: number): number {
  const { digits } = leg.stages
  return digits === undefined || digits.isEmpty || !carriesKeys(leg) ? length : digits.rewrite(packet, length)
}
