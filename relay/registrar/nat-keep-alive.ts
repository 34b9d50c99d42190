import type { MonotonicMs } from '#contract'
import { Deadlines, earlierOf } from '../ground/deadlines.ts'
import type { Effect } from '../ground/effects.ts'
import { type Flow, hostPort, usualPort } from '../ground/flow.ts'
import { readSocketAddress, type SocketAddress } from '../ground/socket-address.ts'
import { type Request, type Response, request } from '../sip/message.ts'
import { parseUri, type SipUri, withoutHeaders } from '../sip/uri.ts'
import { cookie } from '../sip/via.ts'
import { writeMessage } from '../sip/write.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { ContactBinding } from './contact-binding.ts'

/* Implementation */
/** At most so many in one go, and so long between two: a thousand a second, however many phones there are. */
const together = 20
const apartMs = 20
/** A phone behind NAT is asked so soon after it registered: what it may be granted depends on whether it answers. */
const firstAskMs = 1_000
/** One which has answered before is asked the same again so soon, and is lost when so many in a row came to nothing. */
const repeatMs = 5_000
const unansweredAtMost = 4

/** Who asks: what Via and From say. */
type KeepAliveEndpoint = Pick<SipEndpoint, 'address' | 'port' | 'entropy'>

/** What came of a turn. */
interface KeepAliveTurn {
  readonly effects: Effect[]
  /** Phones which answered until lately, and do no longer. */
  readonly lost: ContactBinding[]
}

/**
 * Keeps the NATs open behind which phones registered over UDP, and finds out which phones are gone: each is asked OPTIONS
 * every `keepaliveMs`, from the port it registered at.
 *
 * An answer of any kind opens the NAT from inside, which every NAT heeds (RFC 5626 §4.4.2). Nothing is concluded from the
 * silence of a phone which never answered; one which did is asked four times within twenty seconds, and then is lost. It
 * is asked on as long as it is registered: one which was only cut off comes back by answering. Only contacts whose phone
 * proved itself from that very address are asked; those behind NAT first, where all are too many.
 */
export class NatKeepAlive {
  readonly #endpoint: KeepAliveEndpoint
  /** In their branches we know our own questions again. */
  readonly #word: string
  readonly #behindNat = new Deadlines<ContactBinding>()
  readonly #others = new Deadlines<ContactBinding>()
  /** Whose answer is waited for, by the number of the question. */
  readonly #askedByNumber = new Map<number, ContactBinding>()
  #free = Number.NEGATIVE_INFINITY
  #asked = 0

  constructor(endpoint: KeepAliveEndpoint) {
    this.#endpoint = endpoint
    this.#word = `${cookie}open${endpoint.entropy.hex(6)}`
  }

  /** Phones which are asked. */
  get size(): number {
    return this.#behindNat.size + this.#others.size
  }

  /** A phone registered just now. Whether it answers is found out soon where a NAT depends on it. */
  heard(now: MonotonicMs, binding: ContactBinding): void {
    this.forget(binding)
    binding.unanswered = 0
    const soon = binding.behindNat && !binding.answers
    this.#set(now + (soon ? Math.min(firstAskMs, binding.keepaliveMs) : binding.keepaliveMs), binding)
  }

  /** It is not known when a phone was heard: it is asked as soon as may be. */
  add(now: MonotonicMs, binding: ContactBinding): void {
    this.forget(binding)
    this.#set(now, binding)
  }

  /** Before it is said anew whether it is behind a NAT. */
  forget(binding: ContactBinding): void {
    this.#asksOf(binding).cancel(binding.ask)
    this.#askedByNumber.delete(binding.asked)
    binding.asked = 0
  }

  nextDeadline(): number | undefined {
    const due = earlierOf(this.#behindNat.next(), this.#others.next())
    return due === undefined ? undefined : Math.max(due, this.#free)
  }

  /** What is to be sent now, and who did not answer. */
  tick(now: MonotonicMs): KeepAliveTurn {
    const turn: KeepAliveTurn = { effects: [], lost: [] }
    if (now < this.#free) return turn
    for (let binding = this.#due(now); binding; binding = this.#due(now)) {
      if (this.#isLost(binding)) turn.lost.push(binding)
      turn.effects.push(this.#ask(now, binding))
      if (turn.effects.length === together) break
    }
    if (turn.effects.length > 0) this.#free = now + apartMs
    return turn
  }

  /** Whether a response answers one of our questions, of this process or any before. */
  isAnswer(response: Response): boolean {
    return response.via.branch?.startsWith(this.#word) === true
  }

  /** Which phone answered; undefined: none we wait for, or it came from another address than we asked at. */
  answered(now: MonotonicMs, response: Response, flow: Flow): ContactBinding | undefined {
    const number = Number(response.via.branch?.slice(this.#word.length + 1))
    const binding = this.#askedByNumber.get(number)
    if (binding === undefined || binding.flow.address !== flow.address) return undefined
    this.forget(binding)
    binding.answers = true
    binding.unanswered = 0
    this.#set(now + binding.keepaliveMs, binding)
    return binding
  }

  #set(at: number, binding: ContactBinding): void {
    if (binding.keepaliveMs === 0 || binding.flow.transport !== 'udp') return
    binding.ask = this.#asksOf(binding).set(at, binding)
  }

  #asksOf({ behindNat }: ContactBinding): Deadlines<ContactBinding> {
    return behindNat ? this.#behindNat : this.#others
  }

  #due(now: MonotonicMs): ContactBinding | undefined {
    return this.#behindNat.due(now) ?? this.#others.due(now)
  }

  /** The question before came to nothing; whether that was one too many. */
  #isLost(binding: ContactBinding): boolean {
    if (binding.asked === 0) return false
    binding.unanswered++
    return binding.answers && !binding.lost && binding.unanswered >= unansweredAtMost
  }

  /** Asks anew, or the same again of one which is about to be lost: then an answer to any of them counts. */
  #ask(now: MonotonicMs, binding: ContactBinding): Effect {
    const doubted = binding.answers && binding.unanswered < unansweredAtMost
    const again = doubted && binding.asked > 0
    if (!again) {
      this.#askedByNumber.delete(binding.asked)
      binding.asked = ++this.#asked
      this.#askedByNumber.set(binding.asked, binding)
    }
    this.#set(now + (doubted ? Math.min(repeatMs, binding.keepaliveMs) : binding.keepaliveMs), binding)
    return { type: 'send', flow: binding.flow, bytes: this.#question(binding), loose: true }
  }

  #question(binding: ContactBinding): Uint8Array {
    const prefix = hostPort(this.#endpoint.address, this.#endpoint.port)
    const number = binding.asked
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
          ['call-id', `${this.#word}.${number}@${this.#endpoint.address}`],
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
  if (flow.transport !== 'udp') return false
  const { via } = register
  const uri = parseUri(contact)
  // As a packet says which came straight: nothing has to be read for that.
  const isThere = uri?.host === flow.address && (uri.port ?? usualPort('udp')) === flow.port
  if (isThere && via.host === flow.address) return false
  const source = readSocketAddress(flow.address, flow.port)
  if (source === undefined) return false
  const sentBy = readSocketAddress(via.host)
  if (sentBy !== undefined && !sentBy.sameAddress(source)) return true
  return register.all('via').length === 1 && uri !== undefined && placeOf(uri)?.same(source) === false
}

/** Undefined where a contact has a name for its host. */
function placeOf({ host, port }: SipUri): SocketAddress | undefined {
  return readSocketAddress(host, port ?? usualPort('udp'))
}
