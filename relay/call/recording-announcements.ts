import type { RecordAnnouncement } from '#contract'
import type { MediaCommand, MediaReport, PlayedSound, SessionId, Side } from '../ground/media.ts'
import type { SoundFile, SoundSource } from '../ground/sound.ts'
import type { RecordingWish } from './recording-wish.ts'
import { heardAt } from './sides.ts'
import type { Call } from './state.ts'

/** What is said to the parties of a call before it is recorded, as far as it is. */
export interface Announced {
  readonly call: Call
  /** What is recorded then; undefined: that goes on already, and a party has come who is to hear it. */
  readonly wish: RecordingWish | undefined
  /** To whom it is said. */
  readonly sides: readonly Side[]
  /** A pause which was ordered meanwhile. */
  paused: boolean
  /** Why the sound is not to be had which was set, and a beep was heard; undefined: it is. */
  why: string | undefined
  /** Legs which hear it. */
  readonly hearing: Set<string>
}

/** The rooms announcements are made by. */
interface Announcing {
  readonly order: (command: MediaCommand) => void
  /** Asks for a sound; what comes of it is told by `found`. */
  readonly ask: (announced: Announced, sound: SoundSource) => void
  /** It has been heard: what waited for that begins. */
  readonly heard: (announced: Announced) => void
}

/** Numbers of announcements are above those of what flows play, and of ringings. */
const playsFrom = 2_000_000
const beep: PlayedSound = { kind: 'tone', hz: [1_000], ms: 400 }

/** What the parties of a call hear before it is recorded: the number's setting first, then the caller's, then the callee's. undefined: nothing. */
export function announcementOf({ decision, callee }: Call): RecordAnnouncement | undefined {
  const { decision: led } = callee?.hunt ?? {}
  const called = led?.targets.kind === 'extension' ? led.targets.extension : undefined
  return [decision, led, called].map((one) => one?.record_announcement).find((said) => said) ?? undefined
}

/** Announcements of recordings: each is said to all parties a call has, who do not hear each other meanwhile. */
export class RecordingAnnouncements {
  readonly #to: Announcing
  readonly #byPlay = new Map<number, Announced>()
  #plays = 0

  constructor(to: Announcing) {
    this.#to = to
  }

  /** What is being said in a call; undefined: nothing, or it is said to a party which came later. */
  under(call: Call): Announced | undefined {
    return [...this.#byPlay.values()].find((one) => one.call === call && one.wish !== undefined)
  }

  /** Says it, once its sound is here. */
  say(
    { call, wish, sides }: Pick<Announced, 'call' | 'wish' | 'sides'>,
    announcement: RecordAnnouncement,
  ): void {
    const announced: Announced = { call, wish, sides, paused: false, why: undefined, hearing: new Set() }
    this.#byPlay.set(playsFrom + ++this.#plays, announced)
    if (announcement === 'beep') return this.#play(announced, beep)
    this.#to.ask(announced, soundOf(announcement))
  }

  /** The sound is here, or why it is not to be had. */
  found(announced: Announced, sound: SoundFile | string): void {
    const isHere = typeof sound !== 'string'
    if (!isHere) announced.why = sound
    this.#play(announced, isHere ? { kind: 'file', path: sound.path } : beep)
  }

  /** A party has heard it, or has left. */
  played({ session, side, play }: Extract<MediaReport, { type: 'played' }>): void {
    const announced = this.#byPlay.get(play)
    if (announced?.hearing.delete(nameOf(session, side))) this.#whenHeard(play, announced)
  }

  /** It is not recorded after all, and nothing more is said. */
  stop(announced: Announced): void {
    const play = this.#numberOf(announced)
    if (play === undefined) return
    this.#byPlay.delete(play)
    for (const { session, side } of legsOf(announced))
      this.#to.order({ type: 'stop-play', session, side, play })
  }

  #play(announced: Announced, sound: PlayedSound): void {
    const play = this.#numberOf(announced)
    if (play === undefined) return
    for (const { session, side } of legsOf(announced)) {
      announced.hearing.add(nameOf(session, side))
      this.#to.order({ type: 'play', session, side, play, sounds: [sound] })
    }
    this.#whenHeard(play, announced)
  }

  #whenHeard(play: number, announced: Announced): void {
    if (announced.hearing.size > 0) return
    this.#byPlay.delete(play)
    this.#to.heard(announced)
  }

  /** undefined: it was stopped. */
  #numberOf(announced: Announced): number | undefined {
    for (const [play, one] of this.#byPlay) if (one === announced) return play
    return undefined
  }
}

/** Where its parties are heard now. */
function legsOf({ call, sides }: Announced) {
  return sides.flatMap((side) => heardAt(call, side)?.media ?? [])
}

function nameOf(session: SessionId, side: Side): string {
  return `${session} ${side}`
}

function soundOf(announcement: Exclude<RecordAnnouncement, 'beep'>): SoundSource {
  if ('prompt_id' in announcement) return { kind: 'prompt', prompt_id: announcement.prompt_id }
  const { text, language, voice_id: voice } = announcement
  return { kind: 'speech', text, language, voice }
}
