import type { Flow } from '../flow.ts'
import { quote } from '../sip/grammar.ts'
import { type Header, type Request, request } from '../sip/message.ts'
import type { Branch, Call } from './state.ts'
import { allow, contactOf, portFor, type Station, sipUri, viaOf } from './station.ts'

/**
 * The INVITE of one branch, built from the canonical call and never from an earlier attempt.
 *
 * Identity headers are made here from the decision; nothing the caller claimed is copied (RFC 3325 §5).
 */
export function buildInvite(
  call: Call,
  branch: Branch,
  flow: Flow,
  station: Station,
  body: Uint8Array,
  extra: readonly Header[] = [],
): Request {
  const requestUri = branch.provider ? providerUri(branch) : (branch.contact?.requestUri ?? '')
  const headers: Header[] = [
    ['via', viaOf(station, flow)],
    ['max-forwards', String(call.caller.invite.maxForwards - 1)],
    ['from', `${callerName(call, branch, flow, station)};tag=${branch.localTag}`],
    ['to', `<${branch.provider ? bare(requestUri) : calledAs(call, requestUri)}>`],
    ['call-id', branch.callId],
    ['cseq', `${branch.cseq} INVITE`],
    ['contact', contactOf(station, flow.transport)],
    ['allow', allow],
    ...(branch.contact?.path ?? []).map((route): Header => ['route', route]),
    ...identity(call, branch, flow, station),
    ...(branch.provider?.headers ?? []).map(([name, value]): Header => [name.toLowerCase(), value]),
    ...passedOn(call),
    ...extra,
  ]
  if (body.length > 0) headers.push(['content-type', 'application/sdp'])
  return request({ method: 'INVITE', requestUri, headers, body })
}

/** The CANCEL of an INVITE in the air: same branch, same sequence number (RFC 3261 §9.1). */
export function buildCancel(invite: Request, reason: string | undefined): Request {
  const headers = invite.headers.filter(([name]) => shared.has(name))
  const via = headers.find(([name]) => name === 'via')
  const rest = headers.filter(([name]) => name !== 'via')
  return request({
    method: 'CANCEL',
    requestUri: invite.requestUri,
    headers: [
      ...(via ? [via] : []),
      ...rest,
      ['cseq', `${invite.cseq.number} CANCEL`],
      ...(reason ? [['reason', reason] as Header] : []),
    ],
  })
}

const shared = new Set(['via', 'max-forwards', 'from', 'to', 'call-id', 'route'])

/** What anybody's INVITE may say to the callee besides its offer. */
const passable = new Set(['alert-info', 'call-info', 'subject', 'priority'])
/** What a provider's may say besides: on whose behalf a call comes is not for a phone to claim. */
const trusted = new Set(['diversion', 'history-info', 'identity'])

function passedOn({ caller }: Call): Header[] {
  return caller.invite.headers.filter(([name]) => passable.has(name) || (caller.trusted && trusted.has(name)))
}

function providerUri(branch: Branch): string {
  const provider = branch.provider
  if (!provider) return ''
  return sipUri(provider.user, provider.hostname, provider.port, provider.transport)
}

function calledAs(call: Call, contact: string): string {
  const targets = call.decision?.targets
  if (targets?.kind !== 'extension') return bare(contact)
  return sipUri(targets.extension.extension, targets.extension.realm)
}

function bare(uri: string): string {
  const semicolon = uri.indexOf(';', uri.indexOf('@') + 1)
  return semicolon < 0 ? uri : uri.slice(0, semicolon)
}

function callerName(call: Call, branch: Branch, flow: Flow, station: Station): string {
  if (isAnonymous(call.caller.invite)) return '"Anonymous" <sip:anonymous@anonymous.invalid>'
  const id = call.decision?.caller_id
  // No terminal shall obey a name.
  const name = id?.display.replace(/\p{Cc}/gu, '')
  const display = name ? `${quote(name)} ` : ''
  const { host, port } = ourDomain(call, branch, flow, station)
  return `${display}<${sipUri(id?.user ?? 'anonymous', host, port)}>`
}

/** Carriers which know us by credentials expect their own domain; others our address; phones their realm. */
function ourDomain(
  call: Call,
  branch: Branch,
  { transport }: Flow,
  station: Station,
): { host: string; port?: number } {
  if (branch.provider) {
    const { hostname, credentials } = branch.provider
    return credentials ? { host: hostname } : { host: station.address, port: portFor(station, transport) }
  }
  const targets = call.decision?.targets
  return { host: targets?.kind === 'extension' ? targets.extension.realm : station.address }
}

/** P-Asserted-Identity towards providers, who may be told; Privacy where the caller asked (RFC 3323, 3325). */
function identity(call: Call, branch: Branch, flow: Flow, station: Station): Header[] {
  const asserted = call.decision?.caller_id.asserted
  if (!branch.provider || !asserted) return []
  const hidden: Header[] = isAnonymous(call.caller.invite) ? [['privacy', 'id']] : []
  const { host, port } = ourDomain(call, branch, flow, station)
  return [['p-asserted-identity', `<${sipUri(asserted, host, port)}>`], ...hidden]
}

function isAnonymous(invite: Request): boolean {
  const privacy = invite.header('privacy')?.toLowerCase()
  return (privacy !== undefined && /\b(id|user)\b/.test(privacy)) || invite.from.sip?.user === 'anonymous'
}
