import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type BeatAnswer, beat, deadAfterMs, portNumber } from '#contract'
import { silent } from '../../../relay/ground/reporter.ts'
import { EdgeHttp, retryAfterMs } from '../../../relay/io/edge-http.ts'
import { Heartbeat, pauseMs } from '../../../relay/io/heartbeat.ts'
import { EdgeServer, type Fault } from '../../support/edge-server.ts'
import { beatAnswer, configuration } from '../../support/snapshot.ts'
import { pause, soon } from '../../support/wait.ts'

const key = `rk_relay-1.${'k'.repeat(43)}`

describe('a beat', () => {
  test('says who we are and how things stand, in the contract’s words', async () => {
    const { edge } = await beating({ everyMs: 50 })
    await soon('two beats', () => edge.asked('beat').length >= 2)
    const said = beat.parse(JSON.parse(edge.heard[0]?.body ?? ''))
    expect(said).toMatchObject({
      relay_id: 'relay-1',
      version: 3,
      waiting_tells: 5,
      port: 5060,
      region: 'eu-central',
    })
    expect(edge.heard[0]?.headers.authorization).toBe(`Bearer ${key}`)
  })

  test('brings what is new, and when it was asked for', async () => {
    const { edge, answers } = await beating({ everyMs: 50 })
    const customerId = randomUUID()
    edge.customers.set(customerId, configuration(customerId, 9))
    const { answer, sentAt } = await soon('news', () => answers.find(({ answer }) => answer.version === 9))
    expect(answer.changed).toEqual([{ customer_id: customerId, version: 9, gone: false }])
    expect(sentAt).toBeLessThan(performance.now())
  })

  test.each<Fault>([
    { kind: 'garbage' },
    { kind: 'truncated' },
    { kind: 'status', status: 500 },
    { kind: 'status', status: 502 },
    { kind: 'silence' },
  ])('which is answered by %j is missed, and the next is tried', async (fault) => {
    const { edge, missed, answers } = await beating({ everyMs: 50, fault })
    await soon('a missed beat', () => missed[0])
    expect(missed[0]?.away).toBe(fault.kind !== 'garbage')
    edge.fault = () => undefined
    await soon('an answer', () => answers[0])
  })

  test('to an edge which knows no beats says nothing about its other answers', async () => {
    const { missed } = await beating({ everyMs: 50, fault: { kind: 'status', status: 404 } })
    await soon('a missed beat', () => missed[0])
    expect(missed[0]?.away).toBe(false)
  })

  test('comes no more than once in five seconds from an edge in a storm', async () => {
    const { edge } = await beating({ everyMs: 50, fault: { kind: 'status', status: 500 } })
    await pause(4_000)
    expect(edge.asked('beat').length).toBeLessThanOrEqual(2)
  })

  test('which cannot wait comes at once, half a second after the last at the soonest', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const body = Buffer.from(JSON.stringify(beatAnswer(0, [])))
    let beats = 0
    const run = async () => {
      beats++
      return { status: 200, headers: {}, body }
    }
    const { heart } = beatingBy({ run }, 'http://127.0.0.1:1', 60_000)
    const beatsIn = async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms)
      return beats
    }
    expect(await beatsIn(100)).toBe(1)
    for (let times = 0; times < 5; times++) heart.hurry()
    expect([await beatsIn(399), await beatsIn(1)]).toEqual([1, 2])
    heart.hurry()
    expect([await beatsIn(499), await beatsIn(1), await beatsIn(4_000)]).toEqual([2, 3, 3])
    heart.hurry()
    expect(await beatsIn(0)).toBe(4)
  })

  test('is left out for as long as the edge says, which is no reason to ask it nothing', async () => {
    const fault: Fault = { kind: 'status', status: 429, retryAfter: '2' }
    const { edge, missed } = await beating({ everyMs: 50, fault })
    await soon('a second beat', () => edge.asked('beat').length >= 2)
    expect(missed[0]?.away).toBe(false)
    const [first, second] = edge.asked('beat')
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(1_900)
  })

  test('whose edge refuses us for good is said in a sentence, once a minute', async () => {
    const { edge, disagreed, missed } = await beating({ everyMs: 50, fault: { kind: 'status', status: 401 } })
    await soon('two refusals', () => edge.asked('beat').length >= 2)
    expect(disagreed).toEqual([expect.stringContaining('does not take this RELAY_KEY')])
    expect(missed[0]).toMatchObject({ away: false })
  })

  test('with a key which was revoked is as good as an edge which is away, and says what to do', async () => {
    const fault: Fault = { kind: 'status', status: 401, reason: 'RELAY_KEY_REVOKED' }
    const { disagreed, missed } = await beating({ everyMs: 50, fault })
    await soon('a refusal', () => disagreed[0])
    expect(disagreed).toEqual([
      expect.stringMatching(
        /has revoked this RELAY_KEY: calls under way go on.*POST \/v1.0\/relays\/relay-1\/keys/,
      ),
    ])
    expect(missed[0]).toMatchObject({ away: true })
  })

  test('whose edge has another domain is said, though it was answered', async () => {
    const { edge, disagreed, answers } = await beating({ everyMs: 50, baseDomain: 'other.example' })
    await soon('two answers', () => answers.length >= 2)
    expect(edge.asked('beat').length).toBeGreaterThan(1)
    expect(disagreed).toEqual([expect.stringContaining('BASE_DOMAIN=other.example')])
  })

  test('ends with another process of the same name', async () => {
    const { edge, replaced } = await beating({ everyMs: 50 })
    edge.replaced = true
    await soon('to be replaced', () => replaced.length > 0)
    const count = edge.asked('beat').length
    await pause(300)
    expect(edge.asked('beat')).toHaveLength(count)
  })
})

