import type { Port } from '#contract'
import type { Flow } from '../ground/flow.ts'
import { inviteOf } from '../leg/uac.ts'
import { quote } from '../sip/grammar.ts'
import type { Header, Request } from '../sip/message.ts'
import { noParams } from '../sip/params.ts'
import { privacyOf } from '../sip/privacy.ts'
import { isSipsUri, isTel, parseUri, writeUri } from '../sip/uri.ts'
import { portFor, type Signalling, type SipEndpoint, sipUri } from '../ua/endpoint.ts'
import { isHidden, passedOn, referredBy } from './claims.ts'
import { onBehalf } from './diversion.ts'
import { type TypedBody, withPlace } from './emergency-place.ts'
import { handedInvite } from './handed-on.ts'
import { targetOf } from './handed-target.ts'
import { mayBeOffered } from './late-offer.ts'
import { instant } from './record.ts'
import type { Branch, Call, Hunt } from './state.ts'
import { beside, partsFor } from './taken.ts'

/**
 * The INVITE of one branch, built from the canonical call and never from an earlier attempt.
 *
 * Identity headers are made here from the decision; of what the caller said, `passages` says what goes on.
 */
export function buildInvite(
  call: Call,
  branch: Branch,
  flow: Flow,
  endpoint: SipEndpoint,
  body: Uint8Array,
): Request {
  const requestUri = branch.provider ? providerUri(branch) : contactUri(branch)
  if (call.handedBy !== undefined) {
    const handed = { requestUri, typed: typedBody(call, branch, flow, endpoint, body) }
    return handedInvite(call, branch, handed, flow, endpoint)
  }
  const from = callerName(call, branch, flow, endpoint)
  const to = `<${branch.provider ? bare(requestUri) : calledAs(branch, requestUri)}>`
  const maxForwards = call.caller.invite.maxForwards - 1 - branch.hunt.path.length
  const typed = typedBody(call, branch, flow, endpoint, body)
  const { host: ourHost } = ourDomain(branch, flow, endpoint)
  const headers: Header[] = [
    ...identity(call, branch, flow, endpoint),
    ...(branch.provider?.headers ?? []).map(([name, value]): Header => [name.toLowerCase(), value]),
    ...onBehalf(call, branch, passedOn(call, branch.hunt), (user) => sipUri(user, ourHost), requestUri),
    ...referredBy(call),
    ...targetOf(branch),
    ...typed.headers,
  ]
  const takesOffer = body.length === 0 && mayBeOffered(call, branch)
  const parts = { requestUri, from, to, maxForwards, headers, body: typed.body, takesOffer }
  return inviteOf(branch, parts, flow, endpoint)
}

/** With the place of who calls for help beside the session description, or with what the caller sent, where that is taken. */
function typedBody(
  call: Call,
  branch: Branch,
  flow: Flow,
  endpoint: SipEndpoint,
  sdp: Uint8Array,
): TypedBody {
  const place = branch.provider?.place
  const parts = partsFor(call, branch)
  if (!place && parts.length > 0) return beside(sdp, parts, call, branch.callId)
  if (!place) return { headers: [], body: sdp }
  const { host } = ourDomain(branch, flow, endpoint)
  const user = branch.provider?.asserted ?? call.decision?.caller_id.user ?? 'anonymous'
  const entity = sipUri(user, host).slice('sip:'.length)
  return withPlace(sdp, place, { id: branch.callId, entity, at: instant(call.startedAt) })
}

function providerUri(branch: Branch): string {
  const provider = branch.provider
  if (!provider) return ''
  return sipUri(provider.user, provider.hostname, provider.port, provider.transport)
}

/** A phone is rung as it registered, by a sips URI in a sips call alone (RFC 5630 §5.3); a PBX which registered once for all its numbers hears which one is meant. */
function contactUri({ contact, signalling, hunt: { decision } }: Branch): string {
  const registered = schemed(contact?.requestUri ?? '', signalling)
  if (decision?.targets.kind !== 'trunk') return registered
  const { user } = decision.targets.trunk
  if (isTel(registered)) return /^\+\d+$/.test(user) ? `tel:${user}` : registered
  const uri = parseUri(registered)
  return uri ? writeUri({ ...uri, user: user || uri.user }) : registered
}

function schemed(registered: string, signalling: Signalling): string {
  if (isSipsUri(registered) === (signalling === 'sips')) return registered
  const uri = parseUri(registered)
  return uri ? writeUri({ ...uri, scheme: signalling === 'sips' ? 'sips' : 'sip' }) : registered
}

function calledAs({ hunt: { decision } }: Branch, contact: string): string {
  if (decision?.targets.kind === 'extension') {
    const { extension, realm } = decision.targets.extension
    return sipUri(extension, realm)
  }
  if (decision?.targets.kind === 'trunk')
    return sipUri(decision.targets.trunk.user, decision.targets.trunk.realm)
  return bare(contact)
}

/** Without parameters and headers. */
function bare(text: string): string {
  const uri = parseUri(text)
  return uri ? writeUri({ ...uri, params: noParams, headers: undefined }) : text
}

function callerName(call: Call, branch: Branch, flow: Flow, endpoint: SipEndpoint): string {
  if (isHidden(call)) return '"Anonymous" <sip:anonymous@anonymous.invalid>'
  const id = branch.hunt.decision?.caller_id
  const { host, port } = ourDomain(branch, flow, endpoint)
  const user = branch.provider?.calling || id?.user || 'anonymous'
  return `${displayOf(branch.hunt)}<${sipUri(user, host, port)}>`
}

/** The caller's name as it stands before an address, which a terminal shall not obey. */
function displayOf({ decision }: Hunt): string {
  const name = decision?.caller_id.display.replace(/\p{Cc}/gu, '')
  return name ? `${quote(name)} ` : ''
}

/** Carriers which know us by credentials expect their own domain; others our address; phones and PBXs their realm. */
function ourDomain(
  branch: Branch,
  { transport }: Flow,
  endpoint: SipEndpoint,
): { host: string; port?: Port } {
  const targets = branch.hunt.decision?.targets
  if (targets?.kind === 'extension') return { host: targets.extension.realm }
  if (targets?.kind === 'trunk') return { host: targets.trunk.realm }
  return branch.provider?.credentials
    ? { host: branch.provider.hostname }
    : { host: endpoint.address, port: portFor(endpoint, transport) }
}

/**
 * P-Asserted-Identity towards providers and PBXs. Of a caller who hides only providers are told, with the wish: a PBX
 * is whom it hides from (RFC 3325 §7). A name goes with the number as far as it is shown.
 */
function identity(call: Call, branch: Branch, flow: Flow, endpoint: SipEndpoint): Header[] {
  const { decision } = branch.hunt
  const asserted = decision?.caller_id.asserted
  const kind = decision?.targets.kind
  const hides = isHidden(call)
  if (!asserted || kind === 'extension' || kind === 'sip' || (kind === 'trunk' && hides)) return []
  const { critical } = privacyOf(call.caller.invite)
  const hidden: Header[] = hides ? [['privacy', critical ? 'id;critical' : 'id']] : []
  const { host, port } = ourDomain(branch, flow, endpoint)
  const user = branch.provider?.asserted ?? asserted
  return [
    ['p-asserted-identity', `${hides ? '' : displayOf(branch.hunt)}<${sipUri(user, host, port)}>`],
    ...hidden,
  ]
}
