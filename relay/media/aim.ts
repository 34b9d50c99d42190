import { type Port, portNumber } from '#contract'
import { reachOf } from '#routing'
import type { Aim } from '../ground/media.ts'
import { readSocketAddress, type SocketAddress } from '../ground/socket-address.ts'
import { clockOf } from '../sdp/codecs.ts'
import { attribute, connectionOf, directionOf, type Media } from '../sdp/description.ts'
import { describedFormats } from '../sdp/formats.ts'
import { isDtls } from '../sdp/ice.ts'
import { isBlind, isNowhere, mediaOf, type RelayedSdp } from '../sdp/relayed.ts'

/** What is known of the party whose description is read. */
interface AimTerms {
  /** The IP address its signalling comes from. */
  readonly signalling: string
  /** A provider, whose media may come from another host than its signalling. */
  readonly trusted: boolean
  /** Where a host name in its description leads; undefined: there is none, or it leads nowhere. */
  readonly found?: string | undefined
  /** Our address: nothing of another family is aimed at; undefined: of either. */
  readonly us?: string
  /** Its formats are told, too: who carries its packets is another program. */
  readonly described?: boolean
  /** Our own sockets, which must never be aimed at. */
  readonly ours?: (address: string, port: Port) => boolean
}

/**
 * Where a party's sound goes and whence it is accepted, from the description it sent.
 *
 * A phone is heard only from where it signals, whatever its SDP says, and is sent nothing before it was heard unless
 * both agree: no party can have our packets sent to a third one. A provider is believed, and taken to be where it
 * signals from if it names no address we could send to.
 */
export function aimOf(said: RelayedSdp, party: AimTerms): Aim | undefined {
  const media = mediaOf(said)
  const signalling = readSocketAddress(party.signalling)
  if (signalling === undefined) return undefined
  if (isDtls(media)) return checkedAim(said)
  const written = placeOf(said, party)
  const named = usable(written ?? (party.trusted ? signalling : undefined), signalling)
  const eager = party.trusted || named?.sameAddress(signalling) === true
  const target = eager ? named?.address : undefined
  const believed = party.trusted && named !== undefined ? [named.address] : []
  return {
    rtp: spot(target, media.port, party),
    rtcp: isBlind(media) ? undefined : spot(target, rtcpPort(media), party),
    sources: [...new Set([...believed, signalling.address])],
    eager,
    mux: !isBlind(media) && shares(media),
    quiet: isQuiet(said),
    ...(isBlind(media) ? { blind: true } : { clock: clockOf(media) }),
    ...(party.described && !isBlind(media) && { formats: describedFormats(media) }),
  }
}

/** Of who checks its way to us: that, and its answers to us, shows where it is, and all goes one way (RFC 8445, RFC 8834 §4.5). */
function checkedAim(said: RelayedSdp): Aim {
  const direction = directionOf(said.sdp, mediaOf(said))
  const quiet = direction === 'recvonly' || direction === 'inactive'
  const clock = clockOf(mediaOf(said))
  return { rtp: undefined, rtcp: undefined, sources: [], eager: false, mux: true, quiet, clock }
}

/** The address a description names or its host name leads to, where it is of our family. */
function placeOf(said: RelayedSdp, { found, us }: AimTerms): SocketAddress | undefined {
  const place = readSocketAddress(found ?? connectionOf(said.sdp, mediaOf(said)) ?? '')
  const ours = us === undefined ? undefined : readSocketAddress(us)
  return ours && place?.isIPv4 !== ours.isIPv4 && !isNowhere(place?.address) ? undefined : place
}

/** Whether the party said it will not send: its silence is then no fault. */
function isQuiet(said: RelayedSdp): boolean {
  const media = mediaOf(said)
  const direction = directionOf(said.sdp, media)
  return isNowhere(connectionOf(said.sdp, media)) || direction === 'recvonly' || direction === 'inactive'
}

/** A local address counts only for those who are as local themselves; what is no host's address, never. */
function usable(named: SocketAddress | undefined, signalling: SocketAddress): SocketAddress | undefined {
  if (named === undefined) return undefined
  const reach = reachOf(named.address)
  const from = reachOf(signalling.address)
  const near = reach === 'loopback' ? from === 'loopback' : from !== 'public'
  return reach === 'public' || (reach !== 'none' && near) ? named : undefined
}

function spot(address: string | undefined, port: Port, { ours }: AimTerms): Aim['rtp'] {
  if (address === undefined || port === 0 || port > 65_535 || ours?.(address, port)) return undefined
  return { address, port }
}

/** RTCP comes by the port of RTP (RFC 5761 §5.1.1). */
function shares({ lines }: Media): boolean {
  return lines.some((line) => line === 'a=rtcp-mux' || line === 'a=rtcp-mux-only')
}

/** a=rtcp names it (RFC 3605 §2.1); otherwise one above. */
function rtcpPort(media: Media): Port {
  const named = Number.parseInt(attribute(media.lines, 'rtcp') ?? '', 10)
  return portNumber(named > 0 ? named : media.port + 1)
}
