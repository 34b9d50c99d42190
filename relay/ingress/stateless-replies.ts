import type { ChallengeAdmission } from '../auth/auth-result.ts'
import type { Challenger } from '../auth/challenger.ts'
import { sipReason } from '../call/reason.ts'
import type { Clock } from '../ground/clock.ts'
import { type Flow, isProxysOwn, reliable } from '../ground/flow.ts'
import { RateLimiter } from '../ground/rate-limiter.ts'
import { sourceNetwork } from '../ground/source-prefix.ts'
import type { Header, Request, Response } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { responseFlow } from '../sip/via.ts'
import { writeMessage } from '../sip/write.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { IngressEffects } from './ingress-effects.ts'

interface StatelessRepliesDeps {
  readonly endpoint: SipEndpoint
  readonly effects: IngressEffects
  readonly clock: Clock
  readonly challenger: Challenger
}

const longAnswers = { atOnce: 200, perSecond: 50 }

/** Responses outside any transaction: nothing is kept of the request (RFC 3261 §8.2.7). */
export class StatelessReplies {
  readonly #endpoint: SipEndpoint
  readonly #effects: IngressEffects
  readonly #clock: Clock
  readonly #challenger: Challenger
  readonly #longAnswers = new RateLimiter(longAnswers)

  constructor({ endpoint, effects, clock, challenger }: StatelessRepliesDeps) {
    this.#challenger = challenger
    this.#endpoint = endpoint
    this.#effects = effects
    this.#clock = clock
  }

  /**
   * Sends a response to where its request came from. Over UDP that may be forged: answers more than twice as long as
   * what they answer are rate-limited, by source network; those to a proxy of ours never, for its address cannot be forged.
   */
  send(response: Response, request: Request, flow: Flow): void {
    const bytes = writeMessage(response)
    const long = !reliable(flow) && !isProxysOwn(flow) && bytes.length > 2 * request.octets
    if (!long || this.#longAnswers.take(this.#clock.now, sourceNetwork(flow.address)))
      return this.#effects.emit({ type: 'send', flow: responseFlow(request.via, flow, true), bytes })
    this.#effects.note('debug', 'sip.dropped', { why: 'too many long answers', from: flow.address })
  }

  /** Refuses a request, or answers it at once; the tag is the same for every repeat (RFC 3261 §8.2.7). */
  refuse(
    request: Request,
    flow: Flow,
    status: number,
    reason?: string,
    headers: readonly Header[] = [],
  ): void {
    const { callId, from, cseq, via } = request
    const { hashes } = this.#endpoint
    const toTag = hashes.mac(`${callId}\n${from.tag}\n${cseq.number}\n${via.branch}`).slice(0, 16)
    this.send(reply(request, status, { reason, headers, toTag, flow }), request, flow)
  }

  /** Asks for a proof (RFC 3261 §22). */
  challenge(request: Request, flow: Flow, admission: ChallengeAdmission): void {
    if (admission.blocked)
      this.#effects.note('warn', 'auth.blocked', { ...admission.blocked, from: flow.address })
    this.send(this.#challenger.challenge(this.#clock.now, request, { ...admission, flow }), request, flow)
  }

  /** What cannot be done before the call is answered may be asked again soon (RFC 3311 §5.2, RFC 3261 §14.2). */
  notYet(request: Request, flow: Flow): void {
    this.refuse(request, flow, 500, undefined, [['retry-after', String(this.#endpoint.entropy.below(11))]])
  }

  /** The log says that a request waited for the edge in vain. */
  edgeSilent(why: string, { method }: Request): void {
    this.#effects.note('warn', 'edge.unanswered', { why, method })
  }

  /** Refuses one which waited for the edge: it was taken back meanwhile, or the edge said nothing, and it may come back soon. */
  waited(request: Request, flow: Flow, status: 487 | 503): void {
    if (status === 487) return this.refuse(request, flow, status)
    const seconds = 5 + this.#endpoint.entropy.below(10)
    const why = sipReason(503, 'the edge does not answer')
    this.refuse(request, flow, 503, undefined, [['retry-after', String(seconds)], why])
  }
}
