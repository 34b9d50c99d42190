import type { Direction, Media, Sdp } from './sdp.ts'
import { attributeName, connectionOf, directionOf, isConnection, isDirection, writeSdp } from './sdp.ts'

/** What a description says of us once it has passed through our hands. */
export interface Ours {
  /** What SDP shall say: our public address. */
  readonly address: string
  /** Our RTP port towards the reader; RTCP stands one above it. */
  readonly port: number
  readonly origin: { readonly id: string | number; readonly version: number }
}

/** What stays the same for one leg: where it hears, and the session id of its o-line. */
export interface Leg {
  readonly address: string
  readonly port: number
  readonly id: string | number
}

/** A description as one leg last sent it: what the next one is compared with. */
export interface Sent {
  readonly text: string
  readonly version: number
  /** The text without its o-line. */
  readonly body: string
}

/** The one m-line which is relayed: the first with a port which travels over UDP as we know it. */
export function relayed(sdp: Sdp): Media | undefined {
  return sdp.media.find(travels)
}

/** A relayed m-line which carries no RTP: fax over UDPTL (RFC 3362). */
export function isBlind(media: Media): boolean {
  return /^udptl$/i.test(media.proto)
}

/**
 * Puts us between the two parties: the relayed m-line gets our address and port, every other keeps its place with
 * port 0 (RFC 3264 §6), and nothing is left which would let media go around us.
 *
 * SDES keys (a=crypto) pass untouched: we forward SRTP blindly. ICE and rtcp-mux are taken out, so the reader sees a
 * plain peer with two ports. A hold written as c=0.0.0.0 becomes a direction, since the address is now ours.
 */
export function rewrite(sdp: Sdp, ours: Ours): Sdp {
  const kept = relayed(sdp)
  const held = kept !== undefined && isNowhere(connectionOf(sdp, kept))
  const direction = kept && held ? withoutReceiving(directionOf(sdp, kept)) : undefined
  return {
    session: withConnection(
      sdp.session.filter(passes).map((line) => ourLine(line, ours)),
      ours,
    ),
    media: sdp.media.map((media) =>
      media === kept ? ourMedia(media, ours, direction) : refused(media, ours),
    ),
  }
}

/**
 * Writes the description one leg sends next, under that leg's own o-line: the version rises only when the rest of
 * the body changed since `last` (RFC 3264 §8).
 */
export function compose(last: Sent | undefined, sdp: Sdp, ours: Leg): Sent {
  const same = written(sdp, ours, last?.version ?? 1)
  if (last === undefined || last.body === same.body) return same
  return written(sdp, ours, last.version + 1)
}

function written(sdp: Sdp, { address, port, id }: Leg, version: number): Sent {
  const text = writeSdp(rewrite(sdp, { address, port, origin: { id, version } }))
  return { text, version, body: withoutOrigin(text) }
}

function travels(media: Media): boolean {
  return media.port !== 0 && /^(rtp\/s?avpf?|udptl)$/i.test(media.proto)
}

function ourMedia(media: Media, ours: Ours, direction: Direction | undefined): Media {
  const lines = media.lines.filter(passes).map((line) => ourLine(line, ours))
  if (direction === undefined) return { ...media, port: ours.port, lines }
  return {
    ...media,
    port: ours.port,
    lines: [...lines.filter((line) => !isDirection(line)), `a=${direction}`],
  }
}

function refused(media: Media, ours: Ours): Media {
  return { ...media, port: 0, lines: media.lines.filter(passes).map((line) => ourLine(line, ours)) }
}

/** Attributes which name another way than through us, or ask for what we do not offer. */
const strippedAttributes: ReadonlySet<string> = new Set([
  'candidate',
  'end-of-candidates',
  'remote-candidates',
  'ice-lite',
  'ice-mismatch',
  'ice-options',
  'ice-pwd',
  'ice-ufrag',
  'ice-pacing',
  'rtcp',
  'rtcp-mux',
  'rtcp-mux-only',
  'source-filter',
  'altc',
])

function passes(line: string): boolean {
  const name = attributeName(line)
  if (name === undefined) return true
  return !strippedAttributes.has(name) && !/^a=group:\s*BUNDLE\b/i.test(line)
}

function ourLine(line: string, ours: Ours): string {
  if (line.startsWith('o=')) return `o=- ${ours.origin.id} ${ours.origin.version} IN ${family(ours.address)}`
  return isConnection(line) ? `c=IN ${family(ours.address)}` : line
}

function family(address: string): string {
  return `${address.includes(':') ? 'IP6' : 'IP4'} ${address}`
}

/** A description without any session c-line gets ours, so that every m-line has one. */
function withConnection(session: string[], ours: Ours): string[] {
  if (session.some(isConnection)) return session
  const after = session.findLastIndex((line) => /^[vosiuep]=/.test(line))
  return session.toSpliced(after + 1, 0, `c=IN ${family(ours.address)}`)
}

function isNowhere(address: string | undefined): boolean {
  return address === '0.0.0.0' || address === '::'
}

function withoutReceiving(direction: Direction): Direction {
  return direction === 'sendrecv' || direction === 'sendonly' ? 'sendonly' : 'inactive'
}

function withoutOrigin(text: string): string {
  const start = text.indexOf('\no=') + 1
  return text.slice(0, start) + text.slice(text.indexOf('\n', start) + 1)
}
