import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { hubProtocol, type MonotonicMs, portNumber } from '#contract'
import { type BeatPart, silent } from '../../../relay/ground/reporter.ts'
import type { BeatSource } from '../../../relay/io/beat-words.ts'
import { digestOf } from '../../../relay/io/beat-words.ts'
import { EdgeHttp } from '../../../relay/io/edge-http.ts'
import { HubLink } from '../../../relay/io/hub-link.ts'
import { HubServer } from '../../support/hub-server.ts'
import { beatAnswer } from '../../support/snapshot.ts'
import { pause, soon } from '../../support/wait.ts'

const key = `rk_relay-1.${'k'.repeat(43)}`

describe('a relay at the hub', () => {
  test('shows its key and protocol, says how things stand, and hears', async () => {
    const { hub, heard } = await linked()
    await soon('an answer', () => heard.includes('rest'))
    expect(hub.upgrades[0]).toMatchObject({
      authorization: `Bearer ${key}`,
      'trunkline-protocol': expect.stringMatching(/^\d+$/),
      'sec-websocket-protocol': hubProtocol,
    })
    expect(hub.beats[0]?.ask).toMatchObject({ n: 1, seen: 0, beat: { relay_id: 'relay-1', version: 3 } })
    expect(heard).toContain('answer 1')
    await soon('a pong', () => heard.some((word) => word.startsWith('current')))
  })

  test('hears news at once, and says what came of it a tenth of a second later', async () => {
    const { hub, heard, link, said } = await linked()
    await soon('to be live', () => heard.includes('rest'))
    hub.news({ version: 7, changed: [] })
    await soon('news', () => heard.includes('news {"version":7,"changed":[]}'))
    said.version = 7
    link.stir()
    await soon('a second beat', () => hub.beats.length === 2)
    expect(hub.beats[1]?.ask).toMatchObject({ n: 2, seen: 2, beat: { version: 7 } })
  })

  test('passes over what it does not understand', async () => {
    const { hub, heard, log } = await linked()
    await soon('to be live', () => heard.includes('rest'))
    for (const text of ['{"type":"joke"}', 'rubbish', '{"type":"news","serial":"one","news":{}}'])
      hub.says(text)
    hub.news({ relays: 2 })
    await soon('news', () => heard.includes('news {"relays":2}'))
    expect(log.filter((event) => event === 'hub.not_understood')).toHaveLength(2)
  })

  test('comes again when the socket is cut, and has HTTP go on within three seconds', async () => {
    const { hub, heard } = await linked()
    await soon('to be live', () => heard.includes('rest'))
    hub.cut()
    await soon('HTTP', () => heard.some((word) => word.startsWith('resume')))
    await soon(
      'the second socket',
      () => hub.upgrades.length === 2 && heard.filter((w) => w === 'rest').length === 2,
    )
    const [, ms] = heard.find((word) => word.startsWith('resume'))?.split(' ') ?? []
    expect(Number(ms)).toBeLessThanOrEqual(3_000)
  })

  test('says at once that it has what it is ordered, and of other news nothing', async () => {
    const { hub, heard } = await linked()
    await soon('to be live', () => heard.includes('rest'))
    hub.news({ version: 4, changed: [] })
    hub.news({ commands: [{ kind: 'call_hangup', command_id: randomUUID() }] as never })
    await soon('a receipt', () => hub.receipts.length > 0)
    expect(hub.receipts).toEqual([3])
  })

  test.each([404, 501])('leaves an edge which answers %s to HTTP', async (status) => {
    const { hub, heard } = await linked({ status, reason: 'NO_HUB' })
    await soon('the refusal', () => hub.upgrades.length === 1)
    await pause(150)
    expect(hub.upgrades).toHaveLength(1)
    expect(heard).toEqual([])
  })

  test('ends where another process has its name, before the upgrade or after it', async () => {
    const before = await linked({ status: 409, reason: 'RELAY_REPLACED' })
    await soon('to be replaced', () => before.heard.includes('replaced'))
    const after = await linked()
    await soon('to be live', () => after.heard.includes('rest'))
    after.hub.bye('replaced')
    await soon('to be replaced', () => after.heard.includes('replaced'))
    await pause(150)
    expect(after.hub.upgrades).toHaveLength(1)
  })

  test.each([
    ['moved', 'info'],
    ['revoked', 'warn'],
  ] as const)('is told goodbye because it %s: at level %s', async (reason, level) => {
    const { hub, heard, log, levels } = await linked()
    await soon('to be live', () => heard.includes('rest'))
    hub.bye(reason)
    await soon('the goodbye', () => log.includes('hub.bye'))
    expect(levels[log.indexOf('hub.bye')]).toBe(level)
  })
})

