import { afterEach, describe, expect, test } from 'vitest'
import {
  type Attempt,
  type CallTell,
  collectorOf,
  collectorSettings,
  exposition,
  isSampled,
  readEnvironment,
  readTraceparent,
  utcMs,
} from '#contract'
import type { Question } from '../../../relay/ground/effects.ts'
import { spansOfCall } from '../../../relay/io/call-spans.ts'
import { Tracing } from '../../../relay/io/tracing.ts'
import { readExposition } from '../../support/exposition.ts'
import { Receiver } from '../../support/receiver.ts'
import { pause } from '../../support/wait.ts'
import { callTell } from './tells.ts'

const id = '019ad1c2-0000-7abc-8def-0123456789ab'
const traceId = id.replaceAll('-', '')
const whole = traceId.slice(16)

const attempt: Attempt = {
  provider_id: '019ad1c2-0000-7abc-8def-000000000001',
  provider_name: 'Telnyx',
  route_id: null,
  address: '192.0.2.4:5060',
  transport: 'udp',
  status: 503,
  reason: 'Service Unavailable',
  decision: 'next',
  started_ms: 10,
  ended_ms: 60,
  pdd_ms: null,
  tries: [],
  counts: true,
  destination: null,
  cause: { reason: 'REFUSED', message: 'It refused.' },
}

/** A call which the first of two carriers refused. */
function ended(changes: Partial<CallTell['call']> = {}): CallTell {
  const tell = callTell(id)
  const over = {
    ringing_at: '2026-01-01T00:00:00.100Z',
    answered_at: '2026-01-01T00:00:01.000Z',
    ended_at: '2026-01-01T00:00:05.000Z',
    hangup_reason: 'normal' as const,
    sip_status: 200,
    customer_id: '019ad1c2-0000-7abc-8def-0000000000aa',
    attempts: [
      attempt,
      { ...attempt, status: 200, reason: 'OK', decision: 'final' as const, ended_ms: null },
    ],
  }
  return { ...tell, call: { ...tell.call, ...over, ...changes } }
}

describe('the trace of a call', () => {
  test('is the call, and each attempt with its status, at the times of the record', () => {
    const began = Date.parse('2026-01-01T00:00:00.000Z')
    const spans = spansOfCall(ended())
    expect(spans.map(({ name, start, end, error }) => [name, start - began, end - began, error])).toEqual([
      ['call outgoing', 0, 5_000, undefined],
      ['attempt provider', 10, 60, '503 Service Unavailable'],
      ['attempt provider', 10, 5_000, undefined],
    ])
    expect(spans.map(({ traceId }) => traceId)).toEqual([traceId, traceId, traceId])
    expect(spans.map(({ parentId }) => parentId)).toEqual([undefined, whole, whole])
    expect(spans[0]?.spanId).toBe(whole)
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(3)
    expect(spans[0]?.events).toEqual([
      { name: 'ringing', at: began + 100 },
      { name: 'answered', at: began + 1_000 },
    ])
  })

  test('has each address where there were several, under its attempt', () => {
    const one = { address: '192.0.2.4:5060', transport: 'udp' as const, status: 0, reason: 'silence' }
    const codes = [{ status: 100, ms: 12 }]
    const tries = [
      { ...one, codes, started_ms: 10, ended_ms: 30 },
      { ...one, codes, status: 503, started_ms: 30, ended_ms: 60 },
    ]
    const [, of, first, second] = spansOfCall(ended({ attempts: [{ ...attempt, tries }] }))
    expect([first?.parentId, second?.parentId]).toEqual([of?.spanId, of?.spanId])
    expect(first).toMatchObject({ name: 'try address', error: '0 silence', events: [{ name: 'SIP 100' }] })
  })

  test('says of a carrier which was passed over that it counts as no attempt, and why', () => {
    const [, of] = spansOfCall(ended({ attempts: [{ ...attempt, counts: false }] }))
    expect(of?.attributes).toMatchObject({ 'attempt.counts': false, 'attempt.cause': 'REFUSED' })
  })

  test('is the same however often it is told, and nothing before the call is over', () => {
    expect(spansOfCall(ended())).toEqual(spansOfCall(ended()))
    expect(spansOfCall(callTell(id))).toEqual([])
  })

  test('names neither caller nor callee', () => {
    expect(JSON.stringify(spansOfCall(ended()))).not.toContain('15551234567')
  })

  test('has failed where the call was refused, and not where it was busy', () => {
    const refused = { answered_at: null, hangup_reason: 'failed' as const, reject_reason: 'NO_ROUTE' }
    expect(spansOfCall(ended(refused))[0]?.error).toBe('NO_ROUTE')
    expect(spansOfCall(ended({ answered_at: null, hangup_reason: 'busy' }))[0]).not.toHaveProperty('error')
  })
})

