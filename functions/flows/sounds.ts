import type { Announcement, FlowActionOf } from '#contract'
import type { FlowSound } from './flow-order.ts'
import { answered, type FlowPart, type FlowRun, type FlowScript, wait } from './flow-run.ts'

/** No sound lasts longer. */
const playMs = 1_800_000

/** What a caller hears before it speaks. */
export const beepTone: FlowSound = { kind: 'tone', hz: [1_000], ms: 400 }

/** How playing ended. */
export interface Played {
  readonly outcome: 'played' | 'interrupted' | 'not_played'
  readonly why?: string | undefined
}

/** Plays sounds to their end; with `bargeIn` a key ends that, and one which was pressed before begins it never. */
export function* play(run: FlowRun, sounds: readonly FlowSound[], bargeIn: boolean): FlowPart<Played> {
  if (bargeIn && run.keys !== '') return { outcome: 'interrupted' }
  const number = run.number()
  run.order({ type: 'play', play: number, sounds })
  wait(run, playMs)
  for (;;) {
    const event = yield
    if (event.type === 'played' && event.play === number)
      return event.why === undefined ? { outcome: 'played' } : { outcome: 'not_played', why: event.why }
    if (event.type !== 'timeout' && !(event.type === 'digit' && bargeIn)) continue
    run.order({ type: 'stop-play', play: number })
    return event.type === 'digit'
      ? { outcome: 'interrupted' }
      : { outcome: 'not_played', why: 'it did not come to an end' }
  }
}

/** Says what an action has to say; where that is a text, the caller is answered first. */
export function* announce(
  run: FlowRun,
  announcement: Announcement | null,
  bargeIn: boolean,
): FlowPart<Played | undefined> {
  if (!announcement) return undefined
  if (announcement.text !== null) yield* answered(run)
  return yield* play(run, [soundOf(announcement)], bargeIn)
}

function soundOf({ prompt_id, stream_url, text, language, voice_id: voice }: Announcement): FlowSound {
  if (prompt_id !== null) return { kind: 'prompt', prompt_id }
  return stream_url !== null
    ? { kind: 'url', url: stream_url }
    : { kind: 'speech', text: text ?? '', language, voice }
}

/** `answer` */
export function* answerCall(run: FlowRun): FlowScript {
  yield* answered(run)
  return { outcome: 'answered' }
}

/** `play`: a caller who was not answered hears it before the answer. */
export function* playSounds(run: FlowRun, { option }: FlowActionOf<'play'>): FlowScript {
  const { prompt_id, stream_urls, digits_handle } = option
  const prompts: FlowSound[] = prompt_id === null ? [] : [{ kind: 'prompt', prompt_id }]
  const urls = stream_urls.map((url): FlowSound => ({ kind: 'url', url }))
  return yield* play(run, [...prompts, ...urls], digits_handle === 'next')
}

/** `talk`: a caller is answered for it, unless it is said before. */
export function* talk(run: FlowRun, { option }: FlowActionOf<'talk'>): FlowScript {
  const { text, language, voice_id: voice, digits_handle, early_media } = option
  if (!early_media) yield* answered(run)
  return yield* play(run, [{ kind: 'speech', text, language, voice }], digits_handle === 'next')
}

/** `beep` */
export function* beep(run: FlowRun): FlowScript {
  return yield* play(run, [beepTone], false)
}

/** `sleep` */
export function* sleep(run: FlowRun, { option }: FlowActionOf<'sleep'>): FlowScript {
  wait(run, option.duration)
  for (;;) if ((yield).type === 'timeout') return { outcome: 'slept' }
}