describe('the pause between beats', () => {
  const well = { everyMs: 2_000, missed: 0, retryAfterMs: 0, random: 0.5 }
  test.each([
    ['is two seconds', well, 2_000],
    ['differs by a tenth either way, so that relays do not beat together', { ...well, random: 0 }, 1_800],
    ['is as usual after one beat which came to nothing', { ...well, missed: 1 }, 2_000],
    ['is five to six seconds after several', { ...well, missed: 2 }, 5_500],
    ['is what Retry-After asks for', { ...well, missed: 1, retryAfterMs: 4_000 }, 4_000],
    [
      'is never longer than the time after which the edge takes a relay for dead',
      { ...well, missed: 9, retryAfterMs: 3_600_000 },
      deadAfterMs,
    ],
  ])('%s', (_, after, ms) => expect(pauseMs(after)).toBe(ms))
})

describe('Retry-After', () => {
  test.each([
    ['is nothing where nothing is said', undefined, 0],
    ['counts seconds', '3', 3_000],
    ['is bounded by whoever obeys it', '3600', 60_000],
    ['is nothing where it is no number and no date', 'soon', 0],
    ['is nothing where its date is past', 'Tue, 24 Nov 2020 00:00:00 GMT', 0],
    ['is bounded as a date, too', 'Fri, 24 Nov 9999 00:00:00 GMT', 60_000],
  ])('%s', (_, value, ms) => expect(retryAfterMs(value, 60_000)).toBe(ms))
})

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function beating({
  everyMs,
  fault,
  baseDomain,
}: {
  everyMs: number
  fault?: Fault
  baseDomain?: string
}) {
  const edge = await EdgeServer.open(key)
  edge.fault = () => fault
  edge.baseDomain = baseDomain
  const exchange = new EdgeHttp({ url: edge.url, key })
  cleanups.push(
    () => edge.close(),
    () => exchange.close(),
  )
  return { edge, ...beatingBy(exchange, edge.url, everyMs) }
}

function beatingBy(http: Pick<EdgeHttp, 'run'>, edgeUrl: string, everyMs: number) {
  const answers: { answer: BeatAnswer; sentAt: number }[] = []
  const missed: { why: string; away: boolean }[] = []
  const replaced: true[] = []
  const disagreed: string[] = []
  const heart = new Heartbeat({
    http,
    beats: {
      process: {
        relay_id: 'relay-1',
        boot_id: randomUUID(),
        started_at: new Date().toISOString(),
        address: '127.0.0.1',
        port: portNumber(5060),
      },
      pulse: () => ({ ...silent, version: 3 }),
      vitals: () => ({ waiting_tells: 5, region: 'eu-central' }),
    },
    answered: (answer, sentAt) => answers.push({ answer, sentAt }),
    missed: (why, away) => missed.push({ why, away }),
    self: { edgeUrl, relayId: 'relay-1', baseDomain: 'trunkline.test' },
    disagrees: (sentence) => disagreed.push(sentence),
    replaced: () => replaced.push(true),
    log: () => undefined,
    everyMs,
  })
  cleanups.push(() => heart.stop())
  return { heart, answers, missed, replaced, disagreed }
}