let collector: Receiver | undefined
afterEach(() => collector?.close())

async function opened(stopMs?: number, ratio = 1) {
  collector = await Receiver.open()
  const log: string[] = []
  const tracing = new Tracing({
    collector: { url: `${collector.url}/v1/traces`, headers: { authorization: 'Bearer word' }, ratio },
    resource: { 'service.name': 'trunkline-relay' },
    utc: () => utcMs(1_767_225_600_000.25),
    log: (_, event) => log.push(event),
    ...(stopMs !== undefined && { stopMs }),
  })
  const counted = () => {
    const samples = readExposition(exposition(tracing.families())).get('trunkline_trace_spans_total')?.samples
    return Object.fromEntries((samples ?? []).map(({ labels, value }) => [labels.outcome, value]))
  }
  return { tracing, collector, counted, log }
}

const question: Question = {
  ask: 'route',
  question: { call_id: id } as Extract<Question, { ask: 'route' }>['question'],
}

describe('a collector of traces', () => {
  test('is sent them as OTLP in JSON, with what it knows us by', async () => {
    const { tracing, collector, counted } = await opened()
    // The second tells of its sound.
    tracing.tell(ended())
    tracing.tell(ended())
    await tracing.stop()
    const [message] = collector.messages
    expect(message?.path).toBe('/hook/v1/traces')
    expect(message?.headers).toMatchObject({
      authorization: 'Bearer word',
      'content-type': 'application/json',
    })
    const [{ resource, scopeSpans }] = message?.body.resourceSpans ?? []
    expect(resource.attributes).toEqual([{ key: 'service.name', value: { stringValue: 'trunkline-relay' } }])
    const [span, failed] = scopeSpans[0].spans
    expect(span).toMatchObject({
      traceId,
      spanId: whole,
      kind: 2,
      startTimeUnixNano: '1767225600000000000',
      endTimeUnixNano: '1767225605000000000',
    })
    expect(span.attributes).toContainEqual({ key: 'sip.status_code', value: { intValue: '200' } })
    expect(failed.status).toEqual({ code: 2, message: '503 Service Unavailable' })
    expect(counted()).toEqual({ sent: 3 })
  })

  test('hears of each question to the edge, whose spans come under it, also of one without an answer', async () => {
    const { tracing, collector } = await opened()
    const headers = await tracing.asked(question, async () => tracing.headersOf(question.question))
    await expect(
      tracing.asked(question, () => Promise.reject(new Error('no answer in 800 ms'))),
    ).rejects.toThrow()
    await tracing.stop()
    const spans = collector.messages.flatMap(({ body }) => body.resourceSpans[0].scopeSpans[0].spans)
    expect(spans).toMatchObject([
      { name: 'ask route', traceId, parentSpanId: whole, startTimeUnixNano: '1767225600000250000' },
      { name: 'ask route', status: { message: 'no answer in 800 ms' } },
    ])
    expect(readTraceparent(headers.traceparent)).toEqual({ traceId, parentId: spans[0].spanId })
    expect(tracing.headersOf({})).toEqual({})
  })

  test('hears of a share of calls, the same of both who make spans of them; of the others the edge is told to make none', async () => {
    const ids = Array.from({ length: 1_000 }, () => crypto.randomUUID())
    const traced = ids.filter((one) => isSampled(one.replaceAll('-', ''), 0.25))
    expect(traced.length).toBeGreaterThan(180)
    expect(traced.length).toBeLessThan(320)
    const { tracing, collector } = await opened(undefined, 0.25)
    for (const call_id of ids) {
      tracing.tell(ended({ call_id, attempts: [] }))
      const its = { ask: 'route', question: { ...question.question, call_id } } as Question
      const { traceparent } = await tracing.asked(its, async () => tracing.headersOf(its.question as object))
      expect(readTraceparent(traceparent) !== undefined).toBe(traced.includes(call_id))
    }
    await tracing.stop()
    const spans = collector.messages.flatMap(({ body }) => body.resourceSpans[0].scopeSpans[0].spans)
    const told = new Set(spans.map((span: { traceId: string }) => span.traceId))
    expect(told).toEqual(new Set(traced.map((one) => one.replaceAll('-', ''))))
  })

  test('which is busy or away is tried again, and loses nothing', async () => {
    const { tracing, collector, counted, log } = await opened()
    collector.reply = () => 503
    tracing.tell(ended())
    await tracing.stop()
    await collector.close()
    await tracing.stop()
    expect([counted(), log]).toEqual([{}, ['traces.unsent']])
    await collector.up()
    collector.reply = () => 200
    await tracing.stop()
    expect(counted()).toEqual({ sent: 3 })
  })

  test('which takes them not at all is not sent them again, and they count as dropped', async () => {
    const { tracing, collector, counted } = await opened()
    collector.reply = () => 400
    tracing.tell(ended())
    await tracing.stop()
    await tracing.stop()
    expect([collector.messages.length, counted()]).toEqual([1, { dropped: 3 }])
  })

  test('has so many wait for it and no more: the rest is dropped, and counted', async () => {
    const { tracing, collector, counted } = await opened()
    for (let at = 0; at < 2_000; at += 1) tracing.tell(ended({ call_id: crypto.randomUUID() }))
    expect(counted()).toEqual({ dropped: 6_000 - 4_096 })
    await tracing.stop()
    expect(counted()).toEqual({ dropped: 6_000 - 4_096, sent: 4_096 })
    expect(collector.messages).toHaveLength(8)
  })
})

