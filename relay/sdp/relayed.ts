import type { SecurePolicy } from '#contract'
import { reachOf } from '#routing'
import { readSocketAddress } from '../ground/socket-address.ts'
import { attribute, connectionOf, hasConnection, type Media, type Sdp } from './description.ts'
import { iceOf, isDtls } from './ice.ts'
import { agreedOn, cryptosOf } from './sdes.ts'

/** A description, and which of its m-lines is relayed. */
export interface RelayedSdp {
  readonly sdp: Sdp
  readonly at: number
}

/** Why nothing of a description can be relayed, as its sender shall hear it. */
export interface UnusableSdp {
  readonly status: 400 | 488
  /** The warn-code of RFC 3261 §20.43. */
  readonly code: number
  readonly why: string
}

/** A description with its m-line of sound, or why there is none to be used. */
export type SdpResult =
  | { readonly ok: true; readonly value: RelayedSdp }
  | { readonly ok: false; readonly fault: UnusableSdp }

/** What is asked of a description. */
export interface SdpTerms {
  /** Our address: the family we speak. */
  readonly address: string
  /**
   * It comes with the answer to a call. A person has answered, so an address which is missing or not ours to reach
   * is forgiven: who is heard from where it signals tells it.
   */
  readonly answered?: boolean
  /** The m-line this answers; its kind is to be the answer's (RFC 3264 §6), and its keys are answered by one. */
  readonly offered?: Media | undefined
  /** Whether its sound is encrypted; it may be unless said. */
  readonly secure?: SecurePolicy
  /** Keys can be agreed on in the way of its sound (DTLS-SRTP); words: why not. */
  readonly dtls?: true | string | undefined
}

/** Finds the m-line to relay: sound before all else, encrypted before plain, wherever it stands. */
export function relayed(sdp: Sdp | undefined, terms: SdpTerms): SdpResult {
  if (sdp === undefined) return unusable(400, 399, 'the session description cannot be read')
  if (terms.answered || terms.offered) return answering(sdp, terms)
  // Of one offer it is asked several times on its way.
  const known = asked.find((one) => isAsked(one, sdp, terms))
  if (known) return known.result
  const result = found(sdp, terms)
  asked.unshift({ sdp, terms, result })
  asked.length = Math.min(asked.length, askedAtMost)
  return result
}

const askedAtMost = 4
const asked: { readonly sdp: Sdp; readonly terms: SdpTerms; readonly result: SdpResult }[] = []

function isAsked(one: (typeof asked)[number], sdp: Sdp, { address, secure, dtls }: SdpTerms): boolean {
  const { terms } = one
  return one.sdp === sdp && terms.address === address && terms.secure === secure && terms.dtls === dtls
}

function answering(sdp: Sdp, terms: SdpTerms): SdpResult {
  return terms.answered && terms.offered ? found(withFormats(sdp, terms.offered), terms) : found(sdp, terms)
}

function found(sdp: Sdp, terms: SdpTerms): SdpResult {
  const at = best(sdp, (media) => obstacleOf(sdp, media, terms) === undefined)
  if (at >= 0) return { ok: true, value: { sdp, at } }
  const nearest = sdp.media.find(isAudio) ?? sdp.media[0]
  const obstacle = nearest && obstacleOf(sdp, nearest, terms)
  return { ok: false, fault: obstacle ?? fault(304, 'the session description has no m-line') }
}

/** The m-line a description would have relayed, whichever party sent it and whatever its address; -1: none. */
export function audioLine(sdp: Sdp): number {
  return best(sdp, (media) => media.port !== 0 && protocolObstacle(sdp, media, { dtls: true }) === undefined)
}

/** The m-line which carries the sound. */
export function mediaOf({ sdp, at }: RelayedSdp): Media {
  return sdp.media[at] as Media
}

/** The host name an m-line's sound is wanted at; undefined: an address, or nothing. */
export function hostOf(sound: RelayedSdp): string | undefined {
  if (isDtls(mediaOf(sound))) return undefined
  const named = connectionOf(sound.sdp, mediaOf(sound))
  return named === undefined || readSocketAddress(named) !== undefined ? undefined : named.toLowerCase()
}

/** A relayed m-line which carries no RTP: fax over UDPTL (RFC 3362). */
export function isBlind(media: Media): boolean {
  return media.proto === 'udptl'
}

/** Hold as RFC 2543 had it: an address which is none. */
export function isNowhere(address: string | undefined): boolean {
  return address === '0.0.0.0' || address === '::'
}

/** The first of the best rank among the m-lines which pass. */
function best({ media }: Sdp, passes: (media: Media) => boolean): number {
  const passing = media.flatMap((each, at) => (passes(each) ? [{ at, rank: rankOf(each) }] : []))
  return passing.reduce((a, b) => (b.rank < a.rank ? b : a), passing[0] ?? { at: -1, rank: 0 }).at
}

function rankOf(media: Media): number {
  if (isAudio(media)) return isSecure(media) ? 0 : 1
  return isBlind(media) ? 2 : 3
}

