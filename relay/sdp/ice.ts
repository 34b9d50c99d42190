import type { Port } from '#contract'
import type { Fingerprint, IceCredentials } from '../ground/media.ts'
import { attribute, type Media, type Sdp } from './description.ts'
import { attributeName } from './tidy.ts'

/*
 * What browsers' descriptions say of the way of their sound: ICE (RFC 8839), DTLS (RFC 8842), the bundle they are in (RFC 9143).
 */

/** Whether an m-line's keys are agreed on in the way of its sound (RFC 5764 §8). */
export function isDtls({ proto }: Pick<Media, 'proto'>): boolean {
  return /^udp\/tls\/rtp\/savpf?$/i.test(proto)
}

/** Who begins the handshake, as a party has it (RFC 8842 §5): itself, the other, or as that likes. */
export type Setup = 'active' | 'passive' | 'actpass'

/** What a party says of its way. */
export interface IceWords extends IceCredentials {
  readonly fingerprints: readonly Fingerprint[]
  readonly setup: Setup
}

/** What we say of ours. */
export interface SaidIce extends IceCredentials {
  readonly fingerprint: string
  readonly setup: Setup
}

/** What an m-line says, or the session for all of them; a sentence where something is missing. */
export function iceOf({ session }: Sdp, { lines }: Media): IceWords | string {
  const said = (name: string) => attribute(lines, name) ?? attribute(session, name) ?? ''
  const own = fingerprintsIn(lines)
  const fingerprints = own.length > 0 ? own : fingerprintsIn(session)
  const setup = setups.find((each) => each === said('setup').toLowerCase())
  const [ufrag, pwd] = [said('ice-ufrag'), said('ice-pwd')]
  if (fingerprints.length === 0) return 'names no certificate by SHA-256 or better (a=fingerprint)'
  if (setup === undefined) return 'says not who begins the handshake (a=setup)'
  if (!/^[\w+/-]{4,256}$/.test(ufrag) || !/^[\w+/-]{22,256}$/.test(pwd))
    return 'brings no credentials of ICE (a=ice-ufrag, a=ice-pwd)'
  if (attribute(session, 'ice-lite') !== undefined)
    return 'leaves ICE’s checks to us (a=ice-lite), who make none'
  return { ufrag, pwd, fingerprints, setup }
}

const setups: readonly Setup[] = ['active', 'passive', 'actpass']

function fingerprintsIn(lines: readonly string[]): Fingerprint[] {
  return lines.flatMap((line) => {
    const [, hash, value = ''] =
      /^a=fingerprint:(sha-(?:256|384|512)) ([0-9a-f]{2}(?::[0-9a-f]{2})+)$/i.exec(line) ?? []
    return hash === undefined
      ? []
      : [{ hash: hash.toLowerCase() as Fingerprint['hash'], value: value.toUpperCase() }]
  })
}

/** The name by which an m-line is known in its group (RFC 9143 §7); undefined: it has none. */
export function midOf(media: Media | undefined): string | undefined {
  return media && (attribute(media.lines, 'mid') || undefined)
}

/** Whether m-lines are offered one way for all, with this among them. */
export function bundles(sdp: Sdp, mid: string): boolean {
  return groupsIn(sdp).some((mids) => mids.includes(mid))
}

/** Names of the m-lines which are offered one way, each group by itself (RFC 9143 §7). */
export function groupsIn({ session }: Sdp): string[][] {
  return session.flatMap((line) => (/^a=group:BUNDLE /i.test(line) ? [line.split(' ').slice(1)] : []))
}

/**
 * Each m-line of a group with the way which its first line names for all of them (RFC 9143 §7.2): who bundles may leave it out
 * of the others, and says of those which are of use in the group alone port 0 and `a=bundle-only`.
 */
export function withSharedWay(sdp: Sdp): Sdp {
  const media = groupsIn(sdp).reduce((all: readonly Media[], mids) => {
    const first = all.find((each) => midOf(each) === mids[0])
    const way = first && first.port !== 0 ? first.lines.filter((line) => isOfWay(line)) : []
    const isIn = (each: Media) => each !== first && mids.includes(midOf(each) ?? '')
    return first === undefined || way.length === 0
      ? all
      : all.map((each) => (isIn(each) ? inItsWay(each, first, way) : each))
  }, sdp.media)
  return media === sdp.media ? sdp : { ...sdp, media }
}

function inItsWay(media: Media, first: Media, way: readonly string[]): Media {
  const { lines } = media
  if (media.port === 0 && attribute(lines, 'bundle-only') === undefined) return media
  const port = media.port === 0 ? first.port : media.port
  // One which is refused, as it is where it carries no RTP, leads none.
  if (attribute(lines, 'ice-ufrag') !== undefined && !isDtls(first)) return { ...media, port }
  return { ...media, port, lines: [...lines.filter((line) => !isOfWay(line)), ...way] }
}

const ofWay: ReadonlySet<string> = new Set(['ice-ufrag', 'ice-pwd', 'fingerprint', 'setup', 'rtcp-mux'])

function isOfWay(line: string): boolean {
  return ofWay.has(attributeName(line) ?? '')
}

/** The lines of our m-line: where we are, and nowhere else; a stream of its own, since some pages look for one. */
export function iceLines(ours: SaidIce, place: { address: string; port: Port }, mid?: string): string[] {
  return [
    ...(mid === undefined ? [] : [`a=mid:${mid}`]),
    'a=msid:trunkline sound',
    `a=ice-ufrag:${ours.ufrag}`,
    `a=ice-pwd:${ours.pwd}`,
    `a=fingerprint:sha-256 ${ours.fingerprint}`,
    `a=setup:${ours.setup}`,
    `a=candidate:1 1 UDP 2130706431 ${place.address} ${place.port} typ host`,
    'a=end-of-candidates',
  ]
}

/** What stands before the first m-line: that we only answer checks, whatever is told of where a party is and when, and which lines share a way, if there is one. */
export function iceSession(bundled: readonly string[]): string[] {
  return [
    ...(bundled.length === 0 ? [] : [`a=group:BUNDLE ${bundled.join(' ')}`]),
    'a=ice-lite',
    'a=ice-options:trickle',
  ]
}
