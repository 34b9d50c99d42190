import type { Media } from './description.ts'
import { attributeName } from './tidy.ts'

/*
 * Formats by name. Each party numbers codecs as it likes, and says by its description which numbers it wants to
 * receive (RFC 3264 §5.1, §6.1); so what is the same for two parties is the codec, never its number.
 */

/** A payload type of an m-line, and what it stands for. */
export interface Format {
  /** As the m-line has it: `0`, or no number where it is no RTP. */
  readonly number: string
  /** Encoding name, upper case: PCMU. undefined: the description does not name it. */
  readonly name: string | undefined
  /** Name, clock and channels: `PCMU/8000`, `OPUS/48000/2`; the format itself where it has no name. */
  readonly codec: string
  /** The same as it was written. */
  readonly encoding: string
  /** Its fmtp parameters; '': none. */
  readonly parameters: string
}

/** The formats of an m-line, best first; read once for all m-lines which have the same lists, as phones of a make do. */
export function formatsOf({ formats, lines }: Pick<Media, 'formats' | 'lines'>): readonly Format[] {
  for (const one of read) if (one.formats === formats && one.lines === lines) return one.known
  const known = formats.map((number) => formatOf({ lines }, number))
  read[next] = { formats, lines, known }
  next = (next + 1) % mostRead
  return known
}

interface ReadFormats extends Pick<Media, 'formats' | 'lines'> {
  readonly known: readonly Format[]
}

const mostRead = 16
const read: ReadFormats[] = []
let next = 0

/** What one number of an m-line stands for. */
export function formatOf(media: Pick<Media, 'lines'>, number: string): Format {
  const encoding = saidOf(media, 'rtpmap', number) ?? staticEncodings[number] ?? ''
  const [name, clock = '8000', channels = '1'] = encoding.toUpperCase().split('/')
  const parameters = saidOf(media, 'fmtp', number) ?? ''
  if (!name) return { number, name: undefined, codec: number, encoding, parameters }
  const codec = oneWay[name] ?? `${name}/${clock}${channels === '1' ? '' : `/${channels}`}`
  return { number, name, codec, encoding, parameters }
}

/** Codecs whose clock and channels are always these, whatever is written (RFC 7587 §7, RFC 3551 §4.5.2). */
const oneWay: Readonly<Record<string, string>> = { OPUS: 'OPUS/48000/2', G722: 'G722/8000' }

/** The same as lines, each number with its name: what another program is told of a party. */
export function describedFormats(media: Media): { types: string[]; lines: string[] } {
  const formats = formatsOf(media).filter(({ name }) => name !== undefined)
  const lines = formats.flatMap(({ number, encoding, parameters }) => [
    `a=rtpmap:${number} ${encoding}`,
    ...(parameters === '' ? [] : [`a=fmtp:${number} ${parameters}`]),
  ])
  const timed = media.lines.filter((line) => /^a=(max)?ptime:\d+$/.test(line))
  return { types: formats.map(({ number }) => number), lines: [...lines, ...timed] }
}

/** Whether a format is no sound of its own, but goes with one: tones and comfort noise. */
export function accompanies({ name }: Format): boolean {
  return name === 'TELEPHONE-EVENT' || name === 'CN'
}

/**
 * That one of `formats` which is the same codec: of several, the one which says the same of itself. undefined: none
 * is.
 */
export function sameIn(formats: readonly Format[], wanted: Format): Format | undefined {
  const alike = formats.filter(({ codec }) => codec === wanted.codec)
  const exact = alike.find(({ parameters }) => parameters === wanted.parameters)
  if (exact) return exact
  // What a redundant payload holds is told by numbers (RFC 2198 §5).
  if (wanted.name === 'RED') return undefined
  return alike[0] ?? formats.find((format) => isUnnamed(format, wanted))
}

/** Where one party leaves a number without a name, both mean the same by it. */
function isUnnamed(one: Format, other: Format): boolean {
  return one.number === other.number && (one.name === undefined || other.name === undefined)
}

/** That one of `formats` which is G.711 with the other law (RFC 3551 §4.5.14). undefined: there is none. */
export function otherLawIn(formats: readonly Format[], { codec }: Format): Format | undefined {
  const other = otherLaw[codec]
  return other === undefined ? undefined : formats.find((format) => format.codec === other.codec)
}

/** The other law of each, and the number which stands for it. */
export const otherLaw: Readonly<Record<string, Pick<Format, 'codec' | 'number'>>> = {
  'PCMU/8000': { codec: 'PCMA/8000', number: '8' },
  'PCMA/8000': { codec: 'PCMU/8000', number: '0' },
}

/** An m-line with other formats, in their order; each new one, and what is said of it, in the place of an old one. */
export function withFormats(media: Media, formats: readonly { from: Format; to: Format }[]): Media {
  const kept = media.lines.flatMap((line) => {
    const number = numberIn(line)
    if (number === undefined || number === '*') return [line]
    return formats.filter(({ from }) => from.number === number).flatMap((each) => renamed(line, each))
  })
  const unnamed = formats.filter(({ to }) => !isNamed(to, kept))
  const names = unnamed.map(({ to }) => `a=rtpmap:${to.number} ${to.encoding}`)
  return { ...media, formats: formats.map(({ to }) => to.number), lines: [...kept, ...names] }
}

/** Whether a number speaks for itself, or lines say what it stands for. */
function isNamed({ number, name, codec }: Format, lines: readonly string[]): boolean {
  if (name === undefined || staticEncodings[number] === codec) return true
  return lines.some((line) => line.startsWith(`a=rtpmap:${number} `))
}

/** Static payload types still met in the wild (RFC 3551 §6); all of them tick at 8000. */
const staticEncodings: Readonly<Record<string, string>> = {
  0: 'PCMU/8000',
  3: 'GSM/8000',
  4: 'G723/8000',
  8: 'PCMA/8000',
  9: 'G722/8000',
  13: 'CN/8000',
  15: 'G728/8000',
  18: 'G729/8000',
}

/** What is said of one format, of another; nothing of its parameters where the codec is another. */
function renamed(line: string, { from, to }: { from: Format; to: Format }): string[] {
  const name = attributeName(line) ?? ''
  if (from.codec === to.codec) return [line.replace(`:${from.number}`, `:${to.number}`)]
  return name === 'rtpmap' ? [`a=rtpmap:${to.number} ${to.encoding}`] : []
}

/** The number an attribute of one format tells of, `*` of all; undefined: it tells of none. */
export function numberIn(line: string): string | undefined {
  const name = attributeName(line)
  if (name !== 'rtpmap' && name !== 'fmtp' && name !== 'rtcp-fb') return undefined
  return line.slice(name.length + 3).split(' ')[0]
}

/** `PCMU/8000` of `a=rtpmap:0 PCMU/8000`. */
function saidOf(media: Pick<Media, 'lines'>, name: string, number: string): string | undefined {
  const start = `a=${name}:${number} `
  for (const line of media.lines) if (line.startsWith(start)) return line.slice(start.length).trim()
  return undefined
}