function obstacleOf(sdp: Sdp, media: Media, terms: SdpTerms): UnusableSdp | undefined {
  const { kind, port } = media
  if (port === 0) return fault(304, `m=${kind} has no port`)
  const obstacle =
    protocolObstacle(sdp, media, terms) ?? (terms.offered && mismatch(media, terms.offered, terms.secure))
  // Who checks its way shows where it is.
  if (obstacle !== undefined || terms.answered || isDtls(media)) return obstacle
  // Where no c-line stands, a party is heard from where it signals.
  return hasConnection(sdp, media) ? addressObstacle(connectionOf(sdp, media), terms.address) : undefined
}

/** An answer which takes the offered kind and names no format takes those which were offered. */
function withFormats(sdp: Sdp, { kind, formats, lines }: Media): Sdp {
  const media = sdp.media.map((each) =>
    each.kind !== kind || isFormed(each) ? each : { ...each, formats, lines: [...lines, ...each.lines] },
  )
  return { ...sdp, media }
}

function isFormed(media: Media): boolean {
  return isBlind(media) ? media.formats.length > 0 : media.formats.some((format) => /^\d{1,3}$/.test(format))
}

/** What we cannot carry: other transports, keys of which nothing is said, and what is not to be. */
function protocolObstacle(
  sdp: Sdp,
  media: Media,
  { secure = 'allowed', dtls }: Pick<SdpTerms, 'secure' | 'dtls'>,
): UnusableSdp | undefined {
  const { kind, proto, formats } = media
  const words = isDtls(media) ? iceOf(sdp, media) : undefined
  if (words === undefined && !/^(rtp\/s?avpf?|udptl)$/i.test(proto))
    return fault(302, `m=${kind} over ${proto} is not carried`)
  if (isSecure(media) && secure === 'off') return fault(302, `m=${kind} over ${proto} is switched off`)
  if (words !== undefined && dtls !== true)
    return fault(302, `m=${kind} over ${proto} is not carried${dtls === undefined ? '' : ` here: ${dtls}`}`)
  if (typeof words === 'string') return fault(302, `m=${kind} over ${proto} ${words}`)
  const keyed = words !== undefined || cryptosOf(media).length > 0
  if (isSecure(media) && !keyed) return fault(302, `m=${kind} over ${proto} ${keyless(sdp.session, media)}`)
  if (secure === 'required' && !keyed) return fault(302, `m=${kind} over ${proto} is not encrypted`)
  const formed = isBlind(media) ? formats.length > 0 : formats.some((format) => /^\d{1,3}$/.test(format))
  return formed ? undefined : fault(305, `m=${kind} names no format`)
}

/** Why there is no key of use. */
function keyless(session: readonly string[], { lines }: Media): string {
  if (attribute(lines, 'crypto') !== undefined) return 'brings no key which is understood (a=crypto)'
  const elsewhere = ['fingerprint', 'key-mgmt'].find(
    (name) => attribute(lines, name) !== undefined || attribute(session, name) !== undefined,
  )
  return `brings no key (a=crypto)${elsewhere === undefined ? '' : `; a=${elsewhere} is not understood`}`
}

/** An answer without keys to an offer with some is a plain one: where that is not forbidden it is taken. */
function mismatch(media: Media, offered: Media, secure: SecurePolicy = 'allowed'): UnusableSdp | undefined {
  const same = media.kind === offered.kind && isBlind(media) === isBlind(offered)
  const bothDtls = isDtls(media) && isDtls(offered)
  const keyed = bothDtls || agreedOn(cryptosOf(media), cryptosOf(offered)) !== undefined
  const opened = !isSecure(media) || keyed
  if (same && opened && (keyed || secure !== 'required')) return undefined
  return fault(
    302,
    `m=${media.kind} over ${media.proto} is no answer to m=${offered.kind} over ${offered.proto}${same && isSecure(media) ? ': its key answers none of those offered' : ''}`,
  )
}

/** A host name is looked up elsewhere. */
function addressObstacle(address: string | undefined, ours: string): UnusableSdp | undefined {
  if (address === undefined) return fault(399, 'the c-line says not where the sound is wanted')
  const place = readSocketAddress(address)
  if (place === undefined || isNowhere(address)) return undefined
  if (place.isIPv4 !== readSocketAddress(ours)?.isIPv4)
    return fault(301, `${address} is of another address family`)
  if (reachOf(place.address) !== 'none') return undefined
  return fault(isMulticast(place.address) ? 330 : 399, `nothing can be sent to ${address}`)
}

/** Sound for many is nothing we could relay (RFC 4566 §5.7). */
function isMulticast(address: string): boolean {
  return /^(22[4-9]|23\d)\.|^ff/.test(address)
}

function isAudio({ kind }: Media): boolean {
  return kind === 'audio'
}

/** A profile of SRTP's (RFC 3711 §12): RTP/SAVP, RTP/SAVPF. */
export function isSecure({ proto }: Media): boolean {
  return /savpf?$/i.test(proto)
}

/** Words of a peer's stand in it: they are cut, and kept on one line. */
function fault(code: number, why: string): UnusableSdp {
  return { status: 488, code, why: [...why.replace(/\p{Cc}+/gu, ' ')].slice(0, wordsAtMost).join('') }
}

const wordsAtMost = 100

function unusable(status: UnusableSdp['status'], code: number, why: string): SdpResult {
  return { ok: false, fault: { status, code, why } }
}
