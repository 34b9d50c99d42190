import type { Header } from '../sip/message.ts'
import { isMultipart, mediaType, type Part, partsOf, writeMultipart } from '../sip/multipart.ts'
import { callerKind, type PartyKind } from './claims.ts'
import type { TypedBody } from './emergency-place.ts'
import type { Branch, Call } from './state.ts'

/*
 * What whom we call is to be sent: which codecs, and what of a caller's body beside the session description.
 */

/** Encoding names offered to a branch, the first preferred; empty: all. */
export function codecsFor({
  provider,
  hunt: { decision },
}: Pick<Branch, 'provider' | 'hunt'>): readonly string[] {
  if (provider) return provider.codecs
  if (decision?.targets.kind === 'trunk') return decision.targets.trunk.codecs
  return (decision?.targets.kind === 'extension' && decision.targets.extension.codecs) || []
}

/**
 * Who may send it. Signalling of the phone network is between carriers and PBXs, and a phone's word for it would be
 * believed; where a caller is, it knows itself. Any other part is for none but us.
 */
const passages: Readonly<Record<string, readonly PartyKind[]>> = {
  'application/isup': ['carrier', 'pbx'],
  'application/pidf+xml': ['phone', 'pbx'],
}

/**
 * The parts of the caller's body beside the session description which go on to a branch: those it takes, from who may
 * send them.
 */
export function partsFor(call: Call, branch: Branch): Part[] {
  const takes = takenBy(branch)
  if (takes.length === 0 || !call.decision) return []
  const from = callerKind(call.decision)
  return leaves(call.caller.invite)
    .filter(({ contentType, body }) => {
      const type = mediaType(contentType) ?? ''
      return takes.includes(type) && mayPass(call, type, from) && body.length <= octetsAtMost
    })
    .slice(0, partsAtMost)
}

/** What another relay of ours hands on was looked at there. */
function mayPass({ handedBy }: Call, type: string, from: PartyKind): boolean {
  return handedBy !== undefined || passages[type]?.includes(from) === true
}

/** A session description with other parts behind it, and what the caller's INVITE says of them. */
export function beside(sdp: Uint8Array, parts: readonly Part[], call: Call, id: string): TypedBody {
  const boundary = `trunkline-${id}`
  const description = { headers: [['Content-Type', 'application/sdp'] as const], body: sdp }
  const others = parts.map((part) => ({ headers: saidOf(part), body: part.body }))
  return {
    headers: [
      ...(parts.some(isPlace) ? placeHeaders(call) : []),
      ['mime-version', '1.0'],
      ['content-type', `multipart/mixed;boundary="${boundary}"`],
    ],
    body: writeMultipart(sdp.length > 0 ? [description, ...others] : others, boundary),
  }
}

/** An INVITE has to find its way in one datagram, as a rule. */
const octetsAtMost = 8_192
const partsAtMost = 4

function takenBy({ provider, hunt: { decision } }: Branch): readonly string[] {
  if (provider) return provider.takes ?? []
  return (decision?.targets.kind === 'trunk' && decision.targets.trunk.takes) || []
}

/** The parts of a body which are no multipart themselves, as far as one looks. */
function leaves({ body, headers }: { body: Uint8Array; headers: readonly Header[] }): Part[] {
  const contentType = headers.find(([name]) => name === 'content-type')?.[1]
  return isMultipart(contentType) ? within({ contentType, body }, depthAtMost) : []
}

const depthAtMost = 4

function within(body: Pick<Part, 'contentType' | 'body'>, depth: number): Part[] {
  return [...partsOf(body)].flatMap((part) => {
    if (!isMultipart(part.contentType)) return [part]
    return depth > 0 ? within(part, depth - 1) : []
  })
}

/** What a part is. ISUP is for those who read it: who does not, takes the call all the same (RFC 3204 §4.3). */
function saidOf(part: Part): (readonly [string, string])[] {
  const said = (name: string, value: string | undefined) =>
    value === undefined ? [] : [[name, value] as const]
  return [
    ...said('Content-Type', part.contentType),
    ...said('Content-Disposition', isPlace(part) ? part.disposition : 'signal;handling=optional'),
    ...said('Content-ID', part.id),
  ]
}

function isPlace({ contentType }: Part): boolean {
  return mediaType(contentType) === 'application/pidf+xml'
}

/** Which part says where the caller is, and whether it may be routed by (RFC 6442 §4). */
function placeHeaders({ caller }: Call): Header[] {
  return caller.invite.headers.filter(([name]) => name === 'geolocation' || name === 'geolocation-routing')
}
