import type { CallCommand, MonotonicMs, RecordingMode, RecordingTold, UtcMs } from '#contract'
import type { Effect, Entropy } from '../ground/effects.ts'
import type { MediaCommand, MediaReport, SessionId, Side } from '../ground/media.ts'
import type { SoundFile, SoundSource } from '../ground/sound.ts'
import type { CallOrder } from './call-step.ts'
import { instant, utcOf } from './record.ts'
import { type Announced, announcementOf, RecordingAnnouncements } from './recording-announcements.ts'
import type { RecordingChange, RecordingWish } from './recording-wish.ts'
import { heardAt } from './sides.ts'
import type { Branch, Call } from './state.ts'

/** A recording which goes on, or is being written to its end. */
interface ActiveRecording {
  readonly call: Call
  readonly session: SessionId
  readonly about: RecordingTold
  readonly asSet: boolean
}

/** What of the relay itself is told. */
interface RelaySelf {
  readonly relayId: string
  readonly entropy: Pick<Entropy, 'uuid'>
}

/** So long a call is recorded at most which is recorded by a setting. */
const DAY_MS = 24 * 60 * 60_000

/** How a call is recorded by its settings once this branch has answered; undefined: it is not. Who wants the parties apart goes first. */
function recordingAsSet(call: Call, { hunt }: Branch): RecordingWish | undefined {
  const targets = hunt.decision?.targets
  const called = targets?.kind === 'extension' ? targets.extension.record : undefined
  const modes: (RecordingMode | undefined)[] = [call.decision?.record, hunt.decision?.record, called]
  const mode = (['separate', 'mixed'] as const).find((one) => modes.includes(one))
  if (mode === undefined) return undefined
  return { kind: 'call', side: 'both', channels: mode === 'separate' ? 2 : 1, maxMs: DAY_MS, asSet: true }
}

/** Begins that recording, where there is to be one. */
export function recordedAsSet(call: Call, branch: Branch): CallOrder[] {
  const wish = recordingAsSet(call, branch)
  return wish ? [{ type: 'record', wish }] : []
}

/** The recordings of calls: ordered of the media thread, and told to the edge as they begin and end. */
export class CallRecordings {
  readonly #self: RelaySelf
  readonly #emit: (effect: Effect) => void
  readonly #byId = new Map<string, ActiveRecording>()
  readonly #announcements: RecordingAnnouncements

  /** `ask` has a sound brought here, for which what is announced waits. */
  constructor(
    self: RelaySelf,
    emit: (effect: Effect) => void,
    ask: (announced: Announced, sound: SoundSource) => void,
  ) {
    this.#self = self
    this.#emit = emit
    const heard = ({ call, wish, why, paused }: Announced) => {
      if (wish === undefined) return
      if (call.record.endedAt !== undefined)
        return this.#unbegun(call, wish, 'The call was over before it began.')
      this.#record(call, wish, why)
      if (paused) this.change(call, 'pause')
    }
    this.#announcements = new RecordingAnnouncements({ order: (command) => this.#order(command), ask, heard })
  }

