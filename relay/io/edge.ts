import * as http from 'node:http'
import * as https from 'node:https'
import {
  type BindingList,
  bindingList,
  type CredentialAnswer,
  credentialAnswer,
  routeDecision,
  type Tell,
} from '#contract'
import type { Answer, Question } from '../effects.ts'
import { Delivery, type Posted } from './delivery.ts'
import type { Log } from './log.ts'
import type { Spool } from './spool.ts'

/** What the edge answers; where a host is, it does not know. */
export type EdgeQuestion = Exclude<Question, { ask: 'locate' }>

export interface EdgeOptions {
  /** `http://…` or `https://…`, without `/relay/v1`. */
  readonly url: string
  readonly key: string
  readonly relayId: string
  readonly spool: Spool
  readonly log: Log
  /** How long a call waits for an answer. */
  readonly budgetMs?: number
}

/* Implementation */
const socketsAtMost = 64
const answerBytesAtMost = 4 * 1024 * 1024
const tellBudgetMs = 15_000
const listBudgetMs = 15_000

/** Asks the edge and tells it, over connections which are kept. */
export class EdgeLink {
  readonly #base: URL
  readonly #options: EdgeOptions
  readonly #agent: http.Agent
  readonly #delivery: Delivery
  readonly #budgetMs: number
  readonly #credentialsAsked = new Map<string, Promise<CredentialAnswer>>()

  constructor(options: EdgeOptions) {
    this.#base = new URL(options.url)
    this.#options = options
    this.#budgetMs = options.budgetMs ?? 800
    const kept = { keepAlive: true, maxSockets: socketsAtMost, scheduling: 'lifo' } as const
    this.#agent = this.#base.protocol === 'https:' ? new https.Agent(kept) : new http.Agent(kept)
    const { relayId, spool, log } = options
    this.#delivery = new Delivery({
      relayId,
      spool,
      log,
      post: (body) => this.#post('tells', body, tellBudgetMs),
    })
  }

  /** Rejects, saying why, when no valid answer comes within the budget. */
  async ask(question: EdgeQuestion): Promise<Answer> {
    const body = JSON.stringify(question.question)
    if (question.ask === 'credential') return { ask: 'credential', answer: await this.#credential(body) }
    const answer = readJson(await this.#post('route', body, this.#budgetMs))
    return { ask: 'route', answer: valid(routeDecision.safeParse(answer)) }
  }

  /** Told at least once, even if the edge or this process is away meanwhile. */
  tell(tell: Tell): void {
    this.#options.spool.add(tell)
    this.#delivery.nudge()
  }

  /** This relay's bindings as the edge remembers them. */
  async bindings(): Promise<BindingList> {
    // What the last process could not tell any more comes first, or its newest phones would be missing.
    await this.#delivery.settle()
    const path = `bindings?relay_id=${encodeURIComponent(this.#options.relayId)}`
    return valid(bindingList.safeParse(readJson(await this.#exchange('GET', path, undefined, listBudgetMs))))
  }

  /** Tells what waits if the edge listens, and closes the connections. The spool is the opener's to close. */
  async stop(): Promise<void> {
    await this.#delivery.stop()
    this.#agent.destroy()
  }

  /** All who ask for the same credential at once share one answer: a flood of refreshes is one question. */
  #credential(body: string): Promise<CredentialAnswer> {
    const asked = this.#credentialsAsked.get(body)
    if (asked !== undefined) return asked
    const asking = this.#post('credential', body, this.#budgetMs)
      .then((posted) => valid(credentialAnswer.safeParse(readJson(posted))))
      .finally(() => this.#credentialsAsked.delete(body))
    this.#credentialsAsked.set(body, asking)
    return asking
  }

  #post(path: string, body: string, budgetMs: number): Promise<Posted> {
    return this.#exchange('POST', path, body, budgetMs)
  }

  /** One request; a kept connection which turns out to be closed is replaced once, within the same budget. */
  async #exchange(method: string, path: string, body: string | undefined, budgetMs: number): Promise<Posted> {
    const deadline = performance.now() + budgetMs
    try {
      return await this.#request(method, path, body, budgetMs)
    } catch (error) {
      const left = deadline - performance.now()
      if (!(error instanceof Stale) || left <= 0) throw error
      return this.#request(method, path, body, left)
    }
  }

  #request(method: string, path: string, body: string | undefined, budgetMs: number): Promise<Posted> {
    return new Promise((resolve, reject) => {
      const request = (this.#base.protocol === 'https:' ? https : http).request({
        agent: this.#agent,
        method,
        hostname: this.#base.hostname.replace(/^\[|\]$/g, ''),
        port: this.#base.port,
        path: `${this.#base.pathname.replace(/\/$/, '')}/relay/v1/${path}`,
        headers: this.#headers(body),
      })
      const timer = setTimeout(
        () => request.destroy(new Error(`no answer in ${Math.round(budgetMs)} ms`)),
        budgetMs,
      )
      request.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer)
        reject(request.reusedSocket && closed.has(error.code ?? '') ? new Stale(error.message) : error)
      })
      request.on('response', (response) => {
        read(response).then(
          (text) => {
            clearTimeout(timer)
            resolve({
              status: response.statusCode ?? 0,
              retryAfter: response.headers['retry-after'],
              body: text,
            })
          },
          (error: Error) => {
            clearTimeout(timer)
            reject(error)
          },
        )
      })
      request.end(body)
    })
  }

  #headers(body: string | undefined): http.OutgoingHttpHeaders {
    const authorization = `Bearer ${this.#options.key}`
    if (body === undefined) return { authorization }
    return { authorization, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  }
}

/** The kept connection was closed before it could be used again. */
class Stale extends Error {}

const closed = new Set(['ECONNRESET', 'EPIPE'])

function read(response: http.IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    response.on('data', (chunk: Buffer) => {
      length += chunk.length
      chunks.push(chunk)
      if (length > answerBytesAtMost) response.destroy(new Error('the answer is too long'))
    })
    response.on('end', () =>
      resolve(chunks.length === 1 ? String(chunks[0]) : Buffer.concat(chunks).toString()),
    )
    response.on('error', reject)
    response.on('aborted', () => reject(new Error('the answer broke off')))
  })
}

function readJson({ status, body }: Posted): unknown {
  if (status !== 200) throw new Error(refusal(status))
  try {
    return JSON.parse(body)
  } catch (cause) {
    throw new Error('the edge answered something which is no JSON', { cause })
  }
}

function valid<T>(
  parsed:
    | { success: true; data: T }
    | { success: false; error: { issues: { path: PropertyKey[]; message: string }[] } },
): T {
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Error(`the edge's answer is not understood: ${issue?.path.join('.')} ${issue?.message}`)
}

/** What an edge means which does not answer 200. */
function refusal(status: number): string {
  return status === 401
    ? 'the edge does not take this RELAY_KEY (401): npm run relay-key there makes one it takes'
    : `the edge answered ${status}`
}
