import type { Receiver } from './receiver.ts'

/** A span as it came to a collector. */
export interface CollectedSpan {
  /** Who made it. */
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  /** undefined: it is the whole. */
  readonly parentId: string | undefined
  readonly name: string
  /** ms since 1970, with microseconds. */
  readonly start: number
  readonly end: number
  /** Why it failed; undefined: it did not. */
  readonly error: string | undefined
}

/** What came to a collector so far (OTLP over HTTP, in JSON). */
export function spansIn({ messages }: Receiver): CollectedSpan[] {
  return messages.flatMap(({ body }) => {
    const [{ resource, scopeSpans }] = body.resourceSpans as [OtlpSpans]
    const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? ''
    return scopeSpans[0].spans.map((span) => ({
      ...{
        service,
        traceId: span.traceId,
        spanId: span.spanId,
        parentId: span.parentSpanId,
        name: span.name,
      },
      start: Number(span.startTimeUnixNano) / 1e6,
      end: Number(span.endTimeUnixNano) / 1e6,
      error: span.status?.message,
    }))
  })
}

interface OtlpSpans {
  readonly resource: {
    readonly attributes: readonly {
      readonly key: string
      readonly value: { readonly stringValue?: string }
    }[]
  }
  readonly scopeSpans: readonly [{ readonly spans: readonly OtlpSpan[] }]
}

interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly status?: { readonly message: string }
}
