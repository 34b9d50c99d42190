import type { PayloadChange } from '../ground/media.ts'
import { none } from '../ground/none.ts'
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
import { isBlind } from './relayed.ts'

/*
 * Each party hears its own numbers from us and speaks them to us: an answer is put in the numbers of the offer it
 * answers, an offer in those its party knows (RFC 3264 §6.1, §8.3.2). What is to be done to a packet on its way from
 * one party to the other follows from both.
 */

/** An offer which, where it has G.711 with one law only, has it with the other, too: we can turn one into the other. */
export function withOtherLaw(media: Media): Media {
  if (isBlind(media)) return media
  const all = formatsOf(media)
  const one = all.find(({ codec }) => otherLaw[codec] !== undefined)
  const other = one && otherLaw[one.codec]
  if (!one || !other || otherLawIn(all, one) || media.formats.includes(other.number)) return media
  const last = all.findLastIndex((format) => !accompanies(format))
  const formats = media.formats.toSpliced(last + 1, 0, other.number)
  const others = media.lines.filter((line) => numberIn(line) !== other.number)
  const place = others.findLastIndex((line) => numberIn(line) === one.number) + 1
  return { ...media, formats, lines: others.toSpliced(place, 0, `a=rtpmap:${other.number} ${other.codec}`) }
}

/**
 * An answer in the numbers of the offer, with the other law of G.711 where only that was offered. What was not offered
 * is left out; an answer of which nothing would be left is passed on as it is.
 */
export function inNumbersOf(offer: Media, answer: Media): Media {
  if (isBlind(answer) || isBlind(offer)) return answer
  const offered = formatsOf(offer)
  const answered = formatsOf(answer)
  const pairs = answered.flatMap((from): Pair[] => {
    const to = sameIn(offered, from) ?? otherLawIn(offered, from)
    return to ? [{ from, to }] : []
  })
  const once = pairs.filter((pair, at) => at === bestFor(pairs, pair.to))
  return once.some(({ to }) => !accompanies(to)) ? withFormats(answer, once) : answer
}

/** Of those which lead to one number, the place of that which needs no conversion, else of the first. */
function bestFor(pairs: readonly Pair[], { number, codec }: Format): number {
  const same = pairs.findIndex(({ from, to }) => to.number === number && from.codec === codec)
  return same >= 0 ? same : pairs.findIndex(({ to }) => to.number === number)
}

interface Pair {
  readonly from: Format
  readonly to: Format
}

/**
 * An offer to a party which knows numbers from `last`: they stay what they were (RFC 3264 §8.3.2), and no other codec
 * gets one of them.
 */
export function inKnownNumbers(last: Media | undefined, offer: Media): Media {
  if (last === undefined || isBlind(offer) || isBlind(last)) return offer
  const known = [...formatsOf(last)]
  const taken = new Set(last.formats)
  const pairs = formatsOf(offer).map((from): Pair => {
    const at = known.findIndex((format) => sameIn([format], from) !== undefined)
    const [format] = at < 0 ? [] : known.splice(at, 1)
    const number = format?.number ?? (taken.has(from.number) ? free(taken, offer) : from.number)
    taken.add(number)
    return { from, to: { ...from, number } }
  })
  return pairs.some(({ from, to }) => from.number !== to.number) ? withFormats(offer, pairs) : offer
}

/** A dynamic number which stands for nothing yet (RFC 3551 §3). */
function free(taken: ReadonlySet<string>, { formats }: Media): string {
  const numbers = Array.from({ length: 32 }, (_, at) => String(127 - at))
  return numbers.find((number) => !taken.has(number) && !formats.includes(number)) ?? '127'
}

/**
 * What has to be done to the packets of one party on their way to another. `told`: what the speaker was sent, by whose
 * numbers it speaks; `own`: what it said itself, by which it may speak all the same; `heard`: what the hearer said.
 */
export function payloadChanges(
  { told, own }: { readonly told: Media; readonly own: Media | undefined },
  heard: Media,
): readonly PayloadChange[] {
  if ([told, own, heard].some((media) => media && isBlind(media))) return none
  const spoken = formatsOf(told)
  const besides = own ? formatsOf(own).filter(({ number }) => !told.formats.includes(number)) : []
  const hearing = formatsOf(heard)
  const changes = [...spoken, ...besides].flatMap((format) => changeOf(format, hearing))
  return changes.length > 0 ? changes.toSorted((a, b) => a.from - b.from) : none
}

function changeOf(format: Format, hearing: readonly Format[]): PayloadChange[] {
  const from = Number(format.number)
  if (!(from < 128)) return []
  const same = sameIn(hearing, format)
  if (same) return same.number === format.number ? [] : [{ from, to: Number(same.number) }]
  const other = otherLawIn(hearing, format)
  if (other) return [{ from, to: Number(other.number), law: other.codec === 'PCMU/8000' ? 'PCMU' : 'PCMA' }]
  return hearing.some(({ number }) => number === format.number) ? [{ from, to: undefined }] : []
}
