import type * as z from 'zod'
import { oneOf, secret, setting } from './environment.ts'
import type { UtcMs } from './units.ts'

/*
 * Traces of calls, as relay and edge send them to a collector (OpenTelemetry, OTLP over HTTP in JSON). A call's trace has the
 * call's id, so that both make spans of one trace, and a call's record leads to it.
 */

/** Something which took a while. */
export interface TraceSpan {
  /** 32 and 16 hexadecimal digits. */
  readonly traceId: string
  readonly spanId: string
  /** undefined: it is the whole. */
  readonly parentId?: string
  readonly name: string
  readonly kind: keyof typeof spanKinds
  readonly start: UtcMs
  readonly end: UtcMs
  /** What is null or undefined is left out. */
  readonly attributes: Readonly<Record<string, string | number | boolean | null | undefined>>
  readonly events?: readonly { readonly name: string; readonly at: UtcMs }[]
  /** Why it failed; undefined: it did not. */
  readonly error?: string
}

const spanKinds = { internal: 1, server: 2, client: 3 } as const
const failed = 2

/** The body of `POST /v1/traces`; `resource` is who made them. */
export function otlpTraces(resource: TraceSpan['attributes'], spans: readonly TraceSpan[]): object {
  const scopeSpans = [{ scope: { name: 'trunkline' }, spans: spans.map(spanShown) }]
  return { resourceSpans: [{ resource: { attributes: attributesShown(resource) }, scopeSpans }] }
}

function spanShown({
  traceId,
  spanId,
  parentId,
  name,
  kind,
  start,
  end,
  attributes,
  events = [],
  error,
}: TraceSpan) {
  return {
    traceId,
    spanId,
    ...(parentId !== undefined && { parentSpanId: parentId }),
    name,
    kind: spanKinds[kind],
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(end),
    attributes: attributesShown(attributes),
    events: events.map(({ name, at }) => ({ name, timeUnixNano: nanoseconds(at) })),
    ...(error !== undefined && { status: { code: failed, message: error } }),
  }
}

function attributesShown(attributes: TraceSpan['attributes']) {
  const said = Object.entries(attributes).filter(([, value]) => value !== null && value !== undefined)
  return said.map(([key, value]) => ({ key, value: valueShown(value) }))
}

function valueShown(value: unknown) {
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value !== 'number') return { stringValue: String(value) }
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

/** As a text, since no number of JSON is so long. */
function nanoseconds(at: UtcMs): string {
  return `${BigInt(Math.round(at * 1000))}000`
}

/** The trace of a call, and the span which is the whole of it. */
export function traceOfCall(callId: string): { traceId: string; spanId: string } {
  const traceId = callId.replaceAll('-', '').toLowerCase()
  return { traceId, spanId: traceId.slice(16) }
}

/** The header by which the edge's spans come under the relay's, where the trace is wanted (W3C Trace Context §3.2). */
export function traceparent({
  traceId,
  spanId,
  sampled,
}: Pick<TraceSpan, 'traceId' | 'spanId'> & { readonly sampled: boolean }): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
}

/** As many numbers the bits of a trace's id make which are drawn by lot (W3C Trace Context, level 2, §3.3.1), as far as a number holds them exactly: the first 52 of its last 56. */
const drawn = 2 ** 52

/** Whether a trace is one of this share of all, 0 to 1: who makes spans of it decides alike. */
export function isSampled(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-14, -1), 16) >= drawn * (1 - ratio)
}

/** What that header says; undefined: nothing which can be read, or that the trace is not wanted. */
export function readTraceparent(
  header: string | undefined,
): { readonly traceId: string; readonly parentId: string } | undefined {
  const [, traceId = '', parentId = '', flags = ''] =
    /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/.exec(header ?? '') ?? []
  const wanted = Number.parseInt(flags, 16) % 2 === 1 && /[^0]/.test(traceId) && /[^0]/.test(parentId)
  return wanted ? { traceId, parentId } : undefined
}

/** Where spans are sent, and what comes along: an access token, mostly. */
export interface TraceCollector {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Of which share of calls, 0 to 1. */
  readonly ratio: number
}

const webPlace = (text: string) => (/^https?:\/\/[^\s/?#]+([/?][^\s#]*)?$/i.test(text) ? text : undefined)

/** How calls are chosen whose traces are sent; a relay begins each trace, so that there is no parent to go by. */
const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

/** Settings by which a collector is found, named as OpenTelemetry names them. */
export const collectorSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: setting(
    'the URL of a collector, such as http://127.0.0.1:4318',
    webPlace,
  ).optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: setting(
    'the URL where a collector takes traces, such as http://127.0.0.1:4318/v1/traces',
    webPlace,
  ).optional(),
  OTEL_EXPORTER_OTLP_HEADERS: secret('be name=value, comma between several', headersIn).optional(),
  OTEL_TRACES_SAMPLER: oneOf(samplers).optional(),
  OTEL_TRACES_SAMPLER_ARG: setting('a share of calls, 0 to 1', shareIn).optional(),
  /** We speak JSON alone, which every collector takes where it takes protobuf over HTTP. */
  OTEL_EXPORTER_OTLP_PROTOCOL: setting('http/json, which is all that is spoken here', (text) =>
    text === 'http/json' ? text : undefined,
  ).optional(),
}

/** The collector which those settings name; undefined: none. */
export function collectorOf(
  said: {
    readonly [Name in keyof typeof collectorSettings]: z.output<(typeof collectorSettings)[Name]>
  },
): TraceCollector | undefined {
  const base = said.OTEL_EXPORTER_OTLP_ENDPOINT
  const url = said.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base.replace(/\/$/, '')}/v1/traces`)
  if (url === undefined) return undefined
  return { url, headers: said.OTEL_EXPORTER_OTLP_HEADERS ?? {}, ratio: ratioOf(said) }
}

/** The share of calls which is traced; where no sampler is named, a share which is given counts all the same. */
function ratioOf({
  OTEL_TRACES_SAMPLER: sampler = 'traceidratio',
  OTEL_TRACES_SAMPLER_ARG: share = 1,
}: {
  readonly OTEL_TRACES_SAMPLER?: (typeof samplers)[number] | undefined
  readonly OTEL_TRACES_SAMPLER_ARG?: number | undefined
}): number {
  if (sampler.endsWith('always_off')) return 0
  return sampler.endsWith('always_on') ? 1 : share
}

function shareIn(text: string): number | undefined {
  const share = Number(text)
  return /^\d*\.?\d+$/.test(text) && share <= 1 ? share : undefined
}

function headersIn(text: string): Record<string, string> | undefined {
  const pairs = text.split(',').map((pair) => /^\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*([^\p{Cc}]*?)\s*$/u.exec(pair))
  if (pairs.includes(null)) return undefined
  try {
    return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', decodeURIComponent(pair?.[2] ?? '')]))
  } catch {
    // A % which begins nothing.
    return undefined
  }
}
