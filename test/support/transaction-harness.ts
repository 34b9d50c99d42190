import { monotonicMs, portNumber } from '#contract'
import type { Flow } from '../../relay/ground/flow.ts'
import { type Header, type Message, type Request, type Response, request } from '../../relay/sip/message.ts'
import { reply } from '../../relay/sip/reply.ts'
import { type TransactionOutput, Transactions } from '../../relay/transaction/layer.ts'
import type { TimerBase } from '../../relay/transaction/timers.ts'

export const udp: Flow = { transport: 'udp', address: '192.0.2.1', port: portNumber(5060) }
export const tcp: Flow = { transport: 'tcp', address: '192.0.2.1', port: portNumber(5060), connection: 7 }

/**
 * The transaction layer on a clock of paper, and what it did in words.
 *
 * `→ INVITE` and `→ 180` went out; `hears 180` and `new INVITE` reached the layer above; `stray 200`,
 * `timeout`, `unreachable`, `unacknowledged` and `ended` are what they say.
 */
export class TransactionHarness {
  readonly transactions: Transactions
  readonly flow: Flow
  /** The last transaction begun. */
  id = 0
  /** The bytes last sent, as text. */
  sent = ''
  /** The flow last sent to. */
  sentTo: Flow | undefined
  now = 1_000_000

  constructor(flow: Flow = udp, timers: Partial<TimerBase> = {}) {
    this.flow = flow
    this.transactions = new Transactions({ timers })
  }

  /** A message comes from the wire. */
  hears(message: Message, flow: Flow = this.flow): string[] {
    return this.words(this.transactions.receive({ type: 'message', message, flow }, monotonicMs(this.now)))
  }

  opens(asked: Request, flow: Flow = this.flow): this {
    this.id = this.transactions.open(monotonicMs(this.now), asked, flow)
    return this
  }

  /** Begins a transaction with its answer. */
  answers(asked: Request, answer: Response): string[] {
    return this.words(this.transactions.answer(monotonicMs(this.now), asked, this.flow, answer))
  }

  responds(answer: Response, id: number = this.id): string[] {
    return this.words(this.transactions.respond(monotonicMs(this.now), id, answer))
  }

  sends(asked: Request): string[] {
    const { id, outputs } = this.transactions.request(monotonicMs(this.now), asked, this.flow)
    this.id = id
    return this.words(outputs)
  }

  abandons(): string[] {
    return this.words(this.transactions.abandon(monotonicMs(this.now), this.id))
  }

  cannotReach(flow: Flow = this.flow): string[] {
    return this.words(
      this.transactions.receive({ type: 'unsent', flow, why: 'refused' }, monotonicMs(this.now)),
    )
  }

  /** Lets time pass, timer by timer; each thing done is told with how long after the call it was done. */
  after(ms: number): string[] {
    const start = this.now
    const done: string[] = []
    for (let due = this.#due(start + ms); due !== undefined; due = this.#due(start + ms)) {
      this.now = due
      done.push(
        ...this.words(this.transactions.receive({ type: 'tick' }, monotonicMs(due))).map(
          (what) => `${due - start} ${what}`,
        ),
      )
    }
    this.now = start + ms
    return done
  }

  words(outputs: TransactionOutput[]): string[] {
    return outputs.map((output) => this.#word(output))
  }

  #due(until: number): number | undefined {
    const next = this.transactions.nextDeadline()
    return next !== undefined && next <= until ? next : undefined
  }

  #word(output: TransactionOutput): string {
    switch (output.type) {
      case 'send':
        this.sent = new TextDecoder().decode(output.bytes)
        this.sentTo = output.flow
        return `→ ${this.sent.replace(/^SIP\/2.0 /, '').split(' ', 1)[0]}`
      case 'request':
        return `new ${output.request.method}`
      case 'response':
        return `hears ${output.response.status}`
      case 'stray':
        return `stray ${output.response.status}`
      default:
        return output.type
    }
  }
}

/** A request from Alice to Bob, with one thing or another changed. */
export function asks(
  method: string,
  { uri = 'sip:bob@example.com', branch = 'z9hG4bK-1', ...changed }: Changes = {},
): Request {
  const via = changed.via ?? `SIP/2.0/UDP 192.0.2.1:5060;branch=${branch}`
  const headers: Header[] = [
    ['via', via],
    ...(changed.routes ?? []).map((route): Header => ['route', route]),
    ['max-forwards', '70'],
    ['from', `Alice <sip:alice@example.com>;tag=${changed.fromTag ?? 'alice'}`],
    ['to', `Bob <sip:bob@example.com>${changed.toTag === undefined ? '' : `;tag=${changed.toTag}`}`],
    ['call-id', changed.callId ?? 'call-1'],
    ['cseq', `${changed.cseq ?? 1} ${method}`],
  ]
  return request({ method, requestUri: uri, headers: [...headers, ...(changed.headers ?? [])] })
}

export interface Changes {
  uri?: string
  branch?: string
  via?: string
  routes?: string[]
  fromTag?: string
  toTag?: string
  callId?: string
  cseq?: number
  headers?: Header[]
}

/** Bob's answer. */
export function says(asked: Request, status: number, toTag = 'bob'): Response {
  return reply(asked, status, { toTag })
}
