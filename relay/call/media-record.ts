import type { CallTell, MediaSide } from '#contract'
import { hostPort } from '../ground/flow.ts'
import type { MediaCounters, Side } from '../ground/media.ts'
import { rememberLast } from '../ground/remember.ts'
import type { Leg } from '../leg/leg.ts'
import { meanOpinionScore } from '../media/quality.ts'
import { codecOf, codecs } from '../sdp/codecs.ts'
import { connectionOf } from '../sdp/description.ts'
import { activeMedia } from '../sdp/offer.ts'
import { mediaOf, type RelayedSdp } from '../sdp/relayed.ts'
import { parseUri } from '../sip/uri.ts'
import type { Via } from '../sip/via.ts'
import { mediaAddressOf, type SipEndpoint } from '../ua/endpoint.ts'
import { aimedAt, heardAt } from './sides.ts'
import type { Call } from './state.ts'

/**
 * A call's media for its record; undefined: there is none. So it is for the moment between a call's end and the media
 * thread's last word: what is told of an ended call is final.
 */
export function mediaRecordOf(call: Call, endpoint: SipEndpoint): CallTell['call']['media'] | undefined {
  const { record, ports } = call
  if (!ports || (record.endedAt !== undefined && !record.soundOver)) return undefined
  if (!record.media && !aimedAt(call, 'caller') && !aimedAt(call, 'callee')) return undefined
  const address = mediaAddressOf(endpoint)
  return {
    from_caller: mediaSideOf(call, 'caller', hostPort(address, ports.caller)),
    from_callee: mediaSideOf(call, 'callee', hostPort(address, ports.callee)),
  }
}

/** All its fields are named: a record is told several times a call, and put together out of parts it takes three times as long. */
function mediaSideOf(call: Call, side: Side, local: string): MediaSide {
  const leg = heardAt(call, side)
  const aimed = leg?.aimed
  const heard = call.record.media?.[side]
  const { packets, bytes, lost, dropped, jitterMs, unauthentic = 0, latched, stream } = heard ?? nothing
  const codec = codecHeard(heard, leg)
  const mos = heard && stream && codec ? meanOpinionScore({ ...heard, ...stream, codec }) : undefined
  const { codecs, address, origin } = aimed ? readSaid(aimed.said) : unsaid
  const via = leg && !('provider' in leg) ? leg.invite?.via : undefined
  return {
    packets,
    bytes,
    lost,
    dropped,
    jitter_ms: jitterMs,
    unauthentic,
    codecs,
    sdp_address: address,
    sdp_origin: origin,
    // A router which rewrites SIP makes where signalling comes from and where it says that it does differ.
    source_address: leg?.flow ? hostPort(leg.flow.address, leg.flow.port) : null,
    contact_address: leg?.dialog ? contactOf(leg.dialog.remoteTarget) : null,
    via_address: via ? placeOf(via) : null,
    latched_address: latched ? hostPort(latched.address, latched.port) : null,
    signalling: aimed?.flow.transport ?? null,
    cipher: aimed?.srtp?.ours.suite ?? heard?.cipher ?? null,
    local_address: local,
    codec: codec ?? null,
    reordered: stream?.reordered ?? 0,
    duplicates: stream?.duplicates ?? 0,
    gaps: stream?.gaps ?? 0,
    longest_gap_ms: stream?.payloadType === undefined ? null : Math.round(stream.longestGapMs),
    first_packet_ms: stream?.firstMs === undefined ? null : Math.round(stream.firstMs),
    round_trip_ms: stream?.roundTripMs ?? null,
    reported_lost: stream?.reported?.lost ?? null,
    reported_jitter_ms: stream?.reported?.jitterMs ?? null,
    reports: stream?.reports?.all ?? 0,
    reports_unheard: stream?.reports?.unheard ?? 0,
    mos: mos ?? null,
  }
}

const contactOf = rememberLast(4, (target: string): string | null => {
  const uri = parseUri(target)
  return uri ? placeOf(uri) : null
})

function placeOf({ host, port }: Pick<Via, 'host' | 'port'>): string {
  return (port === undefined ? host : hostPort(host, port)).slice(-lettersAtMost)
}

/** A peer may name what it likes. */
const codecsAtMost = 32
const lettersAtMost = 300

const nothing: MediaCounters = { packets: 0, bytes: 0, lost: 0, dropped: 0, jitterMs: 0 }

/** The name of the codec heard: a party speaks by the numbers it was told, or else by its own. */
function codecHeard(heard: MediaCounters | undefined, leg: Leg | undefined): string | undefined {
  const type = heard?.stream?.payloadType
  if (type === undefined) return undefined
  const sounds = [activeMedia(leg?.sdp.sent), leg?.aimed && mediaOf(leg.aimed.said)]
  const names = sounds.map((sound) => sound && codecOf(sound, type))
  return names.find((name) => name !== undefined)?.slice(0, lettersAtMost)
}

/** What a side's session description says of its audio; a host is named as it was. */
interface Said {
  readonly codecs: string[]
  /** host:port, where it wants to hear. */
  readonly address: string | null
  readonly origin: string | null
}

const unsaid: Said = { codecs: [], address: null, origin: null }

const readSaid = rememberLast(4, (sound: RelayedSdp): Said => {
  const media = mediaOf(sound)
  const host = connectionOf(sound.sdp, media)
  const address = host === undefined ? null : hostPort(host, media.port).slice(-lettersAtMost)
  return {
    codecs: codecs(sound.sdp)
      .slice(0, codecsAtMost)
      .map((name) => name.slice(0, lettersAtMost)),
    address,
    origin: originOf(sound.sdp)?.slice(-lettersAtMost) ?? null,
  }
})

/** The last word of `o=` (RFC 4566 §5.2): where the session was opened. */
function originOf({ session }: RelayedSdp['sdp']): string | undefined {
  return session.find((line) => line.startsWith('o='))?.split(' ')[5]
}
