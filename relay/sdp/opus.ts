import type { OpusAim } from '../ground/media.ts'
import type { Media } from './description.ts'
import {
  accompanies,
  type Format,
  formatsOf,
  numberIn,
  otherLaw,
  otherLawIn,
  sameIn,
  withFormats,
} from './formats.ts'
import { playedCodecOf } from './played.ts'
import { isBlind } from './relayed.ts'

/*
 * Opus is turned into G.711, and back, where two parties have no codec in common without that. Who speaks Opus alone is
 * inside a call as if it spoke G.711.
 */

const OPUS = 'OPUS/48000/2'

/** Whether Opus is all that a party and we agree on: it says it, and was `told` of it (undefined: of nothing). */
export function isOpusAlone(said: Media, told: Media | undefined): boolean {
  return takesOpus(said, told) && !agreedOn(said, told).some(isG711)
}

/** Whether it is among that; asked many times a call, of parties which seldom say it. */
export function takesOpus(said: Media, told: Media | undefined): boolean {
  return formatsOf(said).some(isOpus) && agreedOn(said, told).some(isOpus)
}

function agreedOn(said: Media, told: Media | undefined): readonly Format[] {
  if (isBlind(said)) return []
  const known = told && new Set(formatsOf(told).map(({ codec }) => codec))
  return formatsOf(said).filter(({ codec }) => known === undefined || known.has(codec))
}

/**
 * An offer which has Opus and no G.711, with G.711 behind it, and telephone events of that clock if it has some; or one which
 * has it the other way round, with Opus if that alone is taken (`opusAlone`).
 */
export function withTurned(media: Media, opusAlone: boolean): Media {
  if (isBlind(media)) return media
  const all = formatsOf(media)
  const [opus, law] = [all.find(isOpus), all.find(isG711)]
  if (opus && !law) return withG711(media, all)
  return law && !opus && opusAlone ? withOpus(media) : media
}

function withG711(media: Media, all: readonly Format[]): Media {
  const events = all.filter(isEvents)
  const wanted = events.length > 0 && !events.some(({ codec }) => codec === 'TELEPHONE-EVENT/8000')
  const number = wanted ? free(media) : undefined
  const last = all.findLastIndex((format) => !accompanies(format))
  const formats = media.formats.toSpliced(last + 1, 0, ...laws)
  const lines = media.lines.filter((line) => !laws.includes(numberIn(line) ?? ''))
  if (number === undefined) return { ...media, formats, lines: [...lines, ...namesOfLaws] }
  const told = [`a=rtpmap:${number} telephone-event/8000`, `a=fmtp:${number} 0-16`]
  return { ...media, formats: [...formats, number], lines: [...lines, ...namesOfLaws, ...told] }
}

function withOpus(media: Media): Media {
  const number = free(media)
  const lines = [`a=rtpmap:${number} opus/48000/2`, `a=fmtp:${number} ${parameters}`]
  return { ...media, formats: [number, ...media.formats], lines: [...withoutTimes(media.lines), ...lines] }
}

/**
 * An answer in the formats of an offer with which it has no sound in common but by turning it. undefined: it has some, or
 * not even that.
 */
export function turnedAnswer(offer: Media, answer: Media): Media | undefined {
  if (isBlind(offer) || isBlind(answer)) return undefined
  const offered = formatsOf(offer)
  const answered = formatsOf(answer)
  if (!offered.some(isOpus) && !answered.some(isOpus)) return undefined
  if (answered.some((from) => !accompanies(from) && (sameIn(offered, from) ?? otherLawIn(offered, from))))
    return undefined
  const sound = answered.flatMap((from) => pairOf(from, offered.find(isG711(from) ? isOpus : isG711)))
  const [first] = sound.filter(({ from }) => isOpus(from) || isG711(from))
  if (!first) return undefined
  const clock = isOpus(first.to) ? 48_000 : 8_000
  const takes = offered.filter(isEvents)
  const taken = takes.find(({ codec }) => codec.endsWith(`/${clock}`)) ?? takes[0]
  const events = answered.filter(isEvents).slice(0, 1)
  const turned = withFormats(answer, [first, ...events.flatMap((from) => pairOf(from, taken))])
  const lines = withoutTimes(turned.lines)
  return isOpus(first.to)
    ? { ...turned, lines: [...lines, `a=fmtp:${first.to.number} ${parameters}`] }
    : { ...turned, lines }
}

/** Whether two parties have a codec in common once one is turned. */
export function canBeTurned(one: Media, other: Media): boolean {
  return turnedAnswer(one, other) !== undefined
}

function pairOf(from: Format, to: Format | undefined): { from: Format; to: Format }[] {
  return to ? [{ from, to }] : []
}

/** What a party which speaks Opus alone says and hears inside: G.711 by its static numbers, and its telephone events. */
export function insideOf(media: Media): Media {
  const others = media.formats.filter((_, at) => formatsOf(media)[at]?.name === 'TELEPHONE-EVENT')
  const lines = media.lines.filter((line) => {
    const number = numberIn(line)
    return number === undefined || others.includes(number)
  })
  return { ...media, formats: [...laws, ...others], lines: [...withoutTimes(lines), ...namesOfLaws] }
}

const namesOfLaws = ['a=rtpmap:0 PCMU/8000', 'a=rtpmap:8 PCMA/8000']

/** What the media thread is told of a party which speaks Opus alone; `partner`: what the other says, if there is one. */
export function opusAimFrom(
  said: Media,
  told: Media | undefined,
  partner: Media | undefined,
): OpusAim | undefined {
  const to = formatsOf(said).find(isOpus)
  if (!to) return undefined
  const numbers = [...formatsOf(said), ...(told ? formatsOf(told) : [])].filter(isOpus)
  const from = [...new Set(numbers.map(({ number }) => Number(number)))]
  const { codec: law = 'PCMU', ms = 20 } = (partner && playedCodecOf(partner, undefined)) ?? {}
  return { from, to: Number(to.number), law, ms }
}

const laws: readonly string[] = ['0', '8']
/** Copies of what may be lost are of use to both (RFC 7587 §6.1). */
const parameters = 'useinbandfec=1'

/** How long packets are is between each party and us. */
function withoutTimes(lines: readonly string[]): string[] {
  return lines.filter((line) => !/^a=(max)?ptime:/.test(line))
}

function isOpus({ codec }: Format): boolean {
  return codec === OPUS
}

function isG711({ codec }: Format): boolean {
  return otherLaw[codec] !== undefined
}

function isEvents({ name }: Format): boolean {
  return name === 'TELEPHONE-EVENT'
}

/** A dynamic number which stands for nothing yet (RFC 3551 §3). */
function free({ formats, lines }: Media): string {
  const named = new Set(lines.map(numberIn))
  const numbers = Array.from({ length: 32 }, (_, at) => String(127 - at))
  return numbers.find((number) => !formats.includes(number) && !named.has(number)) ?? '127'
}
