import { utcNow } from '../clock.ts'
import { DEEPEST, depthOf, storable } from '../http/json.ts'
import type { Seal } from '../secrets.ts'
import { pagerdutyBody, slackBody } from './formats.ts'
import type { ClaimedDelivery, DeliveredEvent } from './outbox.ts'
import { type AttemptOutcome, retryAfterMs } from './schedule.ts'
import { signatures } from './signature.ts'
import { faultOfTarget, type NameLookup, type TargetRules } from './target.ts'

/** A receiver has so long to answer. */
const PATIENCE_MS = 10_000
/** Bytes which are kept of an answer. */
const KEPT_BYTES = 1024

/** What sending takes. */
export interface SenderParts {
  readonly seal: Seal
  readonly rules: TargetRules
  readonly resolve: NameLookup
}

/** Sends a delivery once, if its place may be sent to. Never throws: whatever goes wrong is its outcome. */
export async function send(
  delivery: ClaimedDelivery,
  { seal, rules, resolve }: SenderParts,
): Promise<AttemptOutcome> {
  try {
    const fault = await faultOfTarget(delivery.url, rules, resolve)
    if (fault !== undefined)
      return failed(fault === 'unknown' ? 'Its name could not be looked up.' : `The URL ${fault}.`)
    return await post(delivery, await bodyOf(seal, delivery), await opened(seal, delivery))
  } catch (error) {
    return failed(inWords(error))
  }
}

/** The body of a message, as its alert has it written, or as usual. */
async function bodyOf(seal: Seal, { event, alert }: ClaimedDelivery): Promise<string> {
  if (alert?.format === 'slack') return JSON.stringify(slackBody(event))
  if (alert?.format !== 'pagerduty' || alert.sealedRoutingKey === null) return JSON.stringify(usual(event))
  const place = { table: 'alerts', id: alert.id, field: 'routing_key' }
  return JSON.stringify(pagerdutyBody(event, await seal.open(place, alert.sealedRoutingKey)))
}

function usual({ id, type, timestamp, sequence, subject, data }: DeliveredEvent): object {
  return { id, type, timestamp, sequence, subject, data: shallow(data) }
}

/** What an event tells beside its type; what is nested too deeply to be read again is left out. */
export function shallow(data: Record<string, unknown>): Record<string, unknown> {
  return depthOf(data) > DEEPEST ? { left_out: 'it is nested too deeply to be shown' } : data
}

async function opened(seal: Seal, { webhookId, sealedSecrets }: ClaimedDelivery): Promise<string[]> {
  const place = { table: 'webhooks', id: webhookId, field: 'secret' }
  return Promise.all(sealedSecrets.map((sealed) => seal.open(place, sealed)))
}

async function post(
  { url, event }: ClaimedDelivery,
  body: string,
  secrets: string[],
): Promise<AttemptOutcome> {
  const timestamp = Math.floor(utcNow() / 1000)
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const response = await fetch(url, {
    method: 'POST',
    redirect: 'manual',
    signal,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Trunkline-Webhooks/1.0',
      'webhook-id': event.id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': await signatures({ id: event.id, timestamp, body }, secrets),
    },
    body,
  })
  return {
    status: response.status,
    body: await beginningOf(response),
    error: response.ok ? null : refusal(response.status),
    retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
  }
}

function refusal(status: number): string {
  return status >= 300 && status < 400
    ? `It answered ${status}: redirects are not followed.`
    : `It answered ${status}.`
}

/** The status has come and counts: of a body which breaks off, or never ends, there is as much as there is. */
async function beginningOf({ body }: Response): Promise<string | null> {
  const reader = body?.getReader()
  if (!reader) return null
  const parts: Uint8Array[] = []
  let length = 0
  try {
    while (length < KEPT_BYTES) {
      const { done, value } = await reader.read()
      if (done) break
      parts.push(value)
      length += value.length
    }
  } catch {
    // It broke off.
  }
  reader.cancel().catch(() => {})
  const whole = new Uint8Array(parts.flatMap((part) => [...part.subarray(0, KEPT_BYTES)])).subarray(
    0,
    KEPT_BYTES,
  )
  return String(storable(new TextDecoder().decode(whole)))
}

function failed(error: string): AttemptOutcome {
  return { status: null, body: null, error, retryAfterMs: 0 }
}

function inWords(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError')
    return `It did not answer within ${PATIENCE_MS / 1000} seconds.`
  return 'It could not be reached, or hung up without an answer.'
}
