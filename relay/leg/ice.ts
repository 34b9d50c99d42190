import type { Entropy } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import type { IceAim, IceCredentials } from '../ground/media.ts'
import { type IceWords, iceOf, isDtls, type SaidIce } from '../sdp/ice.ts'
import { sdpOf } from '../sdp/message-sdp.ts'
import { mediaOf, type RelayedSdp } from '../sdp/relayed.ts'
import type { Header, Request } from '../sip/message.ts'
import { mediaType } from '../sip/multipart.ts'
import type { Leg, LegIce } from './leg.ts'

/*
 * The way between a browser's leg and us: ICE-lite, and DTLS in it (RFC 8829, from the other end).
 */

/** Our certificates, and what credentials are made of. */
export interface IceDice {
  readonly entropy: Entropy
  /** Their fingerprints; words: why there are none. */
  readonly dtls?: readonly string[] | string | undefined
}

const unsaid: LegIce = { ours: undefined, certificate: 0, begins: undefined, theirs: undefined }

/** Whether it signals as browsers do, which take no other sound. */
export function isBrowser(flow: Flow | undefined): boolean {
  return flow?.transport === 'ws' || flow?.transport === 'wss'
}

/** The package of INFOs which list where a party is, piece by piece (RFC 8840). */
const TRICKLE = 'trickle-ice'

/** What a leg may tell us by INFO, and by no other package (RFC 6086 §5.2). */
export function toldByInfo(leg: Leg): Header[] {
  return checksItsWay(leg) ? [['recv-info', TRICKLE]] : []
}

/** Whether an INFO lists where its party is. Its checks show us that: the list needs an answer, and nothing else. */
export function isTrickle(leg: Leg, request: Request): boolean {
  if (request.method !== 'INFO' || !checksItsWay(leg)) return false
  const [named = TRICKLE] = (request.header('info-package') ?? TRICKLE).split(';')
  const type = mediaType(request.header('content-type'))
  return named.trim().toLowerCase() === TRICKLE && type === 'application/trickle-ice-sdpfrag'
}

function checksItsWay(leg: Leg): boolean {
  const offered = leg.kind === 'uas' ? sdpOf(leg.invite) : undefined
  return leg.sdp.ice !== undefined || offered?.media.some(isDtls) === true
}

/** What a leg is offered; undefined: keys cannot be agreed on here. */
export function iceToOffer({ sdp }: Leg, dice: IceDice): SaidIce | undefined {
  const ice = { ...(sdp.ice ?? unsaid) }
  return said({ sdp }, { ...ice, ours: ice.ours ?? newCredentials(dice) }, 'actpass', dice)
}

/** What a leg's offer is answered with; undefined: it is no browser's, or keys cannot be agreed on here. A party begins anew (an ICE restart) by others of its own, and so do we (RFC 8839 §4.4.1.1). */
export function iceToAnswer({ sdp }: Leg, offer: RelayedSdp, dice: IceDice): SaidIce | undefined {
  const words = wordsOf(offer)
  if (words === undefined) return undefined
  const ice = sdp.ice ?? unsaid
  const restarts = ice.theirs !== undefined && !isSame(ice.theirs, words)
  const ours = restarts || ice.ours === undefined ? newCredentials(dice) : ice.ours
  const begins = beginsAt(words, ice)
  const next = { ...ice, ours, begins, theirs: { ufrag: words.ufrag, pwd: words.pwd } }
  return said({ sdp }, next, begins ? 'active' : 'passive', dice)
}

/** How a leg is found from now on, by what it said to what it was told; undefined: by its description alone. */
export function iceAimOf({ sdp }: Leg, description: RelayedSdp): IceAim | undefined {
  const words = wordsOf(description)
  const { ice } = sdp
  if (words === undefined || ice?.ours === undefined) return undefined
  const begins = beginsAt(words, ice)
  const theirs = { ufrag: words.ufrag, pwd: words.pwd }
  sdp.ice = { ...ice, begins, theirs }
  const { certificate, ours } = ice
  return { ours, theirs, fingerprints: words.fingerprints, certificate, begins }
}

/** Its sound comes to another port of ours: there all is agreed on anew, which another certificate tells its party. */
export function moveIce({ sdp }: Leg): void {
  if (sdp.ice) sdp.ice = { ...unsaid, certificate: sdp.ice.certificate + 1, theirs: sdp.ice.theirs }
}

function said(
  { sdp }: Pick<Leg, 'sdp'>,
  ice: LegIce,
  setup: SaidIce['setup'],
  dice: IceDice,
): SaidIce | undefined {
  const certificates = typeof dice.dtls === 'object' ? dice.dtls : []
  const certificate = certificates.length === 0 ? 0 : ice.certificate % certificates.length
  const fingerprint = certificates[certificate]
  if (fingerprint === undefined || ice.ours === undefined) return undefined
  sdp.ice = { ...ice, certificate }
  return { ...ice.ours, fingerprint, setup }
}

function wordsOf({ sdp, at }: RelayedSdp): IceWords | undefined {
  const media = mediaOf({ sdp, at })
  const words = isDtls(media) ? iceOf(sdp, media) : undefined
  return typeof words === 'object' ? words : undefined
}

/** Who has begun goes on as who begins (RFC 8842 §5.3). */
function beginsAt({ setup }: IceWords, { begins }: LegIce): boolean {
  return setup === 'passive' || (setup === 'actpass' && begins === true)
}

/** Letters which each grammar takes; 32 and 128 bits of chance at least (RFC 8445 §5.3). */
function newCredentials({ entropy }: IceDice): IceCredentials {
  return { ufrag: entropy.hex(4), pwd: entropy.hex(16) }
}

function isSame(one: IceCredentials, other: IceCredentials): boolean {
  return one.ufrag === other.ufrag && one.pwd === other.pwd
}
