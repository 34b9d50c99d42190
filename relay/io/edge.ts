import {
  type BeginAnswer,
  type BindingList,
  beginAnswer,
  bindingList,
  type CredentialAnswer,
  credentialAnswer,
  type RejectDecision,
  type RouteDecision,
  routeDecision,
  type Tell,
  targetAnswer,
} from '#contract'
import type { Answer, Question } from '../ground/effects.ts'
import { monotonicNow } from './clock.ts'
import { Delivery, type Posted } from './delivery.ts'
import { type EdgeHttp, misreadAt, readJson, valid } from './edge-http.ts'
import type { Log } from './log.ts'
import type { Spool } from './spool.ts'
import type { SpooledTell } from './spooled-tell.ts'
import { UnheardCustomers } from './unheard.ts'

/** Questions a phone or a call waits for. */
type EdgeQuestion = Extract<Question, { ask: 'route' | 'credential' | 'target' | 'begin' }>

interface EdgeOptions {
  readonly http: EdgeHttp
  readonly relayId: string
  readonly spool: Spool
  readonly log: Log
  /** How long a call waits for an answer. */
  readonly budgetMs?: number
  /** Headers of a question beside the usual ones. */
  readonly headersOf?: (question: object) => Readonly<Record<string, string>>
}

/* Implementation */
const tellBudgetMs = 15_000
const listBudgetMs = 15_000

/** Asks the edge and tells it. */
export class EdgeLink {
  readonly #options: EdgeOptions
  readonly #delivery: Delivery
  readonly #budgetMs: number
  readonly #unheard = new UnheardCustomers()
  readonly #credentialsAsked = new Map<string, Promise<CredentialAnswer>>()

  constructor(options: EdgeOptions) {
    this.#options = options
    this.#budgetMs = options.budgetMs ?? 800
    const { relayId, spool, log } = options
    const unheard = (customerIds: readonly string[], toldOf: Iterable<string>) =>
      this.#unheard.said(customerIds, toldOf, monotonicNow())
    this.#delivery = new Delivery({ relayId, spool, log, post: (body) => this.#tell(body), unheard })
  }

  /** Rejects, saying why, when no valid answer comes within the budget, or within `withinMs` where that is less. */
  async ask(question: EdgeQuestion, withinMs = this.#budgetMs): Promise<Answer> {
    const body = JSON.stringify(question.question)
    const budgetMs = Math.min(withinMs, this.#budgetMs)
    if (question.ask === 'credential')
      return { ask: 'credential', answer: await this.#credential(body, budgetMs) }
    if (question.ask === 'begin') return { ask: 'begin', answer: await this.#begin(body, withinMs) }
    const headers = this.#options.headersOf?.(question.question) ?? {}
    const reply = await this.#options.http.run({
      method: 'POST',
      path: question.ask,
      body,
      budgetMs,
      headers,
    })
    if (question.ask === 'target')
      return { ask: 'target', answer: valid(targetAnswer.safeParse(readJson(reply))) }
    return { ask: 'route', answer: this.#decision(readJson(reply)) }
  }

  /**
   * Told at least once, even if the edge or this process is away meanwhile. `holdMs`: it is no news, and may wait so long
   * for others to go with; so is what is told of calls which are not watched, unless the edge is not there to hear anything.
   */
  tell(tell: Tell, holdMs?: number): void {
    const now = monotonicNow()
    const unwatched = this.#unheard.holdMsOf(tell, now)
    const held = holdMs ?? (this.#delivery.failing ? 0 : unwatched)
    const heldUntil = held > 0 ? now + held : 0
    this.#options.spool.add(tell, heldUntil)
    this.#delivery.nudge(heldUntil)
  }

  /** Calls of these customers begin to be watched: what was held back of them is told now. */
  watched(customerIds: readonly string[]): void {
    if (customerIds.length === 0) return
    this.#unheard.watched(customerIds, monotonicNow())
    const begun = new Set(customerIds)
    this.#hurry(({ customer }) => customer !== undefined && begun.has(customer))
  }

  /** Another relay is there, which may have told of phones whose refreshes are held here: they are told now. */
  joined(): void {
    this.#hurry(({ implied }) => implied)
  }

  /** A beat was answered, or was not: what waits to be told goes by that. */
  beaten(answered: boolean): void {
    if (answered) this.#delivery.answered()
    else this.#delivery.missed()
  }

  /** This relay's bindings as the edge remembers them. */
  async bindings(): Promise<BindingList> {
    // What the last process could not tell any more comes first, or its newest phones would be missing,
    // and those which left would be back.
    await this.#delivery.settle()
    if (this.#delivery.failing) throw new Error('the edge has not yet heard what was told before')
    const path = `bindings?relay_id=${encodeURIComponent(this.#options.relayId)}`
    const reply = await this.#options.http.run({ method: 'GET', path, budgetMs: listBudgetMs })
    return valid(bindingList.safeParse(readJson(reply)))
  }

  /** Tells what waits if the edge listens. Spool and connections are the opener's to close. */
  async stop(): Promise<void> {
    await this.#delivery.stop()
  }

  #hurry(which: (tell: SpooledTell) => boolean): void {
    if (this.#options.spool.hurry(which)) this.#delivery.nudge()
  }

  /** A decision which is newer than this relay refuses the call: the edge is well, and no other call suffers. */
  #decision(read: unknown): RouteDecision {
    const parsed = routeDecision.safeParse(read)
    if (parsed.success) return parsed.data
    const refusal = notUnderstood(read, misreadAt(parsed.error))
    if (!refusal) return valid(parsed)
    const { message, customer_id } = refusal
    this.#options.log('error', 'edge.not_understood', { message, customer_id })
    return refusal
  }

  /** No phone waits for it: it has as long as the call says. */
  async #begin(body: string, budgetMs: number): Promise<BeginAnswer> {
    const reply = await this.#options.http.run({ method: 'POST', path: 'begin', body, budgetMs })
    return valid(beginAnswer.safeParse(readJson(reply)))
  }

  async #tell(body: string): Promise<Posted> {
    const { http: exchange } = this.#options
    const reply = await exchange.run({ method: 'POST', path: 'tells', body, budgetMs: tellBudgetMs })
    return { status: reply.status, retryAfter: reply.headers['retry-after'], body: String(reply.body) }
  }

  /** All who ask for the same credential at once share one answer: a flood of refreshes is one question. */
  #credential(body: string, budgetMs: number): Promise<CredentialAnswer> {
    const asked = this.#credentialsAsked.get(body)
    if (asked !== undefined) return asked
    const asking = this.#options.http
      .run({ method: 'POST', path: 'credential', body, budgetMs })
      .then((reply) => valid(credentialAnswer.safeParse(readJson(reply))))
      .finally(() => this.#credentialsAsked.delete(body))
    this.#credentialsAsked.set(body, asking)
    return asking
  }
}

/** The refusal which stands for a decision of which only the frame can be read. undefined: not that either, so it is none. */
function notUnderstood(read: unknown, why: string): RejectDecision | undefined {
  const message = `The edge decided the call in a way which this relay cannot read (${why}): update the relay.`
  const refusal = { kind: 'reject', status: 503, reason: 'DECISION_NOT_UNDERSTOOD', message }
  const framed = { ...(read as object), ...refusal }
  for (const unread of [{}, { explanation: null }, { explanation: null, scopes: [] }]) {
    const { data } = routeDecision.safeParse({ ...framed, ...unread })
    if (data?.kind === 'reject') return data
  }
  return undefined
}
