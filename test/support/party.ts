import { randomBytes } from 'node:crypto'
import { Call } from './call.ts'
import { type Certificate, certificate } from './certificate.ts'
import { Losses } from './losses.ts'
import {
  type HostAndPort,
  lossy,
  phoneSocket,
  type SipSocket,
  type SipSocketOptions,
  type TracedMessage,
  type Transport,
  udpSocket,
  webSocket,
} from './sip-socket.ts'
import { all, header, methodOf, type SipText, statusOf, tagOf, uriOf } from './sip-text.ts'

export interface PartyOptions {
  name: string
  address: string
  port?: number
  transport?: Transport
  relay: HostAndPort
  trace?: TracedMessage[]
  /** What it shows when it takes TLS connections; a self-signed one by default. */
  certificate?: Certificate
  /** What is lost of its messages, either way; nothing by default. */
  losses?: Losses
}

/** A request in flight: what to do with its responses, and how to stop repeating it. */
interface Asking {
  message: SipText
  to: HostAndPort
  provisional: (response: SipText) => void
  final: (response: SipText) => void
  repeat: NodeJS.Timeout | undefined
  /** Sent again for every final response which comes again. */
  ack: SipText | undefined
  done: boolean
}

/** A request answered: the last response, repeated when the request is. */
interface Answering {
  message: SipText
  /** What its ACK has in common with it. */
  id: string
  from: HostAndPort
  last: SipText | undefined
  repeat: NodeJS.Timeout | undefined
  call: Call | undefined
}

/** A scripted SIP user agent: enough of RFC 3261 to place and take calls, and nothing that hides what happened. */
export class Party {
  readonly name: string
  readonly address: string
  /** Where its requests go. */
  relay: HostAndPort
  readonly trace: TracedMessage[]
  /** Calls placed and taken, oldest first. */
  readonly calls: Call[] = []
  /** What to do with a new call; rings for ever by default. */
  onCall: (call: Call) => void = (call) => call.ring()
  /** True: every message is ignored. */
  deaf = false
  /** Methods of requests which it does not answer. */
  readonly ignores = new Set<string>()
  /** What it shows over TLS. */
  readonly certificate: Certificate
  readonly #losses: Losses
  #socket: SipSocket | undefined
  readonly #asking = new Map<string, Asking>()
  readonly #answering = new Map<string, Answering>()

  constructor({ name, address, relay, trace = [], certificate: shown, losses = new Losses() }: PartyOptions) {
    this.name = name
    this.address = address
    this.relay = relay
    this.trace = trace
    this.certificate = shown ?? selfSigned()
    this.#losses = losses
  }

  async open({ port = 0, transport = 'UDP' }: Pick<PartyOptions, 'port' | 'transport'> = {}): Promise<this> {
    const options = {
      party: this.name,
      trace: this.trace,
      receive: (message: SipText, from: HostAndPort) => this.#receive(message, from),
    }
    this.#socket =
      transport === 'UDP'
        ? lossy(await udpSocket(this.address, port, options), this.#losses)
        : transport === 'WS' || transport === 'WSS'
          ? await webSocket(transport, this.address, this.relay, options)
          : await this.connected(transport, port, options)
    return this
  }

  /** How it lives on a stream: it connects to the relay, as phones do; carriers take connections. */
  protected connected(
    transport: 'TCP' | 'TLS',
    _port: number,
    options: SipSocketOptions,
  ): Promise<SipSocket> {
    return phoneSocket(transport, this.address, this.relay, options)
  }

  get socket(): SipSocket {
    if (this.#socket === undefined) throw new Error(`${this.name} is not open`)
    return this.#socket
  }

  get place(): HostAndPort {
    return this.socket.place
  }

  /** This party's Contact URI. */
  contact(user: string): string {
    const { transport } = this.socket
    const suffix =
      transport === 'UDP' ? '' : `;transport=${transport === 'WSS' ? 'ws' : transport.toLowerCase()}`
    return `sip:${user}@${this.place.address}:${this.place.port}${suffix}`
  }

  /** A new top Via for a request of ours. */
  via(): string {
    const { address, port } = this.place
    return `SIP/2.0/${this.socket.transport} ${address}:${port};branch=z9hG4bK${randomBytes(9).toString('hex')};rport`
  }

  /** Sends a request, repeats it as RFC 3261 §17.1 asks, and gives its final response. */
  ask(
    message: SipText,
    to: HostAndPort,
    provisional: (response: SipText) => void = () => undefined,
  ): Promise<SipText> {
    return new Promise((resolve, reject) => {
      const key = transactionOf(message)
      const asking: Asking = {
        message,
        to,
        provisional,
        final: resolve,
        repeat: undefined,
        ack: undefined,
        done: false,
      }
      this.#asking.set(key, asking)
      this.socket.send(message, to)
      this.#repeat(asking, 500, 32_000, () => {
        this.#asking.delete(key)
        reject(new Error(`${this.name} heard nothing for its ${methodOf(message)} in 32 s`))
      })
    })
  }

