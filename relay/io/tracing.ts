import { randomBytes } from 'node:crypto'
import {
  isSampled,
  type MetricFamily,
  otlpTraces,
  type Tell,
  type TraceCollector,
  type TraceSpan,
  traceOfCall,
  traceparent,
  type UtcMs,
} from '#contract'
import type { Question } from '../ground/effects.ts'
import { spansOfCall } from './call-spans.ts'
import type { Log } from './log.ts'
import { Counter } from './metrics.ts'
import { saidBy } from './said-by.ts'

interface TracingOptions {
  readonly collector: TraceCollector
  /** Who makes the spans. */
  readonly resource: TraceSpan['attributes']
  utc(): UtcMs
  readonly log: Log
  /** How long the collector has, at the end, for all that waits, ms. */
  readonly stopMs?: number
}

/* Implementation */
const spansAtMost = 4_096
const spansAtOnce = 512
/** Calls which are over, and remembered. */
const callsAtMost = 4_096
const gatherMs = 1_000
const longestPauseMs = 30_000
const answerMs = 5_000
const usualStopMs = 3_000
const complainMs = 60_000
/** A collector is busy (OTLP/HTTP, “Retryable Response Codes”). */
const busy = new Set([429, 502, 503, 504])

/**
 * Sends what became of calls to a collector, as traces. Nothing waits for it: what finds the queue full is dropped, and counted.
 */
export class Tracing {
  readonly #options: TracingOptions
  readonly #waiting: TraceSpan[] = []
  readonly #over = new Set<string>()
  readonly #asked = new WeakMap<object, Parameters<typeof traceparent>[0]>()
  readonly #spans = new Counter({
    name: 'trunkline_trace_spans_total',
    help: 'Spans of calls, by what became of them: sent to the collector, or dropped.',
    labels: ['outcome'],
  })
  #timer: NodeJS.Timeout | undefined
  #pauseMs = gatherMs
  #complainedAt = Number.NEGATIVE_INFINITY
  #sending: Promise<void> | undefined
  /** What is under way. */
  #request: AbortController | undefined

  constructor(options: TracingOptions) {
    this.#options = options
  }

  /** The answer to a question of a call, which is a span of it. */
  asked<Answer>(question: Question, ask: () => Promise<Answer>): Promise<Answer> {
    if (question.ask !== 'route') return ask()
    const { traceId, spanId: parentId } = traceOfCall(question.question.call_id)
    const ids = { traceId, spanId: randomBytes(8).toString('hex') }
    const sampled = this.#samples(traceId)
    this.#asked.set(question.question, { ...ids, sampled })
    if (!sampled) return ask()
    const start = this.#options.utc()
    const over = (error?: string) =>
      this.#take({
        ...ids,
        parentId,
        name: 'ask route',
        kind: 'client',
        start,
        end: this.#options.utc(),
        attributes: { 'call.id': question.question.call_id },
        ...(error !== undefined && { error }),
      })
    const answer = ask()
    answer.then(
      () => over(),
      (why: unknown) => over(saidBy(why)),
    )
    return answer
  }

  /** Headers by which the edge knows what its own spans belong to. */
  readonly headersOf = (question: object): Record<string, string> => {
    const ids = this.#asked.get(question)
    return ids ? { traceparent: traceparent(ids) } : {}
  }

  tell(tell: Tell): void {
    if (tell.kind !== 'call') return
    const { call_id, ended_at } = tell.call
    // The record of a call which is over is told again with its sound.
    if (this.#over.has(call_id) || !this.#samples(traceOfCall(call_id).traceId)) return
    for (const span of spansOfCall(tell)) this.#take(span)
    if (ended_at !== null) this.#remember(call_id)
  }

  families(): MetricFamily[] {
    return [this.#spans.family()]
  }

  /** Sends what waits, once, as far as the collector takes it in time. */
  async stop(): Promise<void> {
    this.#rest()
    let late = false
    const limit = setTimeout(() => {
      late = true
      this.#request?.abort(new Error('the relay ends, and waits no longer'))
    }, this.#options.stopMs ?? usualStopMs)
    await this.#sending
    this.#rest()
    while (!late && this.#waiting.length > 0 && (await this.#send()));
    clearTimeout(limit)
    this.#rest()
  }

  #samples(traceId: string): boolean {
    return isSampled(traceId, this.#options.collector.ratio)
  }

  #rest(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #remember(callId: string): void {
    this.#over.add(callId)
    const [oldest] = this.#over
    if (this.#over.size > callsAtMost && oldest !== undefined) this.#over.delete(oldest)
  }

  #take(span: TraceSpan): void {
    if (this.#waiting.length >= spansAtMost) return this.#spans.add(['dropped'])
    this.#waiting.push(span)
    this.#wake()
  }

  #wake(): void {
    if (this.#timer !== undefined || this.#sending !== undefined || this.#waiting.length === 0) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#sending = this.#send().then(() => {
        this.#sending = undefined
        this.#wake()
      })
    }, this.#pauseMs).unref()
  }

  /** Sends the first of those which wait; false: the collector takes none now, and they wait on. */
  async #send(): Promise<boolean> {
    const spans = this.#waiting.splice(0, spansAtOnce)
    const why = await this.#post(spans)
    if (why === undefined || why.lost) {
      this.#spans.add([why === undefined ? 'sent' : 'dropped'], spans.length)
      this.#pauseMs = gatherMs
    } else {
      // Those which came meanwhile may have taken their places.
      const room = Math.max(0, spansAtMost - this.#waiting.length)
      this.#waiting.unshift(...spans.slice(0, room))
      if (spans.length > room) this.#spans.add(['dropped'], spans.length - room)
      this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs)
    }
    if (why !== undefined) this.#complain(why.sentence)
    return why === undefined
  }

  /** Why they were not taken, and whether they are lost; undefined: they were. */
  async #post(spans: readonly TraceSpan[]): Promise<{ sentence: string; lost: boolean } | undefined> {
    const { collector, resource } = this.#options
    const request = new AbortController()
    const limit = setTimeout(() => request.abort(new Error(`no answer in ${answerMs} ms`)), answerMs).unref()
    this.#request = request
    try {
      const response = await fetch(collector.url, {
        method: 'POST',
        headers: { ...collector.headers, 'content-type': 'application/json' },
        body: JSON.stringify(otlpTraces(resource, spans)),
        redirect: 'error',
        signal: request.signal,
      })
      await response.arrayBuffer()
      if (response.ok) return undefined
      return { sentence: `the collector answers ${response.status}`, lost: !busy.has(response.status) }
    } catch (error) {
      const cause = error instanceof Error ? (error.cause ?? error) : error
      return { sentence: saidBy(cause), lost: false }
    } finally {
      clearTimeout(limit)
    }
  }

  #complain(why: string): void {
    const now = this.#options.utc()
    if (now < this.#complainedAt + complainMs) return
    this.#complainedAt = now
    this.#options.log('warn', 'traces.unsent', { to: new URL(this.#options.collector.url).host, why })
  }
}
