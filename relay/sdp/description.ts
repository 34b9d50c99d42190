import { type Port, portNumber } from '#contract'
import { rememberLast } from '../ground/remember.ts'
import { detached, SharedLists, SharedTexts } from '../ground/texts.ts'
import { lineOf, type SdpLine } from './lines.ts'
import {
  attributeName,
  connectionIn,
  directionIn,
  isConnection,
  isDirection,
  type MediaDirection,
} from './tidy.ts'

/**
 * A session description as its lines, so that attributes we do not understand travel on untouched (RFC 4566 §5).
 *
 * Only lines which can be understood by their type stand here, in the order of the RFC.
 */
export interface Sdp {
  /** Lines before the first m-line, without their line ends. */
  readonly session: readonly string[]
  readonly media: readonly Media[]
}

/** One m-line and the lines which belong to it (RFC 4566 §5.14). */
export interface Media {
  readonly kind: string
  /** 0: refused, not offered, or not to be read. */
  readonly port: Port
  readonly proto: string
  /** Payload types, or whatever the protocol calls its formats. */
  readonly formats: readonly string[]
  readonly lines: readonly string[]
}

/* Implementation */
const LONGEST = 32 * 1024
const MOST_LINES = 1000
const MOST_MEDIA = 16

/* Specification */
const sessionTypes = 'vosiuepcbtka'
const mediaTypes = 'icbka'

/**
 * Reads a description as they are met in the field: lines end anyhow, in spaces too, and a line which is none, or
 * says again what was said, counts as not there.
 *
 * Undefined: no description, one of another version, or one beyond all bounds.
 */
export function readSdp(text: string): Sdp | undefined {
  if (text.length > LONGEST) return undefined
  const written = text.split(/[\r\n\0]+/, MOST_LINES + 1)
  if (written.length > MOST_LINES) return undefined
  const lines = written.map(lineOf).filter(hasType)
  const first = lines.findIndex(({ type }) => type === 'm')
  const session = first < 0 ? lines : lines.slice(0, first)
  const media = first < 0 ? [] : readMedia(lines.slice(first))
  const versions = session.filter(({ type }) => type === 'v').map(textOf)
  const unversioned = versions.length === 0 && media?.length === 0
  if (unversioned || (versions.length > 0 && !versions.includes('v=0'))) return undefined
  return media && onItsOwn(withTexts(inTheirPlace({ session: understood(session, sessionTypes), media })))
}

/** In texts of its own, or of all who say the same: one cut from a message keeps that in memory. */
function onItsOwn({ session, media }: Sdp): Sdp {
  return {
    session: session.map(owned),
    media: media.map(mediaOnItsOwn),
  }
}

/** The same of an m-line, in lists with no room for more. */
export function mediaOnItsOwn(media: Media): Media {
  const { proto, formats, lines } = media
  return { ...media, proto: owned(proto), formats: ownedList(formats), lines: ownedList(lines) }
}

function ownedList(lines: readonly string[]): readonly string[] {
  return sharedLists.once(lines, owned, isCommon)
}

function owned(line: string): string {
  return isCommon(line) ? shared.once(line) : detached(line)
}

/** Whether many say a line alike. */
export function isCommon(line: string): boolean {
  return line.length < mostShared && common.test(line)
}

/** What all phones of a make say alike: no line with an address, a time or keys. Only fmtp may say what a call alone has, and seldom does. */
const common =
  /^(?:\d{1,3}$|v=0$|s=[-\w ]{1,16}$|t=0 0$|(?:UDP\/TLS\/)?RTP\/S?AVPF?$|a=(?:rtpmap|fmtp|ptime|maxptime|rtcp-fb|sendrecv|sendonly|recvonly|inactive))/
const mostShared = 80
const shared = new SharedTexts(4_000)
const sharedLists = new SharedLists(1_000)

/** A description of which more is known of each line. */
interface ReadSdp {
  readonly session: readonly SdpLine[]
  readonly media: readonly ReadMedia[]
}

type ReadMedia = Omit<Media, 'lines'> & { readonly lines: readonly SdpLine[] }

function withTexts({ session, media }: ReadSdp): Sdp {
  return {
    session: session.map(textOf),
    media: media.map((each) => ({ ...each, lines: each.lines.map(textOf) })),
  }
}

function textOf({ text }: SdpLine): string {
  return text
}

/** What tells of a format belongs to the m-line which has it, also where it was written before that. */
function inTheirPlace({ session, media }: ReadSdp): ReadSdp {
  const strays = media.length === 0 ? [] : session.filter(({ format }) => format !== undefined)
  if (strays.length === 0) return { session, media }
  return {
    session: session.filter((line) => !strays.includes(line)),
    media: media.map((each) => {
      const own = strays.filter(
        ({ format, matter }) =>
          each.formats.includes(format ?? '') && !each.lines.some((known) => known.matter === matter),
      )
      return { ...each, lines: understood([...own, ...each.lines], mediaTypes) }
    }),
  }
}

