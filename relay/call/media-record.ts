import type { CallTell, MediaSide } from '#contract'
import { hostPort } from '../ground/flow.ts'
import type { MediaCounters, Side } from '../ground/media.ts'
import { rememberLast } from '../ground/remember.ts'
import type { Leg } from '../leg/leg.ts'
import { meanOpinionScore } from '../media/quality.ts'
import { codecOf, codecs } from '../sdp/codecs.ts'
import { connectionOf, type Media } from '../sdp/description.ts'
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
  const [caller, callee] = [aimedAt(call, 'caller')?.said, aimedAt(call, 'callee')?.said]
  if (!ports || (record.endedAt !== undefined && !record.soundOver)) return undefined
  if (!caller && !callee && !record.media) return undefined
  const from = (side: Side): MediaSide => {
    const heard = record.media?.[side]
    const own = side === 'caller' ? caller : callee
    return {
      ...counters(heard),
      ...measured(heard, codecHeard(heard, activeMedia(heardAt(call, side)?.sdp.sent), own && mediaOf(own))),
      ...said(own),
      ...secrecy(call, side, heard),
      ...signalledPlaces(heardAt(call, side)),
      local_address: hostPort(mediaAddressOf(endpoint), ports[side]),
    }
  }
  return { from_caller: from('caller'), from_callee: from('callee') }
}

/** What a side's signalling and its sound travel in. */
function secrecy(call: Call, side: Side, heard?: MediaCounters): Pick<MediaSide, 'signalling' | 'cipher'> {
  const aimed = aimedAt(call, side)
  const cipher = aimed?.srtp?.ours.suite ?? heard?.cipher ?? null
  return { signalling: aimed?.flow.transport ?? null, cipher }
}

type Measured = Omit<
  MediaSide,
  | keyof ReturnType<typeof counters>
  | keyof ReturnType<typeof signalledPlaces>
  | keyof ReturnType<typeof said>
  | 'signalling'
  | 'cipher'
  | 'latched_address'
  | 'local_address'
>

/** Where a party's signalling comes from, and where it says that it does: a router which rewrites SIP makes them differ. */
function signalledPlaces(
  leg: Leg | undefined,
): Pick<MediaSide, 'source_address' | 'contact_address' | 'via_address'> {
  const via = leg && !('provider' in leg) ? leg.invite?.via : undefined
  return {
    source_address: leg?.flow ? hostPort(leg.flow.address, leg.flow.port) : null,
    contact_address: leg?.dialog ? contactOf(leg.dialog.remoteTarget) : null,
    via_address: via ? placeOf(via) : null,
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

function counters(heard: MediaCounters = nothing) {
  const { packets, bytes, lost, dropped, jitterMs, unauthentic = 0, latched } = heard
  const latched_address = latched ? hostPort(latched.address, latched.port) : null
  return { packets, bytes, lost, dropped, jitter_ms: jitterMs, unauthentic, latched_address }
}

function measured(heard: MediaCounters | undefined, codec: string | undefined): Measured {
  const stream = heard?.stream
  const mos = heard && stream && codec ? meanOpinionScore({ ...heard, ...stream, codec }) : undefined
  return {
    codec: codec ?? null,
    reordered: stream?.reordered ?? 0,
    duplicates: stream?.duplicates ?? 0,
    gaps: stream?.gaps ?? 0,
    longest_gap_ms: stream?.payloadType === undefined ? null : Math.round(stream.longestGapMs),
    first_packet_ms: stream?.firstMs === undefined ? null : Math.round(stream.firstMs),
    round_trip_ms: stream?.roundTripMs ?? null,
    reported_lost: stream?.reported?.lost ?? null,
    reported_jitter_ms: stream?.reported?.jitterMs ?? null,
    mos: mos ?? null,
  }
}

/** The name of the codec heard: a party speaks by the numbers it was told, or else by its own. */
function codecHeard(heard: MediaCounters | undefined, ...sounds: (Media | undefined)[]): string | undefined {
  const type = heard?.stream?.payloadType
  if (type === undefined) return undefined
  const names = sounds.map((sound) => sound && codecOf(sound, type))
  return names.find((name) => name !== undefined)?.slice(0, lettersAtMost)
}

type Said = Pick<MediaSide, 'codecs' | 'sdp_address' | 'sdp_origin'>

const unsaid: Said = { codecs: [], sdp_address: null, sdp_origin: null }

/** What a side's session description said of its audio; a host is named as it was. */
function said(sound: RelayedSdp | undefined): Said {
  return sound ? readSaid(sound) : unsaid
}

const readSaid = rememberLast(4, (sound: RelayedSdp): Said => {
  const media = mediaOf(sound)
  const host = connectionOf(sound.sdp, media)
  const sdp_address = host === undefined ? null : hostPort(host, media.port).slice(-lettersAtMost)
  return {
    codecs: codecs(sound.sdp)
      .slice(0, codecsAtMost)
      .map((name) => name.slice(0, lettersAtMost)),
    sdp_address,
    sdp_origin: originOf(sound.sdp)?.slice(-lettersAtMost) ?? null,
  }
})

/** The last word of `o=` (RFC 4566 §5.2): where the session was opened. */
function originOf({ session }: RelayedSdp['sdp']): string | undefined {
  return session.find((line) => line.startsWith('o='))?.split(' ')[5]
}
