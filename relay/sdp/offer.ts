import { type Port, portNumber } from '#contract'
import { type BundleTag, tagIn, withTag } from './bundle-tag.ts'
import type { Media, Sdp } from './description.ts'
import { connectionOf, directionOf, mediaOnItsOwn, writeSdp } from './description.ts'
import { answered, withoutReceiving } from './direction.ts'
import { bundles, iceLines, iceSession, isDtls, midOf, type SaidIce } from './ice.ts'
import { inKnownNumbers, inNumbersOf } from './numbering.ts'
import { turnedAnswer } from './opus.ts'
import { isBlind, isNowhere, mediaOf, type RelayedSdp } from './relayed.ts'
import { type CryptoLine, writeCrypto } from './sdes.ts'
import { attributeName, directionIn, isConnection, isDirection } from './tidy.ts'

/** What stays the same for one leg: where it hears us, and the session id of its o-line. */
interface SdpLeg {
  /** What SDP shall say: our public address. */
  readonly address: string
  /** Our RTP port towards the reader; RTCP stands one above it. */
  readonly port: Port
  readonly id: number
  /** Our keys for it (a=crypto), which an offer may insist on; none: its sound is plain. */
  readonly keys?: SaidKeys
  /** Its sound goes straight to and from the other party: place, numbers and RTCP are as that one has them. */
  readonly straight?: boolean
  /** What one relay says to another; undefined: nothing. */
  readonly name?: string | undefined
  /** Opus becomes G.711 here, and G.711 Opus: an answer may be in the one where the other was offered. */
  readonly turns?: boolean
}

/** The keys of a description of ours. */
export interface SaidKeys {
  readonly lines: readonly CryptoLine[]
  /** An offer of RTP/SAVP; else it is left to the other party (RFC 8643). */
  readonly strict: boolean
  /** Keys are agreed on in the way of its sound instead; undefined: they are not. */
  readonly ice?: SaidIce | undefined
}

/** A description as one leg was last sent it: what the next one is compared with. */
export interface SentSdp {
  readonly text: string
  readonly version: number
  /** The m-lines this leg has by now: none goes away, and each keeps its place (RFC 3264 §8). */
  readonly media: readonly Media[]
  /** The other party's description it was made of. */
  readonly said: RelayedSdp
  /** It has that one's place, and not ours. */
  readonly straight: boolean
  /** Whose way its sound goes; undefined: its own. */
  readonly tag?: BundleTag | undefined
}

/**
 * Writes the description one leg is sent next: of what the other party said only the relayed m-line, with our address
 * and port, and nothing which would let media go around us. As an offer it stands where the leg has its sound already;
 * as the answer to the leg's own `offer` it goes line by line after that, every other line declined (RFC 3264 §6).
 *
 * The version rises only when more than the o-line changed since `last` (RFC 3264 §8). Keys (a=crypto) never pass: each
 * leg has its own, with us. So is ICE: what a party says of it is taken out, and a browser is told of ours; rtcp-mux is between each leg and us, and so
 * are the numbers of codecs (RFC 3264 §6.1), of which an answer has those offered. A hold written as c=0.0.0.0 becomes a
 * direction, since the address is now ours.
 */
export function composeSdp(
  last: SentSdp | undefined,
  said: RelayedSdp,
  ours: SdpLeg,
  offer?: RelayedSdp,
): SentSdp {
  const { straight = false, turns = false } = ours
  const sound = straight ? itsOwnMedia(said) : ourMedia(said, ours.port, ours.keys?.ice !== undefined)
  const plain = offer
    ? answering(offer, said, sound, { straight, turns })
    : inItsPlace(last?.media ?? [], sound, straight ? undefined : mediaOf(said))
  const mid = ours.keys?.ice && midFor(plain, last, offer)
  const media = ours.keys ? plain.map((each) => withKeys(each, ours, mid, offer)) : plain
  const isBundled = mid !== undefined && (offer === undefined || bundles(offer.sdp, mid))
  const tag = ours.keys?.ice && tagFor(media, last, offer)
  const led = tag && ours.keys?.ice ? withTag(media, tag, ours.keys.ice, ours) : media
  const session = [
    ...ourSession(said.sdp, (straight && connectionOf(said.sdp, mediaOf(said))) || ours.address, ours.name),
    ...(ours.keys?.ice ? iceSession(isBundled ? [...(tag ? [tag.mid] : []), mid] : []) : []),
  ]
  const isNew = last === undefined || withoutOrigin(last) !== writeSdp({ session, media: led })
  const version = (last?.version ?? 0) + Number(isNew)
  const text = writeSdp({ session: withOrigin(session, ours, version), media: led })
  const kept = tag && { ...tag, media: mediaOnItsOwn(tag.media) }
  return { text, version, media: media.map(mediaOnItsOwn), said, straight, ...(kept && { tag: kept }) }
}

