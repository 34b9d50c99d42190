import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type CallTell, exposition, expositionType, mediaSide, portNumber } from '#contract'
import { silent } from '../../../relay/ground/reporter.ts'
import { Counter, Histogram } from '../../../relay/io/metrics.ts'
import { Watch } from '../../../relay/io/watch.ts'
import { openWatchPort } from '../../../relay/io/watch-port.ts'
import { readExposition, seriesOf } from '../../support/exposition.ts'
import { bindingTell, callTell } from './tells.ts'

/*
 * What a relay counts, as Prometheus reads it; how much of it strangers can make; and where it is read.
 */

const load = { calls: 2, legs: 4, bindings: 140, transactions: 3, counted: 1, turned: 1, registrations: 0 }
const watched = {
  load: () => load,
  portsFree: () => 998,
  configured: () => false,
  spool: { size: 3, bytes: 1200 },
  about: { relay_id: 'berlin-1', version: '0.1.0', region: '', media_engine: 'own' },
}
const watches: Watch[] = []
afterAll(() => watches.forEach((each) => void each.stop()))

function watching() {
  const watch = new Watch()
  watches.push(watch)
  const read = () => readExposition(watch.exposition(watched))
  return { watch, read, of: (name: string, labels = {}) => seriesOf(read(), name, labels) }
}

describe('the figures of a relay', () => {
  test('are in the format, though nothing happened yet', () => {
    const { of } = watching()
    expect(of('trunkline_calls_active')).toBe(2)
    expect(of('trunkline_registrations_active')).toBe(140)
    expect(of('trunkline_calls_turned')).toBe(1)
    expect(of('trunkline_spool_bytes')).toBe(1200)
    expect(of('trunkline_relay_info', watched.about)).toBe(1)
    expect(of('process_resident_memory_bytes')).toBeGreaterThan(1e6)
  })

  test('count a call which is over once, and its sound once, though both are told twice', () => {
    const { watch, of } = watching()
    for (const media of [null, sound(98, 2), sound(98, 2)]) watch.tell(over({ media }))
    expect(of('trunkline_calls_total', { direction: 'outgoing', reason: 'normal' })).toBe(1)
    expect(of('trunkline_call_talk_seconds_total', { direction: 'outgoing' })).toBe(60)
    expect(of('trunkline_call_setup_seconds_sum', { direction: 'outgoing' })).toBe(3)
    expect(of('trunkline_call_setup_seconds_bucket', { direction: 'outgoing', le: '2' })).toBe(0)
    expect(of('trunkline_call_setup_seconds_bucket', { direction: 'outgoing', le: '5' })).toBe(1)
    expect(of('trunkline_media_packets_total', { side: 'caller' })).toBe(98)
    expect(of('trunkline_media_packets_lost_total', { side: 'caller' })).toBe(2)
    expect(of('trunkline_media_loss_ratio_bucket', { side: 'caller', le: '0.01' })).toBe(0)
    expect(of('trunkline_media_loss_ratio_bucket', { side: 'caller', le: '0.02' })).toBe(1)
  })

  test('count no call which goes on', () => {
    const { watch, read } = watching()
    watch.tell(over({ ended_at: null, status: 'progressing' }))
    expect(read().get('trunkline_calls_total')?.samples).toEqual([])
  })

  test('count attempts by provider and code, with its name beside, and what phones answered', () => {
    const { watch, of } = watching()
    const passedOver = { ...attempt(503), counts: false }
    watch.tell(
      over({ attempts: [attempt(503), attempt(200, 'a', 250), attempt(0, null), attempt(799), passedOver] }),
    )
    expect(of('trunkline_call_attempts_total', { provider: 'a', code: '503' })).toBe(1)
    expect(of('trunkline_call_attempts_total', { provider: 'phones', code: 'none' })).toBe(1)
    expect(of('trunkline_call_attempts_total', { provider: 'a', code: '7xx' })).toBe(1)
    expect(of('trunkline_call_post_dial_delay_seconds_sum', { provider: 'a' })).toBe(0.25)
    expect(of('trunkline_provider_info', { provider: 'a', name: 'T"e\\l\nx' })).toBe(1)
  })

  test('count phones, what was refused at the door as often as it was, messages, and what was asked', async () => {
    const { watch, of } = watching()
    watch.tell(bindingTell('registered'))
    watch.tell(refused(7))
    watch.tap('in', { transport: 'tls', address: '192.0.2.4', port: portNumber(5061) }, new Uint8Array(400))
    await watch.timed('route', Promise.resolve())
    await watch.timed('route', Promise.reject(new Error('away'))).catch(() => undefined)
    watch.counted(() => undefined)('error', 'spool.full')
    expect(of('trunkline_registration_changes_total', { event: 'registered', reason: '' })).toBe(1)
    expect(of('trunkline_calls_refused_total', { reason: 'UNKNOWN_SOURCE' })).toBe(7)
    expect(of('trunkline_events_total', { type: 'call.refused' })).toBe(7)
    expect(of('trunkline_sip_message_bytes_total', { direction: 'in', transport: 'tls' })).toBe(400)
    expect(of('trunkline_question_seconds_count', { question: 'route', outcome: 'unanswered' })).toBe(1)
    expect(of('trunkline_log_lines_total', { level: 'error' })).toBe(1)
  })

  test('say how limits, providers and registrations stood in the latest beat', () => {
    const { watch, of } = watching()
    watch.heard()
    watch.saying({ ...silent, version: 12, slices: [slice(10, 4), slice(null, 1)] })
    expect(of('trunkline_limit_used', { resource: 'channels' })).toBe(5)
    expect(of('trunkline_limit_granted', { resource: 'channels' })).toBe(10)
    expect(of('trunkline_configuration_version')).toBe(12)
    expect(of('trunkline_edge_last_heard_timestamp_seconds')).toBeCloseTo(Date.now() / 1000, -1)
  })

  test('are so many and no more, whatever names and codes customers and carriers think of', () => {
    const { watch, read, of } = watching()
    const all = Array.from({ length: 100_000 }, (_, index) => attempt(100 + (index % 600), `p${index}`, 10))
    watch.tell(over({ attempts: all, reject_reason: 'x"\n} 1\nmade_up 1' }))
    for (let index = 0; index < 2_000; index++) watch.tell(refused(1, `R${index}`))
    const families = read()
    expect(families.get('trunkline_call_attempts_total')?.samples.length).toBe(1_000)
    expect(families.get('trunkline_call_post_dial_delay_seconds')?.samples.length).toBe(100 * 16)
    expect(families.get('trunkline_provider_info')?.samples.length).toBe(100)
    expect(families.get('trunkline_calls_refused_total')?.samples.length).toBe(500)
    expect(of('trunkline_calls_refused_total', { reason: 'other' })).toBe(1_501)
    expect(families.has('made_up')).toBe(false)
  })
})

