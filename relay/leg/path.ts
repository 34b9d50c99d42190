import type { FlowTransport } from '#contract'
import { reachOf, readIp, spelled } from '#routing'
import { type Dialog, uasDialog } from '../dialog/dialog.ts'
import { nextHop } from '../dialog/request.ts'
import { type Flow, hostPort, isEncrypted, isWebSocket, sameFlow, usualPort } from '../ground/flow.ts'
import { none } from '../ground/none.ts'
import type { Response } from '../sip/message.ts'
import type { SipUri } from '../sip/uri.ts'
import type { Leg, UacLeg, UasLeg } from './leg.ts'

/**
 * Where a request inside a dialog goes (RFC 3261 §12.2.1.1).
 *
 * Phones sit behind NATs: theirs goes down the flow they signal from, whatever their Contact says.
 * A provider's goes to its route set or remote target where that is a literal address which can be reached;
 * else, and where a request was lost there, to the address the dialog was made with.
 */
export function flowFor(dialog: Dialog, legFlow: Flow, trusted: boolean): Flow {
  // Between relays of one fleet there is one way, whatever a Contact says.
  const hop = trusted && legFlow.neighbour === undefined ? target(dialog, legFlow) : undefined
  if (!hop) return legFlow
  const transport = transportTo(hop, legFlow)
  if (transport === undefined) return legFlow
  const port = hop.port ?? usualPort(transport)
  if (hostPort(hop.host, port) === dialog.lostAt) return legFlow
  if (hop.host === legFlow.address && port === legFlow.port && transport === legFlow.transport) return legFlow
  const { tls } = legFlow
  return tls ? { transport, address: hop.host, port, tls } : { transport, address: hop.host, port }
}

/** The route set's or remote target's address; undefined: a name, or an address which leads us nowhere. */
function target(dialog: Dialog, legFlow: Flow): SipUri | undefined {
  const hop = nextHop(dialog)
  const reach = hop && reachOf(hop.host)
  if (!hop || reach === undefined || reach === 'none') return undefined
  const host = spelled(hop.host)
  return reach === 'public' || besides(host, legFlow.address) ? { ...hop, host } : undefined
}

/** Whether an address which is not public may lie in the network its peer speaks from: every private block is one. */
function besides(host: string, peer: string): boolean {
  const [a, b] = [readIp(host), readIp(peer)]
  return a !== undefined && b !== undefined && a.length === b.length && a[0] === b[0]
}

/**
 * The way a request goes which was lost on another: down the flow its dialog was made with, as everything that
 * follows does. undefined: it went there.
 */
export function wayBack({ dialog, flow }: Pick<Leg, 'dialog' | 'flow'>, went: Flow): Flow | undefined {
  if (!flow || sameFlow(flow, went)) return undefined
  if (dialog) dialog.lostAt = hostPort(went.address, went.port)
  return flow
}

/** Whether what came back, or nothing, says that a request did not reach the dialog's other side. */
export function isLost(response: Response | undefined): boolean {
  return response === undefined || response.status === 408 || response.status === 481
}

/**
 * What a target is reached over; undefined: by nothing but the flow its dialog was made over. TLS is
 * never left for anything else, and entered only where we know by which name to trust its peer; to no one leads a
 * WebSocket but the one which is there.
 */
function transportTo({ scheme, params }: SipUri, { transport, tls }: Flow): FlowTransport | undefined {
  const named = params.get('transport')?.toLowerCase()
  if (isWebSocket({ transport }) || named === 'ws' || named === 'wss') return undefined
  const secure = scheme === 'sips' || named === 'tls'
  if (secure || transport === 'tls') return secure && tls ? 'tls' : undefined
  return named === 'tcp' ? 'tcp' : transport
}

/** The dialog of a leg and the flow its requests go to; undefined before it is established. */
export function reach({ dialog, flow, trusted }: Leg): { dialog: Dialog; flow: Flow } | undefined {
  return dialog && flow && { dialog, flow: flowFor(dialog, flow, trusted) }
}

/** The same before the leg has answered, or was: the early dialog of what it said last, or was told. undefined: it has said nothing. */
export function reachEarly(leg: Leg): { dialog: Dialog; flow: Flow } | undefined {
  const { flow, trusted } = leg
  const dialog = leg.kind === 'uas' ? callersDialog(leg) : (leg.dialog ?? earlyDialog(leg))
  return dialog && flow && { dialog, flow: flowFor(dialog, flow, trusted) }
}

function callersDialog(leg: UasLeg): Dialog {
  if (leg.dialog?.localTag !== leg.localTag) leg.dialog = uasDialog(leg.invite, leg.localTag)
  return leg.dialog
}

function earlyDialog({ early, earlyDialogs, aimed }: UacLeg): Dialog | undefined {
  const [tag] = [...(early ?? none)].find(([, said]) => said === aimed?.said) ?? []
  const heard = tag === undefined ? undefined : earlyDialogs?.get(tag)
  return (heard ?? earlyDialogs?.values().at(-1))?.dialog
}

/**
 * Whether a request inside a dialog comes from the peer it was made with; tags alone can be overheard.
 * A provider may also speak from its route set or remote target.
 */
export function admits({ flow, dialog, trusted }: Leg, { address, neighbour }: Flow): boolean {
  if (!flow) return false
  if (flow.neighbour !== undefined) return flow.neighbour === neighbour
  if (flow.address === address) return true
  return trusted && dialog !== undefined && target(dialog, flow)?.host === address
}

/**
 * A phone spoke from another port or connection of its address: its NAT forgot it, or it connected anew.
 * What goes to it goes there from now on, unless it is to be spoken with over TLS and that is none.
 */
export function follow(leg: Leg, source: Flow): void {
  if (!leg.trusted && !isOpenTo(leg, source)) leg.flow = source
}

/** Whether a leg must not be spoken with on this way: its keys could be read there, or it was promised TLS (sips). */
export function isOpenTo({ secure, signalling }: Pick<Leg, 'secure' | 'signalling'>, way: Flow): boolean {
  return (secure === 'required' || signalling !== 'any') && !isEncrypted(way)
}
