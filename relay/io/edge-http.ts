import * as http from 'node:http'
import * as https from 'node:https'
import { protocolHeader, relayProtocol } from '#contract'
import { monotonicNow, systemUtc } from './clock.ts'

/** An answer of the edge, whatever it says. */
export interface EdgeReply {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

/** One request under `/relay/v1/`. */
interface EdgeRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  /** JSON as text, or octets. */
  readonly body?: string | Uint8Array
  readonly headers?: http.OutgoingHttpHeaders
  /** How long it may take, all in all. */
  readonly budgetMs: number
  /** A longer answer is broken off. */
  readonly bytesAtMost?: number
}

/* Implementation */
const bytesAtMost = 4 * 1024 * 1024

/** The connections to the edge, which are kept; never more than so many, whatever becomes of the edge. */
export class EdgeHttp {
  readonly #base: URL
  readonly #key: string
  readonly #agent: http.Agent

  /** `url` is `http://…` or `https://…`, without `/relay/v1`. */
  constructor(options: { readonly url: string; readonly key: string; readonly socketsAtMost?: number }) {
    this.#base = new URL(options.url)
    this.#key = options.key
    const kept = { keepAlive: true, maxSockets: options.socketsAtMost ?? 64, scheduling: 'lifo' } as const
    this.#agent = this.#base.protocol === 'https:' ? new https.Agent(kept) : new http.Agent(kept)
  }

  /** Rejects when no whole answer came; a kept connection found closed is replaced once, within the budget. */
  async run(request: EdgeRequest): Promise<EdgeReply> {
    const deadline = monotonicNow() + request.budgetMs
    try {
      return await this.#request(request, request.budgetMs)
    } catch (error) {
      const left = deadline - monotonicNow()
      if (!(error instanceof Stale) || left <= 0) throw error
      return this.#request(request, left)
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  #request({ method, path, body, headers, bytesAtMost }: EdgeRequest, budgetMs: number): Promise<EdgeReply> {
    return new Promise((resolve, reject) => {
      const request = (this.#base.protocol === 'https:' ? https : http).request({
        agent: this.#agent,
        method,
        hostname: this.#base.hostname.replace(/^\[|\]$/g, ''),
        port: this.#base.port,
        path: `${this.#base.pathname.replace(/\/$/, '')}/relay/v1/${path}`,
        headers: { ...this.#headers(body), ...headers },
      })
      const timer = setTimeout(
        () => request.destroy(new Error(`no answer in ${Math.round(budgetMs)} ms`)),
        budgetMs,
      )
      const failed = (error: Error): void => {
        clearTimeout(timer)
        reject(error)
      }
      request.on('error', (error: NodeJS.ErrnoException) =>
        failed(request.reusedSocket && closed.has(error.code ?? '') ? new Stale(error.message) : error),
      )
      request.on('response', (response) => {
        read(response, bytesAtMost).then((body) => {
          clearTimeout(timer)
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
        }, failed)
      })
      request.end(body)
    })
  }

  #headers(body: string | Uint8Array | undefined): http.OutgoingHttpHeaders {
    const always = { authorization: `Bearer ${this.#key}`, [protocolHeader]: relayProtocol }
    if (body === undefined) return always
    const type = typeof body === 'string' ? 'application/json' : 'application/octet-stream'
    return { ...always, 'content-type': type, 'content-length': Buffer.byteLength(body) }
  }
}

/** The kept connection was closed before it could be used again. */
class Stale extends Error {}

const closed = new Set(['ECONNRESET', 'EPIPE'])

function read(response: http.IncomingMessage, atMost = bytesAtMost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    response.on('data', (chunk: Buffer) => {
      length += chunk.length
      chunks.push(chunk)
      if (length > atMost) response.destroy(new Error('the answer is too long'))
    })
    response.on('end', () => resolve(Buffer.concat(chunks)))
    response.on('error', reject)
    response.on('aborted', () => reject(new Error('the answer broke off')))
  })
}

/** The JSON of an answer which must be 200; otherwise an error which says what the edge means. Throws that error. */
export function readJson({ status, body }: EdgeReply): unknown {
  if (status !== 200) throw new Error(refusal(status))
  try {
    return JSON.parse(String(body))
  } catch (cause) {
    throw new Error('the edge answered something which is no JSON', { cause })
  }
}

/** What was parsed, or an error which names the first thing that is wrong with it. Throws that error. */
export function valid<T>(parsed: { success: true; data: T } | { success: false; error: Misreading }): T {
  if (parsed.success) return parsed.data
  throw new Error(`the edge's answer is not understood: ${misreadAt(parsed.error)}`)
}

/** Why something could not be read. */
interface Misreading {
  readonly issues: readonly { readonly path: PropertyKey[]; readonly message: string }[]
}

/** The first thing that is wrong with what was read. */
export function misreadAt({ issues: [issue] }: Misreading): string {
  return `${issue?.path.join('.')} ${issue?.message}`
}

/** What an edge means which does not answer 200. */
export function refusal(status: number): string {
  return status === 401
    ? 'the edge does not take this RELAY_KEY (401): npm run relay-key there makes one it takes'
    : `the edge answered ${status}`
}

/**
 * Milliseconds to wait, given in seconds or as a date (RFC 9110 §10.2.3); 0 where nothing is said.
 *
 * `longestMs` bounds it: a proxy on the way, or one which errs, must not silence a relay for an hour.
 */
export function retryAfterMs(value: string | undefined, longestMs: number): number {
  if (value === undefined) return 0
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - systemUtc()
  return Math.min(Math.max(ms || 0, 0), longestMs)
}