describe('a relay which stops', () => {
  test('has one time for all that waits, however slowly each part of it is taken', async () => {
    const { tracing, collector, counted, log } = await opened(300)
    collector.slow = 200
    for (let at = 0; at < 2_000; at += 1) tracing.tell(ended({ call_id: crypto.randomUUID() }))
    await tracing.stop()
    expect(collector.messages.length).toBeLessThan(8)
    expect(counted().sent ?? 0).toBeLessThan(4_096)
    expect(log).toEqual(['traces.unsent'])
  })

  test('waits no longer for what was under way, either, and goes on with nothing afterwards', async () => {
    const { tracing, collector } = await opened(50)
    collector.reply = () => 'hang'
    tracing.tell(ended())
    while (collector.messages.length === 0) await pause(10)
    await tracing.stop()
    expect(collector.messages).toHaveLength(1)
  })
})

describe('settings of a collector', () => {
  const read = (environment: object) => readEnvironment(collectorSettings, environment)

  test.each([
    [{}, undefined],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318/' },
      { url: 'http://127.0.0.1:4318/v1/traces', headers: {}, ratio: 1 },
    ],
    [
      {
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c.test/in',
        OTEL_EXPORTER_OTLP_HEADERS: 'a=b%20c, x-key = d=',
      },
      { url: 'https://c.test/in', headers: { a: 'b c', 'x-key': 'd=' }, ratio: 1 },
    ],
    ...[
      ['traceidratio', '0.25', 0.25],
      ['parentbased_traceidratio', '.5', 0.5],
      ['parentbased_traceidratio', undefined, 1],
      ['parentbased_always_on', '0.25', 1],
      ['always_off', '1', 0],
      [undefined, '0.1', 0.1],
    ].map(([sampler, share, ratio]): [object, object] => [
      {
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c.test/in',
        ...(sampler !== undefined && { OTEL_TRACES_SAMPLER: sampler }),
        ...(share !== undefined && { OTEL_TRACES_SAMPLER_ARG: share }),
      },
      { url: 'https://c.test/in', headers: {}, ratio },
    ]),
  ])('%j name %j', (environment, collector) => {
    expect(collectorOf(read(environment).settings)).toEqual(collector)
  })

  test.each([
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: '127.0.0.1:4318' },
      'OTEL_EXPORTER_OTLP_ENDPOINT must be the URL of a collector',
    ],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'must be http/json'],
    [{ OTEL_TRACES_SAMPLER: 'some' }, 'OTEL_TRACES_SAMPLER must be'],
    [{ OTEL_TRACES_SAMPLER_ARG: '1.1' }, 'OTEL_TRACES_SAMPLER_ARG must be a share of calls'],
    [{ OTEL_TRACES_SAMPLER_ARG: '-0.1' }, 'must be a share of calls'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'secret-word' }, 'OTEL_EXPORTER_OTLP_HEADERS must be name=value'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=%' }, 'must be name=value'],
  ])('%j are refused in a sentence, which shows no secret', (environment, sentence) => {
    const { wrong } = read(environment)
    expect(wrong.join()).toContain(sentence)
    expect(wrong.join()).not.toContain('secret-word')
  })

  test.each([undefined, '', '00-xyz', `00-${traceId}-${whole}-00`, `00-${'0'.repeat(32)}-${whole}-01`])(
    'have no span come under %j',
    (header) => {
      expect(readTraceparent(header)).toBeUndefined()
    },
  )
})
