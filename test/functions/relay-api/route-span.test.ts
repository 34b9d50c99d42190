import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { relayKey } from '../../../functions/relay-key.ts'
import { type App, RELAY_SECRET, startApp } from '../../support/app.ts'
import { Receiver } from '../../support/receiver.ts'
import { soon } from '../../support/wait.ts'

let app: App
let collector: Receiver
let key: string
beforeAll(async () => {
  collector = await Receiver.open()
  const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: 'x-key=word' }
  app = await startApp(settings)
  key = await relayKey(RELAY_SECRET, 'relay-1')
})
afterAll(async () => {
  await collector.close()
  await app.close()
})
beforeEach(() => {
  collector.messages.length = 0
})

const [traceId, parentSpanId] = ['019ad1c200007abc8def0123456789ab', 'aaaabbbbccccdddd']

describe('the decision on a call which its relay traces', () => {
  test('is a span under the relay’s question', async () => {
    expect((await asked({ traceparent: `00-${traceId}-${parentSpanId}-01` })).status).toBe(200)
    await soon('the span', () => collector.messages.length > 0)
    const [message] = collector.messages
    expect([message?.path, message?.headers['x-key']]).toEqual(['/hook/v1/traces', 'word'])
    const [span] = message?.body.resourceSpans[0].scopeSpans[0].spans ?? []
    expect(span).toMatchObject({ traceId, parentSpanId, name: 'decide', kind: 2 })
    expect(span.attributes).toContainEqual({
      key: 'decision.reason',
      value: { stringValue: 'UNKNOWN_SOURCE' },
    })
  })

  test('is answered all the same where the collector takes nothing', async () => {
    collector.reply = () => 500
    expect((await asked({ traceparent: `00-${traceId}-${parentSpanId}-01` })).status).toBe(200)
    await soon('the span', () => collector.messages.length > 0)
    collector.reply = () => 200
  })

  test('is none where the relay asks for none, or no collector is set', async () => {
    await asked({})
    const { OTEL_EXPORTER_OTLP_ENDPOINT: _, ...without } = app.env as Record<string, unknown>
    await asked({ traceparent: `00-${traceId}-${parentSpanId}-01` }, without)
    await asked({ traceparent: `00-${traceId}-ffffffffffffffff-01` })
    await soon('the last', () => collector.messages.length > 0)
    const [only] = collector.messages
    expect(collector.messages).toHaveLength(1)
    expect(only?.text).toContain('ffffffffffffffff')
  })
})

function asked(headers: Record<string, string>, env?: object) {
  const caller = { kind: 'source', address: '192.0.2.77', port: 5060, transport: 'udp', line: null }
  const to = { user: '+15551234567', host: '192.0.2.1', port: null, scheme: 'sip' }
  return app.send(
    '/relay/v1/route',
    {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ call_id: crypto.randomUUID(), caller, to, from: to }),
    },
    env,
  )
}
