import type { MonotonicMs } from '#contract'
import type { Effect } from '../ground/effects.ts'
import { type Flow, hostPort } from '../ground/flow.ts'
import { readSocketAddress, type SocketAddress } from '../ground/socket-address.ts'
import { type Request, type Response, request } from '../sip/message.ts'
import { parseUri, withoutHeaders } from '../sip/uri.ts'
import { cookie } from '../sip/via.ts'
import { writeMessage } from '../sip/write.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { ContactBinding } from './contact-binding.ts'

/** Many NATs forget a silent UDP port after 30 s (RFC 5626 §4.4.2). */
const everyMs = 24_000
/** At most so many in one go, and so long between two: a thousand a second, however many phones there are. */
const together = 20
const apartMs = 20

/** Who asks: what Via and From say. */
type KeepAliveEndpoint = Pick<SipEndpoint, 'address' | 'port' | 'entropy'>

/**
 * Keeps the NATs open behind which phones registered over UDP: each is asked OPTIONS in turn, from the port it
 * registered at.
 *
 * An answer of any kind opens the NAT from inside, which every NAT heeds; nothing is concluded from silence. Only
 * contacts whose phone proved itself from that very address are asked. One row in the order they are due: no timer per
 * phone, and a crowd which is due at once, as after a restart, is served one after the other.
 */
export class NatKeepAlive {
  readonly #endpoint: KeepAliveEndpoint
  /** In their branches we know our own questions again. */
  readonly #word: string
  /** When each is due (monotonic ms), earliest first. */
  readonly #dueByEntry = new Map<ContactBinding, number>()
  /** Those who may have been kept waiting already. */
  readonly #overdue = new Set<ContactBinding>()
  #free = Number.NEGATIVE_INFINITY
  #asked = 0

  constructor(endpoint: KeepAliveEndpoint) {
    this.#endpoint = endpoint
    this.#word = `${cookie}open${endpoint.entropy.hex(6)}`
  }

  get size(): number {
    return this.#dueByEntry.size + this.#overdue.size
  }

  /** A phone was heard just now. */
  heard(now: MonotonicMs, binding: ContactBinding): void {
    this.forget(binding)
    this.#dueByEntry.set(binding, now + everyMs)
  }

  /** It is not known when a phone was heard: it is asked as soon as may be. */
  add(binding: ContactBinding): void {
    this.forget(binding)
    this.#overdue.add(binding)
  }

  forget(binding: ContactBinding): void {
    this.#dueByEntry.delete(binding)
    this.#overdue.delete(binding)
  }

  nextDeadline(): number | undefined {
    const due = this.#overdue.size > 0 ? this.#free : firstOf(this.#dueByEntry.values())
    return due === undefined ? undefined : Math.max(due, this.#free)
  }

  /** What is to be sent now. */
  tick(now: MonotonicMs): Effect[] {
    const effects: Effect[] = []
    if (now < this.#free) return effects
    for (let binding = this.#next(now); binding && effects.length < together; binding = this.#next(now)) {
      this.heard(now, binding)
      effects.push({ type: 'send', flow: binding.flow, bytes: this.#question(binding), loose: true })
    }
    if (effects.length > 0) this.#free = now + apartMs
    return effects
  }

  /** Whether a response answers one of our questions: it has done its work by coming through. */
  isAnswer(response: Response): boolean {
    return response.via.branch?.startsWith(this.#word) === true
  }

  #next(now: MonotonicMs): ContactBinding | undefined {
    const overdue = firstOf(this.#overdue)
    if (overdue !== undefined) return overdue
    const [binding, due] = firstOf(this.#dueByEntry) ?? []
    return due !== undefined && due <= now ? binding : undefined
  }

  #question(binding: ContactBinding): Uint8Array {
    const prefix = hostPort(this.#endpoint.address, this.#endpoint.port)
    const number = ++this.#asked
    const uri = withoutHeaders(binding.contact)
    return writeMessage(
      request({
        method: 'OPTIONS',
        requestUri: uri,
        headers: [
          ['via', `SIP/2.0/UDP ${prefix};rport;branch=${this.#word}.${number}`],
          ...binding.path.map((hop) => ['route', hop] as const),
          ['max-forwards', '70'],
          ['from', `<sip:${prefix}>;tag=${this.#word}`],
          ['to', `<${uri}>`],
          ['call-id', `${this.#endpoint.entropy.hex(8)}@${this.#endpoint.address}`],
          ['cseq', `${number} OPTIONS`],
          ['accept', 'application/sdp'],
        ],
      }),
    )
  }
}

/**
 * Whether a phone is seen to be behind a NAT: its packets come over UDP from elsewhere than it says. Behind a proxy
 * only what the proxy says of itself counts.
 */
export function isBehindNat(register: Request, contact: string, flow: Flow): boolean {
  const source = readSocketAddress(flow.address, flow.port)
  if (flow.transport !== 'udp' || source === undefined) return false
  const sentBy = readSocketAddress(register.via.host)
  if (sentBy !== undefined && !sentBy.sameAddress(source)) return true
  return register.all('via').length === 1 && placeOf(contact)?.same(source) === false
}

/** Undefined where the contact has a name for its host. */
function placeOf(contact: string): SocketAddress | undefined {
  const uri = parseUri(contact)
  return uri && readSocketAddress(uri.host, uri.port ?? 5060)
}

function firstOf<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value
  return undefined
}