describe('what of a beat is news', () => {
  const at = '2026-01-01T00:00:00.000Z'
  const health = { provider_id: 'p', customer_id: 'c', since: at, latency_ms: 1, last: null, why: '' }
  const beat = {
    ...({
      relay_id: 'r',
      boot_id: 'b',
      started_at: at,
      at,
      address: '127.0.0.1',
      port: portNumber(1),
    } as const),
    ...silent,
    waiting_tells: 0,
    health: [{ ...health, status: 'healthy' as const }],
  }
  test.each([
    ['is not when it is said', { at: '2027-01-01T00:00:00.000Z' }, false, false],
    ['is not up to when mailboxes were heard of', { mailboxes_since: at }, false, false],
    ['is not how much waits to be told', { waiting_tells: 9 }, false, true],
    [
      'is not how much it has to do',
      { load: { calls: 1, registrations: 2, cpu: 0.3, loop_delay_ms: 4 } },
      false,
      true,
    ],
    ['is not what its clock says', { clock: at }, false, false],
    ['is not how fast a provider answers', { health: [{ ...beat.health[0], latency_ms: 2 }] }, false, true],
    ['is how a provider is', { health: [{ ...beat.health[0], status: 'unhealthy' }] }, true, false],
    ['is which configuration is there', { version: 4 }, true, false],
    ['is that it drains', { draining: true }, true, false],
    ['is an ending carried out', { ended: [randomUUID()] }, true, false],
  ])('%s', (_, change, news, figures) => {
    const [before, after] = [digestOf(beat), digestOf({ ...beat, ...change } as typeof beat)]
    expect([before.news !== after.news, before.figures !== after.figures]).toEqual([news, figures])
  })
})

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function linked(refuses?: HubServer['refuses']) {
  const hub = await HubServer.open()
  hub.refuses = refuses
  const exchange = new EdgeHttp({ url: hub.url, key })
  const heard: string[] = []
  const log: string[] = []
  const levels: string[] = []
  const said: { -readonly [K in keyof BeatPart]: BeatPart[K] } = { ...silent, version: 3 }
  let waiting = 0
  const beats: BeatSource = {
    process: {
      relay_id: 'relay-1',
      boot_id: randomUUID(),
      started_at: new Date().toISOString(),
      address: '127.0.0.1',
      port: portNumber(5060),
    },
    pulse: () => ({ ...said }),
    vitals: () => ({ waiting_tells: waiting++ }),
  }
  hub.answer = () => beatAnswer(1)
  const link = new HubLink({
    url: hub.url,
    key,
    http: exchange,
    beats,
    answered: (answer) => heard.push(`answer ${answer.version}`),
    news: (news) => heard.push(`news ${JSON.stringify(news)}`),
    current: (sentAt: MonotonicMs) => heard.push(`current ${sentAt}`),
    rest: () => heard.push('rest'),
    resume: (inMs) => heard.push(`resume ${Math.round(inMs)}`),
    replaced: () => heard.push('replaced'),
    random: () => 0,
    log: (level, event) => {
      log.push(event)
      levels.push(level)
    },
  })
  cleanups.push(
    () => hub.close(),
    () => exchange.close(),
    () => link.stop(),
  )
  return { hub, link, heard, said, log, levels }
}