describe('a metric', () => {
  test('which a label value would tell apart from another only by what joins them, is two series', () => {
    const counter = new Counter({ name: 'a_total', help: 'A.', labels: ['one', 'other'] })
    counter.add(['a,b', 'c'])
    counter.add(['a', 'b,c'])
    expect(readExposition(exposition([counter.family()])).get('a_total')?.samples).toHaveLength(2)
  })

  test.each([
    [[], [0, 0, 0], 0],
    [[1], [1, 1, 1], 1],
    [[1.5, 2, 9], [0, 2, 3], 12.5],
  ])('which is a histogram of %j has rising buckets', (values, counts, sum) => {
    const histogram = new Histogram({ name: 'a_seconds', help: 'A.', bounds: [1, 2] })
    for (const value of values) histogram.observe(value)
    const families = readExposition(exposition([histogram.family()]))
    expect(['1', '2', '+Inf'].map((le) => seriesOf(families, 'a_seconds_bucket', { le }))).toEqual(counts)
    expect(seriesOf(families, 'a_seconds_sum')).toBe(sum)
  })
})

describe('the reader of expositions', () => {
  const head = '# HELP a_total A.\n# TYPE a_total counter\n'
  const histogram = '# HELP a A.\n# TYPE a histogram\n'
  test.each([
    ['a_total 1\n', 'before any family: a_total 1'],
    ['# TYPE a_total counter\n', 'a_total has no HELP before its TYPE'],
    [`${head}a_total 1`, 'the last line does not end'],
    [`${head}a_total 1\na_total 1\n`, 'a_total has a series twice'],
    [`${head}b_total 1\n`, 'b_total stands among a_total'],
    [`${head}a_total{x="a"b"} 1\n`, 'no label: x="a"b"'],
    [`${head}a_total{x="a\\b"} 1\n`, 'no label: x="a\\b"'],
    [`${head}a_total one\n`, 'no number: a_total one'],
    [`${head}a_total -1\n`, 'a_total is below 0'],
    ['# HELP a A.\n# TYPE a counter\n', 'a is a counter'],
    ['# HELP a_ms A.\n# TYPE a_ms gauge\n', 'a_ms is not in a base unit'],
    [
      `${histogram}a_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n`,
      'a: its buckets do not rise',
    ],
    [`${histogram}a_bucket{le="1"} 1\na_sum 1\na_count 1\n`, 'a: its bounds do not rise to +Inf'],
    [`${histogram}a_bucket{le="+Inf"} 1\na_sum 1\na_count 2\n`, 'a: 1 in all buckets, 2 counted'],
  ])('complains of %j', (text, why) => {
    expect(() => readExposition(text)).toThrow(why)
  })
})