/** A description once more, after another one which came to nothing: its version is higher than that one's (RFC 3264 §8). */
export function saidAgain(again: SentSdp, after: SentSdp): SentSdp {
  const { media, said, straight, tag } = again
  const same = { media, said, straight, ...(tag && { tag }) }
  if (saysTheSame(again, after)) return { ...same, version: after.version, text: after.text }
  const version = after.version + 1
  return { ...same, version, text: again.text.replace(/^(o=\S+ \S+ )\d+/m, `$1${version}`) }
}

/** Whether two descriptions differ in their o-line at most. */
export function saysTheSame(one: SentSdp, other: SentSdp): boolean {
  return withoutOrigin(one) === withoutOrigin(other)
}

function withoutOrigin({ text }: SentSdp): string {
  return text.replace(/^o=.*\r\n/m, '')
}

/**
 * The answer which declines every line of an offer, for an ACK which has to bring one (RFC 3261 §13.2.2.4); `last` is
 * what the leg was sent before (RFC 3264 §8).
 */
export function decline(offer: Sdp, ours: SdpLeg, last: SentSdp | undefined): string {
  const session = ourSession({ session: [], media: [] }, ours.address)
  const version = (last?.version ?? 0) + 1
  return writeSdp({ session: withOrigin(session, ours, version), media: offer.media.map(declined) })
}

/** The m-line of a leg which is not declined. undefined where all are. */
export function activeMedia(sent: SentSdp | undefined): Media | undefined {
  return sent?.media.find(({ port }) => port !== 0)
}

/** Line by line as offered; the kind, protocol and numbers of the answered one are the offer's. */
function answering(
  offer: RelayedSdp,
  said: RelayedSdp,
  sound: Media,
  { straight, turns }: { readonly straight: boolean; readonly turns: boolean },
): Media[] {
  const asked = mediaOf(offer)
  const answer = directed(offer, said, sound)
  const turned = turns ? turnedAnswer(asked, answer) : undefined
  const { formats, lines } = straight ? answer : muxed(turned ?? inNumbersOf(asked, answer), asked)
  return offer.sdp.media.map((offered, place) =>
    place === offer.at
      ? { ...sound, formats, lines, kind: offered.kind, proto: offered.proto }
      : declined(offered),
  )
}

/** An answer sends what the offerer will hear, and hears what it will send (RFC 3264 §6.1). */
function directed(offer: RelayedSdp, said: RelayedSdp, sound: Media): Media {
  const asked = directionOf(offer.sdp, mediaOf(offer))
  const means = directionIn(sound.lines) ?? directionOf(said.sdp, mediaOf(said))
  const direction = answered(means, asked)
  if (direction === means) return sound
  return { ...sound, lines: [...sound.lines.filter((line) => !isDirection(line)), `a=${direction}`] }
}

/** RTCP shares the port of RTP on a leg where `other` has that (RFC 5761 §5.1.1). */
function muxed(sound: Media, other: Media | undefined): Media {
  const shares = other?.lines.some((line) => /^a=rtcp-mux(-only)?$/.test(line)) && !isBlind(sound)
  return shares ? { ...sound, lines: [...sound.lines, 'a=rtcp-mux'] } : sound
}

/**
 * Where the leg has its sound, or had this kind of it; fax may follow in the place of voice (RFC 3264 §8.3.3). `said`: the other party's
 * m-line, undefined where its sound goes straight. A leg which is new is offered one port for RTP and RTCP where that party
 * offers it of its own will, as a proxy would pass it on: browsers all have to.
 */
function inItsPlace(places: readonly Media[], sound: Media, said: Media | undefined): Media[] {
  if (places.length === 0) return [said === undefined || isDtls(said) ? sound : muxed(sound, said)]
  const now = Math.max(
    0,
    places.findIndex(({ port }) => port !== 0),
  )
  const before = places.findIndex(({ kind }) => kind === sound.kind)
  const at = places[now]?.kind === sound.kind || before < 0 ? now : before
  const last = places[at]
  const known =
    said === undefined
      ? sound
      : muxed(inKnownNumbers(last?.kind === sound.kind ? last : undefined, sound), last)
  return places.map((media, place) => (place === at ? known : declined(media)))
}

/** Of the m-line with the sound: as the offer names it, or as it was named before; a number, where it never was. */
function midFor(media: readonly Media[], last: SentSdp | undefined, offer?: RelayedSdp): string | undefined {
  if (offer) return midOf(mediaOf(offer))
  const at = media.findIndex(({ port }) => port !== 0)
  return midOf(last?.media[at]) ?? String(at)
}

/** The m-line whose way the sound goes: as the offer has it, or as it had it before. */
function tagFor(
  media: readonly Media[],
  last: SentSdp | undefined,
  offer?: RelayedSdp,
): BundleTag | undefined {
  const tag = offer ? tagIn(offer) : last?.tag
  return tag && media[tag.at]?.port === 0 ? tag : undefined
}

/** The m-line with the sound says our keys; an answer keeps the offer's protocol. */
function withKeys(media: Media, ours: SdpLeg, mid: string | undefined, offer?: RelayedSdp): Media {
  const { keys = noKeys } = ours
  if (media.port === 0 || isBlind(media)) return media
  if (keys.ice) return withIce(media, keys.ice, ours, mid, offer)
  if (keys.lines.length === 0) return media
  const proto = keys.strict && offer === undefined ? 'RTP/SAVP' : media.proto
  return { ...media, proto, lines: [...media.lines, ...keys.lines.map(writeCrypto)] }
}