  /** Sends what needs no answer: an ACK. */
  tell(message: SipText, to: HostAndPort): void {
    this.socket.send(message, to)
  }

  /** The ACK to repeat whenever the 2xx of `invite` comes again. */
  acknowledge(invite: SipText, ack: SipText, to: HostAndPort): void {
    const asking = this.#asking.get(transactionOf(invite))
    if (asking) asking.ack = ack
    this.tell(ack, to)
  }

  /** Answers a request that came. Finals of an INVITE are repeated until the ACK. */
  reply(
    request: SipText,
    status: number,
    reason: string,
    extra: SipText['headers'] = [],
    body = '',
    tag?: string,
  ): void {
    const answering = this.#answering.get(transactionOf(request))
    const response = responseTo(request, status, reason, extra, body, tag)
    if (answering) answering.last = response
    if (answering && methodOf(request) === 'INVITE' && status >= 200) this.#insist(answering, response)
    this.socket.send(response, answering?.from ?? this.relay)
  }

  close(): void {
    for (const asking of this.#asking.values()) clearTimeout(asking.repeat)
    for (const answering of this.#answering.values()) clearTimeout(answering.repeat)
    for (const call of this.calls) call.sound?.close()
    this.#socket?.close()
  }

  #receive(message: SipText, from: HostAndPort): void {
    if (this.deaf) return
    if (this.#losses.loses(message)) return
    if (statusOf(message) === undefined) this.#receiveRequest(message, from)
    else this.#receiveResponse(message)
  }

  #receiveResponse(response: SipText): void {
    const status = statusOf(response) ?? 0
    const asking = this.#asking.get(transactionOf(response))
    if (asking === undefined) return
    const invite = methodOf(response) === 'INVITE'
    if (status < 200) {
      if (invite) clearTimeout(asking.repeat)
      asking.provisional(response)
      return
    }
    clearTimeout(asking.repeat)
    if (invite && status >= 300) this.tell(failureAck(asking.message, response), asking.to)
    else if (asking.done && asking.ack) this.tell(asking.ack, asking.to)
    if (asking.done) return
    asking.done = true
    asking.final(response)
  }

  #receiveRequest(request: SipText, from: HostAndPort): void {
    const method = methodOf(request)
    if (this.ignores.has(method)) return
    if (method === 'ACK') {
      this.#receiveAck(request)
      return
    }
    const known = this.#answering.get(transactionOf(request))
    if (known) {
      if (known.last) this.socket.send(known.last, from)
      return
    }
    const answering: Answering = {
      message: request,
      id: idOf(request),
      from,
      last: undefined,
      repeat: undefined,
      call: undefined,
    }
    this.#answering.set(transactionOf(request), answering)
    const call = this.#callOf(request)
    if (method === 'CANCEL') this.#receiveCancel(request)
    else if (call) call.receive(request)
    else if (tagOf(header(request, 'to'))) this.reply(request, 481, 'Call/Transaction Does Not Exist')
    else if (method === 'INVITE') this.#receiveInvite(answering)
    else
      this.reply(request, method === 'OPTIONS' ? 200 : 501, method === 'OPTIONS' ? 'OK' : 'Not Implemented')
  }

