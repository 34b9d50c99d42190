import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { utcMs } from '#contract'
import { OpenStreams, STREAMS } from '../../../functions/events/open-streams.ts'
import { beat, opening, told, waitAfter } from '../../../functions/events/stream-words.ts'
import { type App, type Client, startApp } from '../../support/app.ts'

let app: App
let bob: Client & { id: string; key: string }
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
})
afterAll(() => app.close())

describe('GET /v1.0/events/stream', () => {
  test('tells events as they come, and after Last-Event-ID those which were missed, each once', async () => {
    const first = await opened('?seconds=20')
    const early = [await happens('call.created'), await happens('call.ended')]
    expect((await first.events(2)).map(({ id }) => id)).toEqual(early)
    await first.cancel()
    const missed = [await happens('call.created'), await happens('call.ended')]
    const second = await opened('?seconds=20', first.lastId)
    const late = await happens('call.created')
    expect((await second.events(3)).map(({ id }) => id)).toEqual([...missed, late])
    await second.cancel()
    const { body } = await bob('GET', `/v1.0/events/${late}`)
    expect(second.lastId).toBe(String(body.sequence))
    expect(second.heard.at(-1)).toEqual(body)
  })

  test('begins now, or after what is named; more than are read at a time too', async () => {
    const since = (await bob('GET', `/v1.0/events/${await happens('call.created')}`)).body
    const many = await Promise.all(Array.from({ length: 130 }, () => happens('call.nth')))
    const now = await opened('?seconds=1')
    expect(await now.rest()).toEqual([])
    for (const after of [since.id, since.sequence]) {
      const stream = await opened(`?after=${after}&seconds=1`)
      const told = await stream.rest()
      expect(told.map(({ sequence }) => sequence)).toEqual(many.map((_, nth) => since.sequence + 1 + nth))
    }
  })

  test('tells those of a type and about one thing, and a client which comes back begins after the others', async () => {
    const subject = crypto.randomUUID()
    const stream = await opened(`?type=call.*&resource_id=${subject}&seconds=2`)
    await happens('call.created')
    const right = await happens('call.ended', subject)
    await happens('provider.health_changed', subject)
    const last = await happens('call.created')
    expect((await stream.rest()).map(({ id }) => id)).toEqual([right])
    expect(stream.lastId).toBe(String((await bob('GET', `/v1.0/events/${last}`)).body.sequence))
  })

  test('is the customer’s own', async () => {
    const carol = await app.newcomer('Carol')
    const stream = await opened('?seconds=1', undefined, carol.key)
    await happens('call.created')
    expect(await stream.rest()).toEqual([])
  })

  test('ends when its key is deleted, or expires', async () => {
    const { body: key } = await bob('POST', '/v1.0/accesskeys', { scopes: ['read'] })
    const stream = await opened('?type=call.*&seconds=30', undefined, key.token)
    await bob('DELETE', `/v1.0/accesskeys/${key.id}`)
    expect(await stream.rest()).toEqual([])
    expect(stream.text).toContain('The access key opens nothing any longer.')
    const { body: passing } = await bob('POST', '/v1.0/accesskeys', { scopes: ['read'], expire: 86_400 })
    const brief = await opened('?type=call.*&seconds=30', undefined, passing.token)
    await app.database.pool.query('update access_keys set expires_at = now() where id = $1', [passing.id])
    expect(await brief.rest()).toEqual([])
  })

  test('is open to one key so often, and no more', async () => {
    const { body: key } = await bob('POST', '/v1.0/accesskeys', { scopes: ['read'] })
    const streams = []
    for (let nth = 0; nth < STREAMS; nth += 1) streams.push(await opened('?seconds=30', undefined, key.token))
    const refused = await ask('?seconds=30', undefined, key.token)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '30'])
    expect(await refused.json()).toMatchObject({ error: { reason: 'TOO_MANY_STREAMS' } })
    await Promise.all(streams.map((stream) => stream.cancel()))
    await expect
      .poll(async () => (await ask('?seconds=1', undefined, key.token)).status, { timeout: 5_000 })
      .toBe(200)
  })

  test('costs a look nothing but one statement while nothing happens', async () => {
    const stream = await opened('?seconds=2')
    app.database.heard.splice(0)
    await stream.rest()
    const looks = app.database.heard.splice(0)
    expect(looks.length).toBeGreaterThan(1)
    expect(looks.length).toBeLessThan(12)
    expect(looks.filter((statement) => !statement.includes('event_counters'))).toEqual([])
  })

  test.each([
    ['?type=call.nonsense', undefined, 'type'],
    ['?after=yesterday', undefined, 'after'],
    ['', 'yesterday', 'after'],
    ['', '00000000-0000-4000-8000-000000000000', 'after'],
    ['?seconds=0', undefined, 'seconds'],
    ['?seconds=301', undefined, 'seconds'],
    ['?page_size=1', undefined, 'page_size'],
  ])('refuses %s with Last-Event-ID %s', async (query, last, field) => {
    const response = await ask(query, last)
    expect([response.status, (await response.json()) as object]).toMatchObject([
      400,
      { error: { details: [{ field }] } },
    ])
  })

  test('is answered to HEAD without its events', async () => {
    const response = await app.fetch('/v1.0/events/stream', {
      method: 'HEAD',
      headers: { authorization: `Bearer ${bob.key}` },
    })
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      200,
      'text/event-stream',
      '',
    ])
  })
})

