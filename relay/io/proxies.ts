import { portNumber } from '#contract'
import { readIp, spelled } from '#routing'
import { BoundedMap } from '../ground/bounded-map.ts'
import { type Flow, usualPort } from '../ground/flow.ts'
import { parseNameAddr } from '../sip/address.ts'
import type { HostPort } from '../sip/host.ts'
import type { Message } from '../sip/message.ts'
import { parseMessage } from '../sip/parse.ts'
import { parseVia } from '../sip/via.ts'
import type { Wire, WireEnds } from './wire.ts'

/* Implementation */
const rememberedAtMost = 10_000

/**
 * SIP proxies of our own in front of relays, over UDP. A request which comes through one counts as coming from where it came
 * to the proxy from, as that one's Via says (RFC 3261 §18.2.1, RFC 3581): there is the party which is let in, throttled and
 * heard, and no room need know of the proxy. What is sent goes through it again where the message says so: a response by
 * its Via, a request by its Route (RFC 3327, RFC 3261 §16.12).
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

  /** Where a message came to the proxy from; what the proxy says of itself, as to see who lives, is its own. */
  #origin(flow: Flow, bytes: Uint8Array): Flow {
    const message = this.#trusted.has(flow.address) ? read(bytes) : undefined
    if (message?.kind !== 'request') return flow
    const { branch = '' } = message.via
    const via = message.all('via')[1]
    const origin = via === undefined ? this.#invited.get(branch) : originIn(via)
    if (origin && message.method === 'INVITE') this.#invited.set(branch, origin)
    return origin ?? flow
  }

  #way(flow: Flow, bytes: Uint8Array): Flow {
    const hop = nextHop(read(bytes))
    const address = hop && spelled(hop.host)
    if (address === undefined || !this.#trusted.has(address)) return flow
    return { transport: 'udp', address, port: hop?.port ?? usualPort('udp') }
  }
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

/** Which proxy it is to pass first, if any. */
function nextHop(message: Message | undefined): HostPort | undefined {
  if (message?.kind !== 'request') return message?.via
  return parseNameAddr(message.all('route')[0] ?? '')?.sip
}