  #receiveInvite(answering: Answering): void {
    answering.call = Call.incoming(this, answering.message)
    this.calls.push(answering.call)
    this.onCall(answering.call)
  }

  #receiveCancel(cancel: SipText): void {
    const invite = this.#answering.get(transactionOf(cancel, 'INVITE'))
    if (invite?.call?.ignored) return
    if (invite === undefined) this.reply(cancel, 481, 'Call/Transaction Does Not Exist')
    else this.reply(cancel, 200, 'OK')
    invite?.call?.cancelled()
  }

  #receiveAck(ack: SipText): void {
    const id = idOf(ack)
    for (const answering of this.#answering.values())
      if (answering.id === id && methodOf(answering.message) === 'INVITE') clearTimeout(answering.repeat)
    this.#callOf(ack)?.acked(ack)
  }

  #callOf(request: SipText): Call | undefined {
    const tag = tagOf(header(request, 'to'))
    const callId = header(request, 'call-id')
    return tag === undefined
      ? undefined
      : this.calls.find((call) => call.callId === callId && call.tag === tag)
  }

  #insist(answering: Answering, response: SipText): void {
    clearTimeout(answering.repeat)
    if (this.socket.transport !== 'UDP' && (statusOf(response) ?? 0) >= 300) return
    let wait = 500
    const again = () => {
      this.socket.send(response, answering.from)
      wait = Math.min(wait * 2, 4000)
      answering.repeat = setTimeout(again, wait)
    }
    answering.repeat = setTimeout(again, wait)
  }

  #repeat(asking: Asking, wait: number, left: number, giveUp: () => void): void {
    const step = Math.min(wait, left)
    asking.repeat = setTimeout(() => {
      if (left - step <= 0) return giveUp()
      if (this.socket.transport === 'UDP') this.socket.send(asking.message, asking.to)
      const slow = methodOf(asking.message) === 'INVITE' ? wait * 2 : Math.min(wait * 2, 4000)
      this.#repeat(asking, slow, left - step, giveUp)
    }, step)
  }
}

/** Call-ID and CSeq number: an INVITE and its ACK have the same. */
function idOf(message: SipText): string {
  return `${header(message, 'call-id')} ${header(message, 'cseq').split(' ')[0]}`
}

/** What names a transaction: the top branch and the method (RFC 3261 §17.1.3). */
function transactionOf(message: SipText, method = methodOf(message)): string {
  return `${/branch=([^;,\s]+)/.exec(header(message, 'via'))?.[1]} ${method}`
}

function failureAck(invite: SipText, response: SipText): SipText {
  return {
    start: invite.start.replace('INVITE', 'ACK'),
    headers: [
      ['Via', header(invite, 'via')],
      ...all(invite, 'route').map((value): [string, string] => ['Route', value]),
      ['From', header(invite, 'from')],
      ['To', header(response, 'to')],
      ['Call-ID', header(invite, 'call-id')],
      ['CSeq', header(invite, 'cseq').replace('INVITE', 'ACK')],
      ['Max-Forwards', '70'],
    ],
    body: '',
  }
}

function responseTo(
  request: SipText,
  status: number,
  reason: string,
  extra: SipText['headers'],
  body: string,
  tag = 'party',
): SipText {
  const to = header(request, 'to')
  const copied = request.headers.filter(([name]) => /^(via|v|record-route)$/i.test(name))
  return {
    start: `SIP/2.0 ${status} ${reason}`,
    headers: [
      ...copied,
      ['From', header(request, 'from')],
      ['To', status === 100 || tagOf(to) ? to : `${to};tag=${tag}`],
      ['Call-ID', header(request, 'call-id')],
      ['CSeq', header(request, 'cseq')],
      ...extra,
      ...(body === '' ? [] : [['Content-Type', 'application/sdp'] as [string, string]]),
    ],
    body,
  }
}

/** host:port of a SIP URI with a literal IPv4 host. */
export function placeOf(uri: string): HostAndPort | undefined {
  const [, host, port] = /^sips?:(?:[^@>]*@)?([\d.]+)(?::(\d+))?/.exec(uriOf(uri)) ?? []
  return host === undefined ? undefined : { address: host, port: Number(port ?? 5060) }
}

let shared: Certificate | undefined

/** One for all who do not care: making many would only take time. */
function selfSigned(): Certificate {
  shared ??= certificate({ names: ['DNS:carrier.test'], commonName: 'carrier.test' })
  return shared
}