describe('the words of a stream', () => {
  test.each([
    [opening(3), 'retry: 1000\nid: 3\n\n'],
    [told(4, { type: 'x', data: 'a\nb' }), 'id: 4\ndata: {"type":"x","data":"a\\nb"}\n\n'],
    [beat(4), ': still here\nid: 4\n\n'],
  ])('are %j', (words, expected) => expect(words).toBe(expected))

  test('wait longer and longer, but two seconds at most', () => {
    expect([0, 1, 2, 5, 6, 99].map(waitAfter).map(Math.round)).toEqual([250, 375, 563, 1898, 2000, 2000])
  })
})

describe('the streams of a key in an isolate', () => {
  test('are so many; one which was stopped without a word is forgotten', () => {
    const streams = new OpenStreams()
    const places = Array.from({ length: STREAMS }, () => streams.open('key', utcMs(0)))
    expect(streams.open('key', utcMs(30_000))).toBeUndefined()
    expect(streams.open('other', utcMs(0))).toBeDefined()
    places[0]?.looked(utcMs(20_000))
    expect(streams.open('key', utcMs(30_001))).toBeDefined()
    places[0]?.close()
    expect(
      Array.from({ length: STREAMS }, () => streams.open('key', utcMs(30_002))).filter(Boolean),
    ).toHaveLength(STREAMS - 1)
  })
})

/** Something happens to Bob; gives the event's id. */
async function happens(type: string, subject: string | null = null): Promise<string> {
  const id = crypto.randomUUID()
  await app.database.pool.query(
    `insert into events (id, customer_id, type, at, subject_id, data) values ($1, $2, $3, now(), $4, '{}')`,
    [id, bob.id, type, subject],
  )
  return id
}

function ask(query: string, last?: string, key = bob.key): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, ...(last !== undefined && { 'last-event-id': last }) }
  return app.fetch(`/v1.0/events/stream${query}`, { headers })
}

/** A stream which has begun. */
async function opened(query: string, last?: string, key?: string): Promise<HeardStream> {
  const response = await ask(query, last, key)
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  const stream = new HeardStream(response)
  await stream.begun()
  return stream
}

interface HeardEvent {
  id: string
  type: string
  sequence: number
}

class HeardStream {
  text = ''
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>

  constructor(response: Response) {
    this.#reader = (response.body as ReadableStream<Uint8Array>).getReader()
  }

  get heard(): HeardEvent[] {
    return [...this.text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data))
  }

  get lastId(): string | undefined {
    return [...this.text.matchAll(/^id: (\d+)\n/gm)].at(-1)?.[1]
  }

  begun(): Promise<void> {
    return this.#until(() => this.lastId !== undefined)
  }

  async events(count: number): Promise<HeardEvent[]> {
    await this.#until(() => this.heard.length >= count)
    return this.heard
  }

  async rest(): Promise<HeardEvent[]> {
    await this.#until(() => false)
    return this.heard
  }

  cancel(): Promise<void> {
    return this.#reader.cancel()
  }

  async #until(enough: () => boolean): Promise<void> {
    while (!enough()) {
      const { done, value } = await this.#reader.read()
      if (done) return
      this.text += new TextDecoder().decode(value)
    }
  }
}
