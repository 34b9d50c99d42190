import { type MonotonicMs, monotonicMs } from '#units'
import type { MediaCommand, MediaReport, RecordingEnd, SessionId, Side } from '../ground/media.ts'
import type { MediaLeg } from './media-leg.ts'
import { Recorder, type RecordingSink, type RecordingTerms } from './recorder.ts'
import { msOf } from './wav.ts'

/** What the sink says of a recording. */
export type SinkReport =
  /** One more block is on disk. */
  | { readonly type: 'written'; readonly recording: string }
  /** The file is whole; 0 octets: nothing was written to it, and it is no more. */
  | { readonly type: 'closed'; readonly recording: string; readonly bytes: number }
  /** It goes no further; `bytes` of it can be played. */
  | { readonly type: 'failed'; readonly recording: string; readonly bytes: number; readonly why: string }

/** What may be ordered of a recording which is under way. */
export type RecordingCommand = Extract<
  MediaCommand,
  { type: 'record-pause' | 'record-resume' | 'record-stop' }
>

/** Blocks which may wait for the disk: ten seconds of sound. */
const WAITING_AT_MOST = 20
/** Each sweep looks at one recording in so many. */
const TURNS = 4

/** One which is over but for the sink's last word. */
interface Ending {
  readonly recorder: Recorder
  readonly end: RecordingEnd
  readonly why: string | undefined
}

/** All recordings: one of a session at a time. */
export class Recordings {
  readonly #sink: RecordingSink | undefined
  readonly #tell: (report: MediaReport) => void
  readonly #bySession = new Map<SessionId, Recorder>()
  /** Those which the sink has not closed. */
  readonly #byId = new Map<string, Recorder>()
  readonly #ending = new Map<string, Ending>()
  #turn = 0
  #now = monotonicMs(0)

  /** Without a sink none is made. */
  constructor(sink: RecordingSink | undefined, tell: (report: MediaReport) => void) {
    this.#sink = sink
    this.#tell = tell
  }