describe('the port at which a relay is watched', () => {
  test('answers /metrics to who shows its token, and says whether calls may be sent here', async () => {
    const { watch } = watching()
    const token = 'sixteen-letters-or-more'
    const host = '127.0.0.1'
    const port = await openWatchPort({
      host,
      port: portNumber(0),
      token,
      metrics: () => watch.exposition(watched),
      readiness: () => watch.readiness(watched),
    })
    const ask = async (path: string, headers = {}, method = 'GET') => {
      const response = await fetch(`http://${host}:${port.port}${path}`, { headers, method })
      return {
        status: response.status,
        type: response.headers.get('content-type'),
        body: await response.text(),
      }
    }
    const shown = await ask('/metrics', { authorization: `Bearer ${token}` })
    expect([shown.status, shown.type]).toEqual([200, expositionType])
    expect(readExposition(shown.body).size).toBeGreaterThan(30)
    for (const authorization of ['', `Bearer ${token}x`, 'Bearer', token])
      expect(await ask('/metrics', { authorization })).toMatchObject({ status: 401 })
    expect(await ask('/metrics', {}, 'POST')).toMatchObject({ status: 405 })
    expect(JSON.parse((await ask('/nowhere')).body)).toMatchObject({ error: { reason: 'NOT_FOUND' } })
    expect(await ask('/healthz')).toMatchObject({ status: 200 })
    expect(await ask('/readyz')).toMatchObject({
      status: 503,
      body: expect.stringContaining('The edge was not heard of yet'),
    })
    watch.heard()
    expect(await ask('/readyz')).toMatchObject({ status: 200 })
    watch.saying({ ...silent, draining: true })
    expect(await ask('/readyz')).toMatchObject({ status: 503, body: expect.stringContaining('It drains') })
    await port.stop()
    await expect(ask('/healthz')).rejects.toThrow()
  })

  test('answers though idle connections take every place: for a new one the oldest of them goes', async () => {
    const { port, stop } = await openWatchPort({
      host: '127.0.0.1',
      port: portNumber(0),
      token: undefined,
      metrics: () => '',
      readiness: () => ({ ready: true, why: [] }),
    })
    const idle = await Promise.all(
      Array.from({ length: 16 }, async () => {
        const socket = connect(port, '127.0.0.1')
        await once(socket, 'connect')
        return socket
      }),
    )
    const gone = Promise.race(idle.map((socket) => once(socket, 'close')))
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
    await gone
    expect(idle.filter(({ closed }) => closed)).toHaveLength(1)
    await stop()
  })

  test('of two which want the same, the second says which setting is to be another', async () => {
    const options = {
      host: '127.0.0.1',
      token: undefined,
      metrics: () => '',
      readiness: () => ({ ready: true, why: [] }),
    }
    const first = await openWatchPort({ ...options, port: portNumber(0) })
    await expect(openWatchPort({ ...options, port: first.port })).rejects.toThrow(
      'METRICS_PORT says which it is',
    )
    await first.stop()
  })
})

describe('relay/grafana.json', () => {
  test('asks for nothing but what there is, and for every figure of calls', () => {
    const board = JSON.parse(readFileSync(join(import.meta.dirname, '../../../relay/grafana.json'), 'utf8'))
    const queries: string[] = board.panels.flatMap(({ targets = [] }: { targets?: { expr: string }[] }) =>
      targets.map(({ expr }) => expr),
    )
    const { read } = watching()
    const there = new Set(
      [...read().values()].flatMap(({ name, type }) =>
        type === 'histogram' ? ['_bucket', '_sum', '_count'].map((suffix) => name + suffix) : [name],
      ),
    )
    const named = queries.map((query) => query.match(/\b(trunkline|process|nodejs)_[a-z_]+\b/g) ?? [])
    expect(queries.length).toBeGreaterThan(15)
    expect(named.filter((names) => names.length === 0)).toEqual([])
    expect(named.flat().filter((name) => !there.has(name))).toEqual([])
  })
})

function over(changes: Partial<CallTell['call']>): CallTell {
  const told = callTell('5d1c0e6e-0000-4000-8000-000000000001')
  return {
    ...told,
    call: {
      ...told.call,
      status: 'hangup',
      started_at: '2026-01-01T00:00:00.000Z',
      answered_at: '2026-01-01T00:00:03.000Z',
      ended_at: '2026-01-01T00:01:03.000Z',
      hangup_reason: 'normal',
      ...changes,
    },
  }
}

function attempt(status: number, provider_id: string | null = 'a', pdd_ms: number | null = null) {
  return {
    provider_id,
    provider_name: 'T"e\\l\nx',
    route_id: null,
    address: '192.0.2.4:5060',
    transport: 'udp' as const,
    status,
    reason: '',
    decision: null,
    started_ms: 0,
    ended_ms: null,
    pdd_ms,
    tries: [],
    counts: true,
    destination: null,
    cause: null,
  }
}

function sound(packets: number, lost: number): CallTell['call']['media'] {
  const side = mediaSide.parse({ packets, bytes: packets * 172, lost, dropped: 0, jitter_ms: 2 })
  return { from_caller: side, from_callee: side }
}

function refused(count: number, reason = 'UNKNOWN_SOURCE') {
  return {
    kind: 'event' as const,
    tell_id: '5d1c0e6e-0000-4000-8000-000000000002',
    at: '2026-01-01T00:00:00.000Z',
    relay_id: 'berlin-1',
    customer_id: null,
    type: 'call.refused',
    data: { reason, count },
  }
}

function slice(held: number | null, used: number) {
  const scope = { kind: 'customer' as const, id: '5d1c0e6e-0000-4000-8000-000000000003' }
  return { scope, customer_id: scope.id, resource: 'channels' as const, held, used, refused: 0 }
}
