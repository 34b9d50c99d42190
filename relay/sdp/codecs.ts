import type { Media, Sdp } from './description.ts'
import { audioLine, mediaOf, type RelayedSdp } from './relayed.ts'
import { attributeName } from './tidy.ts'

/** Names of the codecs the m-line with the sound speaks, best first, as in rtpmap but upper case: PCMU, PCMA, OPUS. */
export function codecs(sdp: Sdp): string[] {
  const media = sdp.media[audioLine(sdp)]
  if (media === undefined) return []
  const names = media.formats.map((format) => nameOf(media, format)).filter((name) => name !== undefined)
  return [...new Set(names.filter((name) => !accompanies(name)))]
}

/**
 * Leaves only the codecs in `names` (any case), in the offerer's order, with the tones and the comfort noise which
 * accompany them; undefined when none is left. An empty list keeps all.
 */
export function keepCodecs(said: RelayedSdp, names: readonly string[]): RelayedSdp | undefined {
  if (names.length === 0) return said
  const media = mediaOf(said)
  const wanted = new Set(names.map((name) => name.trim().toUpperCase()))
  const formats = media.formats.filter((format) => staysFor(nameOf(media, format), wanted))
  if (!formats.some((format) => !accompanies(nameOf(media, format)))) return undefined
  const all = said.sdp.media.map((each) => (each === media ? withFormats(media, formats) : each))
  return { sdp: { ...said.sdp, media: all }, at: said.at }
}

/** The encoding name (upper case) which an m-line gives a payload type; undefined: none. */
export function codecOf(media: Media, payloadType: number): string | undefined {
  return nameOf(media, String(payloadType))
}

/** Ticks per second of the first codec's clock: what RTP timestamps and jitter are counted in. */
export function clockOf(media: Media): number {
  const [first = ''] = media.formats
  const rate = Number(rtpmap(media, first)?.split('/')[1])
  return Number.isInteger(rate) && rate > 0 ? rate : 8000
}

/** Static payload types still met in the wild (RFC 3551 §6); all of them tick at 8000. */
const staticNames: Readonly<Record<string, string>> = {
  0: 'PCMU',
  3: 'GSM',
  4: 'G723',
  8: 'PCMA',
  9: 'G722',
  13: 'CN',
  15: 'G728',
  18: 'G729',
}

function staysFor(name: string | undefined, wanted: ReadonlySet<string>): boolean {
  return name !== undefined && (wanted.has(name) || accompanies(name))
}

function accompanies(name: string | undefined): boolean {
  return name === 'TELEPHONE-EVENT' || name === 'CN'
}

function nameOf(media: Media, format: string): string | undefined {
  return (rtpmap(media, format)?.split('/')[0] ?? staticNames[format])?.toUpperCase()
}

/** `PCMU/8000` of `a=rtpmap:0 PCMU/8000`. */
function rtpmap(media: Media, format: string): string | undefined {
  const start = `a=rtpmap:${format} `
  const line = media.lines.find((each) => each.startsWith(start))
  return line?.slice(start.length).trim()
}

function withFormats(media: Media, formats: readonly string[]): Media {
  const gone = new Set(media.formats.filter((format) => !formats.includes(format)))
  return { ...media, formats, lines: media.lines.filter((line) => !describes(line, gone)) }
}

function describes(line: string, formats: ReadonlySet<string>): boolean {
  const name = attributeName(line)
  if (name !== 'rtpmap' && name !== 'fmtp' && name !== 'rtcp-fb') return false
  return formats.has(line.slice(name.length + 3).split(' ')[0] ?? '')
}
