import type { DigitAim, G711Types } from '../ground/media.ts'
import type { Media } from './description.ts'
import { accompanies, type Format, formatsOf, numberIn } from './formats.ts'
import { isBlind, mediaOf, type RelayedSdp } from './relayed.ts'

/*
 * Which keys two parties can send each other: telephone events (RFC 4733) are a format of their m-lines, tones are in the
 * sound of G.711.
 */

/** Whether a description takes telephone events. */
export function takesEvents(media: Media): boolean {
  return formatsOf(media).some(isEvents)
}

/** Whether the events of one of these pass to a party whose description is `heard`: it takes such as have the same clock. */
export function shareEvents(spoken: readonly Media[], heard: Media): boolean {
  const taken = new Set(
    formatsOf(heard)
      .filter(isEvents)
      .map(({ codec }) => codec),
  )
  return spoken.flatMap(formatsOf).some((format) => isEvents(format) && taken.has(format.codec))
}

/** The same description with telephone events, of the clock of its sound; where none has a number for them, of 101 if that is free. */
export function withEvents(said: RelayedSdp): RelayedSdp {
  const media = mediaOf(said)
  if (isBlind(media) || takesEvents(media)) return said
  const number = freeNumber(media)
  const sound = formatsOf(media).find((format) => !accompanies(format) && format.name !== undefined)
  const clock = clockOf(sound)
  const lines = [...media.lines, `a=rtpmap:${number} telephone-event/${clock}`, `a=fmtp:${number} 0-16`]
  return withMedia(said, { ...media, formats: [...media.formats, number], lines })
}

/** How keys reach a party whose description this is, in its media; undefined: they do not. */
export function sendingOf(media: Media, form: 'auto' | 'rfc4733' | 'inband'): DigitAim['send'] {
  if (isBlind(media)) return undefined
  const sound = formatsOf(media).find((format) => !accompanies(format))
  const clock = clockOf(sound)
  const events = formatsOf(media).filter(isEvents)
  const best = events.find((format) => clockOf(format) === clock) ?? events[0]
  if (form !== 'inband' && best) return { form: 'rfc4733', type: Number(best.number), clock: clockOf(best) }
  const types = g711Of([media])
  return types.length > 0 ? { form: 'inband', types } : undefined
}

/** Payload types by which a party sends telephone events: what it was told, and what it said itself. */
export function eventTypesOf(media: readonly Media[]): number[] {
  const types: number[] = []
  for (const one of media) {
    if (isBlind(one)) continue
    for (const format of formatsOf(one)) {
      const type = Number(format.number)
      if (isEvents(format) && !types.includes(type)) types.push(type)
    }
  }
  return types
}

/** Payload types which are G.711 in these descriptions. */
export function g711Of(media: readonly Media[]): G711Types {
  const laws = new Map<number, G711Types[number]['law']>()
  for (const one of media) {
    if (isBlind(one)) continue
    for (const { number, codec } of formatsOf(one)) {
      const law = laws8000[codec]
      if (law) laws.set(Number(number), law)
    }
  }
  return Array.from(laws, ([type, law]) => ({ type, law }))
}

const laws8000: Readonly<Record<string, G711Types[number]['law']>> = {
  'PCMU/8000': 'PCMU',
  'PCMA/8000': 'PCMA',
}

function isEvents({ name }: Format): boolean {
  return name === 'TELEPHONE-EVENT'
}

function clockOf(format: Format | undefined): number {
  return Number(format?.codec.split('/')[1] ?? 8000) || 8000
}

function freeNumber({ formats, lines }: Media): string {
  const named = new Set(lines.map(numberIn))
  const numbers = ['101', ...Array.from({ length: 32 }, (_, at) => String(127 - at))]
  return numbers.find((number) => !formats.includes(number) && !named.has(number)) ?? '101'
}

function withMedia({ sdp, at }: RelayedSdp, media: Media): RelayedSdp {
  return { sdp: { ...sdp, media: sdp.media.with(at, media) }, at }
}