  /**
   * Begins one of a call whose customer is known, once its parties have heard what is to be said before. Whatever keeps it
   * from that is told by the media thread's report. A message ends what else is recorded of the call: it would be lost
   * otherwise, and has a greeting of its own.
   */
  begin(call: Call, wish: RecordingWish): void {
    if (call.record.customerId === undefined) return
    if (wish.kind === 'voicemail') this.change(call, 'stop')
    const said = wish.kind === 'call' ? announcementOf(call) : undefined
    if (said === undefined || this.#isRecorded(call)) return this.#record(call, wish)
    if (this.#announcements.under(call) !== undefined)
      return this.#refuse(call, wish, 'The call is about to be recorded already.')
    this.#announcements.say({ call, wish, sides: ['caller', 'callee'] }, said)
  }

  /** A party comes into a call which is recorded: it hears that, too. */
  joined(call: Call, side: Side): void {
    const said = announcementOf(call)
    if (said !== undefined && (this.#isRecorded(call) || this.#announcements.under(call)))
      this.#announcements.say({ call, wish: undefined, sides: [side] }, said)
  }

  /** The sound of an announcement is here, or why it is not to be had. */
  announced(announced: Announced, sound: SoundFile | string): void {
    this.#announcements.found(announced, sound)
  }

  /** What was played to a party is over: an announcement, perhaps. */
  played(report: Extract<MediaReport, { type: 'played' }>): void {
    this.#announcements.played(report)
  }

  /** Whether what is said in it is being recorded. */
  #isRecorded(call: Call): boolean {
    return [...this.#byId.values()].some((one) => one.call === call && one.about.kind === 'call')
  }

  /** `why`: what set announcement was not to be had. */
  #record(call: Call, wish: RecordingWish, why?: string): void {
    const { customerId } = call.record
    const id = wish.id ?? this.#self.entropy.uuid(utcOf(call))
    const message = why === undefined ? null : `A beep announced it: what was set was not to be had, ${why}.`
    const about = { ...aboutOf(call, id, wish), message }
    const session = heardAt(call, 'caller')?.media?.session ?? call.session
    this.#byId.set(id, { call, session, about, asSet: wish.asSet === true })
    this.#tell(call, 'started', about)
    const { side, channels, maxMs, silenceMs } = wish
    const path = `${customerId}.${id}.wav`
    const silence = silenceMs === undefined ? {} : { silenceMs }
    this.#order({ type: 'record', session, side, recording: id, path, channels, maxMs, ...silence })
  }

  /** Pauses, goes on with, or ends what is recorded of a call, or `of` that; nothing where nothing is. */
  change(call: Call, change: RecordingChange, of?: 'setting'): void {
    this.#changeAnnounced(call, change, of)
    for (const [recording, { call: recorded, session, asSet }] of this.#byId)
      if (recorded === call && (of === undefined || asSet))
        this.#order({ type: `record-${change}`, session, recording })
  }

  /** What is only announced yet is paused from its beginning, or does not begin. */
  #changeAnnounced(call: Call, change: RecordingChange, of: 'setting' | undefined): void {
    const announced = this.#announcements.under(call)
    if (announced?.wish === undefined || (of !== undefined && announced.wish.asSet !== true)) return
    announced.paused = change === 'pause'
    if (change !== 'stop') return
    this.#announcements.stop(announced)
    this.#unbegun(call, announced.wish, 'It was stopped before it began.')
  }

  /** Whose id was told is waited for; a setting's is not. */
  #unbegun(call: Call, wish: RecordingWish, message: string): void {
    if (wish.id !== undefined) this.#refuse(call, wish, message)
  }

  /** Carries out what the API ordered of a call; one whose caller was not answered, or has left, is not recorded: that is told. */
  command(command: CallCommand, call: Call, answered: boolean): void {
    if (command.kind !== 'recording_start')
      return this.change(call, command.kind.slice('recording_'.length) as RecordingChange)
    const { recording_id: id, channels, max_ms: maxMs, silence_ms } = command
    const silenceMs = silence_ms ?? undefined
    const wish = { id, kind: 'call', side: 'both', channels, maxMs, silenceMs } as const
    if (answered) this.begin(call, wish)
    else this.#refuse(call, wish, 'The caller was not answered, or has left.')
  }

  #refuse(call: Call, wish: RecordingWish, message: string): void {
    const about = aboutOf(call, wish.id ?? this.#self.entropy.uuid(utcOf(call)), wish)
    const none = { tm_end: about.tm_start, ms: 0, bytes: 0, ending: 'failed' } as const
    this.#tell(call, 'failed', { ...about, ...none, message })
  }

  /** The media thread has ended one: told even where the call is long over. */
  recorded(now: MonotonicMs, report: Extract<MediaReport, { type: 'recorded' }>): void {
    const ended = this.#byId.get(report.recording)
    if (ended === undefined) return
    this.#byId.delete(report.recording)
    const { call, about } = ended
    call.now = Math.max(call.now, now) as MonotonicMs
    const { ms, bytes, end: ending, why } = report
    const told = { ...about, tm_end: instant(utcOf(call)), ms, bytes, ending, message: why ?? about.message }
    this.#tell(call, ending === 'failed' ? 'failed' : 'finished', told)
    if (about.kind === 'voicemail' && bytes > 0) this.#event(call, 'voicemail.received', told)
  }

  #tell(call: Call, what: 'started' | 'finished' | 'failed', about: RecordingTold): void {
    this.#event(call, `recording.${what}`, about)
  }

  #event(call: Call, type: string, about: RecordingTold): void {
    const { entropy, relayId } = this.#self
    const at: UtcMs = utcOf(call)
    const tell = { kind: 'event', tell_id: entropy.uuid(at), at: instant(at), relay_id: relayId } as const
    const customer_id = call.record.customerId ?? null
    this.#emit({ type: 'tell', tell: { ...tell, customer_id, type, data: { ...about } } })
  }

  #order(command: MediaCommand): void {
    this.#emit({ type: 'media', command })
  }
}

function aboutOf(call: Call, id: string, { kind, channels, mailbox }: RecordingWish): RecordingTold {
  return {
    subject_id: id,
    call_id: call.id,
    kind,
    extension_id: kind === 'call' ? call.record.extensionId : null,
    mailbox: mailbox ?? null,
    source: call.record.source.target.slice(0, 256),
    channels,
    tm_start: instant(utcOf(call)),
    tm_end: null,
    ms: null,
    bytes: null,
    ending: null,
    message: null,
  }
}