  /** `legs` are those of the session which stand. */
  begin(now: MonotonicMs, terms: RecordingTerms, legs: readonly MediaLeg[]): void {
    const why = this.#refusal(terms, legs)
    if (why !== undefined || this.#sink === undefined) return this.#refuse(terms, why ?? 'no disk is there')
    const recorder = new Recorder(now, terms, this.#sink)
    this.#bySession.set(terms.session, recorder)
    this.#byId.set(terms.recording, recorder)
    for (const leg of legs) {
      this.#tap(recorder, leg, leg.side)
      if (leg.partner !== undefined) this.joined(leg, leg.partner)
    }
  }

  /** One which is under way is to pause, to go on, or to end; of another nothing becomes. */
  change(now: MonotonicMs, { type, session, recording }: RecordingCommand): void {
    const recorder = this.#bySession.get(session)
    if (recorder?.terms.recording !== recording) return
    if (type === 'record-pause') recorder.pause(now)
    else if (type === 'record-resume') recorder.resume(now)
    else this.#end(now, recorder, 'stopped')
  }

  /** Two legs were joined: where one is recorded with its partner, the other is heard in the place of that. */
  joined(leg: MediaLeg, other: MediaLeg): void {
    this.#join(leg, other)
    this.#join(other, leg)
  }

  /** A leg was taken from its partner, or closed. */
  parted(leg: MediaLeg): void {
    const own = this.#bySession.get(leg.session)
    leg.tap = undefined
    if (own !== undefined && !leg.closed) this.#tap(own, leg, leg.side)
  }

  /** The session's last leg was closed. */
  closed(session: SessionId): void {
    const recorder = this.#bySession.get(session)
    if (recorder !== undefined) this.#end(this.#now, recorder, 'closed')
  }

  /** None is made, and none waits for the sink. */
  get isIdle(): boolean {
    return this.#byId.size === 0
  }

  /** To be called twenty times a second, unless it is idle. */
  advance(now: MonotonicMs): void {
    this.#now = now
    let at = this.#turn++ % TURNS
    for (const recorder of this.#bySession.values()) if (at++ % TURNS === 0) this.#advance(now, recorder)
  }

  /** What the sink says. */
  told(now: MonotonicMs, report: SinkReport): void {
    const ending = this.#ending.get(report.recording)
    const recorder = this.#byId.get(report.recording)
    if (recorder === undefined) return
    if (report.type === 'written') return void recorder.waiting--
    if (ending !== undefined) return this.#over(ending, report)
    this.#end(now, recorder, 'failed', report.type === 'failed' ? report.why : 'its file was closed')
    const failed = this.#ending.get(report.recording)
    if (failed !== undefined) this.#over(failed, report)
  }

  #advance(now: MonotonicMs, recorder: Recorder): void {
    const end = recorder.advance(now)
    if (recorder.waiting > WAITING_AT_MOST)
      return this.#end(now, recorder, 'failed', 'the disk is slower than what is said')
    if (end !== undefined) this.#end(now, recorder, end)
  }

  #end(now: MonotonicMs, recorder: Recorder, end: RecordingEnd, why?: string): void {
    const { session, recording } = recorder.terms
    this.#bySession.delete(session)
    this.#ending.set(recording, { recorder, end, why })
    recorder.finish(now, end)
  }

  #over({ recorder, end, why }: Ending, report: Exclude<SinkReport, { type: 'written' }>): void {
    const { session, recording } = recorder.terms
    this.#ending.delete(recording)
    this.#byId.delete(recording)
    const empty = recorder.samples === 0 ? nothingIn : undefined
    const fault = report.type === 'failed' ? report.why : (why ?? empty ?? unheardOf(recorder))
    this.#tell({
      type: 'recorded',
      session,
      recording,
      ms: msOf(recorder.samples),
      bytes: report.bytes,
      end: report.type === 'failed' || empty ? 'failed' : end,
      ...(fault !== undefined && { why: fault }),
    })
  }

  #refuse({ session, recording }: RecordingTerms, why: string): void {
    this.#tell({ type: 'recorded', session, recording, ms: 0, bytes: 0, end: 'failed', why })
  }

  #refusal({ session, side }: RecordingTerms, legs: readonly MediaLeg[]): string | undefined {
    const recorded = legs.filter((leg) => side === 'both' || leg.side === side)
    if (recorded.length === 0) return 'that party has no sound'
    if (this.#bySession.has(session)) return 'the call is recorded already'
    return recorded.some(isDecoded) ? undefined : 'what is spoken is not G.711'
  }

  #join(leg: MediaLeg, other: MediaLeg): void {
    const recorder = this.#bySession.get(leg.session)
    if (recorder?.terms.side !== 'both' || other.session === leg.session) return
    if (!this.#bySession.has(other.session))
      this.#tap(recorder, other, leg.side === 'caller' ? 'callee' : 'caller')
  }

  #tap(recorder: Recorder, leg: MediaLeg, side: Side): void {
    const line = recorder.line(side)
    if (line === undefined) return
    // What is played to a party stands where its partner's sound would.
    const heard = recorder.line(side === 'caller' ? 'callee' : 'caller')
    line.begin()
    line.speaks(leg.spoken)
    leg.tap = {
      hear: (now, packet, length) => recorder.hear(now, line, packet, length),
      plays: (now, packet, length) => heard && recorder.hear(now, heard, packet, length),
      aimed: (spoken) => line.speaks(spoken),
    }
  }
}

/** Whether what a party speaks can be recorded: what it spoke last, or may speak where it has said nothing. */
function isDecoded({ spoken, rtp, decode }: MediaLeg): boolean {
  if (decode !== undefined) return true
  const type = rtp.statistics.payloadType
  if (type === undefined || spoken?.length === 0) return spoken?.length !== 0
  return spoken === undefined ? type === 0 || type === 8 : spoken.some((one) => one.type === type)
}

/** Of one which was over as soon as it began. */
const nothingIn = 'it was over before anything was recorded'

/** Where nothing was decoded of a party which spoke. */
function unheardOf({ unheard }: Recorder): string | undefined {
  return unheard.length === 0 ? undefined : `not decoded: payload types ${unheard.join(', ')}`
}
