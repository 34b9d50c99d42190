import { portNumber } from '#contract'
import { readIp, spelled } from '#routing'
import { BoundedMap } from '../ground/bounded-map.ts'
import { type Flow, usualPort } from '../ground/flow.ts'
import { parseNameAddr } from '../sip/address.ts'
import { headEnd } from '../sip/headers.ts'
import type { Message, Request, Response } from '../sip/message.ts'
import { parseMessage } from '../sip/parse.ts'
import { parseVia } from '../sip/via.ts'
import type { Wire, WireEnds } from './wire.ts'

/* Implementation */
const rememberedAtMost = 10_000

/**
 * SIP proxies of our own in front of relays, over UDP. A request which comes through one counts as coming from where it came
 * to the proxy from, as that one's Via says (RFC 3261 §18.2.1, RFC 3581): there is the party which is let in, throttled and
 * heard. The proxy's own are only those which have no other Via than its own. What is sent goes through it again where the
 * message came by it: a response goes back where its request came from, a request by its Route (RFC 3327, RFC 3261 §16.12).
 */
export class Proxies {
  readonly #trusted: ReadonlySet<string>
  /** Where INVITEs came from, by their branch: the proxy's own CANCEL and ACK say no more than that (RFC 3261 §9.1, §17.1.1.3). */
  readonly #invited = new BoundedMap<string, Flow>(rememberedAtMost)

  /** `addresses`: literal IPs, from which no stranger can send. */
  constructor(addresses: readonly string[]) {
    this.#trusted = new Set(addresses.map(spelled))
  }

  /** What a wire reports, told apart: `ends` hear where it came from in truth. */
  hearing<Ends extends WireEnds>(ends: Ends): Ends {
    if (this.#trusted.size === 0) return ends
    return { ...ends, receive: (flow, bytes) => ends.receive(this.#origin(flow, bytes), bytes) }
  }

  /** A wire by which messages go through the proxies. */
  through<W extends Wire>(wire: W): W {
    if (this.#trusted.size === 0) return wire
    return { ...wire, send: (flow, bytes, loose) => wire.send(this.#way(flow, bytes), bytes, loose) }
  }

  #origin(flow: Flow, bytes: Uint8Array): Flow {
    if (!this.#trusted.has(flow.address)) return flow
    const { address, port } = flow
    const message = hasLooseLines(bytes) ? undefined : read(bytes)
    const origin = message?.kind === 'request' ? this.#originOf(message) : 'unknown'
    if (typeof origin === 'string') return { ...flow, proxy: { address, port, from: origin } }
    return { ...origin, proxy: { address, port, from: 'another' } }
  }

  #originOf(request: Request): Flow | 'itself' | 'unknown' {
    const { branch = '' } = request.via
    const [, ...below] = request.all('via')
    if (below.length === 0) return isAlone(request) ? (this.#invited.get(branch) ?? 'itself') : 'unknown'
    const origin = this.#originBelow(below)
    if (origin === undefined) return 'unknown'
    if (request.method === 'INVITE') this.#invited.set(branch, origin)
    return origin
  }

  /** Where a request came from which one proxy may have handed to another: each marks whose it was. undefined: unreadable. */
  #originBelow(vias: readonly string[]): Flow | undefined {
    let origin: Flow | undefined
    for (const via of vias) {
      origin = originIn(via)
      if (origin === undefined || !this.#trusted.has(origin.address)) break
    }
    return origin
  }

  #way(flow: Flow, bytes: Uint8Array): Flow {
    const message = read(bytes)
    if (message?.kind === 'response') return wayBack(flow, message)
    const hop = message && parseNameAddr(message.all('route')[0] ?? '')?.sip
    const address = hop && spelled(hop.host)
    if (address === undefined || !this.#trusted.has(address)) return flow
    return { transport: 'udp', address, port: hop?.port ?? usualPort('udp') }
  }
}

/**
 * To the proxy by which the request came, and to the port its Via names (RFC 3261 §18.2.2, RFC 3581 §4); what came straight
 * is answered straight, whatever its Via names.
 */
function wayBack(flow: Flow, { via }: Response): Flow {
  if (flow.proxy === undefined) return flow
  const { address, port } = flow.proxy
  return { transport: 'udp', address, port: via.params.has('rport') ? port : (via.port ?? usualPort('udp')) }
}

/** Whether one Via header is all there is: an empty one hides none. */
function isAlone({ headers }: Request): boolean {
  return headers.filter(([name]) => name === 'via').length === 1
}

/** Whether a line of the head ends in a mere LF: proxies which take that for a line break see other headers than we. */
function hasLooseLines(bytes: Uint8Array): boolean {
  const start = bytes.findIndex((octet) => octet !== 13 && octet !== 10)
  const head = bytes.subarray(0, headEnd(bytes, Math.max(start, 0)))
  return head.some((octet, at) => octet === 10 && head[at - 1] !== 13)
}

/** Where a Via says that its request came from; undefined: at no address. */
function originIn(text: string): Flow | undefined {
  const via = parseVia(text)
  const address = spelled(via?.params.get('received') ?? via?.host ?? '')
  if (via === undefined || readIp(address) === undefined) return undefined
  const rport = via.params.get('rport') ?? ''
  const port = /^\d{1,5}$/.test(rport) ? portNumber(Number(rport)) : via.port
  return { transport: 'udp', address, port: port ?? usualPort('udp') }
}

function read(bytes: Uint8Array): Message | undefined {
  const parsed = parseMessage(bytes, { stream: false })
  return parsed.ok ? parsed.value : undefined
}