function withIce(
  media: Media,
  ice: SaidIce,
  ours: SdpLeg,
  mid: string | undefined,
  offer?: RelayedSdp,
): Media {
  const others = media.lines.filter((line) => line !== 'a=rtcp-mux' && !/^a=(mid|msid):/.test(line))
  return {
    ...media,
    proto: offer === undefined ? 'UDP/TLS/RTP/SAVPF' : media.proto,
    lines: [...others, 'a=rtcp-mux', ...iceLines(ice, ours, mid)],
  }
}

const noKeys: SaidKeys = { lines: [], strict: false }

function ourMedia(said: RelayedSdp, port: Port, forBrowser: boolean): Media {
  const media = mediaOf(said)
  const isBrowsers = isDtls(media)
  const address = connectionOf(said.sdp, media)
  const plain = isBlind(media) ? media : { ...media, proto: 'RTP/AVP' }
  const lines = those(
    media.lines,
    (line) =>
      passes(line) &&
      !isConnection(line) &&
      !asks(line, media.proto) &&
      !((isBrowsers || forBrowser) && isOfBrowsers(line)),
  )
  if (!isNowhere(address) || isBrowsers) return { ...plain, port, lines }
  const direction = withoutReceiving(directionOf(said.sdp, media))
  return { ...plain, port, lines: [...lines.filter((line) => !isDirection(line)), `a=${direction}`] }
}

/** What is known of a list is known of the same list: one of which all stays is that. */
function those(lines: readonly string[], which: (line: string) => boolean): readonly string[] {
  return lines.every(which) ? lines : lines.filter(which)
}

/** As it was said: keys and ICE do not pass, and no way but the one it names; where RTCP goes does. */
function itsOwnMedia(said: RelayedSdp): Media {
  const { lines, ...media } = mediaOf(said)
  const isRtcps = (line: string) => /^a=rtcp(-mux|-mux-only)?(:|$)/.test(line)
  return { ...media, lines: lines.filter((line) => (passes(line) || isRtcps(line)) && !isConnection(line)) }
}

/** Early feedback is for those who agree on it; all others refuse it (RFC 4585 §3.1). */
function asks(line: string, proto: string): boolean {
  return proto.endsWith('F') && attributeName(line)?.startsWith('rtcp-fb') === true
}

/** Of a browser's line its name stays, by which it is known (RFC 9143 §7.3.3). */
function declined(media: Media): Media {
  const { kind, proto, formats } = media
  const mid = isDtls(media) || /^udp\/dtls\/sctp$/i.test(proto) ? midOf(media) : undefined
  const lines = mid === undefined ? [] : [`a=mid:${mid}`, 'a=inactive']
  return { kind, port: portNumber(0), proto, formats: formats.length > 0 ? formats : ['0'], lines }
}

/** What browsers agree on with whom they speak to, which is us: header extensions, feedback, names of lines. */
function isOfBrowsers(line: string): boolean {
  const name = attributeName(line)
  return name !== undefined && agreedByBrowsers.has(name)
}

const agreedByBrowsers: ReadonlySet<string> = new Set([
  'mid',
  'extmap',
  'extmap-allow-mixed',
  'rtcp-fb',
  'rtcp-rsize',
  'rtcp-xr',
  'bundle-only',
])

/**
 * The lines before the first m-line, but for the o-line: those each description must have, and what passes. Whose call
 * it is, its INVITE says or hides: a name, an address or a number of a person in s, i, u, e and p does not pass.
 */
function ourSession({ session }: Sdp, address: string, name = '-'): string[] {
  const of = (types: string) =>
    session.filter((line) => types.includes(line[0] ?? '') && passes(line) && line !== 'a=extmap-allow-mixed')
  const connection = `c=IN ${family(address)}`
  const [time = 't=0 0'] = of('t')
  return ['v=0', `s=${name}`, connection, ...of('b'), time, ...of('ka')]
}

function withOrigin([version = 'v=0', ...lines]: readonly string[], ours: SdpLeg, number: number): string[] {
  return [version, `o=- ${ours.id} ${number} IN ${family(ours.address)}`, ...lines]
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
  'crypto',
  'fingerprint',
  'setup',
  'tls-id',
  'key-mgmt',
  'rtcp',
  'rtcp-mux',
  'rtcp-mux-only',
  'source-filter',
  'altc',
  // What names the sender of a stream: phones write their account there (RFC 5576 §6.1).
  'ssrc',
  'ssrc-group',
  'cname',
  'msid',
  'msid-semantic',
  'identity',
  // Lines which are not passed on are in no group with those which are (RFC 5888).
  'group',
])

function passes(line: string): boolean {
  const name = attributeName(line)
  if (line.startsWith('i=')) return false
  return name === undefined || !strippedAttributes.has(name)
}

function family(address: string): string {
  return `${address.includes(':') ? 'IP6' : 'IP4'} ${address}`
}
