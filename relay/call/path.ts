import type { Transport } from '#contract'
import { reachOf, spelled } from '#routing'
import type { Dialog } from '../dialog/dialog.ts'
import { nextHop } from '../dialog/request.ts'
import { type Flow, usualPort } from '../flow.ts'
import type { SipUri } from '../sip/uri.ts'
import { trusts } from './sound.ts'
import type { Call, Side } from './state.ts'

/**
 * Where a request inside a dialog goes (RFC 3261 §12.2.1.1).
 *
 * Phones sit behind NATs: theirs goes down the flow they signal from, whatever their Contact says.
 * A provider's goes to its route set or remote target where that is a literal address; a name, or a
 * private address it let slip, means the address the dialog was made with.
 */
export function flowFor(dialog: Dialog, legFlow: Flow, trusted: boolean): Flow {
  const hop = trusted ? target(dialog, legFlow) : undefined
  if (!hop) return legFlow
  const transport = transportTo(hop, legFlow)
  if (transport === undefined) return legFlow
  const port = hop.port ?? usualPort(transport)
  if (hop.host === legFlow.address && port === legFlow.port && transport === legFlow.transport) return legFlow
  const { tls } = legFlow
  return tls ? { transport, address: hop.host, port, tls } : { transport, address: hop.host, port }
}

/** The route set's or remote target's address; undefined: a name, or an address which leads us nowhere. */
function target(dialog: Dialog, legFlow: Flow): SipUri | undefined {
  const hop = nextHop(dialog)
  const reach = hop && reachOf(hop.host)
  if (!hop || reach === undefined || reach === 'none') return undefined
  const lost = reach !== 'public' && reachOf(legFlow.address) === 'public'
  return lost ? undefined : { ...hop, host: spelled(hop.host) }
}

/**
 * What a target is reached over; undefined: by nothing but the flow its dialog was made over. TLS is
 * never left for anything else, and entered only where we know by which name to trust its peer.
 */
function transportTo({ scheme, params }: SipUri, { transport, tls }: Flow): Transport | undefined {
  const named = params.get('transport')?.toLowerCase()
  const secure = scheme === 'sips' || named === 'tls'
  if (secure || transport === 'tls') return secure && tls ? 'tls' : undefined
  return named === 'tcp' ? 'tcp' : transport
}

/** The dialog of one side and the flow its requests go to; undefined before it is established. */
export function legOf(call: Call, side: Side): { dialog: Dialog; flow: Flow; trusted: boolean } | undefined {
  const leg = side === 'caller' ? call.caller : call.callee
  if (!leg?.dialog || !leg.flow) return undefined
  const trusted = trusts(call, side)
  return { dialog: leg.dialog, flow: flowFor(leg.dialog, leg.flow, trusted), trusted }
}

/**
 * Whether a request inside a dialog comes from the peer it was made with; tags alone can be overheard.
 * A provider may also speak from its route set or remote target.
 */
export function admits(call: Call, side: Side, { address }: Flow): boolean {
  const leg = side === 'caller' ? call.caller : call.callee
  if (!leg?.flow) return false
  if (leg.flow.address === address) return true
  const trusted = side === 'caller' ? call.caller.trusted : call.callee?.provider !== undefined
  return trusted && leg.dialog !== undefined && target(leg.dialog, leg.flow)?.host === address
}

/**
 * A phone spoke from another port or connection of its address: its NAT forgot it, or it connected anew.
 * What goes to it goes there from now on.
 */
export function follow(call: Call, side: Side, source: Flow): void {
  const leg = side === 'caller' ? call.caller : call.callee
  if (leg && !trusts(call, side)) leg.flow = source
}