/** A description as text, a CRLF after each line. */
export function writeSdp(sdp: Sdp): string {
  return `${linesOf(sdp).join('\r\n')}\r\n`
}

/** All lines of a description, without their line ends. */
export function linesOf({ session, media }: Sdp): string[] {
  const lines = [...session]
  for (const each of media) lines.push(mediaLine(each), ...each.lines)
  return lines
}

/** The description which `linesOf` gives these lines of. */
export function sdpOfLines(lines: readonly string[]): Sdp {
  const session: string[] = []
  const media: (Media & { readonly lines: string[] })[] = []
  for (const line of lines) {
    const begun = line.startsWith('m=') ? readMediaLine(line) : undefined
    if (begun) media.push({ ...begun, lines: [] })
    else (media.at(-1)?.lines ?? session).push(line)
  }
  return { session, media }
}

/** The value of the first `a=name:value`; '' for a bare `a=name`, undefined when there is none. */
export function attribute(lines: readonly string[], name: string): string | undefined {
  for (const line of lines) {
    if (attributeName(line) === name) return line.slice(3 + name.length)
  }
  return undefined
}

/**
 * The address or host name an m-line's sound is wanted at: its own c-line's, or the session's (RFC 4566 §5.7).
 * undefined where neither names one.
 */
export function connectionOf(sdp: Sdp, media: Media): string | undefined {
  return placeIn(media.lines) ?? placeIn(sdp.session)
}

/** Asked of each description many times on its way. */
const placeIn = rememberLast(8, (lines: readonly string[]): string | undefined => {
  for (const line of lines) {
    const place = isConnection(line) ? connectionIn(line) : undefined
    if (place !== undefined) return place
  }
  return undefined
})

/** Whether an m-line, or the session, has a c-line, of whatever it says. */
export function hasConnection(sdp: Sdp, media: Media): boolean {
  return media.lines.some(isConnection) || sdp.session.some(isConnection)
}

/** What this party means to do with an m-line's sound; sendrecv unless it says otherwise (RFC 3264 §5.1). */
export function resumed({ session, media }: Sdp): Sdp {
  const without = (lines: readonly string[]) => lines.filter((line) => !isDirection(line))
  return { session: without(session), media: media.map((one) => ({ ...one, lines: without(one.lines) })) }
}

/** Whether an m-line's sound is sent, received or both, as it or the session says. */
export function directionOf(sdp: Sdp, media: Media): MediaDirection {
  return directionIn(media.lines) ?? directionIn(sdp.session) ?? 'sendrecv'
}

function readMedia(lines: readonly SdpLine[]): ReadMedia[] | undefined {
  const starts = lines.flatMap(({ type }, at) => (type === 'm' ? [at] : []))
  if (starts.length > MOST_MEDIA) return undefined
  return starts.flatMap((start, at) => {
    const media = readMediaLine(lines[start]?.text ?? '')
    if (media === undefined) return []
    return [{ ...media, lines: understood(lines.slice(start + 1, starts[at + 1]), mediaTypes) }]
  })
}

/** m=<media> <port>[/<number of ports>] <proto> <fmt> …; a port which cannot be read is none. */
function readMediaLine(line: string): Omit<Media, 'lines'> | undefined {
  const [kind, where = '', proto, ...formats] = line.slice(2).split(/[\s,]+/)
  if (!kind || !proto) return undefined
  const port = Number(/^(\d{1,5})(\/\d+)?$/.exec(where)?.[1] ?? 0)
  return {
    kind: kind.toLowerCase(),
    port: portNumber(port > 65_535 ? 0 : port),
    proto: /^udptl$/i.test(proto) ? 'udptl' : proto.toUpperCase(),
    formats: [...new Set(formats.filter((format) => format !== ''))],
  }
}

function mediaLine({ kind, port, proto, formats }: Media): string {
  return `m=${[kind, port, proto, ...formats].join(' ')}`
}

function hasType({ type }: SdpLine): boolean {
  return type === 'm' || (type !== '' && sessionTypes.includes(type))
}

/** The lines of one section which say something, each thing once and in the order of `types`. */
function understood(lines: readonly SdpLine[], types: string): SdpLine[] {
  const said = new Set<string>()
  const kept = lines.filter(({ type, isSound, matter }) => {
    if (!types.includes(type) || !isSound || said.has(matter)) return false
    said.add(matter)
    return true
  })
  return kept.sort((a, b) => types.indexOf(a.type) - types.indexOf(b.type))
}
