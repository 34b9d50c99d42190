import type { Context } from 'hono'
import {
  collectorOf,
  otlpTraces,
  type RouteDecision,
  readTraceparent,
  type TraceCollector,
  type TraceSpan,
} from '#contract'
import { utcNow } from '../clock.ts'
import type { Edge } from '../env.ts'
import { executionOf } from '../http/execution.ts'
import { causesOf, log } from '../log.ts'
import { randomBytesHex } from '../secrets.ts'

/** Requests to a collector at once: of an invocation's six connections two are left. What comes beside them is not sent. */
const SENDING = 4
const WITHIN_MS = 5_000
let sending = 0

/**
 * A decision, and where the relay traces the call and a collector is set, a span of it under the relay's question. It is sent
 * after the answer: no call waits for it. Throws what deciding throws.
 */
export async function spanned(
  c: Context<Edge>,
  decide: () => Promise<RouteDecision>,
): Promise<RouteDecision> {
  const collector = collectorOf(c.get('settings'))
  const under = collector && readTraceparent(c.req.header('traceparent'))
  if (!under) return decide()
  const start = utcNow()
  const span = (more: Pick<TraceSpan, 'attributes' | 'error'>): TraceSpan => {
    const ids = { ...under, spanId: randomBytesHex(8) }
    return { ...ids, name: 'decide', kind: 'server', start, end: utcNow(), ...more }
  }
  try {
    const decision = await decide()
    send(c, collector, span({ attributes: attributesOf(decision) }))
    return decision
  } catch (error) {
    send(c, collector, span({ attributes: {}, error: causesOf(error).at(-1) ?? 'no decision' }))
    throw error
  }
}

function attributesOf(decision: RouteDecision): TraceSpan['attributes'] {
  const { explanation, kind } = decision
  const candidates = explanation?.candidates ?? []
  return {
    'decision.outcome': kind,
    'decision.reason': decision.kind === 'reject' ? decision.reason : null,
    'decision.candidates': candidates.length,
    'decision.kept': candidates.filter(({ kept }) => kept).length,
    'sip.status_code': decision.kind === 'reject' ? decision.status : null,
  }
}

function send(c: Context<Edge>, collector: TraceCollector, span: TraceSpan): void {
  if (sending >= SENDING) return
  sending += 1
  const sent = post(collector, span)
    .catch((error: unknown) => log('warn', 'traces.unsent', { causes: causesOf(error) }))
    .finally(() => {
      sending -= 1
    })
  executionOf(c)?.waitUntil(sent)
}

async function post({ url, headers }: TraceCollector, span: TraceSpan): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(otlpTraces({ 'service.name': 'trunkline-edge' }, [span])),
    redirect: 'manual',
    signal: AbortSignal.timeout(WITHIN_MS),
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`The collector answers ${response.status}.`)
}
